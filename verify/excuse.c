/* Branch ways that no test takes, and that none can take.

   Compilers leave branches that always go one way (a second check of the same bound).  Such a way
   is excused where the solver proves that the candidate without it, its branch made to go the other
   way always, is the same function.  Instructions that only excused ways lead to are excused with
   them.  Nothing else is: a way that can't be proved dead stays a way that has to be taken.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/prove.h"
#include "verify/internal.h"

#include <stdlib.h>
#include <string.h>

/* Ways worth asking for: with more than these missing something else is wrong.  */
enum
{
  WAYS_MAX = 6
};
#define EXCUSE_SHARE 0.25

/* Makes branch INSN of IMAGE go one WAY always: 0 taken, 1 fallen through.  False where its form
 * isn't known.  */
static bool
force (struct arena *arena, struct image *image, const struct image *whole, unsigned insn,
       unsigned way)
{
  const struct decoded_insn *branch = &image->decoded->insn[insn];
  uint8_t *bytes = image->bytes + (whole->address[insn] - whole->base);
  struct decoded *decoded = arena__memdup (arena, image->decoded, sizeof *decoded);
  decoded->insn = arena__memdup (arena, decoded->insn, decoded->n_insns * sizeof *decoded->insn);
  struct decoded_insn *changed = &decoded->insn[insn];
  image->decoded = decoded;
  if (way == 1)
    {
      /* A long nop of the same length: what is decoded has to stay one instruction.  */
      static const uint8_t nop_2[] = { 0x66, 0x90 },
                           nop_6[] = { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 };
      if (branch->length == 2)
        memcpy (bytes, nop_2, 2);
      else if (branch->length == 6)
        memcpy (bytes, nop_6, 6);
      else
        return false;
      changed->kind = KIND_NOP;
      changed->has_target = false;
      changed->flags_read = 0;
      return true;
    }
  if (branch->length == 2 && (bytes[0] & 0xf0) == 0x70)
    bytes[0] = 0xeb;
  else if (branch->length == 6 && bytes[0] == 0x0f && (bytes[1] & 0xf0) == 0x80)
    {
      /* One byte shorter, with a prefix that means nothing to fill it up: the target counts from
       * the same end.  */
      bytes[0] = 0x3e;
      bytes[1] = 0xe9;
    }
  else
    return false;
  changed->kind = KIND_JUMP;
  changed->flags_read = 0;
  return true;
}

/* Excuses instructions that nothing leads to when excused ways are left out.  */
static void
excuse_unreachable (struct coverage *coverage)
{
  const struct decoded *decoded = coverage->side->decoded;
  unsigned n = decoded->n_insns;
  bool *live = calloc (n + 1, 1);
  unsigned *stack = calloc (n + 1, sizeof *stack), depth = 0;
  if (!live || !stack || !n)
    {
      free (live);
      free (stack);
      return;
    }
  const struct object *object = coverage->side->object;
  const struct object_symbol *entry = &object->symbol[object->entry];
  int first = allow__find (decoded, entry->section, entry->offset);
  /* Jump tables lead anywhere: then nothing is said.  */
  bool indirect = first < 0;
  for (unsigned i = 0; i < n; i++)
    indirect |= (decoded->insn[i].kind & KIND_INDIRECT) && !(decoded->insn[i].kind & KIND_CALL);
  if (!indirect)
    live[stack[depth++] = (unsigned)first] = true;
  while (depth)
    {
      unsigned i = stack[--depth];
      const struct decoded_insn *insn = &decoded->insn[i];
      int target = insn->has_target && !(insn->kind & KIND_CALL)
                       ? allow__find (decoded, insn->target_section, insn->target)
                       : -1;
      bool falls = !(insn->kind & (KIND_JUMP | KIND_RETURN | KIND_TRAP)) && i + 1 < n
                   && !((insn->kind & KIND_BRANCH) && (coverage->excused[i] & 2));
      if (target >= 0 && !live[target] && !(coverage->excused[i] & 1))
        live[stack[depth++] = (unsigned)target] = true;
      if (falls && !live[i + 1])
        live[stack[depth++] = i + 1] = true;
    }
  for (unsigned i = 0; !indirect && i < n; i++)
    if (!live[i])
      {
        coverage->dead[i] = true;
        coverage->excused[i] = 3;
      }
  free (live);
  free (stack);
}

bool
excuse__ways (struct trial *trial)
{
  const struct verifier *verifier = trial->verifier;
  struct coverage *coverage = trial->candidate_coverage;
  const struct image *whole = trial->image[0];
  struct image *base;
  struct why why;
  unsigned asked = 0, excused = 0;
  double until = verify__now () + EXCUSE_SHARE * verifier->options.budget_seconds;
  if (image__link (trial->arena, verifier->region, verifier->setup[0].layout, trial->side.object, trial->side.decoded, 0,
                   &base, &why))
    return false;
  for (unsigned i = 0; i < trial->side.decoded->n_insns && asked < WAYS_MAX; i++)
    for (unsigned way = 0; way < 2; way++)
      {
        const struct decoded_insn *insn = &trial->side.decoded->insn[i];
        double left = until - verify__now ();
        if (!(insn->kind & KIND_BRANCH) || !coverage->executed[i]
            || (coverage->branch[i] & (1u << way)) || !(coverage->branch[i] & (1u << !way))
            || (coverage->excused[i] & (1u << way)) || left < 0.02)
          continue;
        asked++;
        struct arena *arena = arena__new ();
        struct image *forced = arena__memdup (arena, whole, sizeof *whole);
        forced->bytes = arena__memdup (arena, whole->bytes, whole->size);
        if (force (arena, forced, whole, i, !way))
          {
            struct proof proof = { 0 };
            struct proof_options options = { .seconds = left };
            prove__equivalent (verifier->region, verifier->setup[0].layout, base,
                               trial->side.object, forced, trial->side.object, &options, &proof);
            if (proof.result == PROOF_PROVED)
              {
                coverage->excused[i] |= (uint8_t)(1u << way);
                excused++;
              }
            bool well = true;
            if (proof.counterexample)
              {
                /* A state that takes the way, perhaps: a test.  */
                const struct state *states[] = { proof.counterexample };
                well = trial__try (trial, 0, states, 1);
              }
            proof__free (&proof);
            if (!well)
              {
                arena__free (arena);
                return false;
              }
          }
        arena__free (arena);
      }
  if (excused)
    excuse_unreachable (coverage);
  return excused > 0;
}
