#!/bin/sh
# A few hundred random mutants of some functions; `make check-false-accept` makes a hundred thousand of all.
# SPDX-License-Identifier: GPL-3.0-or-later
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
"$AIOPT_BUILD/testsuite/false-accept" --only=p1 --mutants=6000 --budget=0.15 --full=0.3 --factor=4 --jobs=2 --minutes=0.25 --folder="$folder"
