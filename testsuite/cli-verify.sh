#!/bin/sh
# `aiopt verify` on small functions: right candidates are tested, wrong ones refuted with their reason, odd ones not accepted,
# and the exit status says which.
# SPDX-License-Identifier: GPL-3.0-or-later
source=${AIOPT_SOURCE:-${srcdir:-.}}
. "$source/testsuite/tap.sh"
needs_plugin
aiopt=$AIOPT_BUILD/cli/aiopt
dir=$(mktemp -d "${TMPDIR:-/tmp}/aiopt verify.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/tmp"
TMPDIR=$dir/tmp; export TMPDIR
cd "$dir" || exit 99

cat >original.c <<'END'
#include <stddef.h>
int sum (const int *a, size_t n) { int s = 0; for (size_t i = 0; i < n; i++) s += a[i]; return s; }
void copy (char *to, const char *from, size_t n) { for (size_t i = 0; i < n; i++) to[i] = from[i]; }
unsigned mix (unsigned a, unsigned b) { return (a ^ b) * 5 + 3; }
int vol (volatile int *p) { return *p + *p; }
long double square (unsigned x, long double y)
{
  if ((x * x & 7) == 5)
    return y / 7 - y;
  return y + y;
}
long double twice (long double x) { return x + x; }
END
cat >right.c <<'END'
unsigned mix (unsigned a, unsigned b) { unsigned x = a ^ b; return (x << 2) + x + 3; }
END
cat >wrong.c <<'END'
unsigned mix (unsigned a, unsigned b) { unsigned x = a ^ b; return (x << 2) + x + (x == 0x80000000u ? 4 : 3); }
END
cat >sum.c <<'END'
#include <stddef.h>
int sum (const int *a, size_t n) { int s = 0, t = 0; size_t i = 0; for (; i + 1 < n; i += 2) { s += a[i]; t += a[i + 1]; } if (i < n) s += a[i]; return s + t; }
END
cat >overread.c <<'END'
#include <stddef.h>
int sum (const int *a, size_t n) { int s = 0; for (size_t i = 0; i < n; i += 2) { int x = ((volatile const int *) a)[i + 1]; s += a[i] + (i + 1 < n ? x : 0); } return s; }
END
cat >overlap.c <<'END'
#include <stddef.h>
void copy (char *to, const char *from, size_t n) { size_t i = 0; for (; i + 8 <= n; i += 8) { long x; __builtin_memcpy (&x, from + i, 8); __builtin_memcpy (to + i, &x, 8); } for (; i < n; i++) to[i] = from[i]; }
END
asm () { printf "mix:\n$2" >"$1.s"; }
asm syscall '\tsyscall\n\tret\n'
asm loop '.L1:\tjmp .L1\n'
asm saved '\tmovl %%edi, %%ebx\n\txorl %%esi, %%ebx\n\tleal 3(%%rbx,%%rbx,4), %%eax\n\tret\n'
asm incbin '\t.incbin "/etc/passwd"\n\tret\n'
asm store '\tmovl %%edi, 64(%%rsp)\n\txorl %%esi, %%edi\n\tleal 3(%%rdi,%%rdi,4), %%eax\n\tret\n'
asm symbol '\tjmp system\n'
asm good '\txorl %%edi, %%esi\n\tleal 3(%%rsi,%%rsi,4), %%eax\n\tret\n'

# verdict STATUS REASON FUNCTION CANDIDATE [OPTION…]: the exit status, and the reason ("-": any) in the JSON.
verdict ()
{
  want=$1; reason=$2; function=$3; candidate=$4; shift 4
  "$aiopt" verify original.c --function "$function" "$candidate" --budget 3 --json "$@" >out 2>err
  status=$?
  cat out err
  case $status in $want) ;; *) false ;; esac || { echo "exit status $status instead of $want"; return 1; }
  case $reason in -) ;; *) grep -Eq "\"reason\":\"($reason)\"" out ;; esac
}

# What is told of a counterexample: the call in C's terms, shrunk, and the same again from the JSON.
shows () # PATTERN FUNCTION CANDIDATE
{
  "$aiopt" verify original.c --function "$2" "$3" --budget 3 >out 2>err
  cat out err
  grep -Eq "$1" out || { echo "no line like $1"; return 1; }
}
replays () # FUNCTION CANDIDATE
{
  "$aiopt" verify original.c --function "$1" "$2" --budget 3 --json >found.json
  rm -rf away; mkdir away; mv original.c "$2" away
  "$aiopt" verify --replay found.json >out 2>err; status=$?
  mv away/* .
  cat out err
  [ $status -eq 1 ] && grep -q 'counterexample:' out || { echo "status $status"; return 1; }
  # Another candidate's code in it: nothing is confirmed.
  sed 's/"candidate":"[^"]*"/"candidate":"\\tret\\n"/; s/,"state":/,"unknown":0,"state":/' found.json >other.json
  sed 's/"gpr":\[/"gpr":["0x0",/' found.json >broken.json
  "$aiopt" verify --replay broken.json >out 2>&1; status=$?
  cat out
  [ $status -eq 1 ] && grep -q 'gpr' out || return 1
}
helps () # PATTERN FUNCTION CANDIDATE [OPTION...]
{
  pattern=$1; function=$2; candidate=$3; shift 3
  "$aiopt" verify original.c --function "$function" "$candidate" --budget 3 "$@" >out 2>err; status=$?
  cat out err
  [ $status -eq 2 ] && grep -Eq "what would help: .*$pattern" out
}
# What has no proof (there is none of x87 code) and can't be reached by tests.
printf 'twice:\n\tcmpl %%edi, %%edi\n\tjne .L1\n\tfldt 8(%%rsp)\n\tfadd %%st(0), %%st\n\tret\n.L1:\tfldz\n\tret\n' >dead.s
printf 'twice:\n\tfldt 8(%%rsp)\n\tfld %%st(0)\n\tfaddp %%st, %%st(1)\n\tret\n' >twice.s
printf 'square:\n\tfldt 8(%%rsp)\n\tfadd %%st(0), %%st\n\tret\n' >square.s

plan 27
check "a right C candidate is accepted" verdict 0 - mix right.c
check "a right assembler candidate is accepted" verdict 0 - mix good.s
check "a loop unrolled by two is accepted" verdict 0 - sum sum.c
check "one wrong input of 2^32 values is refuted" verdict 1 result mix wrong.c
check "reading past the end is refuted" verdict 1 fault sum overread.c
check "copying eight bytes at a time where objects may overlap is refuted" verdict 1 - copy overlap.c
check "a system call is refused" verdict "[12]" forbidden mix syscall.s
check "an endless loop is refuted" verdict 1 nonterminating mix loop.s
check "a clobbered callee-saved register is refuted" verdict 1 'callee-saved|cfi' mix saved.s
check "a store outside its objects is not accepted" verdict '[12]' - mix store.s
check ".incbin is refused" verdict 2 directive mix incbin.s
check "a new symbol is refused" verdict "[12]" 'new-symbol|calls|control-flow' mix symbol.s
check "a function that is left alone is unknown, with the reason" verdict 2 volatile vol right.c
check "what is proved is accepted as proved" verdict 0 - mix right.c --accept proved
check "tested is not proved" verdict 2 - twice twice.s --accept proved
check "a function that isn't there is wrong usage" verdict 64 - nobody right.c
check "a missing file is wrong usage" verdict 64 - mix missing.c
check "the original's own flags count" sh -c '! "$1" verify original.c --function mix right.c --budget 1 -- -O2 -DX= -Dunsigned=oops >/dev/null 2>&1' - "$aiopt"
check "a counterexample is shrunk and told in C's terms" shows '^  mix \(a = (2147483648 \(0x80000000\), b = 0|0, b = 2147483648 \(0x80000000\))\)' mix wrong.c
check "expected against found" shows '^    returns: expected 2147483651 \(0x80000003\), found 2147483652' mix wrong.c
check "an object is as large as it is" shows '^  sum \(a = \{.*\} \(int\[1\], ends at an unmapped page.*\), n = 1\)' sum overread.c
check "sharing is shown" shows '^  copy \(.*(&?(to|from)(\[[0-9]+\])?|\(char \*\) (to|from)).*n = ' copy overlap.c
check "a counterexample is replayed without source or compiler" replays mix wrong.c
check "unknown names the reason's remedy" helps 'a function of its own' vol right.c
check "and what the tests have not reached" helps "not reached yet: the candidate's 'jne .L1' at [+]2, one way of it" twice dead.s
check "by its source line where that is known" helps "not reached yet: the original's '.*' at [+][0-9]+ \\(original.c:[89]\\)" square square.s -- -O1 -g
check "no temporary file is left" sh -c 'ls -A "$1"; [ -z "$(ls -A "$1")" ]' - "$TMPDIR"
