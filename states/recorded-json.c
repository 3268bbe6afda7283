/* Recorded calls as JSON and back.  What is read comes from a file that anyone may have changed:
   each field is checked.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/json.h"
#include "states/recorded.h"

#include <string.h>

enum
{
  FORMAT_VERSION = 1,
  PIECES_MAX = 65536,
  GLOBALS_MAX = 64,
  VECTORS = 32,
  VECTOR = 64
};

char *
recorded__to_json (const struct recorded *recorded)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddNumberToObject (json, "version", FORMAT_VERSION);
  json__add_words (json, "gpr", recorded->machine.gpr, 16);
  cJSON *list = cJSON_AddArrayToObject (json, "vec");
  for (unsigned i = 0; i < VECTORS; i++)
    {
      size_t size = VECTOR;
      while (size && !recorded->machine.vec[i][size - 1])
        size--;
      cJSON_AddItemToArray (list, json__hex (recorded->machine.vec[i], size));
    }
  json__add_words (json, "mask", recorded->machine.mask, 8);
  cJSON_AddItemToObject (json, "mxcsr", json__word (recorded->machine.mxcsr));
  cJSON_AddItemToObject (json, "rflags", json__word (recorded->machine.rflags));
  cJSON_AddItemToObject (json, "stack", json__hex (recorded->stack_argument, recorded->stack_bytes));
  list = cJSON_AddArrayToObject (json, "memory");
  for (unsigned i = 0; i < recorded->n_pieces; i++)
    {
      const struct recorded_piece *piece = &recorded->piece[i];
      cJSON *item = cJSON_CreateObject ();
      cJSON_AddItemToObject (item, "at", json__word (piece->address));
      cJSON_AddItemToObject (item, "bytes", json__hex (piece->bytes, piece->size));
      cJSON_AddBoolToObject (item, "written", piece->written);
      cJSON_AddItemToArray (list, item);
    }
  list = cJSON_AddArrayToObject (json, "globals");
  for (unsigned i = 0; i < recorded->n_globals; i++)
    {
      cJSON *item = cJSON_CreateObject ();
      cJSON_AddStringToObject (item, "name", recorded->global[i].name);
      cJSON_AddItemToObject (item, "at", json__word (recorded->global[i].address));
      cJSON_AddItemToObject (item, "size", json__word (recorded->global[i].size));
      cJSON_AddItemToArray (list, item);
    }
  json__add_words (json, "targets", recorded->target, recorded->n_targets);
  json__add_words (json, "answers", recorded->answer, recorded->n_answers);
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  return text;
}

static bool
read_pieces (struct arena *arena, const cJSON *list, struct recorded *recorded)
{
  int n = cJSON_IsArray (list) ? cJSON_GetArraySize (list) : -1;
  if (n < 0 || n > PIECES_MAX)
    return false;
  recorded->piece = ARENA_ARRAY (arena, struct recorded_piece, n);
  uint64_t before = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, list)
  {
    struct recorded_piece *piece = &recorded->piece[recorded->n_pieces++];
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive (item, "bytes");
    const cJSON *written = cJSON_GetObjectItemCaseSensitive (item, "written");
    if (!json__read_word (cJSON_GetObjectItemCaseSensitive (item, "at"), &piece->address)
        || !cJSON_IsString (bytes) || !cJSON_IsBool (written))
      return false;
    size_t size = strlen (bytes->valuestring) / 2;
    uint8_t *copy = arena__alloc (arena, size);
    if (!size || size > SANDBOX_SLOT_SIZE || !json__read_hex (bytes, copy, 0, size, &size)
        || piece->address < before || piece->address > UINT64_MAX - SANDBOX_SLOT_STRIDE)
      return false;
    piece->bytes = copy;
    piece->size = (uint32_t)size;
    piece->written = cJSON_IsTrue (written);
    before = piece->address + size;
  }
  return true;
}

static bool
read_globals (struct arena *arena, const cJSON *list, struct recorded *recorded)
{
  int n = cJSON_IsArray (list) ? cJSON_GetArraySize (list) : -1;
  if (n < 0 || n > GLOBALS_MAX)
    return false;
  recorded->global = ARENA_ARRAY (arena, struct recorded_global, n);
  const cJSON *item;
  cJSON_ArrayForEach (item, list)
  {
    struct recorded_global *global = &recorded->global[recorded->n_globals++];
    const cJSON *name = cJSON_GetObjectItemCaseSensitive (item, "name");
    if (!cJSON_IsString (name)
        || !json__read_word (cJSON_GetObjectItemCaseSensitive (item, "at"), &global->address)
        || !json__read_word (cJSON_GetObjectItemCaseSensitive (item, "size"), &global->size)
        || global->address > UINT64_MAX - global->size)
      return false;
    global->name = arena__strdup (arena, name->valuestring);
  }
  return true;
}

static const char *
read_recorded (struct arena *arena, const cJSON *json, struct recorded *recorded)
{
  uint64_t word;
  unsigned n;
  size_t size;
#define ITEM(NAME) cJSON_GetObjectItemCaseSensitive (json, NAME)
  const cJSON *item = ITEM ("version"), *vector = ITEM ("vec");
  if (!cJSON_IsNumber (item) || item->valuedouble != FORMAT_VERSION)
    return "version";
  if (!json__read_words (ITEM ("gpr"), recorded->machine.gpr, 16, 16, NULL))
    return "gpr";
  if (!cJSON_IsArray (vector) || cJSON_GetArraySize (vector) > VECTORS)
    return "vec";
  n = 0;
  cJSON_ArrayForEach (item, vector)
    if (!json__read_hex (item, recorded->machine.vec[n++], 0, VECTOR, NULL))
      return "vec";
  if (!json__read_words (ITEM ("mask"), recorded->machine.mask, 8, 8, NULL))
    return "mask";
  if (!json__read_word (ITEM ("mxcsr"), &word) || word > 0xffff)
    return "mxcsr";
  recorded->machine.mxcsr = (uint32_t)word;
  if (!json__read_word (ITEM ("rflags"), &recorded->machine.rflags))
    return "rflags";
  if (!json__read_hex (ITEM ("stack"), recorded->stack_argument, 0, STACK_ARGUMENT_BYTES, &size))
    return "stack";
  recorded->stack_bytes = (unsigned)size;
  if (!read_pieces (arena, ITEM ("memory"), recorded))
    return "memory";
  if (!read_globals (arena, ITEM ("globals"), recorded))
    return "globals";
  if (!json__read_words (ITEM ("targets"), recorded->target, 0, RECORDED_TARGETS_MAX,
                   &recorded->n_targets))
    return "targets";
  if (!json__read_words (ITEM ("answers"), recorded->answer, 0, RECORDED_ANSWERS, &recorded->n_answers))
    return "answers";
#undef ITEM
  return NULL;
}

int
recorded__from_json (struct arena *arena, const char *text, struct recorded **result,
                     struct why *why)
{
  cJSON *json = cJSON_Parse (text);
  if (!json)
    return why__set (why, REASON_SYNTAX, "the recorded state is no JSON");
  struct recorded *recorded = ARENA_NEW (arena, struct recorded);
  const char *wrong = read_recorded (arena, json, recorded);
  cJSON_Delete (json);
  if (wrong)
    return why__set (why, REASON_SYNTAX, "the recorded state's field '%s' is missing or wrong",
                     wrong);
  *result = recorded;
  return 0;
}
