#!/bin/sh
# `aiopt tune`: finds something faster for a kernel, remembers what it finds and what it doesn't, survives policies that
# misbehave, and leaves nothing behind when it is interrupted.
# SPDX-License-Identifier: GPL-3.0-or-later
source=${AIOPT_SOURCE:-${srcdir:-.}}
. "$source/testsuite/tap.sh"
needs_plugin
aiopt=$AIOPT_BUILD/cli/aiopt
gcc=${AIOPT_GCC:-gcc}
dir=$(mktemp -d "${TMPDIR:-/tmp}/aiopt tune.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/tmp"
TMPDIR=$dir/tmp; export TMPDIR
cd "$dir" || exit 99

cat >kernel.c <<'END'
#include <stddef.h>
unsigned sum (const unsigned char *a, size_t n) { unsigned s = 0; for (size_t i = 0; i < n; i++) s += a[i]; return s; }
int id (int a) { return a; }
END
collect () # FUNCTION CACHE
{
  "$gcc" -O2 -fplugin="$AIOPT_BUILD/plugin/aiopt.so" -fplugin-arg-aiopt-mode=collect -fplugin-arg-aiopt-hot="$1" \
    -fplugin-arg-aiopt-isa=native "-fplugin-arg-aiopt-cache=$2" -c -o kernel.o kernel.c
}
tunes ()
{
  collect sum good || return 1
  "$aiopt" tune --cache good --dry-run | grep -q 'sum' || return 1
  "$aiopt" tune --cache good --budget 10 --json >out || return 1
  cat out
  grep -q '"rewritten":1' out && grep -q '"waiting":0' out
}
applies ()
{
  "$gcc" -O2 -fplugin="$AIOPT_BUILD/plugin/aiopt.so" -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-hot=sum \
    -fplugin-arg-aiopt-isa=native -fplugin-arg-aiopt-cache=good -S -o new.s kernel.c && "$gcc" -O2 -S -o old.s kernel.c && ! cmp -s new.s old.s
}
negative ()
{
  collect id negative && "$aiopt" tune --cache negative --budget 1 --json >out || return 1
  cat out
  grep -q '"rewritten":0' out && grep -q '"left_alone":1' out
  "$aiopt" tune --cache negative --budget 1 --json | grep -q '"functions":\[\]'
}
# REASON COMMAND: whatever the policy does, tune ends well and says so.
misbehaves ()
{
  rm -rf bad; collect id bad || return 1
  timeout 20 "$aiopt" tune --cache bad --budget 2 --json --policy "exec:$2" >out || { echo "status $?"; cat out; return 1; }
  cat out
  grep -Eq "\"reason\":\"($1)\"" out
}
candidate () # TEXT, \\n for newlines: prints a shell command that proposes it
{
  printf '%s' "read -r r; printf '%s\\n' '{\"type\":\"candidate\",\"form\":\"asm\",\"text\":\"id:\\n$1\"}'; read -r v; printf '%s\\n' '{\"type\":\"done\"}'"
}
interrupted ()
{
  rm -rf stop; collect sum stop || return 1
  "$aiopt" tune --cache stop --budget 60 --policy 'exec:sleep 1000' --quiet &
  pid=$!
  sleep 0.7
  kill -INT $pid
  wait $pid
  status=$?
  echo "status $status"
  [ $status -eq 130 ] || return 1
  "$aiopt" tune --cache stop --dry-run | grep sum
}

plan 15
check "a kernel is tuned" tunes
check "the next build applies it" applies
check "nothing better is remembered too" negative
check "garbage" misbehaves policy-reply 'while :; do echo garbage; done'
check "half a line" misbehaves policy-reply "printf '{\"type\"'"
check "a hundred megabytes" misbehaves policy-size 'head -c 100000000 /dev/zero'
check "nothing" misbehaves policy-failed 'true'
check "silence" misbehaves policy-timeout 'sleep 100'
check ".incbin" misbehaves directive "$(candidate '\t.incbin \"/etc/passwd\"\n\tret\n')"
check "a system call" misbehaves forbidden "$(candidate '\tsyscall\n\tret\n')"
check "an endless loop" misbehaves nonterminating "$(candidate '.L1:\n\tjmp .L1\n')"
check "a clobbered callee-saved register" misbehaves callee-saved "$(candidate '\tmovl %edi, %ebx\n\tmovl %ebx, %eax\n\tret\n')"
check "a store outside its objects" misbehaves 'caller-frame|store|fault|memory|footprint' "$(candidate '\tmovl %edi, 24(%rsp)\n\tmovl %edi, %eax\n\tret\n')"
check "Ctrl-C stores nothing and gives the lease back" interrupted
check "no temporary file or process is left" sh -c 'ls -A "$1"; [ -z "$(ls -A "$1")" ]' - "$TMPDIR"
