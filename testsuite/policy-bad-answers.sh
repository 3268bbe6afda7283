#!/bin/sh
# End to end, gcc with policy=exec:SCRIPT: whatever a policy answers, it is refused for its own reason, the build goes on with
# GCC's code, byte for byte, and the program is right; a good answer of the same kind is accepted and applied.
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/plugin-tap.sh"
command=$AIOPT_BUILD/cli/aiopt
AIOPT_HELPER=$command; export AIOPT_HELPER
budget=3

# The program: twice has something to write, sum is for the good answer.
cat > twice.c <<'END'
#include <stddef.h>
__attribute__ ((hot, noinline)) void
twice (unsigned *to, const unsigned *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = from[i] * 2;
}
END
cat > sum.c <<'END'
#include <stddef.h>
__attribute__ ((hot, noinline)) unsigned
sum (const unsigned *from, size_t n)
{
  unsigned all = 0;
  for (size_t i = 0; i < n; i++)
    all += from[i];
  return all;
}
END
cat > main.c <<'END'
#include <stddef.h>
#include <stdio.h>
void twice (unsigned *to, const unsigned *from, size_t n);
unsigned sum (const unsigned *from, size_t n);
int
main (void)
{
  unsigned from[100], to[101];
  to[100] = 7;
  for (unsigned i = 0; i < 100; i++)
    from[i] = i * i;
  twice (to, from, 100);
  printf ("%u %u\n", sum (to, 101), sum (from, 99));
  return 0;
}
END
right='656707 318549'
for unit in main twice sum; do "$AIOPT_GCC" -O2 -S "$unit.c" || exit 99; done

# policy NAME: standard input is the program behind exec:.
policy () { { echo '#!/bin/sh'; cat; } > "$1"; chmod +x "$1"; }
# proposes NAME: standard input is assembler text, which the policy NAME proposes and is done.
proposes () {
  text=$(sed 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g' | sed ':a;N;$!ba;s/\n/\\n/g')
  policy "$1" <<END
read -r region
cat <<'LINE'
{"type":"candidate","form":"asm","text":"$text\\n"}
LINE
read -r verdict
printf '%s\n' "\$verdict" > "$work/$1.verdict"
echo '{"type":"done"}'
END
}

# builds NAME UNIT OTHER: UNIT.c with that policy into NAME.s, what becomes of it into NAME.json; the program is right.
builds () {
  aiopt mode=auto "cache=$work/$1.cache" isa=native "budget=$budget" "policy=exec:$work/$1" "report=$work/$1.json" -- \
    -O2 -S "$2.c" -o "$1.s" 2>err || { cat err; echo "the build failed"; return 1; }
  if grep . err; then echo "the build isn't silent"; return 1; fi
  "$AIOPT_GCC" "$1.s" "$3.s" main.s -o "$1.program" && answer=$("./$1.program") || return 1
  cat "$1.json"
  test ! -e "$1.verdict" || cat "$1.verdict"
  test "$answer" = "$right" || { echo "the program says $answer instead of $right"; return 1; }
}
# refused NAME REASON: kept for that reason, GCC's own code, and the cache says the same.
refused () {
  builds "$1" twice sum || return 1
  cmp twice.s "$1.s" || return 1
  tr -d '\n\t' < "$1.json" | grep -Eq "\"decision\": *\"kept\", *\"reason\": *\"negative\", *\"detail\": *\"($2)[:;]" || return 1
  "$command" cache list --json --cache "$1.cache" > "$1.list" && cat "$1.list" || return 1
  tr -d '\n\t' < "$1.list" | grep -Eq "\"reason\": *\"($2)\""
}
# and_quickly SECONDS NAME REASON: refused, and the whole build takes no longer.
and_quickly () {
  begin=$(date +%s)
  refused "$2" "$3" || return 1
  end=$(date +%s)
  test $((end - begin)) -le "$1" || { echo "it took $((end - begin)) seconds"; return 1; }
}
accepted () {
  budget=20
  builds "$1" sum twice || return 1
  tr -d '\n\t' < "$1.json" | grep -q '"decision": *"replaced".*"verdict": *"tested"' && grep -q vextracti128 "$1.s" || return 1
  "$command" explain sum --json --cache "$1.cache" > "$1.explained" && cat "$1.explained" && grep -q "exec:$work/$1" "$1.explained"
}

policy garbage <<'END'
while :; do echo 'garbage {]'; done
END
policy half <<'END'
printf '{"type":"candidate","form":"asm","te'
END
policy flood <<'END'
head -c 100000000 /dev/zero | tr '\0' x
END
policy silence <<END
echo \$\$ > "$work/silence.pid"
trap '' TERM INT HUP
while :; do sleep 1; done
END
policy dies <<'END'
kill -9 $$
END
policy version <<'END'
echo '{"aiopt":2,"type":"done"}'
END
# What every candidate of these is but for one line: correct.
loop () {
  cat <<END
twice:
	testq %rdx, %rdx
	je .L1
	xorl %eax, %eax
.L3:
	movl (%rsi,%rax,4), %ecx
	addl %ecx, %ecx
$1
	movl %ecx, (%rdi,%rax,4)
	addq \$1, %rax
	cmpq %rdx, %rax
	jne .L3
.L1:
$2
	ret
END
}
loop '' '	.incbin "/etc/passwd"' | proposes incbin
loop '	syscall' | proposes syscall
loop '' '.L4:
	jmp .L4' | proposes endless
loop '' '	movl $0, (%rdi,%rdx,4)' | proposes past
loop '	movl %ecx, (%rsi,%rax,4)' | proposes input
loop '' '	movl $0, 8(%rsp)' | proposes frame
loop '' '	movl $0, glob(%rip)' | proposes symbol
loop '	movl %ecx, %ebx' | proposes saved
loop '' '	std' | proposes state
loop '' '	callq getpid@PLT' | proposes calls
loop '	addl $1, %ecx' | proposes wrong
loop '' '	movq %rsi, (%rsp)' | proposes returns
loop '' '	jmp *%rsi' | proposes leaves
loop '	frobl %ecx' | proposes frob

ok "garbage" and_quickly 60 garbage policy-reply
ok "half a line" refused half policy-reply
ok "a hundred megabytes on a line" and_quickly 60 flood policy-size
ok "nothing at all, for ever" and_quickly 60 silence policy-timeout
# A killed process may stay as a zombie where nobody collects orphans.
gone () {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    state=$(cut -d' ' -f3 "/proc/$(cat silence.pid)/stat" 2>/dev/null)
    case $state in ''|Z|X) return 0 ;; esac
    sleep 0.2
  done
  return 1
}
ok "which is ended" gone
ok "a death" refused dies policy-failed
ok "another protocol" refused version policy-reply
# What goes to the verifier may wait for a busy machine.
budget=12
ok ".incbin" refused incbin directive
ok "a system call" refused syscall forbidden
ok "an endless loop" refused endless nonterminating
ok "a store past its object" refused past 'fault|memory|store'
ok "a store to an object that is only read" refused input 'fault|memory|store'
ok "a store to the caller's frame" refused frame caller-frame
ok "a symbol that isn't the function's" refused symbol new-symbol
ok "a clobbered callee-saved register" refused saved callee-saved
ok "a changed direction flag" refused state 'control-state|forbidden'
ok "a call that the function doesn't make" refused calls 'calls|new-symbol'
ok "a wrong result" refused wrong memory
ok "a changed return address" refused returns 'callee-saved|caller-frame|control-flow'
ok "a jump to anywhere" refused leaves control-flow
ok "an instruction that isn't one" refused frob 'assemble|decode'

if grep -qw avx2 /proc/cpuinfo; then
  proposes good <<'END'
sum:
	xorl %eax, %eax
	testq %rsi, %rsi
	je .L9
	movq %rsi, %rdx
	andq $-8, %rdx
	je .L3
	leaq (%rdi,%rdx,4), %rcx
	vpxor %xmm0, %xmm0, %xmm0
.L2:
	vpaddd (%rdi), %ymm0, %ymm0
	addq $32, %rdi
	cmpq %rcx, %rdi
	jne .L2
	vextracti128 $1, %ymm0, %xmm1
	vpaddd %xmm1, %xmm0, %xmm0
	vpshufd $78, %xmm0, %xmm1
	vpaddd %xmm1, %xmm0, %xmm0
	vpshufd $177, %xmm0, %xmm1
	vpaddd %xmm1, %xmm0, %xmm0
	vmovd %xmm0, %eax
	vzeroupper
	subq %rdx, %rsi
	je .L9
.L3:
	addl (%rdi), %eax
	addq $4, %rdi
	subq $1, %rsi
	jne .L3
.L9:
	ret
END
  ok "a good candidate, written by hand, is applied" accepted good
else
  tests=$((tests + 1))
  echo "ok $tests - a good candidate, written by hand, is applied # SKIP no AVX2"
fi
plan
