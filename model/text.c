/* Text from servers, made fit to be shown.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/text.h"

#include "machine/utf8.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum
{
  KEY_PART_MIN = 8, /* bytes of a key that are taken for it: shorter ones are words like any other */
  KEY_MIN = 4       /* a shorter key is none that anybody needs to hide */
};

bool
text__is_utf8 (const char *text, size_t length)
{
  uint32_t point;
  for (size_t i = 0; i < length;)
    {
      unsigned n = utf8__decode (text + i, length - i, &point);
      if (n == 0 || point == 0)
        return false;
      i += n;
    }
  return true;
}

bool
text__has_escaped_zero (const char *json, size_t length)
{
  for (size_t i = 0; i + 1 < length; i++)
    if (json[i] == '\\')
      {
        if (json[i + 1] == 'u' && length - i >= 6 && memcmp (json + i + 2, "0000", 4) == 0)
          return true;
        i++;
      }
  return false;
}

/* How many bytes of TEXT[LENGTH] are the whole of KEY, or a part that is long enough to give it away; 0: none.  */
static size_t
key__length_at (const char *key, const char *text, size_t length)
{
  size_t whole = strlen (key), longest = 0;
  if (whole < KEY_MIN)
    return 0;
  for (size_t from = 0; from < whole; from++)
    {
      size_t n = 0;
      while (n < length && from + n < whole && text[n] == key[from + n])
        n++;
      if (n > longest && (n >= KEY_PART_MIN || n == whole))
        longest = n;
    }
  return longest;
}

/* May POINT be shown?  Not what steers a terminal, turns the direction of writing, or can't be seen (as a soft hyphen).  */
static bool
point__is_shown (uint32_t point)
{
  return point >= ' ' && point != 0x7f && point != 0xad && !utf8__is_hidden (point);
}

void
text__line (const char *from, size_t length, const char *key, char *to, size_t size)
{
  size_t n = 0, i = 0;
  while (i < length && n + 1 < size)
    {
      size_t of_key = key ? key__length_at (key, from + i, length - i) : 0;
      uint32_t point = 0;
      unsigned bytes = utf8__decode (from + i, length - i, &point);
      const char *piece = from + i;
      size_t piece_length = bytes;
      if (of_key)
        {
          piece = "[key]";
          piece_length = 5;
          bytes = (unsigned) of_key;
        }
      else if (bytes == 1 && (from[i] == ' ' || (from[i] >= '\t' && from[i] <= '\r')))
        {
          piece = " ";
          piece_length = n > 0 && to[n - 1] != ' ';
        }
      else if (bytes == 0 || !point__is_shown (point))
        {
          piece = "?";
          piece_length = 1;
        }
      if (piece_length > size - 1 - n)
        break;
      memcpy (to + n, piece, piece_length);
      n += piece_length;
      i += bytes ? bytes : 1;
    }
  while (n > 0 && to[n - 1] == ' ')
    n--;
  if (size)
    to[n] = '\0';
}

/* ITEM's text, a string or number, as a line in TO[SIZE]; "" where it is neither.  */
static void
item__line (const cJSON *item, const char *key, char *to, size_t size)
{
  char number[32];
  to[0] = '\0';
  if (cJSON_IsString (item))
    text__line (item->valuestring, strlen (item->valuestring), key, to, size);
  else if (cJSON_IsNumber (item))
    {
      snprintf (number, sizeof number, "%.15g", item->valuedouble);
      text__line (number, strlen (number), key, to, size);
    }
}

void
server_error__read (const char *body, size_t length, const char *key, struct server_error *error)
{
  *error = (struct server_error){ 0 };
  cJSON *json = body ? cJSON_ParseWithLength (body, length) : NULL;
  /* Some wrap the object in an array.  */
  const cJSON *top = cJSON_IsArray (json) ? cJSON_GetArrayItem (json, 0) : json;
  const cJSON *inner = cJSON_GetObjectItemCaseSensitive (top, "error");
  error->is_there = inner && !cJSON_IsNull (inner);
  const cJSON *from = cJSON_IsObject (inner) ? inner : top;
  static const char *const names[] = { "message", "error", "detail", "msg" };
  for (unsigned i = 0; i < sizeof names / sizeof *names && !error->message[0]; i++)
    {
      const cJSON *item = cJSON_GetObjectItemCaseSensitive (from, names[i]);
      /* FastAPI lists what it dislikes.  */
      if (cJSON_IsArray (item))
        item = cJSON_GetObjectItemCaseSensitive (cJSON_GetArrayItem (item, 0), "msg");
      item__line (item, key, error->message, sizeof error->message);
    }
  item__line (cJSON_GetObjectItemCaseSensitive (from, "code"), key, error->code, sizeof error->code);
  item__line (cJSON_GetObjectItemCaseSensitive (from, "type"), key, error->type, sizeof error->type);
  cJSON_Delete (json);
}
