/* Inside prove/: loops of any number of iterations.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_PROVE_INDUCTION_H
#define AIOPT_PROVE_INDUCTION_H

#include "prove/internal.h"

/* heads.c.  IS_HEAD marks the instructions where loops begin, N of them; LIVE tells for each instruction which registers
   may be read from there on.  */
struct heads
{
  unsigned n;
  bool *is_head;
  uint64_t *live;
};

enum head_register { HEAD_GPR, HEAD_VEC, HEAD_MASK };

struct heads *heads__find (struct arena *arena, const struct program *program);
/* The instructions on ways from HEAD to itself.  */
bool *heads__around (struct arena *arena, const struct program *program, unsigned head);
bool heads__is_live (const struct heads *heads, unsigned insn, enum head_register kind, unsigned number);

/* induction.c.  Proves PROBLEM's programs equal for any number of iterations: true, or false and *WHY.  */
bool problem__induct (struct problem *problem, struct why *why);

#endif
