/* What the trampoline, written in assembler, and the C code of the sandbox process share: the
   fixed addresses and the layout of the context page.  struct context in wire.h follows it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TRAMPOLINE_H
#define AIOPT_TRAMPOLINE_H

/* The context lies at a fixed address below 2 GiB, so that the code that saves a candidate's registers
   can reach it without any register of its own.  */
#define CONTEXT_BASE 0x1b000000
#define CONTEXT_SIZE 0x1000

#define CONTEXT_OUT_GPR 0
#define CONTEXT_OUT_RFLAGS 128
#define CONTEXT_C_RSP 136
#define CONTEXT_ENTRY 144
#define CONTEXT_RETURN_TARGET 152
#define CONTEXT_STUB_TARGET 160
#define CONTEXT_STUB_RAX 168
#define CONTEXT_STUB_NUMBER 176
#define CONTEXT_IN_MXCSR 184
#define CONTEXT_OUT_MXCSR 188
#define CONTEXT_OUT_VEC 192
#define CONTEXT_IN_VEC 200
#define CONTEXT_IN_RFLAGS 208
#define CONTEXT_LEVEL 216 /* 0: SSE, 1: AVX, 2: AVX-512 */
#define CONTEXT_WIDE 220  /* IN_VEC holds whole registers, not 16 bytes of the first 16 */
#define CONTEXT_STUB_FLAGS 232
#define CONTEXT_C_MXCSR 240
#define CONTEXT_X87_DIRTY 244
#define CONTEXT_HAS_ST0 248
#define CONTEXT_IN_GPR 256
#define CONTEXT_OUT_X87 384
#define CONTEXT_OUT_ST0 416
#define CONTEXT_OUT_MASK 432
#define CONTEXT_IN_MASK 512
#define CONTEXT_ANSWER_GPR 576
#define CONTEXT_ANSWER_FLAGS 704
#define CONTEXT_ANSWER_ST0 712
#define CONTEXT_ANSWER_VEC 768
#define CONTEXT_ANSWER_JUNK 1024
#define CONTEXT_STUB_VEC 1088
#define CONTEXT_REST 1544

/* What a function that is being timed must not get at: a page of the process's own, at an address that is nowhere to be
   found but in the gs register, which the allow-list keeps candidates from.  struct clock in wire.h follows it.  */
#define CLOCK_SELF 0
#define CLOCK_C_RSP 16
#define CLOCK_LEFT 24
#define CLOCK_TICKS_BEGIN 32
#define CLOCK_TICKS_END 40
#define CLOCK_ENTRY 48
#define CLOCK_N_RANGES 56
#define CLOCK_DRAIN 64
#define CLOCK_VECTORS 68
#define CLOCK_X87 72
#define CLOCK_GPR_MASK 80
#define CLOCK_GPR_SUM 96
#define CLOCK_VEC_MASK 112
#define CLOCK_VEC_SUM 144
#define CLOCK_ST0 176
#define CLOCK_TURN 192
#define CLOCK_TURN_SLOT 200
#define CLOCK_RANGE 216

/* Bits of CLOCK_X87.  */
#define CLOCK_X87_RESULT 1
#define CLOCK_X87_CLEAR 2

/* What the loop over a batch's records needs.  */
#define CONTEXT_BATCH_IN 2048        /* the record being run */
#define CONTEXT_BATCH_OUT 2056       /* where its result goes, plus 40 */
#define CONTEXT_BATCH_IN_STEP 2064
#define CONTEXT_BATCH_OUT_STEP 2072
#define CONTEXT_BATCH_LEFT 2080
#define CONTEXT_BATCH_PROGRESS 2088  /* pointer to the number of the record being run */
#define CONTEXT_BATCH_LOAD 2096      /* code that loads the vectors, and stores them */
#define CONTEXT_BATCH_STORE 2104
#define CONTEXT_BATCH_RSP 2112       /* rsp at return */
#define CONTEXT_BATCH_CHECKS 2120
#define CONTEXT_BATCH_STRANGE 2124   /* not 0: the record ended in no ordinary way */
#define CONTEXT_BATCH_INDEX 2128
#define CONTEXT_BATCH_UPPER 2136     /* some run left upper halves dirty */
#define CONTEXT_BATCH_RESET 2140
#define CONTEXT_BATCH_CALL 2144      /* BATCH_CALL_STUB */
#define CONTEXT_RETURNED 2152        /* the function returned, as opposed to getting into the harness elsewhere */

/* What is looked at after each record; all is looked at after the last.  */
#define CHECK_MXCSR 1
#define CHECK_UPPER 2
#define CHECK_X87 4

/* Bits of a result's flags above rflags: MXCSR in bits 32 to 47.  */
#define RESULT_UPPER_SHIFT 48
#define RESULT_X87_SHIFT 56

/* In a batch the return address is the last word of the last page but one: the caller's frame above it
   is a page of its own, which can't be written, so that nobody has to look whether it was.  */
#define BATCH_STACK_POINTER 0x6d1ec40ff000
/* `call *CONTEXT_ENTRY; jmp *CONTEXT_RETURN_TARGET`: calls and returns in pairs are predicted well.  */
#define BATCH_CALL_STUB 0x18010080

#endif
