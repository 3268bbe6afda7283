#!/bin/sh
# `aiopt tune --dry-run --show-prompt`: what would be sent is shown, and nothing else happens.
# SPDX-License-Identifier: GPL-3.0-or-later
source=${AIOPT_SOURCE:-${srcdir:-.}}
. "$source/testsuite/tap.sh"
needs_plugin
aiopt=$AIOPT_BUILD/cli/aiopt
gcc=${AIOPT_GCC:-gcc}
work=$(mktemp -d "${TMPDIR:-/tmp}/aiopt-show-prompt.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 99
export AIOPT_CACHE=$work/cache NO_COLOR=1
unset OPENAI_BASE_URL OPENAI_API_KEY AIOPT_CONFIG

cat >two.c <<'END'
#include <stddef.h>
#include "private.h"
/* nobody may read this comment */
static int neighbour (int a) { return a + 1; }
__attribute__ ((hot, aiopt ("rows are short"))) int
sum_rows (const struct row *row, size_t n)
{
  int sum = 0; // nor this
  for (size_t i = 0; i < n; i++)
    sum += row[i].weight * ROUNDS;
  return sum;
}
__attribute__ ((hot)) int other (int a) { return neighbour (a) * 3; }
END
echo 'struct row { short tag; int weight; };' >private.h
"$gcc" -O2 -DROUNDS=12 -DNAME='"secret text"' "-fplugin=$AIOPT_BUILD/plugin/aiopt.so" -fplugin-arg-aiopt-hot=attribute \
  -fplugin-arg-aiopt-isa=native -fplugin-arg-aiopt-mode=collect -c two.c -o two.o || exit 99

has () { grep -qF -- "$1" out || { echo "missing: $1"; cat out; return 1; }; }
hasnt () { ! grep -qF -- "$1" out; }

shows_all ()
{
  "$aiopt" tune --dry-run --show-prompt >out || return 1
  has "==== system message" && has "==== user message about sum_rows" && has "==== user message about other" && has "2 functions; nothing was sent"
}
task_is_whole ()
{
  has "int sum_rows (const struct row *row, size_t n);" && has "  int weight; /* at 4 */" && has "sum += row[i].weight * ROUNDS;" && has "-DROUNDS=12" \
    && has "rows are short" && has "leal	(%rax,%rax,2), %eax" && has "Instruction sets you may use: "
}
private_stays ()
{
  hasnt "may read this" && hasnt "nor this" && hasnt "private.h" && hasnt "secret text" && hasnt "$work"
}
one_key ()
{
  key=$("$aiopt" tune --dry-run --json | tr '{' '\n' | sed -n 's/^"key":"\([0-9a-f]*\)","function":"other".*/\1/p')
  "$aiopt" tune --dry-run --show-prompt --key "$key" >out || return 1
  has "1 function; nothing was sent" && has "about other" && hasnt "about sum_rows"
}
as_json ()
{
  "$aiopt" tune --dry-run --show-prompt --json >out || return 1
  [ "$(wc -l <out)" -eq 1 ] && has '{"system":"' && has '"schema":{"type":"object"' && has '"function":"sum_rows","task":"' && has '"function":"other","task":"'
}
still_waiting () { [ "$("$aiopt" tune --dry-run | tail -n 1 | cut -d ' ' -f 1)" = 2 ]; }
usage () { "$aiopt" tune --show-prompt; [ $? -eq 64 ]; }
unknown_key () { "$aiopt" tune --dry-run --show-prompt --key "$(printf '%064d' 7)"; [ $? -eq 1 ]; }
# The source has gone: the task does without.
without_source ()
{
  rm two.c
  "$aiopt" tune --dry-run --show-prompt >out && has "It isn't at hand" && has "leal	(%rax,%rax,2), %eax"
}

plan 9
check "all queued functions are shown" shows_all
check "the task has prototype, source, types, code and hint" task_is_whole
check "comments, strings, paths and headers stay at home" private_stays
check "--key shows one" one_key
check "--json" as_json
check "the queue is as it was" still_waiting
check "--show-prompt without --dry-run is wrong usage" usage
check "a key that nobody knows" unknown_key
check "without the source file" without_source
