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
  for word in gcc plugin clang assembler cpu counters sandbox cache libraries; do
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
assert j["usable"] == (sys.argv[2] == "0") and len (j["checks"]) >= 9
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
plan 4
check "every part is looked at" looks_at
check "--json" parses
check "looking makes no cache" test ! -e "$work/new"
check "a damaged cache is a failure, and left alone" unusable_cache
