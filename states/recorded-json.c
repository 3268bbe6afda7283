/* Recorded calls as JSON and back.  What is read comes from a file that anyone may have changed:
   each field is checked.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/recorded.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum
{
  FORMAT_VERSION = 1,
  PIECES_MAX = 65536,
  GLOBALS_MAX = 64,
  VECTORS = 32,
  VECTOR = 64
};

static cJSON *
word_json (uint64_t value)
{
  char text[24];
  snprintf (text, sizeof text, "0x%" PRIx64, value);
  return cJSON_CreateString (text);
}

/* Hexadecimal text of BYTES[SIZE].  */
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

static void
add_words (cJSON *json, const char *name, const uint64_t *word, unsigned n)
{
  cJSON *list = cJSON_AddArrayToObject (json, name);
  for (unsigned i = 0; i < n; i++)
    cJSON_AddItemToArray (list, word_json (word[i]));
}

char *
recorded__to_json (const struct recorded *recorded)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddNumberToObject (json, "version", FORMAT_VERSION);
  add_words (json, "gpr", recorded->machine.gpr, 16);
  cJSON *list = cJSON_AddArrayToObject (json, "vec");
  for (unsigned i = 0; i < VECTORS; i++)
    {
      size_t size = VECTOR;
      while (size && !recorded->machine.vec[i][size - 1])
        size--;
      cJSON_AddItemToArray (list, hex_json (recorded->machine.vec[i], size));
    }
  add_words (json, "mask", recorded->machine.mask, 8);
  cJSON_AddItemToObject (json, "mxcsr", word_json (recorded->machine.mxcsr));
  cJSON_AddItemToObject (json, "rflags", word_json (recorded->machine.rflags));
  cJSON_AddItemToObject (json, "stack", hex_json (recorded->stack_argument, recorded->stack_bytes));
  list = cJSON_AddArrayToObject (json, "memory");
  for (unsigned i = 0; i < recorded->n_pieces; i++)
    {
      const struct recorded_piece *piece = &recorded->piece[i];
      cJSON *item = cJSON_CreateObject ();
      cJSON_AddItemToObject (item, "at", word_json (piece->address));
      cJSON_AddItemToObject (item, "bytes", hex_json (piece->bytes, piece->size));
      cJSON_AddBoolToObject (item, "written", piece->written);
      cJSON_AddItemToArray (list, item);
    }
  list = cJSON_AddArrayToObject (json, "globals");
  for (unsigned i = 0; i < recorded->n_globals; i++)
    {
      cJSON *item = cJSON_CreateObject ();
      cJSON_AddStringToObject (item, "name", recorded->global[i].name);
      cJSON_AddItemToObject (item, "at", word_json (recorded->global[i].address));
      cJSON_AddItemToObject (item, "size", word_json (recorded->global[i].size));
      cJSON_AddItemToArray (list, item);
    }
  add_words (json, "targets", recorded->target, recorded->n_targets);
  add_words (json, "answers", recorded->answer, recorded->n_answers);
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  return text;
}

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

/* Reads hexadecimal text of at most ROOM bytes; *SIZE of them.  */
static bool
read_hex (const cJSON *json, uint8_t *bytes, size_t room, size_t *size)
{
  if (!cJSON_IsString (json))
    return false;
  size_t length = strlen (json->valuestring);
  if (length % 2 || length / 2 > room)
    return false;
  for (size_t i = 0; i < length / 2; i++)
    {
      int high = nibble (json->valuestring[2 * i]), low = nibble (json->valuestring[2 * i + 1]);
      if (high < 0 || low < 0)
        return false;
      bytes[i] = (uint8_t)(high << 4 | low);
    }
  *size = length / 2;
  return true;
}

/* Reads a list of at least LEAST and at most MOST words.  */
static bool
read_words (const cJSON *json, uint64_t *word, int least, int most, unsigned *n)
{
  int size = cJSON_IsArray (json) ? cJSON_GetArraySize (json) : -1;
  if (size < least || size > most)
    return false;
  const cJSON *item;
  *n = 0;
  cJSON_ArrayForEach (item, json) if (!read_word (item, &word[(*n)++])) return false;
  return true;
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
    if (!read_word (cJSON_GetObjectItemCaseSensitive (item, "at"), &piece->address)
        || !cJSON_IsString (bytes) || !cJSON_IsBool (written))
      return false;
    size_t size = strlen (bytes->valuestring) / 2;
    uint8_t *copy = arena__alloc (arena, size);
    if (!size || size > SANDBOX_SLOT_SIZE || !read_hex (bytes, copy, size, &size)
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
        || !read_word (cJSON_GetObjectItemCaseSensitive (item, "at"), &global->address)
        || !read_word (cJSON_GetObjectItemCaseSensitive (item, "size"), &global->size)
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
  if (!read_words (ITEM ("gpr"), recorded->machine.gpr, 16, 16, &n))
    return "gpr";
  if (!cJSON_IsArray (vector) || cJSON_GetArraySize (vector) > VECTORS)
    return "vec";
  n = 0;
  cJSON_ArrayForEach (
      item, vector) if (!read_hex (item, recorded->machine.vec[n++], VECTOR, &size)) return "vec";
  if (!read_words (ITEM ("mask"), recorded->machine.mask, 8, 8, &n))
    return "mask";
  if (!read_word (ITEM ("mxcsr"), &word) || word > 0xffff)
    return "mxcsr";
  recorded->machine.mxcsr = (uint32_t)word;
  if (!read_word (ITEM ("rflags"), &recorded->machine.rflags))
    return "rflags";
  if (!read_hex (ITEM ("stack"), recorded->stack_argument, STACK_ARGUMENT_BYTES, &size))
    return "stack";
  recorded->stack_bytes = (unsigned)size;
  if (!read_pieces (arena, ITEM ("memory"), recorded))
    return "memory";
  if (!read_globals (arena, ITEM ("globals"), recorded))
    return "globals";
  if (!read_words (ITEM ("targets"), recorded->target, 0, RECORDED_TARGETS_MAX,
                   &recorded->n_targets))
    return "targets";
  if (!read_words (ITEM ("answers"), recorded->answer, 0, RECORDED_ANSWERS, &recorded->n_answers))
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
