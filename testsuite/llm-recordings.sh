#!/bin/sh
# Recorded answers of a capable model (bench/recordings), with nobody to ask: rewrites are accepted anew, and are what they say.
# Two functions; `bench/llm` has all of them.
# SPDX-License-Identifier: GPL-3.0-or-later
source=${AIOPT_SOURCE:-${srcdir:-.}}
. "$source/testsuite/tap.sh"
needs_plugin
grep -qw avx2 /proc/cpuinfo && grep -qw bmi2 /proc/cpuinfo || { echo "1..0 # SKIP the answers were given for AVX2, which this machine lacks"; exit 0; }
aiopt=$AIOPT_BUILD/cli/aiopt
gcc=${AIOPT_GCC:-gcc}
source=$(cd "$source" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/aiopt-recordings.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/tmp"
TMPDIR=$dir/tmp; export TMPDIR
kernels='base64_encode fletcher'
compile () # MODE
{
  for k in $kernels; do
    "$gcc" -O2 -march=haswell -fplugin="$AIOPT_BUILD/plugin/aiopt.so" -fplugin-arg-aiopt-mode="$1" -fplugin-arg-aiopt-hot=attribute \
      -fplugin-arg-aiopt-cache="$dir/cache" -I"$source/bench/kernels" -DKERNEL_SYMBOL=x -S -o "$dir/$1-$k.s" \
      "$source/bench/kernels/$k.c" || return 1
  done
}
tunes ()
{
  compile collect || return 1
  "$aiopt" tune --cache "$dir/cache" --policy llm --budget 16 --jobs 1 --json --set llm.replay=only \
    --set llm.recordings="$source/bench/recordings" >"$dir/out" || return 1
  cat "$dir/out"
  grep -q '"rewritten":2' "$dir/out" && grep -q '"requests":0' "$dir/out"
}
by_the_model ()
{
  [ "$(grep -o '"policy":"llm"' "$dir/out" | wc -l)" -eq 2 ] && ! grep -q '"ratio":1\.[0-4]' "$dir/out"
}
applies ()
{
  compile apply && compile off || return 1
  for k in $kernels; do
    ! cmp -s "$dir/apply-$k.s" "$dir/off-$k.s" && grep -q ymm "$dir/apply-$k.s" || { echo "$k"; return 1; }
  done
}
no_secrets ()
{
  ! grep -rqE '127\.0\.0\.1|localhost|sk-[a-z]' "$source/bench/recordings"
}
plan 4
check "both are rewritten, from recordings alone" tunes
check "by the model, and clearly faster" by_the_model
check "the next build has them" applies
check "the recordings hold no key and no host" no_secrets
