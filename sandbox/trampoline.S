/* Entering a function with a given machine state and saving everything after it.

   Nothing here relies on a register across the function: all state is at CONTEXT_BASE.  The function
   runs on the sandbox stack; C code runs on the stack saved in CONTEXT_C_RSP.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/trampoline.h"

#define C(FIELD) (CONTEXT_BASE + CONTEXT_##FIELD)
#define NR16 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
#define NR16_31 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
#define NR8 0,1,2,3,4,5,6,7

	.text

	.macro PUBLIC name
	.globl \name
	.hidden \name
	.type \name, @function
	.p2align 4
\name:
	.endm

	.macro SAVE_C
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
	movq	%rsp, C(C_RSP)
	.endm

	.macro RESTORE_C
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.endm

/* Loads the vector and mask registers from CONTEXT_IN_VEC; clobbers rax.  */
	.macro LOAD_VEC
	movq	C(IN_VEC), %rax
	cmpl	$1, C(LEVEL)
	jb	2f
	je	1f
	cmpl	$0, C(WIDE)
	je	3f
	.irp n, NR16
	vmovdqu64 \n*64(%rax), %zmm\n
	.endr
	.irp n, NR16_31
	vmovdqu64 \n*64(%rax), %zmm\n
	.endr
	.irp n, NR8
	kmovq	C(IN_MASK)+\n*8, %k\n
	.endr
	jmp	9f
3:	/* AVX-512, narrow: clean upper halves.  */
	vzeroupper
	.irp n, NR16_31
	vpxord	%xmm\n, %xmm\n, %xmm\n
	.endr
	.irp n, NR8
	kxorq	%k\n, %k\n, %k\n
	.endr
	jmp	4f
1:	cmpl	$0, C(WIDE)
	je	5f
	.irp n, NR16
	vmovdqu	\n*64(%rax), %ymm\n
	.endr
	jmp	9f
5:	vzeroupper
	jmp	4f
2:	cmpl	$0, C(WIDE)
	je	4f
	.irp n, NR16
	movups	\n*64(%rax), %xmm\n
	.endr
	jmp	9f
4:	.irp n, NR16
	movups	\n*16(%rax), %xmm\n
	.endr
9:
	.endm

	.macro LOAD_GPR
	movq	C(IN_GPR)+0, %rax
	movq	C(IN_GPR)+8, %rcx
	movq	C(IN_GPR)+16, %rdx
	movq	C(IN_GPR)+24, %rbx
	movq	C(IN_GPR)+32, %rsp
	movq	C(IN_GPR)+40, %rbp
	movq	C(IN_GPR)+48, %rsi
	movq	C(IN_GPR)+56, %rdi
	movq	C(IN_GPR)+64, %r8
	movq	C(IN_GPR)+72, %r9
	movq	C(IN_GPR)+80, %r10
	movq	C(IN_GPR)+88, %r11
	movq	C(IN_GPR)+96, %r12
	movq	C(IN_GPR)+104, %r13
	movq	C(IN_GPR)+112, %r14
	movq	C(IN_GPR)+120, %r15
	.endm

	.macro SAVE_GPR
	movq	%rax, C(OUT_GPR)+0
	movq	%rcx, C(OUT_GPR)+8
	movq	%rdx, C(OUT_GPR)+16
	movq	%rbx, C(OUT_GPR)+24
	movq	%rsp, C(OUT_GPR)+32
	movq	%rbp, C(OUT_GPR)+40
	movq	%rsi, C(OUT_GPR)+48
	movq	%rdi, C(OUT_GPR)+56
	movq	%r8, C(OUT_GPR)+64
	movq	%r9, C(OUT_GPR)+72
	movq	%r10, C(OUT_GPR)+80
	movq	%r11, C(OUT_GPR)+88
	movq	%r12, C(OUT_GPR)+96
	movq	%r13, C(OUT_GPR)+104
	movq	%r14, C(OUT_GPR)+112
	movq	%r15, C(OUT_GPR)+120
	.endm

/* Back to flags that C code can live with, FLAGS being where they were saved.
   TF, DF, IOPL, NT, AC: only where one of them is set, as popfq is slow.  */
	.macro SANE_FLAGS saved
	testl	$0x47500, \saved
	jz	7f
	pushq	$0x202
	popfq
7:
	.endm

/* void sandbox_enter (void): runs the function at CONTEXT_ENTRY.  Comes back through
   sandbox_return or, after a signal or a call that doesn't return, through sandbox_unwind.  */
	PUBLIC sandbox_enter
	SAVE_C
	cmpl	$0, C(X87_DIRTY)
	je	6f
	fninit
6:	ldmxcsr	C(IN_MXCSR)
	LOAD_VEC
	pushq	C(IN_RFLAGS)
	popfq
	LOAD_GPR
	jmp	*C(ENTRY)
	.size sandbox_enter, .-sandbox_enter

	PUBLIC sandbox_return
	SAVE_GPR
	movq	C(C_RSP), %rsp
	pushfq
	popq	C(OUT_RFLAGS)
	SANE_FLAGS C(OUT_RFLAGS)
	stmxcsr	C(OUT_MXCSR)
	ldmxcsr	C(C_MXCSR)
	fnstenv	C(OUT_X87)
	movl	$0, C(X87_DIRTY)
	cmpw	$0xffff, C(OUT_X87)+8
	je	1f
	fstpt	C(OUT_ST0)
	jmp	2f
1:	cmpw	$0x37f, C(OUT_X87)+0
	jne	2f
	cmpw	$0, C(OUT_X87)+4
	je	3f
2:	movl	$1, C(X87_DIRTY)
	fninit
3:	movq	C(OUT_VEC), %rax
	cmpl	$1, C(LEVEL)
	jb	5f
	je	4f
	.irp n, NR16
	vmovdqu64 %zmm\n, \n*64(%rax)
	.endr
	.irp n, NR16_31
	vmovdqu64 %zmm\n, \n*64(%rax)
	.endr
	.irp n, NR8
	kmovq	%k\n, C(OUT_MASK)+\n*8
	.endr
	vzeroupper
	RESTORE_C
4:	.irp n, NR16
	vmovdqu	%ymm\n, \n*64(%rax)
	.endr
	vzeroupper
	RESTORE_C
5:	.irp n, NR16
	movups	%xmm\n, \n*64(%rax)
	.endr
	RESTORE_C
	.size sandbox_return, .-sandbox_return

/* Where signal handlers and stubs of functions that don't return go: rsp is CONTEXT_C_RSP.  */
	PUBLIC sandbox_unwind
	pushq	$0x202
	popfq
	ldmxcsr	C(C_MXCSR)
	fninit
	movl	$0, C(X87_DIRTY)
	cmpl	$0, C(LEVEL)
	je	1f
	vzeroupper
1:	RESTORE_C
	.size sandbox_unwind, .-sandbox_unwind

/* Where every recorder stub jumps: the stub's number in eax, the caller's rax in CONTEXT_STUB_RAX.  */
	PUBLIC sandbox_stub
	movq	%rax, C(STUB_NUMBER)
	movq	C(STUB_RAX), %rax
	SAVE_GPR
	movq	C(C_RSP), %rsp
	pushfq
	popq	C(STUB_FLAGS)
	SANE_FLAGS C(STUB_FLAGS)
	stmxcsr	C(OUT_MXCSR)
	ldmxcsr	C(C_MXCSR)
	.irp n, NR8
	movups	%xmm\n, C(STUB_VEC)+\n*16
	.endr
	cmpl	$0, C(LEVEL)
	je	1f
	vzeroupper
1:	call	stub__record
	testl	%eax, %eax
	jnz	sandbox_unwind
	ldmxcsr	C(OUT_MXCSR)
	.irp n, NR16
	movups	C(ANSWER_VEC)+\n*16, %xmm\n
	.endr
	cmpl	$2, C(LEVEL)
	jb	2f
	.irp n, NR16_31
	vmovdqu64 C(ANSWER_JUNK), %zmm\n
	.endr
	.irp n, NR8
	kmovq	C(ANSWER_JUNK)+\n*8, %k\n
	.endr
2:	cmpl	$0, C(HAS_ST0)
	je	3f
	fldl	C(ANSWER_ST0)
3:	pushq	C(ANSWER_FLAGS)
	popfq
	movq	C(ANSWER_GPR)+0, %rax
	movq	C(ANSWER_GPR)+8, %rcx
	movq	C(ANSWER_GPR)+16, %rdx
	movq	C(ANSWER_GPR)+48, %rsi
	movq	C(ANSWER_GPR)+56, %rdi
	movq	C(ANSWER_GPR)+64, %r8
	movq	C(ANSWER_GPR)+72, %r9
	movq	C(ANSWER_GPR)+80, %r10
	movq	C(ANSWER_GPR)+88, %r11
	movq	C(OUT_GPR)+24, %rbx
	movq	C(OUT_GPR)+40, %rbp
	movq	C(OUT_GPR)+96, %r12
	movq	C(OUT_GPR)+104, %r13
	movq	C(OUT_GPR)+112, %r14
	movq	C(OUT_GPR)+120, %r15
	movq	C(OUT_GPR)+32, %rsp
	ret
	.size sandbox_stub, .-sandbox_stub

/* void sandbox_time (void): CONTEXT_INNER calls between two readings of the time-stamp counter,
   argument registers reloaded before each.  Needs CONTEXT_RETURN_TARGET to be sandbox_time_return.  */
	PUBLIC sandbox_time
	SAVE_C
	fninit
	ldmxcsr	C(IN_MXCSR)
	LOAD_VEC
	lfence
	rdtsc
	lfence
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, C(TICKS_BEGIN)
.Lagain:
	movq	C(C_RSP), %rsp
	movq	C(IN_GPR)+32, %rdi
	movq	C(RETURN_ADDRESS), %rax
	movq	%rax, (%rdi)
	movq	C(STACK_WORDS), %rcx
	testq	%rcx, %rcx
	jz	.Lno_words
	addq	$8, %rdi
	movl	$C(STACK_ARGUMENT), %esi
	cld
	rep movsq
.Lno_words:
	cmpl	$0, C(WIDE)
	je	.Lnarrow
	LOAD_VEC
	jmp	.Lloaded
.Lnarrow:
	movq	C(IN_VEC), %rax
	.irp n, NR8
	movups	\n*16(%rax), %xmm\n
	.endr
.Lloaded:
	LOAD_GPR
	jmp	*C(ENTRY)
	.size sandbox_time, .-sandbox_time

	PUBLIC sandbox_time_return
	/* Else the next call, which depends on nothing of this one, runs inside it, and a short
	   function seems to cost less than its instructions take.  */
	lfence
	decq	C(INNER)
	jnz	.Lagain
	rdtscp
	lfence
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, C(TICKS_END)
	movq	C(C_RSP), %rsp
	jmp	sandbox_unwind
	.size sandbox_time_return, .-sandbox_time_return

/* void sandbox_call_on (void (*function) (void *), void *argument, void *stack_top): doesn't return.  */
	PUBLIC sandbox_call_on
	movq	%rdx, %rsp
	andq	$-16, %rsp
	xorl	%ebp, %ebp
	movq	%rdi, %rax
	movq	%rsi, %rdi
	call	*%rax
	ud2
	.size sandbox_call_on, .-sandbox_call_on

	.section .note.GNU-stack,"",@progbits
