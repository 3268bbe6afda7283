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
#define CONTEXT_INNER 224
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
#define CONTEXT_TICKS_BEGIN 720
#define CONTEXT_TICKS_END 728
#define CONTEXT_ANSWER_VEC 768
#define CONTEXT_ANSWER_JUNK 1024
#define CONTEXT_STUB_VEC 1088
#define CONTEXT_RETURN_ADDRESS 1216
#define CONTEXT_STACK_ARGUMENT 1280 /* for the timing loop: copied back before each call */
#define CONTEXT_STACK_WORDS 1536
#define CONTEXT_REST 1544

#endif
