#!/bin/sh
# bench/growth measures small sizes to its end, says so as JSON, refuses bad numbers by name, and leaves nothing behind.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
needs_plugin
growth=${AIOPT_BUILD:-.}/bench/growth
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

refuses ()
{
  "$growth" --build "${AIOPT_BUILD:-.}" "$@" >"$work/out" 2>&1
  status=$?
  cat "$work/out"
  [ $status -eq 64 ]
}
measures ()
{
  TMPDIR=$work "$growth" --build "${AIOPT_BUILD:-.}" --quick --entries 300 --functions 10 --json "$work/json" compile cache \
    || return 1
  tr -d '\n\t' <"$work/json" >"$work/line"
  grep -q '"functions":10,' "$work/line" && grep -q '"entries":300,.*"stats_seconds":0.*"check_seconds":' "$work/line"
}
goes_on ()
{
  TMPDIR=$work "$growth" --build "${AIOPT_BUILD:-.}" --quick --entries 300 --cache "$work/kept" cache || return 1
  before=$(stat -c %s "$work/kept/cache.db")
  TMPDIR=$work "$growth" --build "${AIOPT_BUILD:-.}" --quick --entries 400 --only-largest --cache "$work/kept" cache \
    && [ "$(stat -c %s "$work/kept/cache.db")" -gt "$before" ] && "${AIOPT_BUILD:-.}/cli/aiopt" cache check --cache "$work/kept"
}
clean ()
{
  ! ls -d "$work"/aiopt-growth.*
}

plan 6
check "a number of entries that is none" refuses --entries 10x
check "no functions" refuses --functions 0
check "an unknown part" refuses everything
check "small sizes are measured" measures
check "a kept cache is gone on with" goes_on
check "nothing is left behind" clean
