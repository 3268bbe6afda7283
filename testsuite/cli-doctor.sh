#!/bin/sh
# doctor looks at everything, and its JSON parses.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
aiopt=${AIOPT_BUILD:-.}/cli/aiopt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
looks_at ()
{
  "$aiopt" doctor --cache "$work/new" >"$work/out"
  [ $? -le 1 ] || return 1
  cat "$work/out"
  for word in gcc plugin clang assembler cpu counters clocks sandbox cache libraries model; do
    grep -Eq "^(ok|warn|fail) +$word" "$work/out" || { echo "nothing on $word"; return 1; }
  done
}
parses ()
{
  command -v python3 >/dev/null || { echo "SKIP: no python3"; return 77; }
  "$aiopt" doctor --json --cache "$work/new" >"$work/json"
  status=$?
  python3 -c 'import json, sys
j = json.load (open (sys.argv[1]))
assert j["usable"] == (sys.argv[2] == "0") and len (j["checks"]) >= 10
assert all (c["status"] in ("ok", "warn", "fail") for c in j["checks"])
assert all ("hint" in c for c in j["checks"] if c["status"] == "fail")' "$work/json" $status
}
unusable_cache ()
{
  mkdir "$work/bad"
  echo garbage >"$work/bad/cache.db"
  "$aiopt" doctor --cache "$work/bad" >"$work/out"
  [ $? -eq 1 ] && grep -q "^fail  cache" "$work/out" && grep -q "garbage" "$work/bad/cache.db"
}
# denied ERRNO PATTERN: what doctor says where perf_event_open fails so, and would help.
denied ()
{
  LD_PRELOAD=$work/fake-pmu.so AIOPT_FAKE_PMU=$1 "$aiopt" doctor --cache "$work/new" >"$work/out" 2>&1
  [ $? -le 1 ] || return 1
  grep -A1 "counters" "$work/out" | grep -E "$2" && grep -q "^ok *clocks" "$work/out"
}
fake_pmu ()
{
  if ldd "$aiopt" | grep -q libasan; then echo "SKIP: nothing can be preloaded into a sanitized program"; return 77; fi
  "$AIOPT_GCC" -D_GNU_SOURCE -I"$AIOPT_SOURCE" -shared -fPIC -O1 -o "$work/fake-pmu.so" "$AIOPT_SOURCE/testsuite/fake-pmu.c" &&
    "$@"
}
plan 8
check "every part is looked at" looks_at
check "--json" parses
check "looking makes no cache" test ! -e "$work/new"
check "a damaged cache is a failure, and left alone" unusable_cache
check "EACCES: not permitted" fake_pmu denied 13 "not permitted"
check "ENOENT: no PMU" fake_pmu denied 2 "would grant more: (a virtual PMU|a kernel)"
check "ENOSYS: no perf_event_open" fake_pmu denied 38 "no perf_event_open"
check "all is granted" fake_pmu denied group "ok *counters *PMU group: cycles"
