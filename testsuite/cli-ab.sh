#!/bin/sh
# ab says what is faster where something is, nothing where nothing is, and refuses programs that fail.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
aiopt=${AIOPT_BUILD:-.}/cli/aiopt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# ab STATUS PATTERN ARGUMENTS…: exit status and something in either output.
ab ()
{
  want=$1 pattern=$2
  shift 2
  "$aiopt" ab "$@" >"$work/out" 2>&1
  status=$?
  cat "$work/out"
  [ $status -eq "$want" ] && grep -Eq -e "$pattern" "$work/out"
}
parses ()
{
  command -v python3 >/dev/null || { echo "SKIP: no python3"; return 77; }
  python3 -c 'import json, sys
j = json.load (open (sys.argv[1]))
assert j["verdict"] == "slower" and j["pairs"] == 8 and j["a"] == ["true"] and j["metric"] == "wall_seconds"
w = j["metrics"]["wall_seconds"]
assert len (w["a"]) == len (w["b"]) == len (j["order"]) == 8 and w["ratio_high"] < 1
assert j["order"].count ("AB") == j["order"].count ("BA")' "$1"
}
count='i=0; while [ $i -lt $1 ]; do i=$((i+1)); done'
plan 20
check "a sleeper is slower, by the wall clock" ab 0 "B is .*x slower.*wall clock, 8 pairs" --runs 8 --json "$work/j" true -- sleep 0.01
check "its JSON holds all that was measured" parses "$work/j"
check "less work is faster, by the task clock" ab 0 "B is .*x faster, 95 % interval .*task clock" --runs 15 \
  sh -c "$count" x 30000 -- sh -c "$count" x 10000
check "too few pairs show nothing" ab 0 "no difference shown: 3 pairs" --runs 3 true -- sleep 0.01
check "the same output" ab 0 "output was the same" --runs 2 --same-output echo a -- echo a
check "another output" ab 1 "B, 'echo', wrote another" --runs 2 --same-output echo a -- echo b
check "another length of output" ab 1 "B, 'echo', wrote another" --runs 2 --same-output echo a -- echo ab
check "an output that changes by itself" ab 1 "A, .sh., wrote another .*first run" --runs 2 --same-output sh -c 'echo $$' -- echo 1
check "without warm-up too" ab 1 "B, 'echo', wrote another" --runs 2 --warmup 0 --same-output echo a -- echo b
check "A fails" ab 1 "A, 'false', ended with exit status 1" false -- true
check "B fails, with its last words" ab 1 "B, 'sh', ended with exit status 3: farewell" true -- sh -c 'echo farewell >&2; exit 3'
check "B crashes" ab 1 "signal 11" true -- sh -c 'kill -SEGV $$'
check "B can't be run" ab 1 "can't be run: No such file" true -- "$work/none"
check "no second program" ab 64 "'--'" true
check "an empty side" ab 64 "both sides" true --
check "no program" ab 64 "expected two programs"
check "runs that are no number" ab 64 "'many'" --runs many true -- true
check "a metric that isn't" ab 64 "'luck'" --metric luck true -- true
check "options after A are A's" ab 0 "pairs" --runs 2 echo --runs x -- echo --json
check "cycles, or why not" sh -c '"$0" ab --runs 6 --metric cycles true -- true 2>&1 | grep -Eq "user cycles"' "$aiopt"
