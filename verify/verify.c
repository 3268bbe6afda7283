/* The verifier: one region, one original, many candidates.

   A candidate's text never reaches the assembler: its parsed model is printed, assembled and decoded,
   and each step has to agree with the one before.  Every way out of verifier__check that isn't
   explicitly a pass leaves `unknown` or `refuted`.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include "machine/cfi.h"
#include "machine/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUDGET_SECONDS 10.0
#define MUTANTS_FEW 6
/* As many outcomes of conditions as branch ways (differential.c) may stay unseen in a compiler's candidate, or one condition.  */
#define CONDITIONS_UNSEEN_MAX 0.10
#define CONDITION_OUTCOMES 2

/* Slots of the code area after those of the plain images (0 and 1).  */
enum { INSTRUMENTED_ORIGINAL = 2, INSTRUMENTED_CANDIDATE = 3 };

double
verify__now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

static uint64_t
seed_from (const struct region *region, const struct verify_options *options)
{
  if (options && options->seed)
    return options->seed;
  uint64_t seed = UINT64_C (0x243f6a8885a308d3);
  for (const char *p = region->key; *p; p++)
    seed = (seed ^ (unsigned char) *p) * UINT64_C (0x100000001b3);
  return seed ? seed : 1;
}

int
setup__bank (struct setup *setup, enum state_kind kind, struct why *why)
{
  if (setup->bank_made[kind])
    return 0;
  int n = states__make (setup->states, kind, setup->bank_arena, setup->bank[kind], BANK_PER_KIND, why);
  if (n < 0)
    return -1;
  setup->n_bank[kind] = (unsigned) n;
  setup->bank_made[kind] = true;
  return 0;
}

static int
assemble (struct arena *arena, const struct code *code, struct side *side, struct why *why)
{
  struct object *object;
  struct decoded *decoded;
  if (object__assemble (arena, code, &object, why)
      || object__decode (arena, object, code, &decoded, why))
    return -1;
  *side = (struct side) { .code = code, .object = object, .decoded = decoded,
                          .own_items = code->n_items };
  return 0;
}

/* *SIDE is WRITTEN with the runtime functions that it calls.  */
static int
extend (struct arena *arena, const struct region *region, const struct side *written,
        struct side *side, struct why *why)
{
  const struct code *extended;
  unsigned own_items;
  if (runtime__extend (arena, region, written->code, &extended, &own_items, why))
    return -1;
  *side = *written;
  if (extended != written->code && assemble (arena, extended, side, why))
    return -1;
  side->own_items = own_items;
  return 0;
}

/* A sandbox with IMAGE and, where it can be had, the same code with instruments in slot INDEX.  */
static int
open_sandbox (struct arena *arena, const struct region *region, const struct layout *layout,
              const struct image *image, const struct instrument *instrument, unsigned index,
              struct sandbox **sandbox, struct why *why)
{
  struct image *instrumented = NULL;
  if (instrument && instrument__link (arena, region, layout, instrument, index, &instrumented, why))
    return -1;
  const struct image *images[] = { image, instrumented };
  return sandbox__open (region, images, instrument ? 2 : 1, NULL, sandbox, why);
}

static int
open_setup (struct verifier *verifier, bool flush_end, struct why *why)
{
  struct setup *setup = &verifier->setup[verifier->n_setups];
  const struct region *region = verifier->region;
  struct states_options options = { .seed = verifier->options.seed + flush_end,
                                    .recorded = verifier->options.recorded,
                                    .n_recorded = verifier->options.n_recorded };
  setup->bank_arena = arena__new ();
  verifier->n_setups++;
  if (layout__new (verifier->arena, region, flush_end, &setup->layout, why))
    return -1;
  if (!object__is_absolute (verifier->original.object))
    layout__raise (setup->layout);
  if (image__link (verifier->arena, region, setup->layout, verifier->original.object,
                      verifier->original.decoded, 0, &setup->original, why))
    return -1;
  if (open_sandbox (verifier->arena, region, setup->layout, setup->original, verifier->instrument,
                    INSTRUMENTED_ORIGINAL, &setup->sandbox, why))
    return -1;
  return states__open (region, setup->layout, setup->sandbox, &options, &setup->states, why);
}

int
verifier__open (const struct region *region, const struct verify_options *options,
                struct verifier **result, struct why *why)
{
  struct verifier *verifier = calloc (1, sizeof *verifier);
  struct code *code;
  if (!verifier)
    return why__set (why, REASON_SANDBOX, "out of memory");
  verifier->arena = arena__new ();
  verifier->region = region;
  verifier->options = options ? *options : (struct verify_options) { 0 };
  if (!(verifier->options.budget_seconds > 0))
    verifier->options.budget_seconds = BUDGET_SECONDS;
  verifier->options.seed = seed_from (region, options);
  if ((region->fp & FP_ROUNDING) && (region->fp & FP_USES))
    {
      why__set (why, REASON_UNMODELLED, "-frounding-math: only round-to-nearest is tested");
      goto fail;
    }
  if (compare__can (region, why) || region__code (region, &code, why)
      || assemble (verifier->arena, code, &verifier->written, why)
      || allow__original (region, &verifier->written, why)
      || extend (verifier->arena, region, &verifier->written, &verifier->original, why))
    goto fail;
  struct why slow;
  if (instrument__new (verifier->arena, verifier->original.code, verifier->original.decoded,
                       &verifier->instrument, &slow))
    verifier->instrument = NULL;
  if (open_setup (verifier, true, why))
    goto fail;
  bool objects = false;
  for (unsigned g = 0; g < region->n_globals; g++)
    objects |= !region->global[g].is_function;
  if (objects && open_setup (verifier, false, why))
    goto fail;
  *result = verifier;
  return 0;
fail:
  verifier__close (verifier);
  return -1;
}

void
verifier__close (struct verifier *verifier)
{
  if (!verifier)
    return;
  for (unsigned s = 0; s < verifier->n_setups; s++)
    {
      struct setup *setup = &verifier->setup[s];
      if (setup->states)
        states__close (setup->states);
      if (setup->sandbox)
        sandbox__close (setup->sandbox);
      arena__free (setup->bank_arena);
    }
  arena__free (verifier->arena);
  free (verifier);
}

void
trial__refute (struct trial *trial, const struct why *why)
{
  trial->ended = true;
  trial->verdict->level = VERDICT_REFUTED;
  trial->verdict->why = *why;
}

void
trial__unknown (struct trial *trial, const struct why *why)
{
  trial->ended = true;
  trial->verdict->level = VERDICT_UNKNOWN;
  trial->verdict->why = *why;
  if (why->reason == REASON_NONE)
    trial->verdict->why.reason = REASON_UNMODELLED;
}

/* Does REASON say that the candidate is wrong, as opposed to not understood?  */
bool
reason__is_refutation (enum reason reason)
{
  switch (reason)
    {
    case REASON_FORBIDDEN:
    case REASON_ISA:
    case REASON_CONTROL_FLOW:
    case REASON_CALLS:
    case REASON_CONSTANT_TIME:
    case REASON_MARKER:
    case REASON_NEW_SYMBOL:
    case REASON_CFI:
    case REASON_ASSEMBLE:
    case REASON_MISMATCH:
      return true;
    default:
      return false;
    }
}

/* Can the candidate be unwound at every instruction?  Splicing derives the same rows.  */
static int
check_unwinding (struct trial *trial, struct why *why)
{
  const char *const *before;
  if (!trial->verifier->region->needs_cfi)
    return 0;
  region__note_noreturn (trial->verifier->region, trial->candidate->code);
  return cfi__derive (trial->arena, trial->candidate->code, &before, why);
}

bool
trial__prepare (struct trial *trial, struct why *why)
{
  struct verifier *verifier = trial->verifier;
  const struct region *region = verifier->region;
  if (!trial->candidate->code)
    {
      why__set (why, REASON_NO_FUNCTION, "no code");
      return false;
    }
  struct side written;
  if (assemble (trial->arena, trial->candidate->code, &written, why)
      || allow__candidate (region, &verifier->written, &written, trial->compiled, why)
      || check_unwinding (trial, why) || extend (trial->arena, region, &written, &trial->side, why))
    return false;
  for (unsigned s = 0; s < verifier->n_setups; s++)
    {
      struct setup *setup = &verifier->setup[s];
      if (image__link (trial->arena, region, setup->layout, trial->side.object, trial->side.decoded, 1,
                       &trial->image[s], why))
        return false;
      if (open_sandbox (trial->arena, region, setup->layout, trial->image[s], NULL, 0, &trial->sandbox[s], why))
        return false;
      struct states_options options = { .seed = verifier->options.seed * 31 + s + 7,
                                        .recorded = verifier->options.recorded,
                                        .n_recorded = verifier->options.n_recorded,
                                        .candidate = trial->candidate->code };
      struct why ignored;
      if (states__open (region, setup->layout, setup->sandbox, &options, &trial->states[s], &ignored))
        trial->states[s] = setup->states;
    }
  return true;
}

/* A few tests before anything that costs: most wrong candidates fail here.  False where the verdict is filled.  */
static bool
screen (struct trial *trial)
{
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_BOUNDARY };
  struct setup *setup = &trial->verifier->setup[0];
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    {
      struct difference difference;
      struct why why = { 0 };
      unsigned which = 0, n;
      if (setup__bank (setup, kinds[i], &why))
        {
          trial__unknown (trial, &why);
          return false;
        }
      /* Whose calls were not all recorded can't be compared; differential.c leaves those out.  */
      for (n = 0; n < setup->n_bank[kinds[i]] && setup->bank[kinds[i]][n].expected->n_events_lost == 0; n++)
        ;
      enum comparison comparison = differential__run (trial, trial->sandbox[0], setup->bank[kinds[i]], n,
                                                      differential__timeout (trial), true, &which, &difference);
      trial->verdict->tests += comparison == COMPARE_DIFFERENT ? which + 1 : 0;
      if (!trial__settle (trial, comparison, n ? &setup->bank[kinds[i]][which] : NULL, &difference))
        return false;
    }
  return true;
}

/* Gives TRIAL's sandboxes the code with instruments as well, where it can be had.  0, or -1 and *WHY.  */
static int
add_instruments (struct trial *trial, struct why *why)
{
  struct verifier *verifier = trial->verifier;
  struct why slow;
  if (!verifier->instrument
      || instrument__new (trial->arena, trial->side.code, trial->side.decoded, &trial->instrument, &slow))
    {
      trial->instrument = NULL;
      return 0;
    }
  for (unsigned s = 0; s < verifier->n_setups; s++)
    {
      sandbox__close (trial->sandbox[s]);
      trial->sandbox[s] = NULL;
      if (open_sandbox (trial->arena, verifier->region, verifier->setup[s].layout, trial->image[s], trial->instrument,
                        INSTRUMENTED_CANDIDATE, &trial->sandbox[s], why))
        return -1;
    }
  return 0;
}

void
trial__close (struct trial *trial)
{
  const struct verifier *verifier = trial->verifier;
  for (unsigned s = 0; s < verifier->n_setups; s++)
    {
      if (trial->states[s] && trial->states[s] != verifier->setup[s].states)
        states__close (trial->states[s]);
      if (trial->sandbox[s])
        sandbox__close (trial->sandbox[s]);
    }
  arena__free (trial->arena);
}

/* Would the tests have noticed?  Else the verdict is filled.  */
static bool
is_adequate (struct trial *trial)
{
  struct verdict *verdict = trial->verdict;
  struct why why = { 0 };
  double unseen_most = trial->compiled ? CONDITIONS_UNSEEN_MAX * verdict->conditions + CONDITION_OUTCOMES : 0;
  /* Of a handful of mutants most may be equivalent: then one that dies has to do.  */
  double share = verdict->mutants_total < MUTANTS_FEW ? 0 : mutants__threshold;
  if (verdict->mutants_total
      && (verdict->mutants_killed == 0 || verdict->mutants_killed < share * verdict->mutants_total))
    why__set (&why, REASON_MUTANTS, "%u of %u killed; to know more, kill or prove equal: %s", verdict->mutants_killed,
              verdict->mutants_total, verdict->first_survivor ? verdict->first_survivor : "the rest");
  else if (verdict->carries_unseen || verdict->conditions_unseen > unseen_most)
    why__set (&why, REASON_COVERAGE,
              "%u of %u outcomes of conditions that are no branches make no difference on any test; the first: %s",
              verdict->conditions_unseen, verdict->conditions, verdict->first_survivor);
  if (why.reason == REASON_NONE)
    return true;
  trial__unknown (trial, &why);
  return false;
}

void
verifier__set_budget (struct verifier *verifier, double seconds)
{
  verifier->options.budget_seconds = seconds;
}

void
verifier__check (struct verifier *verifier, const struct candidate *candidate,
                 struct verdict *verdict)
{
  memset (verdict, 0, sizeof *verdict);
  verdict->arena = arena__new ();
  verdict->level = VERDICT_UNKNOWN;
  why__set (&verdict->why, REASON_UNMODELLED, "not judged");
  struct trial trial = { .verifier = verifier, .candidate = candidate, .verdict = verdict,
                         .as_it_is = verifier->options.as_it_is };
  trial.arena = arena__new ();
  trial.started = verify__now ();
  trial.deadline = trial.started + verifier->options.budget_seconds;
  trial.compiled = candidate->policy && strcmp (candidate->policy, "compilers") == 0;

  struct why why = { 0 };
  if (!trial__prepare (&trial, &why))
    {
      if (reason__is_refutation (why.reason))
        trial__refute (&trial, &why);
      else
        trial__unknown (&trial, &why);
    }
  else if (!screen (&trial))
    ;
  else if (add_instruments (&trial, &why))
    trial__unknown (&trial, &why);
  else if (differential__judge (&trial))
    {
      /* A proof is of all states: what tests would have to reach, and whether they would notice faults, doesn't matter.  */
      if (trial.proof == PROOF_PROVED || (mutants__run (&trial) && is_adequate (&trial)))
        {
          verdict->level = trial.proof == PROOF_PROVED    ? VERDICT_PROVED
                           : trial.proof == PROOF_BOUNDED ? VERDICT_BOUNDED
                                                          : VERDICT_TESTED;
          memset (&verdict->why, 0, sizeof verdict->why);
        }
    }
  verdict->seconds = verify__now () - trial.started;
  verdict->tests_per_second = verdict->seconds > 0 ? (double) verdict->tests / verdict->seconds : 0;
  unknown__help (&trial);
  evidence__write (&trial);

  trial__close (&trial);
}

struct states *
verifier__states (struct verifier *verifier)
{
  return verifier->setup[0].states;
}

const struct layout *
verifier__layout (const struct verifier *verifier)
{
  return verifier->setup[0].layout;
}

const struct image *
verifier__original (const struct verifier *verifier)
{
  return verifier->setup[0].original;
}
