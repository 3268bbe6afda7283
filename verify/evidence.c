/* What a verdict was built on, as JSON: enough for anyone to run it again without us.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include "machine/isa.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum
{
  DIGEST_BYTES = 16
};

/* The digest of the recorded states that were at hand: which ones, and in which order.  */
static void
add_recorded (cJSON *json, const struct verify_options *options)
{
  if (!options->n_recorded)
    return;
  crypto_generichash_state state;
  uint8_t digest[DIGEST_BYTES];
  char text[2 * DIGEST_BYTES + 1];
  crypto_generichash_init (&state, NULL, 0, sizeof digest);
  for (unsigned i = 0; i < options->n_recorded; i++)
    {
      char *one = recorded__to_json (options->recorded[i]);
      if (one)
        crypto_generichash_update (&state, (const uint8_t *)one, strlen (one) + 1);
      free (one);
    }
  crypto_generichash_final (&state, digest, sizeof digest);
  sodium_bin2hex (text, sizeof text, digest, sizeof digest);
  cJSON *recorded = cJSON_AddObjectToObject (json, "recorded");
  cJSON_AddNumberToObject (recorded, "states", options->n_recorded);
  cJSON_AddStringToObject (recorded, "digest", text);
}

static void
add_coverage (cJSON *json, const struct trial *trial)
{
  const struct coverage *sides[] = { trial->original_coverage, trial->candidate_coverage };
  static const char *const names[] = { "original", "candidate" };
  cJSON *coverage = cJSON_AddObjectToObject (json, "coverage");
  cJSON_AddNumberToObject (coverage, "share", trial->verdict->coverage);
  for (unsigned i = 0; i < 2; i++)
    if (sides[i])
      {
        struct coverage_count count;
        coverage__count (sides[i], &count);
        cJSON *side = cJSON_AddObjectToObject (coverage, names[i]);
        cJSON_AddNumberToObject (side, "instructions", count.insns);
        cJSON_AddNumberToObject (side, "instructions_reached", count.insns_reached);
        cJSON_AddNumberToObject (side, "ways", count.ways);
        cJSON_AddNumberToObject (side, "ways_reached", count.ways_reached);
      }
}

void
evidence__write (struct trial *trial)
{
  struct verdict *verdict = trial->verdict;
  const struct verifier *verifier = trial->verifier;
  const struct region *region = verifier->region;
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "verifier", VERIFIER_VERSION);
  cJSON_AddStringToObject (json, "verdict", verdict__name (verdict->level));
  if (verdict->why.reason != REASON_NONE)
    {
      cJSON_AddStringToObject (json, "reason", reason__slug (verdict->why.reason));
      cJSON_AddStringToObject (json, "detail", verdict->why.detail);
    }
  char seed[24];
  snprintf (seed, sizeof seed, "%016llx", (unsigned long long)verifier->options.seed);
  cJSON_AddStringToObject (json, "seed", seed);
  cJSON_AddNumberToObject (json, "budget_seconds", verifier->options.budget_seconds);
  cJSON_AddNumberToObject (json, "seconds", verdict->seconds);
  if (trial->candidate->policy)
    cJSON_AddStringToObject (json, "policy", trial->candidate->policy);
  if (trial->candidate->provenance)
    cJSON_AddStringToObject (json, "provenance", trial->candidate->provenance);
  const char *isa = isa__print (trial->arena, region->isa_allowed),
             *cpu = isa__host_cpu (trial->arena);
  cJSON_AddStringToObject (json, "isa", isa ? isa : "");
  cJSON_AddStringToObject (json, "cpu", cpu ? cpu : "");
  cJSON_AddNumberToObject (json, "layouts", verifier->n_setups);
  cJSON *tests = cJSON_AddObjectToObject (json, "tests");
  for (unsigned k = 0; k < STATE_KINDS; k++)
    cJSON_AddNumberToObject (tests, state_kind__name ((enum state_kind)k), (double)trial->tests[k]);
  cJSON_AddNumberToObject (tests, "volume", (double)trial->volume);
  cJSON_AddNumberToObject (json, "tests_total", (double)verdict->tests);
  cJSON_AddNumberToObject (json, "traced", (double)verdict->traced);
  add_recorded (json, &verifier->options);
  add_coverage (json, trial);
  cJSON *mutants = cJSON_AddObjectToObject (json, "mutants");
  cJSON_AddNumberToObject (mutants, "killed", verdict->mutants_killed);
  cJSON_AddNumberToObject (mutants, "total", verdict->mutants_total);
  cJSON *survivors = verdict->survivors ? cJSON_Parse (verdict->survivors) : NULL;
  if (survivors)
    cJSON_AddItemToObject (mutants, "survivors", survivors);
  cJSON *proof = verdict->proof ? cJSON_Parse (verdict->proof) : NULL;
  if (proof)
    cJSON_AddItemToObject (json, "proof", proof);
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  verdict->evidence = arena__strdup (verdict->arena, text);
  free (text);
}
