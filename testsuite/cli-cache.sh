#!/bin/sh
# cache and explain say what is in the cache, to people and to scripts.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
build=${AIOPT_BUILD:-.}
aiopt=$build/cli/aiopt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache="$work/a cache"

# says PATTERN COMMAND…: succeeds, and its output matches PATTERN and holds no escape sequence.
says ()
{
  pattern=$1
  shift
  "$@" >"$work/out" 2>"$work/err" || { cat "$work/err"; return 1; }
  cat "$work/out"
  grep -Eq -e "$pattern" "$work/out" && ! grep -q "$(printf '\033')" "$work/out"
}
# fails STATUS PATTERN COMMAND…
fails ()
{
  want=$1 pattern=$2
  shift 2
  "$@" >"$work/out" 2>"$work/err"
  status=$?
  cat "$work/err"
  [ $status -eq "$want" ] && grep -Eq -e "$pattern" "$work/err"
}
# json EXPRESSION COMMAND…: the output, as Python's j, makes EXPRESSION true.
json ()
{
  expression=$1
  shift
  command -v python3 >/dev/null || { echo "SKIP: no python3"; return 77; }
  "$@" >"$work/json" || return 1
  python3 -c 'import json, sys
j = json.load (open (sys.argv[1]))
assert eval (sys.argv[2]), j' "$work/json" "$expression"
}
plan 29
check "a missing cache is empty" says "^rewrites +0$" "$aiopt" cache stats --cache "$cache"
check "a missing cache lists nothing" says "empty" "$aiopt" cache list --cache "$cache"
check "a missing cache is sound" says "sound" "$aiopt" cache check --cache "$cache"
check "explain on an empty cache" fails 1 "empty" "$aiopt" explain --cache "$cache"
check "reading made nothing" test ! -e "$cache"
check "a cache is filled" "$build/testsuite/cli-fill" "$cache"
check "stats" says "^rewrites +1 \(geometric mean 1.50x" "$aiopt" cache stats --cache "$cache"
check "stats --json" json 'j["rewrites"] == 1 and j["negatives"] == 1 and j["waiting"] == 1' \
  "$aiopt" cache stats --json --cache "$cache"
check "AIOPT_CACHE names the cache" says "^rewrites +1" env AIOPT_CACHE="$cache" "$aiopt" cache stats
check "list: a rewrite" says "double_it .*double.c:3 .*1.50x faster" "$aiopt" cache list --cache "$cache"
check "list: a negative" says "already_best .*not faster" "$aiopt" cache list --cache "$cache"
check "list: a queued one" says "not_yet .*waiting" "$aiopt" cache list --cache "$cache"
check "list --json" json 'len (j) == 3 and "code" not in j[0]' "$aiopt" cache list --json --cache "$cache"
check "list by file" json 'len (j) == 1' "$aiopt" cache list --json best.c --cache "$cache"
check "list of nothing" fails 1 "'zzz'" "$aiopt" cache list zzz --cache "$cache"
check "show by key" says "already_best" "$aiopt" cache show bbbbbbbb --cache "$cache"
check "show --json" json 'j[0]["evidence"]["tests"] == 12345 and "leal" in j[0]["code"]' \
  "$aiopt" cache show --json double_it --cache "$cache"
check "show of nothing" fails 1 "'zzz'" "$aiopt" cache show zzz --cache "$cache"
check "explain: the rewrite's speed" says "1.50x faster, 95 % interval 1.40-1.60" \
  "$aiopt" explain double_it --cache "$cache"
check "explain: the original code" says "imull" "$aiopt" explain double_it --cache "$cache"
check "explain: the new code" says "leal" "$aiopt" explain double_it --cache "$cache"
check "explain: the evidence" says "tests 12345.*killed 9" "$aiopt" explain double_it --cache "$cache"
check "explain: a negative" says "kept .*not faster" "$aiopt" explain already_best --cache "$cache"
check "explain: a waiting one" says "aiopt tune" "$aiopt" explain not_yet --cache "$cache"
check "explain --json" json \
  'len (j) == 3 and [x["became"] for x in j if x["function"] == "double_it"] == ["rewritten"] and any ("imull" in x.get ("original_code", "") for x in j)' \
  "$aiopt" explain --json --cache "$cache"
check "explain: a misspelt name" fails 1 "did you mean double_it" "$aiopt" explain doubel --cache "$cache"
check "gc of nothing old" says "^0 entries" "$aiopt" cache gc --cache "$cache"
check "gc of all" sh -c 'sleep 1.1; "$0" cache gc --older-than 0 --cache "$1" | grep -q "^2 entries"' "$aiopt" "$cache"
printf 'garbage' >"$work/a cache/cache.db"
check "a damaged cache is named" fails 1 "cache.db.*not a database" "$aiopt" cache check --cache "$cache"
