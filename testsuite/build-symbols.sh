#!/bin/sh
# No two of our archives define the same name: a linker would silently take one of them for both.
# SPDX-License-Identifier: GPL-3.0-or-later
source=${AIOPT_SOURCE:-${srcdir:-.}}
. "$source/testsuite/tap.sh"
unique ()
{
  cd "$AIOPT_BUILD" || return 1
  # Coverage and sanitizer runtimes may add names of their own.
  twice=$(for a in */lib*.a; do nm -g --defined-only "$a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; done | grep -v '^__' | sort | uniq -d)
  echo "$twice"
  [ -z "$twice" ]
}
plan 1
check "no name is defined in two archives" unique
