# What the plugin's tests share.  SPDX-License-Identifier: GPL-3.0-or-later
AIOPT_BUILD=${AIOPT_BUILD:-$(pwd)}
AIOPT_GCC=${AIOPT_GCC:-gcc-12}
AIOPT_GXX=${AIOPT_GXX:-g++-12}
plugin=$AIOPT_BUILD/plugin/aiopt.so
store=$AIOPT_BUILD/testsuite/plugin-store
work=$(mktemp -d "${TMPDIR:-/tmp}/aiopt-plugin.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
cd "$work" || exit 99
unset AIOPT_CACHE AIOPT_HELPER
tests=0
# ok NAME COMMAND…: the test NAME passes where COMMAND succeeds.
ok () {
  ok_name=$1; shift
  tests=$((tests + 1))
  if "$@" >"$work/ok.out" 2>&1; then
    echo "ok $tests - $ok_name"
  else
    echo "not ok $tests - $ok_name"
    sed 's/^/# /' "$work/ok.out"
  fi
}
plan () { echo "1..$tests"; }
# aiopt KEY=VALUE… -- GCC-ARGUMENTS…: gcc with the plugin.
aiopt () {
  aiopt_args=
  while [ "$1" != -- ]; do aiopt_args="$aiopt_args -fplugin-arg-aiopt-$1"; shift; done
  shift
  "$AIOPT_GCC" -fplugin="$plugin" $aiopt_args "$@"
}
