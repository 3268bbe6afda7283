/* A call of the user's own program, as `aiopt record` saw it: registers, and the memory that the
   call touched with what it held before.  Addresses are the program's; a state for the sandbox is
   made of it for any layout of the globals.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_RECORDED_H
#define AIOPT_RECORDED_H

#include "sandbox/sandbox.h"

enum
{
  RECORDED_TARGETS_MAX = 4,
  RECORDED_ANSWERS = 4
};

/* A run of touched bytes.  */
struct recorded_piece
{
  uint64_t address;
  uint32_t size;
  bool written;         /* some of it was stored to */
  const uint8_t *bytes; /* before the call */
};

/* Where one of the region's globals was.  */
struct recorded_global
{
  const char *name; /* assembler name */
  uint64_t address, size;
};

struct recorded
{
  struct machine_state machine; /* at entry; rsp points to the return address */
  unsigned stack_bytes;         /* of incoming stack arguments */
  uint8_t stack_argument[STACK_ARGUMENT_BYTES];
  unsigned n_pieces;
  struct recorded_piece *piece; /* by address, disjoint */
  unsigned n_globals;
  struct recorded_global *global;
  unsigned n_targets;
  uint64_t target[RECORDED_TARGETS_MAX]; /* where calls through pointers went */
  unsigned n_answers;
  uint64_t answer[RECORDED_ANSWERS]; /* what the first calls returned in rax */
};

/* A state for REGION with the globals as in LAYOUT, in ARENA.  Objects come into slots of their own
   in the order of their addresses, at the same offset in their page; nothing is mapped but the
   pages that the call touched, and what it didn't touch in them is a pattern, as are registers that
   carry no argument.  Words that point to what was touched point there again. 0, or -1 and *WHY
   (TOO_LARGE) where it doesn't fit.  */
int recorded__state (const struct region *region, const struct layout *layout,
                     const struct recorded *recorded, struct arena *arena, struct state **state,
                     struct why *why);

/* Takes out of RECORDED what REGION's arguments don't need: other registers hold whatever the
 * caller left there.  */
void recorded__strip (const struct region *region, struct recorded *recorded);

/* JSON text, malloc'ed, and back into ARENA: every field is checked; 0, or -1 and *WHY (SYNTAX). */
char *recorded__to_json (const struct recorded *recorded);
int recorded__from_json (struct arena *arena, const char *json, struct recorded **recorded,
                         struct why *why);

#endif
