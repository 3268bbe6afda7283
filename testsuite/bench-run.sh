#!/bin/sh
# The benchmark's quick run: a table, JSON and a picture; equal results; two results compared; errors that name kernel and
# build.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
needs_plugin
top=${AIOPT_SOURCE:-$(dirname "$0")/..}
compare=$AIOPT_BUILD/bench/compare
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset BENCH_CFLAGS BENCH_BUDGET BENCH_TIME BENCH_POLICY BENCH_RECORD BENCH_RECORDINGS COLUMNS
export BENCH_QUICK=1
# run STATUS PATTERN OUTPUT-DIRECTORY KERNEL…: exit status, and something in either output.
run ()
{
  want=$1 pattern=$2
  shift 2
  "$top/bench/run" "$AIOPT_BUILD" "$@" >"$work/said" 2>&1
  status=$?
  cat "$work/said"
  [ $status -eq "$want" ] && grep -Eq -e "$pattern" "$work/said"
}
# says STATUS PATTERN COMMAND…
says ()
{
  want=$1 pattern=$2
  shift 2
  "$@" >"$work/said" 2>&1
  status=$?
  cat "$work/said"
  [ $status -eq "$want" ] && grep -Eq -e "$pattern" "$work/said"
}
python ()
{
  command -v python3 >/dev/null || { echo "SKIP: no python3"; return 77; }
  python3 "$@"
}
lists_all ()
{
  for k in hd01_clear_low list_sum sad to_lower '= all, 4'; do
    grep -q "^$k" "$work/a/table.txt" || { echo "no '$k'"; return 1; }
  done
}
is_narrow () { awk 'length > 80 { print; bad = 1 } END { exit bad }' "$work/a/table.txt"; }
json ()
{
  python -c 'import json, sys
j = json.load (open (sys.argv[1]))
assert j["machine"]["cores"] > 0 and j["aiopt"]["version"].startswith ("aiopt") and j["wrong"] == 0
names = [b["name"] for b in j["builds"]]
assert {"o2", "o2_again", "gcc_O3_native", "aiopt"} <= set (names)
assert [k["kernel"] for k in j["kernels"]] == ["hd01_clear_low", "sad", "list_sum", "to_lower"]
for k in j["kernels"]:
    assert len (k["sizes"]) == 4 and k["sizes"] == sorted (k["sizes"])
    assert k["best_compiler"] in names and k["tuned"]["tried"] > 0
    for name in names:
        b = k["builds"][name]
        assert b["result"] == "equal", (k["kernel"], name, b["result"])
        assert len (b["seconds"]) == 4 and all (0 < s < 1 for s in b["seconds"])
        o = b["over_o2"]
        assert 0 < o["low"] <= o["estimate"] <= o["high"]
    assert k["builds"]["o2"]["over_o2"]["estimate"] == 1
    assert k["best_compiler"] not in ("aiopt", "o2_again")
    assert k["aiopt_over_best"] == k["builds"][k["best_compiler"]]["aiopt_over"]
count = j["counts"]["best"]
assert count["faster"] + count["equal"] + count["slower"] == 4
assert j["groups"][-1]["field"] == "all" and j["groups"][-1]["kernels"] == 4' "$work/a/results.json"
}
is_alone ()
{
  python -c 'import sys, xml.etree.ElementTree as t
root = t.parse (sys.argv[1]).getroot ()
assert root.tag.endswith ("svg")
titles = [e.text for e in root.iter () if e.tag.endswith ("title")]
assert len (titles) == 4, titles
assert not [v for e in root.iter () for v in e.attrib.values () if "//" in v]' "$work/a/picture.svg"
}
# A copy of the results in which sad is twice as fast, to_lower half as fast, and list_sum has another name.
change ()
{
  python -c 'import json, sys
j = json.load (open (sys.argv[1]))
for k in j["kernels"]:
    o = k["builds"]["aiopt"]["over_o2"]
    f = {"sad": 2, "to_lower": 0.5}.get (k["kernel"], 1)
    k["builds"]["aiopt"]["over_o2"] = {n: f * o["estimate"] for n in o}
    if k["kernel"] == "list_sum":
        k["kernel"] = "other"
json.dump (j, open (sys.argv[2], "w"))' "$work/a/results.json" "$work/changed.json"
}
compares ()
{
  [ -e "$work/changed.json" ] || { echo "SKIP: no python3"; return 77; }
  says 0 "3 kernels in common: .*; 1 faster, 1 slower" "$compare" "$work/a/results.json" "$work/changed.json" \
    && grep -Eq '^sad .* 2\.000 faster' "$work/said" && grep -Eq '^to_lower .* 0\.500 slower' "$work/said" \
    && grep -q 'list_sum *in the old alone' "$work/said" && grep -q 'other *in the new alone' "$work/said"
}
# The first run's times with a sad that takes half as long again; it is named, timed again, and what the second run says counts.
seems_slower ()
{
  python -c 'import json, sys
j = json.load (open (sys.argv[1]))
again = {"kernels": [k for k in j["kernels"] if k["kernel"] == "sad"]}
json.dump (again, open (sys.argv[3], "w"))
for k in again["kernels"]:
    k["seconds"]["aiopt"] = [[1.5 * x for x in size] for size in k["seconds"]["o2"]]
json.dump (j, open (sys.argv[2], "w"))' "$work/a/work/times.json" "$work/slow.json" "$work/again.json" || return
  set -- "$AIOPT_BUILD/bench/run-report" --tune "$work/a/work/tune.json" --builds "$work/a/work/builds.tsv" --run "$work/a/work/run.tsv" \
    --times "$work/slow.json"
  says 0 '^sad$' "$@" --slower && ! says 0 'Timed again' "$@" \
    && says 0 'sad *0\.6.*, then [1-9]' "$@" --again "$work/again.json" --json "$work/again-results.json" \
    && grep -q aiopt_over_o2_first "$work/again-results.json" && ! says 0 '^sad$' "$@" --again "$work/again.json" --slower
}
# A compiler that compiles another sad.c, one with CODE before its return.
impostor ()
{
  sed "s/^  return sum;/  $1/" "$top/bench/kernels/sad.c" >"$work/sad.c"
  cat >"$work/impostor" <<EOF
#!/bin/sh
for a; do
  shift
  case \$a in */sad.c) a=$work/sad.c ;; esac
  set -- "\$@" "\$a"
done
exec $AIOPT_GCC "\$@"
EOF
  chmod +x "$work/impostor"
}
wrong ()
{
  impostor 'return sum + (n == 1000);'
  AIOPT_CLANG=$work/impostor run 1 'kernel sad, build clang_O2: wrong result at size 1000' "$work/b" sad
}
crashes ()
{
  impostor '__builtin_trap ();'
  AIOPT_CLANG=$work/impostor run 1 'kernel sad, build clang_O2: illegal instruction' "$work/b" sad
}
fails ()
{
  impostor 'return;;)'
  AIOPT_CLANG=$work/impostor run 1 'kernel sad, build clang_O2: .*failed' "$work/b" sad
}
survives () { cmp "$work/kept.json" "$work/b/results.json" && ! ls "$work"/b/*.new 2>/dev/null; }

plan 23
check "a quick run" run 0 "4 kernels, [1-4] rewritten.*Wrong results: 0" "$work/a"
check "its table has every kernel and all of them" lists_all
check "the table is 80 columns wide" is_narrow
check "its JSON holds machine, builds, kernels and equal results" json
check "its picture is XML, has all kernels, and needs nothing else" is_alone
check "what seems slower than -O2 is timed again" seems_slower
check "a result compared with itself has not changed" says 0 "geomean of new/old 1.000 .*; 0 faster, 0 slower" \
  "$compare" "$work/a/results.json" "$work/a/results.json"
check "a changed copy" change
check "what is faster, slower, and in one alone" compares
check "compare: no file" says 1 "none.json: No such file" "$compare" "$work/none.json" "$work/a/results.json"
check "compare: something else" says 1 "table.txt: expected results" "$compare" "$work/a/table.txt" "$work/a/results.json"
check "compare: one file" says 64 "usage" "$compare" "$work/a/results.json"
export BENCH_BUDGET=1 BENCH_TIME=0.05
check "without clang" env AIOPT_CLANG=none "$top/bench/run" "$AIOPT_BUILD" "$work/b" sad
check "its columns are left out" sh -c "! grep -q c-O2 '$work/b/table.txt' && grep -q g-nat '$work/b/table.txt'"
cp "$work/b/results.json" "$work/kept.json"
check "a crash is said with kernel and build" crashes
check "a failed compilation, too" fails
check "neither touched the earlier results" survives
check "a wrong result is said with kernel, build and size" wrong
check "no such kernel" run 1 "'nonsense': no such kernel; there are: adler32" "$work/b" nonsense
check "jobs that are no number" env BENCH_JOBS=0 sh -c '"$1/bench/run" "$2" "$3" sad 2>&1 | grep "BENCH_JOBS is .0.: expected"' \
  x "$top" "$AIOPT_BUILD" "$work/b"
check "a budget that is no number" env BENCH_BUDGET=much sh -c '"$1/bench/run" "$2" "$3" sad 2>&1 | grep "BENCH_BUDGET is .much.: expected"' \
  x "$top" "$AIOPT_BUILD" "$work/b"
check "no build directory" says 1 "'$work/none': expected the directory" "$top/bench/run" "$work/none"
check "no compiler" env AIOPT_GCC=nogcc sh -c '"$1/bench/run" "$2" "$3" sad 2>&1 | grep "AIOPT_GCC is .nogcc.: expected"' \
  x "$top" "$AIOPT_BUILD" "$work/b"
