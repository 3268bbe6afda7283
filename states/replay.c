/* Tests as JSON, and a state back from it: counterexamples come back this way.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/json.h"
#include "states/states.h"
#include <string.h>

/* A number from LOW to HIGH.  */
static bool
read_number (const cJSON *json, double low, double high, uint32_t *value)
{
  if (!cJSON_IsNumber (json) || !(json->valuedouble >= low && json->valuedouble <= high))
    return false;
  *value = (uint32_t) json->valuedouble;
  return true;
}

static bool
read_span (struct arena *arena, const cJSON *json, const struct span *before, struct span *span)
{
  const cJSON *bytes = cJSON_GetObjectItemCaseSensitive (json, "bytes");
  if (!json__read_word (cJSON_GetObjectItemCaseSensitive (json, "address"), &span->address)
      || !read_number (cJSON_GetObjectItemCaseSensitive (json, "protection"), 1, 3, &span->protection)
      || !cJSON_IsString (bytes))
    return false;
  size_t size = strlen (bytes->valuestring) / 2;
  if (!size || size % SANDBOX_PAGE || span->address % SANDBOX_PAGE || !slot__holds (span->address, size)
      || (before && before->address + before->size > span->address))
    return false;
  span->size = (uint32_t) size;
  span->bytes = arena__alloc (arena, size);
  return json__read_hex (bytes, span->bytes, size, size, NULL);
}

static const char *
read_state (struct arena *arena, const cJSON *json, struct state *state)
{
  uint64_t word;
  const cJSON *list, *item;
#define ITEM(NAME) cJSON_GetObjectItemCaseSensitive (json, NAME)
  if (!json__read_word (ITEM ("seed"), &state->seed))
    return "seed";
  if (!json__read_words (ITEM ("gpr"), state->machine.gpr, 16, 16, NULL))
    return "gpr";
  list = ITEM ("vec");
  if (!cJSON_IsArray (list) || cJSON_GetArraySize (list) != 32)
    return "vec";
  unsigned n = 0;
  cJSON_ArrayForEach (item, list)
    if (!json__read_hex (item, state->machine.vec[n++], 64, 64, NULL))
      return "vec";
  if (!json__read_words (ITEM ("mask"), state->machine.mask, 8, 8, NULL))
    return "mask";
  if (!json__read_word (ITEM ("mxcsr"), &word) || word > 0xffff)
    return "mxcsr";
  state->machine.mxcsr = (uint32_t) word;
  if (!json__read_word (ITEM ("rflags"), &state->machine.rflags))
    return "rflags";
  if (ITEM ("huge"))
    {
      uint64_t words[4];
      if (!json__read_words (ITEM ("huge"), words, 4, 4, NULL))
        return "huge";
      state->huge = (struct huge){
        .mapped = true, .random = words[0], .fixed = words[1], .turned = words[2], .first = words[3]
      };
    }
  item = ITEM ("stack");
  size_t size;
  if (!json__read_hex (item, state->stack_argument, 0, STACK_ARGUMENT_BYTES, &size))
    return "stack";
  state->stack_bytes = (unsigned) size;
  list = ITEM ("spans");
  if (!cJSON_IsArray (list) || cJSON_GetArraySize (list) > SPANS_MAX)
    return "spans";
  cJSON_ArrayForEach (item, list)
    {
      unsigned at = state->n_spans++;
      if (!read_span (arena, item, at ? &state->span[at - 1] : NULL, &state->span[at]))
        return "spans";
    }
  list = ITEM ("patches");
  if (!cJSON_IsArray (list) || cJSON_GetArraySize (list) > PATCHES_MAX)
    return "patches";
  cJSON_ArrayForEach (item, list)
    {
      struct patch *patch = &state->patch[state->n_patches++];
      if (!read_number (cJSON_GetObjectItemCaseSensitive (item, "call"), 0, 1e9, &patch->call)
          || !read_number (cJSON_GetObjectItemCaseSensitive (item, "size"), 1, 8, &patch->size)
          || !json__read_word (cJSON_GetObjectItemCaseSensitive (item, "address"), &patch->address)
          || !json__read_word (cJSON_GetObjectItemCaseSensitive (item, "value"), &patch->value))
        return "patches";
    }
  if (!json__read_words (ITEM ("answers"), state->pointer_answer, 4, 4, NULL))
    return "answers";
#undef ITEM
  return NULL;
}

int
states__replay (struct arena *arena, const char *text, struct state **result, struct why *why)
{
  cJSON *json = cJSON_Parse (text);
  if (!json)
    return why__set (why, REASON_SYNTAX, "the recorded state is no JSON");
  struct state *state = ARENA_NEW (arena, struct state);
  const char *wrong = read_state (arena, json, state);
  cJSON_Delete (json);
  if (wrong)
    return why__set (why, REASON_SYNTAX, "the recorded state's field '%s' is missing or wrong", wrong);
  *result = state;
  return 0;
}

char *
test__to_json (const struct region *region, const struct test *test)
{
  (void) region;
  const struct state *state = test->state;
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "kind", state_kind__name (test->kind));
  cJSON_AddItemToObject (json, "seed", json__word (state->seed));
  json__add_words (json, "gpr", state->machine.gpr, 16);
  cJSON *list = cJSON_AddArrayToObject (json, "vec");
  for (unsigned i = 0; i < 32; i++)
    cJSON_AddItemToArray (list, json__hex (state->machine.vec[i], 64));
  json__add_words (json, "mask", state->machine.mask, 8);
  cJSON_AddItemToObject (json, "mxcsr", json__word (state->machine.mxcsr));
  cJSON_AddItemToObject (json, "rflags", json__word (state->machine.rflags));
  if (state->huge.mapped)
    {
      const uint64_t words[] = { state->huge.random, state->huge.fixed, state->huge.turned, state->huge.first };
      json__add_words (json, "huge", words, 4);
    }
  cJSON_AddItemToObject (json, "stack", json__hex (state->stack_argument, state->stack_bytes));
  list = cJSON_AddArrayToObject (json, "spans");
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      cJSON *span = cJSON_CreateObject ();
      cJSON_AddItemToObject (span, "address", json__word (state->span[i].address));
      cJSON_AddNumberToObject (span, "protection", state->span[i].protection);
      cJSON_AddItemToObject (span, "bytes", json__hex (state->span[i].bytes, state->span[i].size));
      cJSON_AddItemToArray (list, span);
    }
  list = cJSON_AddArrayToObject (json, "patches");
  for (unsigned i = 0; i < state->n_patches; i++)
    {
      cJSON *patch = cJSON_CreateObject ();
      cJSON_AddNumberToObject (patch, "call", state->patch[i].call);
      cJSON_AddNumberToObject (patch, "size", state->patch[i].size);
      cJSON_AddItemToObject (patch, "address", json__word (state->patch[i].address));
      cJSON_AddItemToObject (patch, "value", json__word (state->patch[i].value));
      cJSON_AddItemToArray (list, patch);
    }
  json__add_words (json, "answers", state->pointer_answer, 4);
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  return text;
}
