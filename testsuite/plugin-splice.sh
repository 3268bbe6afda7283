#!/bin/sh
# A cached rewrite takes the place of GCC's code: the program still gives the same answers, callers compiled later know what
# the new code clobbers and that it wants an aligned stack, debug information and unwinding stay whole.
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/plugin-tap.sh"
cat > t.c <<'END'
#include <stdio.h>
static __attribute__((hot, noinline, noclone)) int leaf (int a) { return a * 3 + 1; }
__attribute__((hot, noinline, noclone)) int sum (const int *p, long n) { int s = 0; for (long i = 0; i < n; i++) s += p[i]; return s; }
__attribute__((noinline, noclone)) int kept (int a, int b, int c, int d, int e, int f)
{ int x = leaf (a); return x + a * 1 + b * 2 + c * 3 + d * 4 + e * 5 + f * 6; }
int two (int a, int b) { int x = leaf (a + b); int y = leaf (x ^ a); return x * y + a; }
int three (int a, int b) { int x = leaf (a + b); int y = leaf (x ^ b); return x * y + a * b; }
int main (void) { int p[37]; for (int i = 0; i < 37; i++) p[i] = i * i; 
  printf ("%d %d %d %d %d\n", leaf (4), kept (1, 2, 3, 4, 5, 6), sum (p, 37), two (5, 6), three (7, 8)); return 0; }
END
# leaf: changes everything that a call may change, and stores to the stack as if aligned.
cat > leaf.s <<'END'
	.text
	.globl leaf
	.type leaf, @function
leaf:
	leal 1(%rdi,%rdi,2), %eax
	movaps %xmm0, -24(%rsp)
	movl $-1, %ecx
	movl $-2, %edx
	movl $-3, %esi
	movl $-4, %edi
	movl $-5, %r8d
	movl $-6, %r9d
	movl $-7, %r10d
	movl $-8, %r11d
	pxor %xmm0, %xmm0
	pxor %xmm1, %xmm1
	ret
	.size leaf, .-leaf
END
cat > sum.s <<'END'
	.text
	.globl sum
	.type sum, @function
sum:
	xorl %eax, %eax
	pushq %rbx
	leaq (%rdi,%rsi,4), %rbx
	testq %rsi, %rsi
	jle .Ldone
.Lmore:
	subq $4, %rbx
	addl (%rbx), %eax
	cmpq %rdi, %rbx
	jne .Lmore
.Ldone:
	popq %rbx
	ret
	.size sum, .-sum
END
"$AIOPT_GCC" -O2 t.c -o plain && ./plain > want
ok "collect" aiopt mode=collect cache=$work/cache -- -O2 -c t.c -o t.o
ok "the functions are queued" sh -c "'$store' cache key leaf && '$store' cache key sum"
ok "leaf's rewrite is stored" "$store" cache rewrite leaf leaf.s
ok "sum's rewrite is stored" "$store" cache rewrite sum sum.s
ok "apply" aiopt mode=apply cache=$work/cache report=r.json -- -O2 -S t.c -o t.s
ok "report: two replaced" grep -q '"replaced":[[:space:]]*2' r.json
ok "the new code is there" sh -c "grep -q 'leal.*1(%rdi,%rdi,2)' t.s && grep -q 'pushq.*%rbx' t.s"
gives () { # FLAGS: the program built with FLAGS and the rewrites gives what plain gives
  aiopt mode=apply cache=$work/cache report=r.json -- $1 t.c -o new && grep -q '"replaced":[[:space:]]*[1-9]' r.json && ./new > got && cmp want got
}
ok "same answers: -O2" gives -O2
# -g must find the same entries.
ok "same answers: -O2 -g" gives "-O2 -g"
ok "same answers: -O2 -g3 -ffunction-sections -fverbose-asm" gives "-O2 -g3 -ffunction-sections -fverbose-asm"
ok "same answers: -O2 -flto" gives "-O2 -flto -ffat-lto-objects"
ok "the debug information is whole" sh -c "'$AIOPT_GCC' -O2 -g -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=cache -c t.c -o g.o && \
  readelf --debug-dump=info,line,frames g.o > dump 2>err && ! grep -i warning err"
ok "callers don't keep values in registers that the new code changes" sh -c "gcc_kept=\$(./plain | cut -d' ' -f2); ./new | cut -d' ' -f2 | grep -qx \"\$gcc_kept\""
# A second function in the same section, with a jump table: the text says itself where it stands.
cat > sw.c <<'END'
int g (int);
__attribute__((hot)) int first (int a) { return g (a) + 1; }
__attribute__((hot)) int sw (int x) { switch (x) { case 0: return g (5); case 1: return g (77); case 2: return 3; case 3: return g (x) + 9;
  case 4: return 6; case 5: return g (2) * 3; case 7: return 12; } return 1; }
__attribute__((noinline)) int g (int a) { return a + 3; }
int main (void) { int s = first (1); for (int i = -1; i < 9; i++) s = s * 3 + sw (i); __builtin_printf ("%d\n", s); return 0; }
END
table () {
  "$AIOPT_GCC" -O2 -fno-inline sw.c -o swp && ./swp > sww && "$AIOPT_GCC" -O1 -S sw.c -o alt.s &&
  aiopt mode=collect cache=$work/swc -- -O2 -g -c sw.c -o sw.o && "$store" swc rewrite sw alt.s &&
  aiopt mode=apply cache=$work/swc report=sw.json -- -O2 -g -fno-inline sw.c -o swn && grep -q '"replaced":[[:space:]]*1' sw.json &&
  ./swn > swg && cmp sww swg
}
ok "a jump table, in a function that isn't the first of its section" table
ok "-fno-ipa-ra too" gives "-O2 -fno-ipa-ra"
ok "remark with -fopt-info" sh -c "'$AIOPT_GCC' -O2 -fopt-info -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=cache -c t.c -o g.o 2>&1 | grep 'aiopt: sum replaced: 1.50x by by hand, tested'"
ok "limit=1 applies one" sh -c "'$AIOPT_GCC' -O2 -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-limit=1 -fplugin-arg-aiopt-report=l.json -c t.c -o g.o && grep -q '\"replaced\":[[:space:]]*1' l.json && grep -q '\"limit\"' l.json"
ok "accept=proved doesn't take a tested entry" sh -c "'$AIOPT_GCC' -O2 -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-accept=proved -fplugin-arg-aiopt-report=l.json -c t.c -o g.o && grep -q '\"replaced\":[[:space:]]*0' l.json"
ok "AIOPT_CACHE names the cache" sh -c "AIOPT_CACHE=$work/cache '$AIOPT_GCC' -O2 -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-report=l.json -c t.c -o g.o && grep -q '\"replaced\":[[:space:]]*2' l.json"
ok "a negative entry is stored" "$store" cache negative sum
ok "and keeps the function" sh -c "'$AIOPT_GCC' -O2 -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-report=l.json -c t.c -o g.o && grep -q '\"negative\"' l.json"
head -c 2000 /dev/urandom > junk; for file in cache/*; do cp junk "$file"; done
ok "a destroyed cache is a reason and no failure" sh -c "test -z \"\$('$AIOPT_GCC' -O2 -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-report=l.json -c t.c -o g.o 2>&1)\" && grep -q '\"reason\":[[:space:]]*\"cache\"' l.json"
plan
