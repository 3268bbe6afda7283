/* `aiopt verify --replay`: evidence that is kept, run again: an entry of the cache, or a
   counterexample.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "policy/process.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum
{
  FILE_MAX = 64 << 20
};

/* A machine may be slower, or busier, than the one that the evidence is from.  */
#define BUDGET_FACTOR 4
#define BUDGET_LEAST 10.0

char *
verify__json (const struct verdict *verdict, const struct region *region,
              const struct candidate *candidate)
{
  char *text = verdict__to_json (verdict);
  if (!verdict->counterexample_json || !region || !candidate || !candidate->code || !text)
    return text;
  cJSON *json = cJSON_Parse (text);
  cJSON *counterexample = cJSON_GetObjectItemCaseSensitive (json, "counterexample");
  char *region_text = region__to_json (region);
  if (cJSON_IsObject (counterexample) && region_text)
    {
      cJSON_AddItemToObject (counterexample, "region", cJSON_CreateRaw (region_text));
      cJSON_AddStringToObject (counterexample, "candidate", code__canonical (candidate->code));
      if (candidate->policy)
        cJSON_AddStringToObject (counterexample, "policy", candidate->policy);
      free (text);
      text = cJSON_PrintUnformatted (json);
    }
  free (region_text);
  cJSON_Delete (json);
  return text;
}

/* What is replayed, in an arena.  */
struct replay
{
  const struct replay_options *options;
  struct arena *arena;
  struct region *region;
  struct candidate candidate;
  struct verify_options verify;
  const char *warning;
};

/* Reads region and candidate.  CLI_OK, or a status after a message.  */
static int
replay__read (struct replay *replay, const char *region, const char *code, const char *policy,
              const char *provenance)
{
  struct why why = { 0 };
  if (region__from_json (replay->arena, region, &replay->region, &why))
    return cli__error ("aiopt verify", "the region can't be read: %s", why.detail);
  memset (replay->region->key, 0, sizeof replay->region->key);
  if (region__key (replay->region, &why))
    return cli__error ("aiopt verify", "the region has no key: %s", why.detail);
  replay->candidate = (struct candidate){ .arena = replay->arena, .form = FORM_ASM };
  replay->candidate.policy = arena__strdup (replay->arena, policy);
  replay->candidate.provenance = arena__strdup (replay->arena, provenance);
  if (code__parse_canonical (replay->arena, code, replay->region->function, &replay->candidate.code,
                             &why))
    return cli__error ("aiopt verify", "the candidate can't be read: %s", why.detail);
  return CLI_OK;
}

/* The entry that is meant.  */
struct finder
{
  unsigned n;
  struct entry entry; /* its own copies of the strings that are needed */
  struct arena *arena;
};

static bool
finder__visit (void *context, const struct entry *entry)
{
  struct finder *finder = context;
  if (finder->n++)
    return false;
  finder->entry = *entry;
  finder->entry.function = arena__strdup (finder->arena, entry->function);
  finder->entry.code = arena__strdup (finder->arena, entry->code);
  finder->entry.verdict = arena__strdup (finder->arena, entry->verdict);
  finder->entry.policy = arena__strdup (finder->arena, entry->policy);
  finder->entry.provenance = arena__strdup (finder->arena, entry->provenance);
  finder->entry.evidence = arena__strdup (finder->arena, entry->evidence);
  finder->entry.reason = arena__strdup (finder->arena, entry->reason);
  return true;
}

static double
number (const cJSON *json, const char *name)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (json, name);
  return cJSON_IsNumber (item) && item->valuedouble > 0 ? item->valuedouble : 0;
}

static const char *
string (const cJSON *json, const char *name)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (json, name);
  return cJSON_IsString (item) ? item->valuestring : NULL;
}

/* States run one by one, by EVIDENCE; those in batches aren't counted, they are as many as the time
 * allows.  */
static double
states_run (const cJSON *evidence)
{
  double sum = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive (
                                evidence, "tests")) if (cJSON_IsNumber (item) && item->string
                                                        && strcmp (item->string, "volume") != 0) sum
      += item->valuedouble;
  return sum;
}

/* Sets the verifier to what EVIDENCE says.  */
static void
replay__configure (struct replay *replay, const cJSON *evidence)
{
  const char *seed = string (evidence, "seed");
  if (seed)
    replay->verify.seed = strtoull (seed, NULL, 16);
  replay->verify.tests_least = (uint64_t)states_run (evidence);
  replay->verify.accept = replay->options->accept;
  double budget = number (evidence, "budget_seconds") * BUDGET_FACTOR;
  if (budget < BUDGET_LEAST)
    budget = BUDGET_LEAST;
  replay->verify.budget_seconds
      = replay->options->budget_seconds > 0 ? replay->options->budget_seconds : budget;
}

/* Is the verdict what the cache holds?  WHY is filled where not.  */
static bool
is_confirmed (const struct verdict *verdict, enum verdict_level stored, double run, double tests,
              char why[240])
{
  if (verdict->level < stored)
    snprintf (why, 240, "the cache says %s, now it is %s", verdict__name (stored),
              verdict__name (verdict->level));
  else if (verdict->level == VERDICT_TESTED && run < tests)
    snprintf (why, 240, "%.0f states were run where the evidence is of %.0f; --budget allows more",
              run, tests);
  else
    return true;
  return false;
}

/* The recorded states' digest that evidence JSON names, or "".  */
static const char *
recorded_digest (const cJSON *evidence)
{
  const char *digest = string (cJSON_GetObjectItemCaseSensitive (evidence, "recorded"), "digest");
  return digest ? digest : "";
}

static int
replay__verify (struct replay *replay, enum verdict_level stored, const cJSON *evidence)
{
  struct verifier *verifier;
  struct verdict verdict = { .level = VERDICT_UNKNOWN };
  char why[240] = "";
  if (verifier__open (replay->region, &replay->verify, &verifier, &verdict.why) == 0)
    {
      verifier__check (verifier, &replay->candidate, &verdict);
      verifier__close (verifier);
    }
  bool accepted = verdict__accepts (&verdict, replay->options->accept);
  cJSON *now = verdict.evidence ? cJSON_Parse (verdict.evidence) : NULL;
  bool confirmed = is_confirmed (&verdict, stored, states_run (now), states_run (evidence), why);
  if (strcmp (recorded_digest (evidence), recorded_digest (now)) != 0)
    replay->warning
        = "the recorded states are not those of the evidence: something was recorded since";
  cJSON_Delete (now);
  if (replay->options->json)
    {
      char *text = verify__json (&verdict, replay->region, &replay->candidate);
      cJSON *json = text ? cJSON_Parse (text) : NULL;
      free (text);
      cJSON *item = json ? cJSON_AddObjectToObject (json, "replay") : NULL;
      cJSON_AddStringToObject (item, "key", replay->region->key);
      cJSON_AddStringToObject (item, "stored", verdict__name (stored));
      cJSON_AddBoolToObject (item, "confirmed", confirmed);
      if (!confirmed)
        cJSON_AddStringToObject (item, "why", why);
      if (replay->warning)
        cJSON_AddStringToObject (item, "warning", replay->warning);
      text = cJSON_PrintUnformatted (json);
      puts (text ? text : "null");
      free (text);
      cJSON_Delete (json);
    }
  else
    {
      verify__show (&verdict, accepted, replay->options->accept);
      if (replay->warning)
        printf ("note: %s\n", replay->warning);
      printf ("%s%s%s%s%s\n", terminal__sgr (stdout, confirmed ? COLOUR_GREEN : COLOUR_RED),
              confirmed ? "confirmed" : "not confirmed", terminal__sgr (stdout, COLOUR_NONE),
              confirmed ? "" : ": ", why);
    }
  int status = !confirmed                         ? EXIT_NOT_CONFIRMED
               : accepted                         ? EXIT_ACCEPTED
               : verdict.level == VERDICT_REFUTED ? EXIT_REFUTED
                                                  : EXIT_UNKNOWN;
  if (verdict.arena)
    verdict__free (&verdict);
  return status;
}

/* An entry of the cache.  */
static int
replay__entry (struct replay *replay)
{
  struct cache *cache;
  struct why why = { 0 };
  struct finder finder = { .arena = replay->arena };
  enum verdict_level stored;
  int status = cli__open_cache ("aiopt verify", replay->options->cache, CACHE_READ, &cache);
  if (status != CLI_OK)
    return status;
  char *region = NULL;
  if (cache__each (cache, replay->options->what, finder__visit, &finder, &why))
    status = cli__error ("aiopt verify", "%s", why.detail);
  else if (finder.n != 1)
    status = cli__error (
        "aiopt verify",
        finder.n ? "several entries match '%s': give more digits of the key, see `aiopt cache list`"
                 : "nothing in the cache matches '%s', and it is no file",
        replay->options->what);
  else if (finder.entry.kind != ENTRY_REWRITE || verdict__parse (finder.entry.verdict, &stored))
    status = cli__error ("aiopt verify", "%.16s is no rewrite: nothing was accepted there (%s)",
                         finder.entry.key, finder.entry.reason ? finder.entry.reason : "negative");
  else if (!(region = cache__region (cache, finder.entry.key)))
    status
        = cli__error ("aiopt verify", "the region of %.16s is not kept any more", finder.entry.key);
  if (status == CLI_OK)
    status = replay__read (replay, region, finder.entry.code, finder.entry.policy,
                           finder.entry.provenance);
  if (status == CLI_OK && strcmp (replay->region->key, finder.entry.key) != 0)
    status = cli__error ("aiopt verify",
                         "the region kept for %.16s has key %.16s: it is from another version of "
                         "the verifier, or damaged",
                         finder.entry.key, replay->region->key);
  if (status == CLI_OK)
    replay->verify.recorded
        = cli__recorded (cache, finder.entry.key, replay->arena, &replay->verify.n_recorded);
  cache__close (cache);
  free (region);
  if (status != CLI_OK)
    return status;
  cJSON *evidence = finder.entry.evidence ? cJSON_Parse (finder.entry.evidence) : NULL;
  const char *version = string (evidence, "verifier");
  replay__configure (replay, evidence);
  if (!replay->options->json)
    printf ("%s: %s, by %s; evidence of verifier %s, seed %s\n",
            finder.entry.function ? finder.entry.function : "?", finder.entry.verdict,
            finder.entry.provenance ? finder.entry.provenance : "?", version ? version : "?",
            string (evidence, "seed") ? string (evidence, "seed") : "?");
  status = replay__verify (replay, stored, evidence);
  cJSON_Delete (evidence);
  return status;
}

/* A counterexample, or what --json printed with one in it.  */
static int
replay__file (struct replay *replay, const char *text)
{
  cJSON *json = cJSON_Parse (text);
  const cJSON *counterexample = cJSON_GetObjectItemCaseSensitive (json, "counterexample");
  if (!cJSON_IsObject (counterexample))
    counterexample = json;
  const cJSON *region = cJSON_GetObjectItemCaseSensitive (counterexample, "region");
  const cJSON *state = cJSON_GetObjectItemCaseSensitive (counterexample, "state");
  const char *code = string (counterexample, "candidate");
  struct state *input;
  struct why why = { 0 };
  struct verifier *verifier;
  int status;
  if (!cJSON_IsObject (region) || !cJSON_IsObject (state) || !code)
    {
      cJSON_Delete (json);
      return cli__error (
          "aiopt verify",
          "%s: no counterexample that can be replayed: region, candidate and state are needed",
          replay->options->what);
    }
  char *region_text = cJSON_PrintUnformatted (region), *state_text = cJSON_PrintUnformatted (state);
  status = replay__read (replay, region_text, code, string (counterexample, "policy"), NULL);
  if (status == CLI_OK && states__replay (replay->arena, state_text, &input, &why))
    status = cli__error ("aiopt verify", "%s: %s", replay->options->what, why.detail);
  if (status == CLI_OK && verifier__open (replay->region, &replay->verify, &verifier, &why))
    status = cli__error ("aiopt verify", "the original can't be run: %s: %s",
                         reason__text (why.reason), why.detail);
  if (status == CLI_OK)
    {
      struct verdict verdict;
      bool same;
      unsigned layout = (unsigned)number (counterexample, "layout");
      verifier__replay (verifier, &replay->candidate, input, layout, &same, &verdict);
      if (replay->options->json)
        {
          char *out = verify__json (&verdict, replay->region, &replay->candidate);
          puts (out ? out : "null");
          free (out);
        }
      else if (same)
        puts ("not confirmed: both sides do the same on this state");
      else
        verify__show (&verdict, false, replay->options->accept);
      status = same                               ? EXIT_NOT_CONFIRMED
               : verdict.level == VERDICT_REFUTED ? EXIT_REFUTED
                                                  : EXIT_UNKNOWN;
      verdict__free (&verdict);
      verifier__close (verifier);
    }
  free (region_text);
  free (state_text);
  cJSON_Delete (json);
  return status;
}

int
verify__replay (const struct replay_options *options)
{
  struct replay replay = { .options = options, .arena = arena__new () };
  int status;
  char *text
      = access (options->what, R_OK) == 0 ? file__read (options->what, FILE_MAX, NULL) : NULL;
  if (text)
    status = replay__file (&replay, text);
  else if (strchr (options->what, '/') || strstr (options->what, ".json"))
    status = cli__usage ("aiopt verify", "%s: %s", options->what, strerror (errno));
  else
    status = replay__entry (&replay);
  free (text);
  arena__free (replay.arena);
  return status;
}
