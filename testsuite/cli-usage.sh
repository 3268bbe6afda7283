#!/bin/sh
# Every subcommand has --help; wrong usage is exit status 64 and one error that names the value.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
aiopt=${AIOPT_BUILD:-.}/cli/aiopt
AIOPT_CACHE=$(mktemp -d)/cache
export AIOPT_CACHE
trap 'rm -rf "${AIOPT_CACHE%/cache}"' EXIT

# usage WORD ARGUMENTS…: status 64, nothing on standard output, standard error names WORD.
usage ()
{
  word=$1
  shift
  out=$("$aiopt" "$@" 2>"$AIOPT_CACHE.err")
  status=$?
  cat "$AIOPT_CACHE.err"
  [ $status -eq 64 ] || { echo "status $status instead of 64"; return 1; }
  [ -z "$out" ] || { echo "standard output: $out"; return 1; }
  grep -qF -e "$word" "$AIOPT_CACHE.err"
}
helps ()
{
  "$aiopt" "$1" --help >"$AIOPT_CACHE.help" || return 1
  grep -q "^Usage: aiopt $1" "$AIOPT_CACHE.help" && grep -q -e --help "$AIOPT_CACHE.help" \
    && [ "$(wc -l <"$AIOPT_CACHE.help")" -gt 5 ]
}
plan 26
check "--help" sh -c '"$0" --help | grep -q "explain"' "$aiopt"
check "--version" sh -c '"$0" --version | grep -Eq "^aiopt [0-9]+\.[0-9]+"' "$aiopt"
check "no command is wrong usage" usage "Usage:"
check "an unknown command is named, the valid ones listed" usage "'frobnicate' is no command; there are: tune" frobnicate
for command in tune verify explain ab cache config doctor; do
  check "$command --help" helps $command
done
for command in tune verify explain ab cache config doctor; do
  check "$command: an unknown option" usage "--frobnicate" $command --frobnicate
done
check "cache: nothing to do" usage "stats, list, show, gc or check" cache
check "cache: an unknown verb" usage "'burn'" cache burn
check "cache show: of what?" usage "function" cache show
check "cache gc: a bad age" usage "'-3'" cache gc --older-than=-3
check "config: nothing to do" usage "show or path" config
check "explain: two arguments" usage "'b'" explain a b
check "doctor: an argument" usage "'x'" doctor x
check "nothing of this made a cache" test ! -e "$AIOPT_CACHE"
