/* Tests as JSON, and a state back from it: counterexamples come back this way.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/states.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
read_word (const cJSON *json, uint64_t *value)
{
  if (!cJSON_IsString (json) || strncmp (json->valuestring, "0x", 2) || !json->valuestring[2])
    return false;
  char *end;
  errno = 0;
  *value = strtoull (json->valuestring + 2, &end, 16);
  return !*end && !errno;
}

static int
nibble (char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads exactly SIZE bytes of hexadecimal text.  */
static bool
read_hex (const cJSON *json, uint8_t *bytes, size_t size)
{
  if (!cJSON_IsString (json) || strlen (json->valuestring) != 2 * size)
    return false;
  for (size_t i = 0; i < size; i++)
    {
      int high = nibble (json->valuestring[2 * i]), low = nibble (json->valuestring[2 * i + 1]);
      if (high < 0 || low < 0)
        return false;
      bytes[i] = (uint8_t) (high << 4 | low);
    }
  return true;
}

static bool
read_words (const cJSON *json, uint64_t *value, int n)
{
  if (!cJSON_IsArray (json) || cJSON_GetArraySize (json) != n)
    return false;
  for (int i = 0; i < n; i++)
    if (!read_word (cJSON_GetArrayItem (json, i), &value[i]))
      return false;
  return true;
}

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
  if (!read_word (cJSON_GetObjectItemCaseSensitive (json, "address"), &span->address)
      || !read_number (cJSON_GetObjectItemCaseSensitive (json, "protection"), 1, 3, &span->protection)
      || !cJSON_IsString (bytes))
    return false;
  size_t size = strlen (bytes->valuestring) / 2;
  if (!size || size % SANDBOX_PAGE || span->address % SANDBOX_PAGE || !slot__holds (span->address, size)
      || (before && before->address + before->size > span->address))
    return false;
  span->size = (uint32_t) size;
  span->bytes = arena__alloc (arena, size);
  return read_hex (bytes, span->bytes, size);
}

static const char *
read_state (struct arena *arena, const cJSON *json, struct state *state)
{
  uint64_t word;
  const cJSON *list, *item;
#define ITEM(NAME) cJSON_GetObjectItemCaseSensitive (json, NAME)
  if (!read_word (ITEM ("seed"), &state->seed))
    return "seed";
  if (!read_words (ITEM ("gpr"), state->machine.gpr, 16))
    return "gpr";
  list = ITEM ("vec");
  if (!cJSON_IsArray (list) || cJSON_GetArraySize (list) != 32)
    return "vec";
  unsigned n = 0;
  cJSON_ArrayForEach (item, list)
    if (!read_hex (item, state->machine.vec[n++], 64))
      return "vec";
  if (!read_words (ITEM ("mask"), state->machine.mask, 8))
    return "mask";
  if (!read_word (ITEM ("mxcsr"), &word) || word > 0xffff)
    return "mxcsr";
  state->machine.mxcsr = (uint32_t) word;
  if (!read_word (ITEM ("rflags"), &state->machine.rflags))
    return "rflags";
  if (ITEM ("huge"))
    {
      uint64_t words[2];
      if (!read_words (ITEM ("huge"), words, 2))
        return "huge";
      state->huge = (struct huge){ .mapped = true, .random = words[0], .fixed = words[1] };
    }
  item = ITEM ("stack");
  if (!cJSON_IsString (item) || strlen (item->valuestring) / 2 > STACK_ARGUMENT_BYTES)
    return "stack";
  state->stack_bytes = (unsigned) (strlen (item->valuestring) / 2);
  if (!read_hex (item, state->stack_argument, state->stack_bytes))
    return "stack";
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
          || !read_word (cJSON_GetObjectItemCaseSensitive (item, "address"), &patch->address)
          || !read_word (cJSON_GetObjectItemCaseSensitive (item, "value"), &patch->value))
        return "patches";
    }
  if (!read_words (ITEM ("answers"), state->pointer_answer, 4))
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

/* Hexadecimal text of BYTES[SIZE] as a JSON string.  */
static cJSON *
hex_json (const uint8_t *bytes, size_t size)
{
  static const char digit[] = "0123456789abcdef";
  char *text = malloc (2 * size + 1);
  if (!text)
    return NULL;
  for (size_t i = 0; i < size; i++)
    {
      text[2 * i] = digit[bytes[i] >> 4];
      text[2 * i + 1] = digit[bytes[i] & 15];
    }
  text[2 * size] = 0;
  cJSON *json = cJSON_CreateString (text);
  free (text);
  return json;
}

static cJSON *
word_json (uint64_t value)
{
  char text[24];
  snprintf (text, sizeof text, "0x%" PRIx64, value);
  return cJSON_CreateString (text);
}

char *
test__to_json (const struct region *region, const struct test *test)
{
  (void) region;
  const struct state *state = test->state;
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "kind", state_kind__name (test->kind));
  cJSON_AddItemToObject (json, "seed", word_json (state->seed));
  cJSON *list = cJSON_AddArrayToObject (json, "gpr");
  for (unsigned i = 0; i < 16; i++)
    cJSON_AddItemToArray (list, word_json (state->machine.gpr[i]));
  list = cJSON_AddArrayToObject (json, "vec");
  for (unsigned i = 0; i < 32; i++)
    cJSON_AddItemToArray (list, hex_json (state->machine.vec[i], 64));
  list = cJSON_AddArrayToObject (json, "mask");
  for (unsigned i = 0; i < 8; i++)
    cJSON_AddItemToArray (list, word_json (state->machine.mask[i]));
  cJSON_AddItemToObject (json, "mxcsr", word_json (state->machine.mxcsr));
  cJSON_AddItemToObject (json, "rflags", word_json (state->machine.rflags));
  if (state->huge.mapped)
    {
      list = cJSON_AddArrayToObject (json, "huge");
      cJSON_AddItemToArray (list, word_json (state->huge.random));
      cJSON_AddItemToArray (list, word_json (state->huge.fixed));
    }
  cJSON_AddItemToObject (json, "stack", hex_json (state->stack_argument, state->stack_bytes));
  list = cJSON_AddArrayToObject (json, "spans");
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      cJSON *span = cJSON_CreateObject ();
      cJSON_AddItemToObject (span, "address", word_json (state->span[i].address));
      cJSON_AddNumberToObject (span, "protection", state->span[i].protection);
      cJSON_AddItemToObject (span, "bytes", hex_json (state->span[i].bytes, state->span[i].size));
      cJSON_AddItemToArray (list, span);
    }
  list = cJSON_AddArrayToObject (json, "patches");
  for (unsigned i = 0; i < state->n_patches; i++)
    {
      cJSON *patch = cJSON_CreateObject ();
      cJSON_AddNumberToObject (patch, "call", state->patch[i].call);
      cJSON_AddNumberToObject (patch, "size", state->patch[i].size);
      cJSON_AddItemToObject (patch, "address", word_json (state->patch[i].address));
      cJSON_AddItemToObject (patch, "value", word_json (state->patch[i].value));
      cJSON_AddItemToArray (list, patch);
    }
  list = cJSON_AddArrayToObject (json, "answers");
  for (unsigned i = 0; i < 4; i++)
    cJSON_AddItemToArray (list, word_json (state->pointer_answer[i]));
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  return text;
}
