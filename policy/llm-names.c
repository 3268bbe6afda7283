/* Withholding names.  With REDACT every name of the program's own gets a neutral one, `f1`, `p2` …, the same one wherever it
   stands; all others, of the language, its libraries and the CPU, stay.  It is a one-to-one renaming: a name of the model's own
   that a withheld name happens to be spelt like gets a prefix on its way in, and loses it on its way out. Names are learned
   from the facts and from the source that may be shown; a text is then searched for them as whole words.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm.h"

#include "machine/names.h"
#include "policy/c-tokens.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define OWN "aiopt_own_" /* before a model's own name that is spelt like a withheld one */

struct llm_names
{
  struct arena *arena;
  bool redact;
  const struct region *region;
  struct names public, real, neutral; /* the NUMBERth of real is called as the NUMBERth of neutral */
};

/* The types and limits of <stdint.h>.  */
static bool
name__is_stdint (const char *name)
{
  size_t length = strlen (name);
  bool has_digit = strpbrk (name, "0123456789") != NULL || strstr (name, "max") || strstr (name, "ptr") || strstr (name, "MAX")
                   || strstr (name, "PTR");
  bool type = length > 5 && strcmp (name + length - 2, "_t") == 0
              && (strncmp (name, "int", 3) == 0 || strncmp (name, "uint", 4) == 0);
  bool macro = (strncmp (name, "INT", 3) == 0 || strncmp (name, "UINT", 4) == 0)
               && (strstr (name, "_MAX") || strstr (name, "_MIN") || strstr (name, "_C"))
               && strspn (name, "UINTFASLEMXPR_C0123456789") == length;
  return has_digit && ((type && strspn (name, "uintfaslemxpr_0123456789") == length) || macro);
}

/* Is NAME[LENGTH] nobody's secret?  */
static bool
name__is_public (const struct llm_names *names, const char *name, size_t length)
{
  if (names__find (&names->public, name, length) != NAME_NONE)
    return true;
  /* But "_Z…", which C++ makes of a program's names.  */
  if (name[0] == '_' && length > 1
      && (name[1] == '_' || (isupper ((unsigned char)name[1]) && name[1] != 'Z')
          || (length > 3 && strncmp (name, "_mm", 3) == 0)))
    return true;
  char copy[64];
  if (length >= sizeof copy)
    return false;
  memcpy (copy, name, length);
  copy[length] = 0;
  return name__is_stdint (copy);
}

/* Withholds NAME[LENGTH], which is a KIND ('f' …), from now on.  */
static void
names__learn (struct llm_names *names, const char *name, size_t length, char kind)
{
  if (!length || name__is_public (names, name, length) || names__find (&names->real, name, length) != NAME_NONE)
    return;
  unsigned number = names__enter (&names->real, name, length);
  char neutral[16];
  int n = snprintf (neutral, sizeof neutral, "%c%u", kind, number + 1);
  names__enter (&names->neutral, neutral, (size_t)n);
}

/* Every word of TEXT ("ns::f<int> (int)").  */
static void
names__learn_words (struct llm_names *names, const char *text, char kind)
{
  const char *end = text + strlen (text);
  while (text < end)
    {
      size_t length = c_number__length (text, end);
      if (!length && (length = c_identifier__length (text, end)))
        names__learn (names, text, length, kind);
      text += length ? length : 1;
    }
}

static void
names__learn_text (struct llm_names *names, const char *text, char kind)
{
  if (text)
    names__learn (names, text, strlen (text), kind);
}

/* What the facts name.  */
static void
names__learn_facts (struct llm_names *names, const struct region *region)
{
  names__learn_text (names, region->function, 'f');
  if (region->source_name)
    names__learn_words (names, region->source_name, 'f');
  for (unsigned i = 0; i < region->n_parameters; i++)
    names__learn_text (names, region->parameter[i].name, 'p');
  for (unsigned i = 0; i < region->n_types; i++)
    {
      if (region->type[i].name)
        names__learn_words (names, region->type[i].name, 't');
      for (unsigned f = 0; f < region->type[i].n_fields; f++)
        names__learn_text (names, region->type[i].field[f].name, 'm');
    }
  for (unsigned i = 0; i < region->n_globals; i++)
    names__learn_text (names, region->global[i].name, region->global[i].is_function ? 'f' : 'g');
  for (unsigned i = 0; i < region->n_callees; i++)
    names__learn_text (names, region->callee[i].name, 'f');
}

/* What the source names: by what stands around it a guess at what it is.  */
static void
names__learn_source (struct llm_names *names, const struct region *region)
{
  struct why why;
  struct c_tokens tokens;
  char *source = llm__source (region, &why);
  struct arena *arena = arena__new ();
  if (source && c_tokens__read (arena, source, strlen (source), &tokens, &why) == 0)
    for (unsigned i = 0; i < tokens.n; i++)
      {
        const struct c_token *token = &tokens.token[i], *last = i ? token - 1 : NULL,
                             *next = i + 1 < tokens.n ? token + 1 : NULL;
        if (token->kind != C_IDENTIFIER)
          continue;
        bool type = last
                    && (c_token__is (last, "struct") || c_token__is (last, "union") || c_token__is (last, "enum")
                        || c_token__is (last, "class"));
        bool member = last && (c_token__is (last, ".") || c_token__is (last, "->"));
        bool macro = last && token->directive
                     && (c_token__is (last, "define") || c_token__is (last, "ifdef") || c_token__is (last, "ifndef"));
        names__learn (names, token->text, token->length,
                      type                              ? 't'
                      : member                          ? 'm'
                      : macro                           ? 'c'
                      : next && c_token__is (next, "(") ? 'f'
                                                        : 'n');
      }
  free (source);
  arena__free (arena);
}

struct llm_names *
llm_names__new (const struct region *region, bool redact)
{
  static const char *const lists[] = {
#define PUBLIC(NAMES) NAMES,
#include "policy/llm-public.def"
#undef PUBLIC
  };
  struct arena *arena = arena__new ();
  struct llm_names *names = ARENA_NEW (arena, struct llm_names);
  *names = (struct llm_names){ .arena = arena, .redact = redact, .region = region };
  names->public.arena = names->real.arena = names->neutral.arena = arena;
  if (!redact)
    return names;
  for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
    for (const char *at = lists[i]; *at;)
      {
        size_t length = strcspn (at, " ");
        names__enter (&names->public, at, length);
        at += length + (at[length] == ' ');
      }
  names__learn_facts (names, region);
  names__learn_source (names, region);
  return names;
}

void
llm_names__free (struct llm_names *names)
{
  if (names)
    arena__free (names->arena);
}

/* The bytes of the symbol at AT: an identifier, dots and what follows them too ("f.constprop.0").  */
static size_t
symbol__length (const char *at, const char *end)
{
  size_t length = c_identifier__length (at, end);
  while (length && at + length + 1 < end && at[length] == '.')
    {
      const char *part = at + length + 1;
      size_t more = c_identifier__length (part, end);
      while (part + more < end && isdigit ((unsigned char)part[more]))
        more++;
      if (!more)
        break;
      length += 1 + more;
    }
  return length;
}

/* The end of the line at AT where it is an #include, else NULL.  */
static const char *
include__end (const char *at, const char *end)
{
  while (at < end && (*at == ' ' || *at == '\t'))
    at++;
  if (at == end || *at++ != '#')
    return NULL;
  while (at < end && (*at == ' ' || *at == '\t'))
    at++;
  return end - at > 7 && strncmp (at, "include", 7) == 0 ? at + strcspn (at, "\n") : NULL;
}

/* Prints what NAME[LENGTH] becomes, outward or inward; false where it stays.  */
static bool
names__replace (const struct llm_names *names, FILE *out, const char *name, size_t length, bool outward, bool assembler)
{
  const struct names *from = outward ? &names->real : &names->neutral, *to = outward ? &names->neutral : &names->real;
  size_t own = sizeof OWN - 1;
  unsigned number = names__find (from, name, length);
  if (number != NAME_NONE)
    fwrite (to->name[number].text, 1, to->name[number].length, out);
  else if (outward && length > own && strncmp (name, OWN, own) == 0
           && names__find (&names->real, name + own, length - own) != NAME_NONE)
    fwrite (name + own, 1, length - own, out);
  else if (!outward && !assembler && names__find (&names->real, name, length) != NAME_NONE)
    fprintf (out, OWN "%.*s", (int)length, name);
  else
    return false;
  return true;
}

/* Is the word of LENGTH bytes at AT in assembler TEXT a mnemonic or a prefix, that is the line's first but for labels, and none
 * itself?  */
static bool
word__is_mnemonic (const char *text, const char *at, size_t length)
{
  if (at[length] == ':')
    return false;
  while (at > text && at[-1] != '\n' && at[-1] != ';' && at[-1] != ':')
    if (*--at != ' ' && *at != '\t')
      return false;
  return true;
}

/* TEXT with names replaced.  Of assembler text only symbols are looked at: registers and mnemonics are spelt like variables. */
static char *
names__translate (const struct llm_names *names, const char *text, bool outward, bool assembler)
{
  char *result;
  size_t size;
  if (!names->redact)
    {
      result = strdup (text);
      if (!result)
        abort ();
      return result;
    }
  FILE *out = open_memstream (&result, &size);
  if (!out)
    abort ();
  const char *end = text + strlen (text);
  for (const char *p = text; p < end;)
    {
      const char *line_end = p == text || p[-1] == '\n' ? include__end (p, end) : NULL;
      size_t length = line_end ? (size_t)(line_end - p) : c_number__length (p, end);
      if (!length)
        {
          length = symbol__length (p, end);
          bool is_symbol = length
                           && (names__find (&names->real, p, length) != NAME_NONE
                               || names__find (&names->neutral, p, length) != NAME_NONE);
          /* "node.next" is two names unless it is a symbol.  */
          if (length && !is_symbol)
            length = c_identifier__length (p, end);
          bool stays = assembler && p > text && (p[-1] == '%' || p[-1] == '.' || word__is_mnemonic (text, p, length));
          if (length && !stays && names__replace (names, out, p, length, outward, assembler))
            {
              p += length;
              continue;
            }
        }
      length = length ? length : 1;
      fwrite (p, 1, length, out);
      p += length;
    }
  fclose (out);
  return result;
}

/* Does a line of TEXT begin with the label NAME?  So begins a function in assembler, and nothing in C.  */
static bool
text__has_label (const char *text, const char *name, size_t length)
{
  for (const char *line = text; line && *line; line = strchr (line, '\n'))
    {
      line += *line == '\n';
      if (strncmp (line, name, length) == 0 && line[length] == ':' && line[length + 1] != ':')
        return true;
    }
  return false;
}

char *
llm_names__outward (struct llm_names *names, const char *text)
{
  const char *function = names->region->function;
  return names__translate (names, text, true, text__has_label (text, function, strlen (function)));
}

char *
llm_names__inward (const struct llm_names *names, const char *text)
{
  const char *function = names->region->function;
  unsigned number = names__find (&names->real, function, strlen (function));
  const struct name *neutral = number == NAME_NONE ? NULL : &names->neutral.name[number];
  bool assembler = neutral && text__has_label (text, neutral->text, neutral->length);
  return names__translate (names, text, false, assembler);
}
