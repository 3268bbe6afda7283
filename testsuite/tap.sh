# A little TAP for shell tests: plan N; then check "name" command…; a command that exits 77 is a skip.
# SPDX-License-Identifier: GPL-3.0-or-later
tap_number=0
plan () { echo "1..$1"; }
# needs_plugin: skips the whole test where the plugin isn't built (--enable-sanitize).
needs_plugin ()
{
  [ -e "$AIOPT_BUILD/plugin/aiopt.so" ] && return
  echo "1..0 # SKIP built without the plugin"
  exit 0
}
check ()
{
  tap_number=$((tap_number + 1))
  tap_name=$1
  shift
  tap_output=$("$@" 2>&1)
  tap_status=$?
  if [ $tap_status -eq 0 ]; then
    echo "ok $tap_number - $tap_name"
  elif [ $tap_status -eq 77 ]; then
    echo "ok $tap_number - $tap_name # SKIP $(printf '%s' "$tap_output" | tail -n 1 | sed 's/^SKIP: //')"
  else
    echo "not ok $tap_number - $tap_name"
  fi
  printf '%s\n' "$tap_output" | sed 's/^/# /'
}
