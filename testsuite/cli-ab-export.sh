#!/bin/sh
# What ab exports says what its JSON says, runs nothing, loads nothing; each figure names its rung, with and without a PMU.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
aiopt=${AIOPT_BUILD:-.}/cli/aiopt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
needs_python () { command -v python3 >/dev/null || { echo "SKIP: no python3"; exit 77; }; }
# exported NAME ARGUMENTS…: an experiment in all formats, as $work/NAME.*
exported ()
{
  name=$1
  shift
  "$aiopt" ab --json "$work/$name.json" --csv "$work/$name.csv" --markdown "$work/$name.md" --html "$work/$name.html" \
    "$@" >"$work/$name.out" 2>&1
  status=$?
  cat "$work/$name.out"
  return $status
}
# agree NAME FORMAT SUFFIX
agree ()
{
  (needs_python; exec python3 "$AIOPT_SOURCE/testsuite/ab-export.py" "$2" "$work/$1.$3" "$work/$1.json")
}
# json NAME EXPRESSION: of j
json ()
{
  (needs_python; exec python3 -c 'import json, sys
j = json.load (open (sys.argv[1]))
m = j["metrics"]
assert eval (sys.argv[2]), (j["not_counted"], {k: (v["rung"], v["counted_share"]) for k, v in m.items ()})' \
    "$work/$1.json" "$2")
}
# fails STATUS PATTERN ARGUMENTS…
fails ()
{
  want=$1 pattern=$2
  shift 2
  "$aiopt" ab "$@" >"$work/out" 2>&1
  status=$?
  cat "$work/out"
  [ $status -eq "$want" ] && grep -Eq -e "$pattern" "$work/out"
}
# The sentence at the end may be longer.
narrow () { awk 'length > 80 && !/^(B is|no difference)/ { print; wide = 1 } END { exit wide }' "$1"; }
# Bytes that aren't UTF-8, and a control character, become U+FFFD.
strange_bytes ()
{
  "$aiopt" ab --runs 2 --warmup 0 --html "$work/bytes.html" true "$(printf 'x\377\001y\355\240\200z')" -- true &&
    needs_python &&
    python3 -c 'import sys
text = open (sys.argv[1], encoding="utf-8").read ()
assert "x\ufffd\ufffdy\ufffd\ufffd\ufffdz" in text
assert not [c for c in text if ord (c) < 32 and c != "\n"]' "$work/bytes.html"
}
standard_output ()
{
  "$aiopt" ab --runs 4 --warmup 0 --csv - true -- true >"$work/standard.csv" 2>/dev/null &&
    [ "$(head -n 1 "$work/standard.csv" | cut -d, -f1-4)" = run,pair,layout,side ] && [ "$(wc -l <"$work/standard.csv")" -eq 9 ]
}
# The same object twice, linked anew for each block.
layouts ()
{
  echo 'int work (int); int main (void) { return work (3) == 0; }' >"$work/main.c"
  echo 'int work (int x) { return x; }' >"$work/work.c"
  "$AIOPT_GCC" -O2 -c -o "$work/main.o" "$work/main.c" && "$AIOPT_GCC" -O2 -c -o "$work/work.o" "$work/work.c" &&
    exported layouts --runs 8 --all-runs --warmup 0 --relink "$AIOPT_GCC" "$work/main.o" "$work/work.o" -- \
      "$AIOPT_GCC" "$work/work.o" "$work/main.o" && grep -q "by link layout" "$work/layouts.html"
}
# with_pmu HOW NAME ARGUMENTS…: exported, on the machine of testsuite/fake-pmu.c.
with_pmu ()
{
  if ldd "$aiopt" | grep -q libasan; then echo "SKIP: nothing can be preloaded into a sanitized program"; return 77; fi
  [ -e "$work/fake-pmu.so" ] ||
    "$AIOPT_GCC" -D_GNU_SOURCE -I"$AIOPT_SOURCE" -shared -fPIC -O1 -o "$work/fake-pmu.so" "$AIOPT_SOURCE/testsuite/fake-pmu.c" ||
    return 1
  how=$1
  shift
  (LD_PRELOAD=$work/fake-pmu.so; AIOPT_FAKE_PMU=$how; export LD_PRELOAD AIOPT_FAKE_PMU; exported "$@")
}
# rungs HOW RUNG SHARE: what the five standard events stand on.
rungs ()
{
  with_pmu "$1" pmu --runs 2 true -- true || return
  agree pmu html html && agree pmu markdown md && agree pmu csv csv && narrow "$work/pmu.out" &&
    json pmu "sum (v['rung'] == '$2' and v['counted_share'] == $3 for v in m.values ()) == 5 and not j['not_counted']"
}
# denied ERRNO PATTERN: without counters everything else works, and the reason is named.
denied ()
{
  with_pmu "$1" denied --runs 2 --events page-faults true -- true || return
  agree denied html html && grep -Eq "no cycle counts: $2" "$work/denied.out" && grep -Eq "$2" "$work/denied.html" &&
    json denied "m['task_seconds']['rung'] == 'task clock' and m['wall_seconds']['rung'] == 'raw clock'" &&
    json denied "len (j['not_counted']) == 6 and j['not_counted']['page-faults'] and len (m) == 2"
}
plan 24
mkdir -p "$work/<script>alert(1)<"
cp "$(command -v sleep)" "$work/<script>alert(1)</script>"
check "an experiment in all formats" exported markup --runs 13 --events page-faults --same-output \
  "$work/<script>alert(1)</script>" 0.001 -- sh -c 'sleep 0.01' "it's \"B\" & <b>\`A\`|"
check "HTML says what JSON says, is well-formed, escaped, and loads nothing" agree markup html html
check "CSV has a line for each run, with JSON's values" agree markup csv csv
check "Markdown's figures are JSON's" agree markup markdown md
check "odd runs are rounded up to blocks" json markup 'j["pairs"] == 14'
check "page faults are counted, or it says why not" json markup \
  '"page-faults" in j["not_counted"] or (m["page-faults"]["rung"] == "kernel event" and min (m["page-faults"]["a"]) > 10)'
check "80 columns are enough" narrow "$work/markup.out"
check "bytes that are no text" strange_bytes
check "CSV to standard output, alone" standard_output
check "link layouts" layouts
check "link layouts in HTML" agree layouts html html
check "link layouts in CSV" agree layouts csv csv
check "a file that can't be written" fails 1 "writing $work/none/x.html: No such file" --runs 2 --html "$work/none/x.html" true -- true
check "an event that isn't" fails 64 "event 'no-such-event': event not found" --events page-faults,no-such-event true -- true
check "an event named twice" fails 64 "'page-faults' is named twice" --events page-faults,page-faults true -- true
check "an event of the kernel" fails 64 "'page-faults:k': asks for kernel mode" --events page-faults:k true -- true
check "a PMU" rungs group "PMU group" 1
check "a PMU with other users" rungs shared "PMU group" 0.25
check "a kernel without group reads" rungs old "PMU alone" 1
check "a group that starves is given up after the warm-up" rungs starved "PMU alone" 1
check "a PMU with three counters" with_pmu small small --runs 2 true -- true
check "EACCES, as perf_event_paranoid 3 gives" denied 13 "not permitted"
check "no PMU" denied 2 "no hardware counters"
check "no perf_event_open" denied 38 "no perf_event_open"
