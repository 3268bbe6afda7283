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
assert j["verdict"] == "slower" and j["pairs"] == 12 and j["a"] == ["true"] and j["metric"] == "wall_seconds"
assert j["end"] == "all-run" and j["looks"] == 1 and j["look_level"] == 0.05 and j["layouts"] == 1 and j["noise"] > 0
w = j["metrics"]["wall_seconds"]
for n in w["a"], w["b"], j["order"], j["layout"], j["begin_a"], j["begin_b"], j["environment_a"], j["environment_b"]:
  assert len (n) == 12
assert w["ratio_high"] < 1 and "p_holm" not in w and j["metrics"]["task_seconds"]["p_holm"] <= 1
assert len (set (j["environment_a"] + j["environment_b"])) > 12
# A block is ABBA or BAAB, and runs follow each other as its order says.
assert all (j["order"][i] != j["order"][i + 1] for i in range (0, 12, 2))
assert all ((a < b) == (o == "AB") for a, b, o in zip (j["begin_a"], j["begin_b"], j["order"]))' "$1"
}
count='i=0; while [ $i -lt $1 ]; do i=$((i+1)); done'
# Ctrl-C after a block or two: what there is, and 130.
interrupted ()
{
  # A shell without job control starts background programs with SIGINT ignored; aiopt sets its own handler.
  "$aiopt" ab --runs 1000 sleep 0.01 -- sleep 0.01 >"$work/out" 2>&1 &
  pid=$!
  sleep 1
  kill -INT $pid
  wait $pid
  status=$?
  cat "$work/out"
  [ $status -eq 130 ] && grep -q "no difference.*wall clock" "$work/out" && grep -q "interrupted after [0-9]* pairs" "$work/out"
}
# Two programs of two objects each, one of which does twice the work.
objects ()
{
  [ -f "$work/two.o" ] && return
  (
    cd "$work" || exit
    cat >main.c <<'C'
#include <stdio.h>
#include <stdlib.h>
unsigned work (unsigned n);
unsigned before (unsigned x) { return x * 3; }
unsigned after (unsigned x) { return x ^ x >> 3; }
int main (int argc, char **argv) { printf ("%u\n", after (work (before (argc > 1 ? atoi (argv[1]) : 1)))); }
C
    cat >work.c <<'C'
unsigned work (unsigned n) { unsigned x = 1; for (unsigned i = 0; i < n * TIMES; i++) x = x * 5 + (x >> 3); return x; }
C
    for f in "" "-ffunction-sections"; do
      "$AIOPT_GCC" -O1 $f -c main.c -o "main$f.o" && "$AIOPT_GCC" -O1 $f -DTIMES=1 -c work.c -o "one$f.o" \
        && "$AIOPT_GCC" -O1 $f -DTIMES=2 -c work.c -o "two$f.o" || exit
    done
  )
}
relinks ()
{
  objects || return
  before=$(ls -d "${TMPDIR:-/tmp}"/aiopt-relink-* 2>/dev/null | wc -l)
  # Runs of 30 ms: of 8 ms twice the work didn't always show where other tests run beside this one.
  "$aiopt" ab --relink --runs 16 --metric task "$AIOPT_GCC" "$work/main$1.o" "$work/one$1.o" -- \
    "$AIOPT_GCC" "$work/main$1.o" "$work/two$1.o" -- 12000000 >"$work/out" 2>&1
  status=$?
  cat "$work/out"
  [ $status -eq 0 ] && grep -q "B is .*x slower" "$work/out" || return
  grep -q "8 layouts of each; A/B spreads by [0-9.e-]* % between them (objects shuffled${1:+, functions too})" "$work/out" || return
  after=$(ls -d "${TMPDIR:-/tmp}"/aiopt-relink-* 2>/dev/null | wc -l)
  [ "$after" -le "$before" ]
}
# The layouts themselves: a "linker" that keeps each program it makes.
layouts_differ ()
{
  objects || return
  mkdir -p "$work/kept"
  cat >"$work/cc" <<E
#!/bin/sh
for last; do :; done
"$AIOPT_GCC" "\$@" || exit
case \$last in */fresh) cp "\$last" "$work/kept/\$(ls "$work/kept" | wc -l)";; esac
E
  chmod +x "$work/cc"
  "$aiopt" ab --relink --runs 8 --same-output "$work/cc" "$work/main$1.o" "$work/one$1.o" -- "$work/cc" "$work/main$1.o" "$work/one$1.o" -- 10 || return
  # Warm-up and four blocks, two sides.
  [ "$(ls "$work/kept" | wc -l)" -eq 10 ] || return
  for f in "$work"/kept/*; do
    nm "$f" | awk '$3 ~ /^(main|work|before|after)$/ { print $1, $3 }' | sort | cut -d' ' -f2 | tr '\n' ' '; echo
  done | sort | uniq -c >"$work/orders"
  for f in "$work"/kept/*; do nm "$f" | awk '$3 == "work" { print $1 }'; done | sort -u >"$work/places"
  rm -r "$work/kept"
  cat "$work/orders" "$work/places"
  # Of 24 orders of four functions, ten draws give fewer than four once in a million.
  [ "$(wc -l <"$work/places")" -ge 5 ] && { [ -z "$1" ] || [ "$(wc -l <"$work/orders")" -ge 4 ]; }
}
# Ctrl-C while it links: nothing is left behind.
relink_interrupted ()
{
  objects || return
  mkdir -p "$work/tmp"
  TMPDIR=$work/tmp "$aiopt" ab --relink --runs 100 "$AIOPT_GCC" "$work/main.o" "$work/one.o" -- \
    "$AIOPT_GCC" "$work/main.o" "$work/two.o" >"$work/out" 2>&1 &
  pid=$!
  sleep 0.5
  kill -INT $pid
  wait $pid
  status=$?
  cat "$work/out"
  [ $status -eq 130 ] && [ -z "$(ls "$work/tmp")" ]
}
plan 39
check "a sleeper is slower, by the wall clock" ab 0 "B is .*x slower, 95 % interval .*wall clock, 12 pairs; A/A noise [0-9.]+ %" \
  --runs 12 --json "$work/j" true -- sleep 0.02
check "its JSON holds all that was measured" parses "$work/j"
check "less work is faster, by the task clock" ab 0 "B is .*x faster, 95 % interval .*task clock" --runs 15 \
  sh -c "$count" x 30000 -- sh -c "$count" x 10000
check "what is clear is decided early" ab 0 "stopped early: decided at look [1-5], " --runs 400 true -- sleep 0.02
check "unless all runs are asked for" ab 0 "wall clock, 40 pairs" --runs 40 --all-runs true -- sleep 0.005
check "two that are the same: what is excluded, and early" ab 0 "no difference larger than [0-9.]+ % shown|B is" \
  --runs 2000 --resolution 50 sleep 0.005 -- sleep 0.005
check "that was by the resolution" grep -Eq "stopped early: (resolution reached|decided) at look" "$work/out"
check "a time limit ends it" ab 0 "stopped by the time limit, after [01]\.[0-9] s" --seconds 1 sleep 0.04 -- sleep 0.04
check "too few pairs show nothing" ab 0 "no difference shown: 4 pairs can't show one, 12 can" --runs 3 true -- sleep 0.01
check "Ctrl-C ends it with what there is" interrupted
check "the same output" ab 0 "output was the same" --runs 2 --same-output echo a -- echo a
check "another output" ab 1 "B, 'echo', wrote another" --runs 2 --same-output echo a -- echo b
check "another length of output" ab 1 "B, 'echo', wrote another" --runs 2 --same-output echo a -- echo ab
check "an output that changes by itself" ab 1 "A, .sh., wrote another .*first run" --runs 2 --same-output sh -c 'echo $$' -- echo 1
check "without warm-up too" ab 1 "B, 'echo', wrote another" --runs 2 --warmup 0 --same-output echo a -- echo b
check "A fails" ab 1 "A, 'false', ended with exit status 1" false -- true
check "B fails, with its last words" ab 1 "B, 'sh', ended with exit status 3: farewell" true -- sh -c 'echo farewell >&2; exit 3'
check "B crashes" ab 1 "signal 11" true -- sh -c 'kill -SEGV $$'
check "B crashes after a while" ab 1 "B, 'sh', was killed by signal 6" true -- \
  sh -c 'echo >>"$0"; [ $(wc -l <"$0") -lt 6 ] || kill -ABRT $$' "$work/runs"
check "B can't be run" ab 1 "can't be run: No such file" true -- "$work/none"
check "no second program" ab 64 "'--'" true
check "an empty side" ab 64 "both sides" true --
check "no program" ab 64 "expected two programs"
check "runs that are no number" ab 64 "'many'" --runs many true -- true
check "no time at all" ab 64 "seconds '0'.*above 0" --seconds 0 true -- true
check "a resolution that is none" ab 64 "resolution '-1'.*per cent" --resolution=-1 true -- true
check "all runs, and yet fewer" ab 64 "contradict" --all-runs --resolution 1 true -- true
check "a metric that isn't" ab 64 "'luck'" --metric luck true -- true
check "options after A are A's" ab 0 "pairs" --runs 2 echo --runs x -- echo --json
check "cycles, or why not" sh -c '"$0" ab --runs 6 --metric cycles true -- true 2>&1 | grep -Eq "user cycles"' "$aiopt"
check "relinked: layouts, their spread, nothing left behind" relinks ""
check "Ctrl-C while it links leaves nothing behind" relink_interrupted
check "relinked by functions" relinks "-ffunction-sections"
check "each link puts objects elsewhere" layouts_differ ""
check "each link has another order of functions" layouts_differ "-ffunction-sections"
check "relinking without objects" ab 64 "relink.*no object" --relink cc -lm -- cc x.o
check "relinking with -o" ab 64 "'-o'.*without -o" --relink cc -o a x.o -- cc x.o
check "relinking what isn't an object" ab 64 "README.o' is no ELF object|README.o'" --relink cc "$work/README.o" -- cc x.o
check "a link that fails says why" sh -c 'printf "int main (void) { return missing (); }" >"$1/m.c"; "$AIOPT_GCC" -w -c "$1/m.c" -o "$1/m.o"
  "$0" ab --relink "$AIOPT_GCC" "$1/m.o" -- "$AIOPT_GCC" "$1/m.o" >"$1/out" 2>&1; [ $? -eq 1 ] && grep -q "linking A: .*undefined reference to .missing" "$1/out"' "$aiopt" "$work"
