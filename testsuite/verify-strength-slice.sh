#!/bin/sh
# One candidate in eleven of the corpus that measures the verifier, at a small budget; `make check-verify` runs them all.
# SPDX-License-Identifier: GPL-3.0-or-later
exec "$AIOPT_BUILD/testsuite/verify-strength" --slice=11 --budget=2 --jobs=2
