/* Words and bytes as JSON and back.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cJSON *
json__word (uint64_t value)
{
  char text[24];
  snprintf (text, sizeof text, "0x%" PRIx64, value);
  return cJSON_CreateString (text);
}

cJSON *
json__hex (const uint8_t *bytes, size_t size)
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

void
json__add_words (cJSON *json, const char *name, const uint64_t *word, unsigned n)
{
  cJSON *list = cJSON_AddArrayToObject (json, name);
  for (unsigned i = 0; i < n; i++)
    cJSON_AddItemToArray (list, json__word (word[i]));
}

bool
json__read_word (const cJSON *json, uint64_t *value)
{
  if (!cJSON_IsString (json) || strncmp (json->valuestring, "0x", 2) || !json->valuestring[2])
    return false;
  char *end;
  errno = 0;
  *value = strtoull (json->valuestring + 2, &end, 16);
  return !*end && !errno;
}

bool
json__read_words (const cJSON *json, uint64_t *word, int least, int most, unsigned *n)
{
  int size = cJSON_IsArray (json) ? cJSON_GetArraySize (json) : -1;
  if (size < least || size > most)
    return false;
  const cJSON *item;
  unsigned count = 0;
  cJSON_ArrayForEach (item, json)
    if (!json__read_word (item, &word[count++]))
      return false;
  if (n)
    *n = count;
  return true;
}

static int
nibble (char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
json__read_hex (const cJSON *json, uint8_t *bytes, size_t least, size_t most, size_t *size)
{
  if (!cJSON_IsString (json))
    return false;
  size_t length = strlen (json->valuestring);
  if (length % 2 || length / 2 < least || length / 2 > most)
    return false;
  for (size_t i = 0; i < length / 2; i++)
    {
      int high = nibble (json->valuestring[2 * i]), low = nibble (json->valuestring[2 * i + 1]);
      if (high < 0 || low < 0)
        return false;
      bytes[i] = (uint8_t) (high << 4 | low);
    }
  if (size)
    *size = length / 2;
  return true;
}
