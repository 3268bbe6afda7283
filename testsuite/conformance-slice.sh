#!/bin/sh
# A short slice of each conformance run; the whole runs are make check-torture, check-fuzz and check-stress.
# SPDX-License-Identifier: GPL-3.0-or-later
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
needs_plugin
plan 4
check "no-op identity on every 60th torture file" "$here/conformance/noop-identity" 60
check "execute torture, two files" "$here/conformance/torture-execute" '2000022*.c' 1
check "csmith, four programs" "$here/conformance/csmith" 4 1001 1
check "twelve units, two tuners, two kills" "$here/conformance/stress" 12 2
