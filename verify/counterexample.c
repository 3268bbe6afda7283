/* Counterexamples: shrunk, then as text for people and as JSON that `aiopt verify --replay` runs
   again.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SHOW_TIMEOUT_MS 1000
/* Longest run of the original that is followed to see how large its objects are.  */
#define SHOW_STEPS 20000

/* What is wrong, in words: the reason, where, and the values where they are not shown otherwise. */
static char *
describe (struct arena *arena, const struct difference *difference, bool values)
{
  return arena__printf (
      arena, "%s%s%s%s%s%s%s", reason__text (difference->why.reason),
      difference->why.detail[0] ? ": " : "", difference->why.detail,
      values && difference->expected[0] ? "; original " : "", values ? difference->expected : "",
      values && difference->got[0] ? ", candidate " : "", values ? difference->got : "");
}

static char *
print_text (struct trial *trial, const struct test *test, const struct difference *difference)
{
  unsigned s = trial->at_setup;
  struct outcome *got = ARENA_NEW (trial->arena, struct outcome);
  const struct state *state = test->state;
  struct trace trace = { 0 };
  struct why why;
  struct shown shown = { .address = difference->address };
  bool values = difference->why.reason == REASON_RESULT || difference->why.reason == REASON_MEMORY;
  if (values && sandbox__run (trial->sandbox[s], 0, &state, got, 1, SHOW_TIMEOUT_MS, &why) == 0
      && got->status == RUN_RETURNED && test->expected->status == RUN_RETURNED)
    shown.got = got;
  if (test->expected->status == RUN_RETURNED
      && sandbox__trace (trial->verifier->setup[s].sandbox, 0, state, SHOW_STEPS, &trace, &why) == 0
      && trace.complete)
    shown.touched = &trace.footprint;
  shown.what = describe (trial->arena, difference, !shown.got);
  char *text = test__show (trial->verifier->region, test, &shown);
  trace__free (&trace);
  return text;
}

static void
write_json (struct trial *trial, const struct test *test, const struct difference *difference)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "kind", state_kind__name (test->kind));
  cJSON_AddStringToObject (json, "reason", reason__slug (difference->why.reason));
  cJSON_AddStringToObject (json, "detail", difference->why.detail);
  if (difference->expected[0])
    cJSON_AddStringToObject (json, "expected", difference->expected);
  if (difference->got[0])
    cJSON_AddStringToObject (json, "got", difference->got);
  if (difference->address)
    {
      char address[24];
      snprintf (address, sizeof address, "0x%" PRIx64, difference->address);
      cJSON_AddStringToObject (json, "address", address);
    }
  cJSON_AddStringToObject (json, "text", trial->verdict->counterexample);
  cJSON_AddNumberToObject (json, "layout", trial->at_setup);
  char *state = test__to_json (trial->verifier->region, test);
  cJSON *parsed = state ? cJSON_Parse (state) : NULL;
  cJSON_AddItemToObject (json, "state", parsed ? parsed : cJSON_CreateNull ());
  free (state);
  char *printed = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  trial->verdict->counterexample_json = arena__strdup (trial->verdict->arena, printed);
  free (printed);
}

/* Does the candidate of TRIAL run out of its objects on TEST, and the original not, because a size is beyond all objects?  Then a
   sum of address and size went round in the original.  No program comes to that, so it refutes nothing; but it may be
   another number than a size that is so large, so nothing is accepted either.  */
static bool
is_beyond_objects (const struct trial *trial, const struct test *test, const struct difference *difference)
{
  return (difference->signal == SIGSEGV || difference->signal == SIGBUS) && test->expected->status == RUN_RETURNED
         && compare__impossible_size (trial->verifier->region, test->state);
}

void
counterexample__refute (struct trial *trial, const struct test *test,
                        const struct difference *difference)
{
  /* What the original left may be the sandbox's own, until it runs again.  */
  struct test small = *test;
  small.expected = outcome__copy (trial->arena, test->expected, test->state);
  const struct test whole = small;
  struct difference of_small = *difference;
  trial__refute (trial, &difference->why);
  if (!trial->as_it_is)
    {
      shrink__test (trial, &whole, difference, &small, &of_small);
      /* What is told must be of what is shown.  */
      trial__refute (trial, &of_small.why);
      if (is_beyond_objects (trial, &small, &of_small))
        {
          struct why why;
          why__set (&why, REASON_IMPOSSIBLE_SIZE, "%s", of_small.why.detail);
          trial__unknown (trial, &why);
        }
    }
  char *text = print_text (trial, &small, &of_small);
  trial->verdict->counterexample = arena__strdup (trial->verdict->arena, text ? text : "");
  free (text);
  write_json (trial, &small, &of_small);
}
