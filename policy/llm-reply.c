/* Reading a model's answer.  It may be anything: nothing of it is used unless all of it is as it should be.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm.h"

#include "machine/utf8.h"
#include "policy/llm-text.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum
{
  REPLY_MAX = LLM_PROPOSALS_MAX * LLM_CODE_MAX + (64 << 10), /* bytes of an answer */
  DEPTH_MOST = 4,                                            /* the object, its array, a candidate, its flags */
  VALUES_MOST = 1024,
  FLAGS_MOST = 32,
  FLAG_MOST = 100,
  NOTE_MOST = 200
};

static int
reply__refuse (struct why *why, const char *what)
{
  return why__set (why, REASON_POLICY_REPLY, "%s", what);
}

/* The object in TEXT, without blanks and one Markdown fence around it; *LENGTH bytes of it.  NULL and *WHY.  */
static const char *
reply__object (const char *text, size_t *length, struct why *why)
{
  static const char blanks[] = " \t\r\n";
  const char *end = text + strlen (text);
  text += strspn (text, blanks);
  while (end > text && strchr (blanks, end[-1]))
    end--;
  if (end - text >= 6 && strncmp (text, "```", 3) == 0 && strncmp (end - 3, "```", 3) == 0)
    {
      text += 3;
      end -= 3;
      if (strncmp (text, "json", 4) == 0 || strncmp (text, "JSON", 4) == 0)
        text += 4;
      if (*text != '\n' && *text != '\r' && *text != ' ')
        {
          reply__refuse (why, "a Markdown fence of another language than json");
          return NULL;
        }
      text += strspn (text, blanks);
      while (end > text && strchr (blanks, end[-1]))
        end--;
    }
  *length = end > text ? (size_t)(end - text) : 0;
  if (!*length || *text != '{')
    {
      reply__refuse (why, *length ? "text that is no JSON object, or something before it" : "an empty answer");
      return NULL;
    }
  return text;
}

/* Looks at TEXT[LENGTH] before the parser does: valid UTF-8, no control characters but white space between values, no escape
   that makes a zero byte, nothing deep, not too many values.  cJSON recurses, and takes an escaped zero for the end of its
   string.  */
static int
reply__scan (const char *text, size_t length, struct why *why)
{
  unsigned depth = 0, values = 0;
  bool quoted = false;
  for (size_t i = 0; i < length;)
    {
      uint32_t point;
      unsigned n = utf8__decode (text + i, length - i, &point);
      if (!n)
        return reply__refuse (why, "bytes that are no UTF-8");
      char c = text[i];
      if ((unsigned char)c < ' ' && (quoted || !strchr ("\t\r\n", c)))
        return reply__refuse (why, "a control character; in a string it has to be escaped");
      if (quoted && c == '\\')
        {
          if (length - i >= 6 && strncmp (text + i, "\\u0000", 6) == 0)
            return reply__refuse (why, "\\u0000 in a string");
          n = 2;
        }
      else if (c == '"')
        {
          quoted = !quoted;
          values += quoted;
        }
      else if (!quoted && (c == '{' || c == '['))
        {
          if (++depth > DEPTH_MOST)
            return reply__refuse (why, "an answer nested too deeply");
        }
      else if (!quoted && (c == '}' || c == ']'))
        depth -= depth > 0;
      else if (!quoted && (c == ',' || c == ':'))
        values++;
      if (values > VALUES_MOST)
        return reply__refuse (why, "an answer of too many values");
      i += n;
    }
  return 0;
}

/* Are OBJECT's keys all among the NULL-terminated KEYS, each there once at most?  */
static int
object__check_keys (const cJSON *object, const char *const *keys, struct why *why)
{
  unsigned seen = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, object)
  {
    unsigned k = 0;
    while (keys[k] && (!item->string || strcmp (keys[k], item->string) != 0))
      k++;
    char *name = line__clean (item->string ? item->string : "", 40);
    if (!keys[k])
      why__set (why, REASON_POLICY_REPLY, "an unknown key \"%s\"", name);
    else if (seen & 1u << k)
      why__set (why, REASON_POLICY_REPLY, "the key \"%s\" twice", name);
    free (name);
    if (!keys[k] || (seen & 1u << k))
      return -1;
    seen |= 1u << k;
  }
  return 0;
}

static char *
text__copy (const char *text)
{
  char *copy = strdup (text);
  if (!copy)
    abort ();
  return copy;
}

static int
proposal__read_flags (const cJSON *flags, struct llm_proposal *proposal, struct why *why)
{
  if (!flags)
    return 0;
  int n = cJSON_IsArray (flags) ? cJSON_GetArraySize (flags) : -1;
  if (n < 0 || n > FLAGS_MOST)
    return reply__refuse (why, "\"flags\" is not an array of at most 32 strings");
  proposal->flag = calloc ((size_t)n + 1, sizeof *proposal->flag);
  if (!proposal->flag)
    abort ();
  const cJSON *item;
  cJSON_ArrayForEach (item, flags)
  {
    if (!cJSON_IsString (item) || strlen (item->valuestring) > FLAG_MOST || !*item->valuestring)
      return reply__refuse (why, "\"flags\" is not an array of strings of 1 to 100 bytes");
    proposal->flag[proposal->n_flags++] = text__copy (item->valuestring);
  }
  return 0;
}

/* Reads OBJECT into *PROPOSAL, which has to be freed whatever comes of it.  */
static int
proposal__read (const cJSON *object, struct llm_proposal *proposal, struct why *why)
{
  static const char *const keys[] = { "form", "code", "flags", "note", NULL };
  *proposal = (struct llm_proposal){ 0 };
  if (!cJSON_IsObject (object))
    return reply__refuse (why, "a candidate that is no object");
  if (object__check_keys (object, keys, why) < 0)
    return -1;
  const cJSON *form = cJSON_GetObjectItemCaseSensitive (object, "form");
  const cJSON *code = cJSON_GetObjectItemCaseSensitive (object, "code");
  const cJSON *note = cJSON_GetObjectItemCaseSensitive (object, "note");
  if (cJSON_IsString (form) && strcmp (form->valuestring, "asm") == 0)
    proposal->form = FORM_ASM;
  else if (cJSON_IsString (form) && strcmp (form->valuestring, "c") == 0)
    proposal->form = FORM_C;
  else
    return reply__refuse (why, "\"form\" is not \"c\" or \"asm\"");
  if (!cJSON_IsString (code) || !*code->valuestring)
    return reply__refuse (why, "\"code\" is not a text");
  if (strlen (code->valuestring) > LLM_CODE_MAX)
    return reply__refuse (why, "\"code\" is longer than 256 KiB");
  if (note && !cJSON_IsString (note) && !cJSON_IsNull (note))
    return reply__refuse (why, "\"note\" is not a string");
  if (proposal__read_flags (cJSON_GetObjectItemCaseSensitive (object, "flags"), proposal, why) < 0)
    return -1;
  proposal->code = text__copy (code->valuestring);
  if (cJSON_IsString (note))
    {
      proposal->note = line__clean (note->valuestring, NOTE_MOST);
      if (!*proposal->note)
        {
          free (proposal->note);
          proposal->note = NULL;
        }
    }
  return 0;
}

void
llm_proposal__free (struct llm_proposal *proposal)
{
  for (unsigned i = 0; i < proposal->n_flags; i++)
    free (proposal->flag[i]);
  free (proposal->flag);
  free (proposal->code);
  free (proposal->note);
  *proposal = (struct llm_proposal){ 0 };
}

int
llm_reply__parse (const char *text, struct llm_proposal proposal[LLM_PROPOSALS_MAX], unsigned *n, struct why *why)
{
  static const char *const keys[] = { "candidates", NULL };
  size_t length;
  *n = 0;
  if (strnlen (text, REPLY_MAX + 1) > REPLY_MAX)
    return reply__refuse (why, "an answer that is too large");
  const char *object = reply__object (text, &length, why);
  if (!object || reply__scan (object, length, why) < 0)
    return -1;
  const char *end;
  cJSON *root = cJSON_ParseWithLengthOpts (object, length, &end, false);
  const cJSON *list = cJSON_GetObjectItemCaseSensitive (root, "candidates");
  int status = 0;
  if (!root)
    status = reply__refuse (why, "no JSON, or JSON that breaks off");
  else if (end != object + length)
    status = reply__refuse (why, "text behind the JSON object");
  else if (!cJSON_IsObject (root))
    status = reply__refuse (why, "no JSON object");
  else if (object__check_keys (root, keys, why) < 0)
    status = -1;
  else if (!cJSON_IsArray (list))
    status = reply__refuse (why, "\"candidates\" is not an array");
  else if (cJSON_GetArraySize (list) > LLM_PROPOSALS_MAX)
    status = reply__refuse (why, "more than four candidates");
  else
    {
      const cJSON *item;
      cJSON_ArrayForEach (item, list)
      {
        status = proposal__read (item, &proposal[(*n)++], why);
        if (status < 0)
          break;
      }
    }
  cJSON_Delete (root);
  while (status < 0 && *n)
    llm_proposal__free (&proposal[--*n]);
  return status;
}
