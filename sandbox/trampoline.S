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
	movq	%rsp, %gs:CLOCK_C_RSP
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
	movl	$1, C(RETURNED)
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
	movq	%gs:CLOCK_C_RSP, %rsp
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

/* void sandbox_time (void): CLOCK_LEFT calls between two readings of the time-stamp counter.  Before each all is as before
   the first: vector and mask registers, arguments (but for those that take turns), and the CLOCK_N_RANGES pieces of memory
   and stack that a call changes.  After each its results are added up.  Needs CONTEXT_RETURN_TARGET to be sandbox_time_return.  What counts
   is kept on the clock's page alone.  */
	PUBLIC sandbox_time
	SAVE_C
	movq	$0, C(C_RSP)
	fninit
	ldmxcsr	C(IN_MXCSR)
	cld
	lfence
	rdtsc
	lfence
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %gs:CLOCK_TICKS_BEGIN
.Lagain:
	movq	%gs:CLOCK_C_RSP, %rsp
	movq	%gs:CLOCK_SELF, %rdx
	movq	%gs:CLOCK_N_RANGES, %rcx
.Lrange:
	movq	CLOCK_RANGE(%rdx), %rdi
	movq	CLOCK_RANGE+8(%rdx), %rsi
	movq	CLOCK_RANGE+16(%rdx), %rax
.Lline:
	movups	(%rsi), %xmm0
	movups	16(%rsi), %xmm1
	movups	32(%rsi), %xmm2
	movups	48(%rsi), %xmm3
	movups	%xmm0, (%rdi)
	movups	%xmm1, 16(%rdi)
	movups	%xmm2, 32(%rdi)
	movups	%xmm3, 48(%rdi)
	addq	$64, %rsi
	addq	$64, %rdi
	decq	%rax
	jnz	.Lline
	addq	$24, %rdx
	decq	%rcx
	jnz	.Lrange
	cmpl	$0, %gs:CLOCK_DRAIN
	je	.Ldrained
	/* A load of more than one of these stores would wait for them, and a version with wider ones lose by it.  */
	mfence
.Ldrained:
	movq	%gs:CLOCK_TURN, %rdx
	testq	%rdx, %rdx
	jz	.Lsame
	movq	%gs:CLOCK_TURN_SLOT, %rcx
	movq	(%rdx), %rax
	movq	%rax, (%rcx)
	movq	%gs:CLOCK_TURN_SLOT+8, %rcx
	movq	8(%rdx), %rax
	movq	%rax, (%rcx)
	addq	$16, %rdx
	movq	%rdx, %gs:CLOCK_TURN
.Lsame:
	testl	$CLOCK_X87_CLEAR, %gs:CLOCK_X87
	jz	.Lclear
	.irp n, NR8
	fldz
	.endr
	fninit
.Lclear:
	LOAD_VEC
	LOAD_GPR
	jmp	*%gs:CLOCK_ENTRY
	.size sandbox_time, .-sandbox_time

	PUBLIC sandbox_time_return
	/* Else the next call, which depends on nothing of this one, runs inside it, and a short
	   function seems to cost less than its instructions take.  */
	lfence
	andq	%gs:CLOCK_GPR_MASK, %rax
	addq	%rax, %gs:CLOCK_GPR_SUM
	andq	%gs:CLOCK_GPR_MASK+8, %rdx
	addq	%rdx, %gs:CLOCK_GPR_SUM+8
	cmpl	$0, %gs:CLOCK_VECTORS
	je	.Lno_vectors
	pand	%gs:CLOCK_VEC_MASK, %xmm0
	paddq	%gs:CLOCK_VEC_SUM, %xmm0
	movaps	%xmm0, %gs:CLOCK_VEC_SUM
	pand	%gs:CLOCK_VEC_MASK+16, %xmm1
	paddq	%gs:CLOCK_VEC_SUM+16, %xmm1
	movaps	%xmm1, %gs:CLOCK_VEC_SUM+16
.Lno_vectors:
	testl	$CLOCK_X87_RESULT, %gs:CLOCK_X87
	jz	.Lno_x87
	fstpt	%gs:CLOCK_ST0
	fninit
.Lno_x87:
	decq	%gs:CLOCK_LEFT
	jnz	.Lagain
	rdtscp
	lfence
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %gs:CLOCK_TICKS_END
	movl	$1, C(RETURNED)
	movq	%gs:CLOCK_C_RSP, %rsp
	jmp	sandbox_unwind
	.size sandbox_time_return, .-sandbox_time_return

/* Batches.  A record holds the 16 general registers, the flags in the place of rsp, then the first
   vector registers.  A result is laid out the same.  Flags are set by sahf and an addition that
   overflows or not, as popfq takes as long as all the rest.  */

/* One ladder of loads or stores for each width: entered at register c - 1, left at register 0.  Records of whole
   zmm registers outrun the prefetcher at each page's end, so what comes two records later is asked for.  */
	.macro LADDER name, count, insn, register, step, load, done
	.altmacro
	.set .Lrung, \count
	.rept \count
	.set .Lrung, .Lrung - 1
	RUNG \name, %.Lrung, \insn, \register, \step, \load
	.endr
	.noaltmacro
	jmp	\done
	.endm
	.macro RUNG name, n, insn, register, step, load
.L\name\()_\n:
	.if \load
	.if \step == 64
	prefetcht0 2176+\n*\step(%rdi)
	.endif
	\insn	128+\n*\step(%rdi), %\register\n
	.else
	.if \step == 64
	prefetchw 2144+\n*\step(%rsp)
	.endif
	\insn	%\register\n, 96+\n*\step(%rsp)
	.endif
	.endm

	.p2align 4
	LADDER load_sse, 16, movups, xmm, 16, 1, .Lbatch_loaded
	LADDER load_xmm, 16, vmovups, xmm, 16, 1, .Lbatch_loaded
	LADDER load_ymm, 16, vmovups, ymm, 32, 1, .Lbatch_loaded
	LADDER load_zmm, 32, vmovups, zmm, 64, 1, .Lbatch_loaded
	LADDER store_sse, 16, movups, xmm, 16, 0, .Lbatch_stored
	LADDER store_ymm, 16, vmovups, ymm, 32, 0, .Lbatch_stored
	LADDER store_zmm, 32, vmovups, zmm, 64, 0, .Lbatch_stored

/* void sandbox_batch (void): runs BATCH_LEFT records.  After a signal or a call of anything else it ends early,
   through sandbox_unwind.  */
	PUBLIC sandbox_batch
	SAVE_C
	ldmxcsr	C(IN_MXCSR)
	cmpl	$0, C(BATCH_RESET)
	je	.Lbatch_next
	movl	$0, C(BATCH_RESET)
	fninit
	cmpl	$1, C(LEVEL)
	jb	1f
	je	2f
	.irp n, NR16_31
	vpxord	%xmm\n, %xmm\n, %xmm\n
	.endr
	.irp n, NR8
	kxorq	%k\n, %k\n, %k\n
	.endr
2:	vzeroall
	jmp	.Lbatch_next
1:	.irp n, NR16
	xorps	%xmm\n, %xmm\n
	.endr
	.p2align 4
.Lbatch_next:
	movq	C(BATCH_IN), %rdi
	jmp	*C(BATCH_LOAD)
.Lbatch_loaded:
	movl	32(%rdi), %eax
	movl	%eax, %ecx
	shrl	$11, %ecx
	andl	$1, %ecx
	movb	%al, %ah
	movb	%cl, %al
	addb	$0x7f, %al
	sahf
	movabsq	$BATCH_STACK_POINTER, %rsp
	movq	0(%rdi), %rax
	movq	8(%rdi), %rcx
	movq	16(%rdi), %rdx
	movq	24(%rdi), %rbx
	movq	40(%rdi), %rbp
	movq	48(%rdi), %rsi
	movq	64(%rdi), %r8
	movq	72(%rdi), %r9
	movq	80(%rdi), %r10
	movq	88(%rdi), %r11
	movq	96(%rdi), %r12
	movq	104(%rdi), %r13
	movq	112(%rdi), %r14
	movq	120(%rdi), %r15
	movq	56(%rdi), %rdi
	jmp	*C(BATCH_CALL)
	.size sandbox_batch, .-sandbox_batch

	PUBLIC sandbox_batch_return
	movq	%rsp, C(BATCH_RSP)
	movq	C(BATCH_OUT), %rsp
	pushfq
	movq	%rax, -32(%rsp)
	movq	%rcx, -24(%rsp)
	movq	%rdx, -16(%rsp)
	movq	%rbx, -8(%rsp)
	movq	%rbp, 8(%rsp)
	movq	%rsi, 16(%rsp)
	movq	%rdi, 24(%rsp)
	movq	%r8, 32(%rsp)
	movq	%r9, 40(%rsp)
	movq	%r10, 48(%rsp)
	movq	%r11, 56(%rsp)
	movq	%r12, 64(%rsp)
	movq	%r13, 72(%rsp)
	movq	%r14, 80(%rsp)
	movq	%r15, 88(%rsp)
	jmp	*C(BATCH_STORE)
.Lbatch_stored:
	testl	$0x47500, (%rsp)
	jnz	.Lbatch_strange
	movabsq	$BATCH_STACK_POINTER, %rax
	cmpq	%rax, C(BATCH_RSP)
	jne	.Lbatch_strange
	movl	C(BATCH_CHECKS), %edx
	testl	%edx, %edx
	jnz	.Lbatch_checks
.Lbatch_checked:
	movq	C(BATCH_IN_STEP), %rax
	addq	%rax, C(BATCH_IN)
	movq	C(BATCH_OUT_STEP), %rax
	addq	%rax, C(BATCH_OUT)
	movq	C(BATCH_INDEX), %rax
	incq	%rax
	movq	%rax, C(BATCH_INDEX)
	movq	C(BATCH_PROGRESS), %rcx
	movl	%eax, (%rcx)
	decq	C(BATCH_LEFT)
	jnz	.Lbatch_next

	/* What was not looked at after each.  */
	movq	C(C_RSP), %rsp
	stmxcsr	C(OUT_MXCSR)
	ldmxcsr	C(C_MXCSR)
	call	.Lbatch_dirty
	orl	%eax, C(BATCH_UPPER)
	cmpl	$0, C(LEVEL)
	je	1f
	vzeroupper
1:	RESTORE_C

.Lbatch_strange:
	movl	$1, C(BATCH_STRANGE)
	movq	C(C_RSP), %rsp
	jmp	sandbox_unwind

.Lbatch_checks:
	testl	$CHECK_MXCSR, %edx
	jz	1f
	stmxcsr	4(%rsp)
	movl	4(%rsp), %eax
	cmpl	C(IN_MXCSR), %eax
	je	1f
	ldmxcsr	C(IN_MXCSR)
1:	testl	$CHECK_UPPER, %edx
	jz	2f
	movq	%rsp, %rbx
	movq	C(C_RSP), %rsp
	call	.Lbatch_dirty
	movq	%rbx, %rsp
	testl	%eax, %eax
	jz	2f
	orl	$1 << (RESULT_UPPER_SHIFT - 32), 4(%rsp)
	vzeroupper
2:	testl	$CHECK_X87, %edx
	jz	.Lbatch_checked
	fnstenv	C(OUT_X87)
	cmpw	$0xffff, C(OUT_X87)+8
	jne	.Lbatch_strange
	cmpw	$0x37f, C(OUT_X87)+0
	jne	.Lbatch_strange
	movzbl	C(OUT_X87)+4, %eax
	movb	%al, RESULT_X87_SHIFT/8(%rsp)
	cmpw	$0, C(OUT_X87)+4
	je	.Lbatch_checked
	fninit
	jmp	.Lbatch_checked

/* eax: 1 where bits above the low 128 of the first 16 vector registers are set.  Clobbers them.  */
.Lbatch_dirty:
	xorl	%eax, %eax
	cmpl	$1, C(LEVEL)
	jb	3f
	je	1f
	.irp n, 1,2,3,4,5,6,7
	vporq	%zmm\n, %zmm0, %zmm0
	.endr
	.irp n, 9,10,11,12,13,14,15
	vporq	%zmm\n, %zmm8, %zmm8
	.endr
	vporq	%zmm8, %zmm0, %zmm0
	vextracti64x4 $1, %zmm0, %ymm1
	vptest	%ymm1, %ymm1
	jnz	2f
	jmp	4f
1:	.irp n, 1,2,3,4,5,6,7
	vorps	%ymm\n, %ymm0, %ymm0
	.endr
	.irp n, 9,10,11,12,13,14,15
	vorps	%ymm\n, %ymm8, %ymm8
	.endr
	vorps	%ymm8, %ymm0, %ymm0
4:	vextractf128 $1, %ymm0, %xmm1
	vptest	%xmm1, %xmm1
	jz	3f
2:	movl	$1, %eax
3:	ret
	.size sandbox_batch_return, .-sandbox_batch_return

/* void sandbox_batch_end (void): the x87 environment as the last run left it, in CONTEXT_OUT_X87.  */
	PUBLIC sandbox_batch_end
	fnstenv	C(OUT_X87)
	fninit
	movl	$0, C(X87_DIRTY)
	ret
	.size sandbox_batch_end, .-sandbox_batch_end

/* Where stubs go while a batch runs: calls of others are for ordinary runs.  */
	PUBLIC sandbox_batch_stub
	jmp	.Lbatch_strange
	.size sandbox_batch_stub, .-sandbox_batch_stub

/* Entries of the ladders, as offsets from this table: that for COUNT registers is at COUNT.  */
	.macro RUNGS name, count, done
	.altmacro
	.long	\done - sandbox_ladders
	.set .Lrung, 0
	.rept \count
	RUNG_ADDRESS \name, %.Lrung
	.set .Lrung, .Lrung + 1
	.endr
	.noaltmacro
	.endm
	.macro RUNG_ADDRESS name, n
	.long	.L\name\()_\n - sandbox_ladders
	.endm
	.globl	sandbox_ladders
	.hidden	sandbox_ladders
	.p2align 2
sandbox_ladders:
	RUNGS load_sse, 16, .Lbatch_loaded
	RUNGS load_xmm, 16, .Lbatch_loaded
	RUNGS load_ymm, 16, .Lbatch_loaded
	RUNGS load_zmm, 32, .Lbatch_loaded
	RUNGS store_sse, 16, .Lbatch_stored
	RUNGS store_ymm, 16, .Lbatch_stored
	RUNGS store_zmm, 32, .Lbatch_stored
	.size sandbox_ladders, .-sandbox_ladders

/* void sandbox_serialize (void): waits for all before it and forgets what was fetched, as code that another
   processor has written must not be run before that (SDM volume 3, 8.1.3 and 8.3).  */
	PUBLIC sandbox_serialize
	movq	%rsp, %rax
	movl	%ss, %ecx
	pushq	%rcx
	pushq	%rax
	pushfq
	movl	%cs, %ecx
	pushq	%rcx
	leaq	1f(%rip), %rcx
	pushq	%rcx
	iretq
1:	ret
	.size sandbox_serialize, .-sandbox_serialize

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
