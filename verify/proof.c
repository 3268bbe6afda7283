/* The proof's place in the cascade: after the first tests have found nothing, before the long search.

   A proof says nothing that tests could contradict, so it is tried once the bank has passed on the CPU: a candidate that fails
   there is cheaper to refute.  What the solver thinks is a difference is only a state to run; the executor decides.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

/* The share of the budget for the proof, and seconds of CPU time at most: what isn't proved by then rarely is.  */
#define PROOF_SHARE 0.4
#define PROOF_SECONDS_MAX 6.0

/* PROOF as JSON, for the evidence.  */
static const char *
describe (struct arena *arena, const struct proof *proof)
{
  static const char *const result[] = { [PROOF_UNKNOWN] = "none", [PROOF_PROVED] = "proved",
                                        [PROOF_BOUNDED] = "bounded", [PROOF_DIFFERENT] = "none" };
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "result", result[proof->result]);
  if (proof->method)
    cJSON_AddStringToObject (json, "method", proof->method);
  if (proof->result == PROOF_BOUNDED)
    cJSON_AddNumberToObject (json, "iterations", proof->bound);
  cJSON_AddNumberToObject (json, "paths", proof->paths);
  cJSON_AddNumberToObject (json, "questions", proof->questions);
  cJSON_AddNumberToObject (json, "seconds", proof->seconds);
  cJSON_AddStringToObject (json, "solver", solver__name ());
  if (proof->result != PROOF_PROVED && proof->why.reason != REASON_NONE)
    {
      cJSON_AddStringToObject (json, "reason", reason__slug (proof->why.reason));
      cJSON_AddStringToObject (json, "detail", proof->why.detail);
    }
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  const char *copy = arena__strdup (arena, text);
  free (text);
  return copy;
}

bool
proof__judge (struct trial *trial)
{
  struct verifier *verifier = trial->verifier;
  struct setup *setup = &verifier->setup[0];
  struct proof proof = { 0 };
  double left = trial->deadline - verify__now (), share = PROOF_SHARE * verifier->options.budget_seconds;
  struct proof_options options = { .seconds = share < PROOF_SECONDS_MAX ? share : PROOF_SECONDS_MAX,
                                   .excuse_faults = trial->compiled };
  if (options.seconds > left)
    options.seconds = left;
  if (options.seconds <= 0)
    return true;
  prove__equivalent (verifier->region, setup->layout, setup->original, verifier->original.object,
                     trial->image[0], trial->side.object, &options, &proof);
  trial->proof = proof.result;
  trial->verdict->proof = describe (trial->verdict->arena, &proof);
  const struct state *states[] = { proof.counterexample };
  bool well = !proof.counterexample || trial__try (trial, 0, states, 1);
  proof__free (&proof);
  return well;
}
