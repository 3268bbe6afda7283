/* Branch ways that no test takes, and that none can take.

   Compilers leave branches that always go one way (a second check of the same bound, the way back of a remainder's loop that
   has one round).  Such a way is excused where the prover shows that it is never gone.  Instructions that only excused ways
   lead to are excused with them.  Nothing else is: a way that can't be shown to be dead stays a way that has to be taken.
   Only for a compiler's candidate is it shown on the assumption that sizes are possible ones (sizes.c).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/prove.h"
#include "verify/internal.h"

#include <stdlib.h>

/* Ways worth asking for: with more than these missing something else is wrong.  And the longest for one.  */
enum
{
  WAYS_MAX = 24
};
#define EXCUSE_SHARE 0.25
#define QUESTION_SHARE 0.1

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
      int target = allow__target (decoded, i);
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
  double budget = verifier->options.budget_seconds, until = verify__now () + EXCUSE_SHARE * budget;
  unsigned asked = 0, excused = 0;
  uint32_t sizes = trial->compiled ? sizes__find (trial->verifier) : 0;
  for (unsigned i = 0; i < trial->side.decoded->n_insns && asked < WAYS_MAX; i++)
    for (unsigned way = 0; way < 2; way++)
      {
        double left = until - verify__now (), most = QUESTION_SHARE * budget;
        if (!(trial->side.decoded->insn[i].kind & KIND_BRANCH) || !coverage->executed[i]
            || (coverage->branch[i] & (1u << way)) || !(coverage->branch[i] & (1u << !way))
            || (coverage->excused[i] & (1u << way)) || left < 0.02)
          continue;
        asked++;
        if (!prove__never (verifier->region, verifier->setup[0].layout, trial->image[0], trial->side.object,
                           coverage->excused, sizes, i, way == 0, left < most ? left : most))
          continue;
        coverage->excused[i] |= (uint8_t) (1u << way);
        excused++;
      }
  if (excused)
    excuse_unreachable (coverage);
  return excused > 0;
}
