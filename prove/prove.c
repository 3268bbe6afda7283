/* The proof from outside.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <string.h>

/* The share of the time that induction over loops may take.  */
#define INDUCTION_SHARE 0.5
/* … and what goes before it, where both sides look alike.  */
#define LOCKSTEP_SHARE 0.25
#define ALIKE_SHARE 0.6 /* … where they are known to be */

/* Can the region's result be compared at all?  */
static int
check_region (const struct region *region, struct why *why)
{
  const struct value *result = &region->result;
  for (unsigned i = 0; i < result->n_locations; i++)
    {
      const struct location *location = &result->location[i];
      bool fits = i < LOCATIONS_MAX && location->offset + location->size <= 256
                  && ((location->kind == LOCATION_GPR && location->number < 16 && location->size <= 8)
                      || (location->kind == LOCATION_VEC && location->number < 16 && location->size <= 64));
      if (!fits)
        return why__set (why, REASON_UNSUPPORTED_TYPE, "the result's place");
    }
  if (result->n_locations == 0 && result->type < region->n_types
      && region->type[result->type].kind != TYPE_VOID && region->type[result->type].size != 0)
    return why__set (why, REASON_UNSUPPORTED_TYPE, "a result without a place");
  if ((region->fp & FP_ROUNDING) && (region->fp & FP_USES))
    return why__set (why, REASON_UNMODELLED, "-frounding-math");
  return 0;
}

int
problem__open (struct problem *problem, struct arena *arena, const struct region *region,
               const struct layout *layout, struct why *why)
{
  problem->arena = arena;
  problem->region = region;
  problem->layout = layout;
  problem->started = prove__now ();
  problem->terms = terms__new ();
  problem->base = ARENA_ARRAY (arena, struct base, BASES_MAX);
  problem->meeting = ARENA_ARRAY (arena, struct meeting, MEETINGS);
  problem->solver = solver__new (problem->terms);
  if (!problem->solver)
    return why__set (why, REASON_PROOF_SOLVER, "it can't be started");
  return check_region (region, why);
}

struct problem *
problem__open_one (struct arena *arena, const struct region *region, const struct layout *layout, const struct image *image,
                   const struct object *object, unsigned side, double seconds)
{
  struct problem *problem = ARENA_NEW (arena, struct problem);
  struct why why;
  problem->proof = ARENA_NEW (arena, struct proof);
  if (problem__open (problem, arena, region, layout, &why) == 0
      && program__new (problem, side, image, object, &problem->program[side], &why) == 0)
    {
      problem->program[!side] = problem->program[side];
      problem->deadline = problem->started + (seconds > 0 ? seconds : PROOF_SECONDS);
      if (problem__inputs (problem, &why) == 0)
        return problem;
    }
  problem__close (problem);
  return NULL;
}

void
problem__close (struct problem *problem)
{
  if (problem->solver)
    solver__free (problem->solver);
  if (problem->terms)
    terms__free (problem->terms);
}

void
problem__prove (const struct region *region, const struct layout *layout,
                const struct image *original, const struct object *original_object,
                const struct image *candidate, const struct object *candidate_object,
                const struct proof_options *options, struct proof *proof)
{
  struct arena *arena = arena__new ();
  struct problem *problem = ARENA_NEW (arena, struct problem);
  bool induced = false, lockstep = false;
  memset (proof, 0, sizeof *proof);
  proof->arena = arena__new ();
  proof->result = PROOF_UNKNOWN;
  problem->proof = proof;
  if (options)
    problem->options = *options;
  if (!(problem->options.seconds > 0))
    problem->options.seconds = PROOF_SECONDS;
  if (problem__open (problem, arena, region, layout, &proof->why) == 0)
    {
      problem->deadline = problem->started + problem->options.seconds;
      if (program__new (problem, 0, original, original_object, &problem->program[0], &proof->why) == 0
          && program__new (problem, 1, candidate, candidate_object, &problem->program[1], &proof->why) == 0
          && problem__inputs (problem, &proof->why) == 0)
        {
          struct why why = { 0 };
          problem__assume_sizes (problem, problem->options.sizes);
          /* Any number of iterations, if that can be had; else as many as time allows.  */
          bool loops = problem->program[0]->n_back && problem->program[1]->n_back;
          double alike = problem->options.alike ? ALIKE_SHARE : LOCKSTEP_SHARE;
          problem->deadline = problem->started + alike * problem->options.seconds;
          lockstep = loops && problem__lockstep (problem, &why);
          problem->deadline = problem->started + INDUCTION_SHARE * problem->options.seconds;
          bool enough = loops && problem->options.only_alike;
          induced = lockstep || (loops && !enough && problem__induct (problem, &why));
          problem->deadline = problem->started + problem->options.seconds;
          problem->roughly = false;
          /* What induction ran is no part of what exploring has seen.  */
          for (unsigned side = 0; side < SIDES; side++)
            memset (problem->program[side]->reached, 0, problem->program[side]->n_insns * sizeof (bool));
          if (induced)
            proof->result = PROOF_PROVED;
          else if (!enough)
            {
              memset (&why, 0, sizeof why);
              proof->result = problem__explore (problem, &why);
            }
          if (proof->result == PROOF_UNKNOWN || proof->result == PROOF_DIFFERENT)
            proof->why = why;
        }
      proof->questions = solver__questions (problem->solver);
    }
  proof->seconds = prove__now () - problem->started;
  proof->method = lockstep ? "lockstep" : induced ? "induction" : problem->used_solver ? "solver" : "terms";
  problem__close (problem);
  arena__free (arena);
}

void
proof__free (struct proof *proof)
{
  arena__free (proof->arena);
  proof->arena = NULL;
}
