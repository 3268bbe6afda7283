/* The first messages to a model: what is wanted, from whom, of which function.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm.h"

#include "policy/llm-facts.h"
#include "policy/llm-text.h"
#include "policy/unit.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum
{
  CODE_MOST = 24 << 10,          /* bytes of GCC's code that are shown, */
  CODE_BESIDE_SOURCE = 12 << 10, /* and where the source is */
  HINT_MOST = 1000,
  OPTION_MOST = 80
};

const char *
llm__system (void)
{
  static const char text[] =
#include "policy/llm-contract.def"
      ;
  return text;
}

const char *
llm__schema (void)
{
  /* What servers take in strict mode: every property required, nothing additional, no lengths and patterns.  */
  static const char text[] = "{\"type\":\"object\",\"properties\":{\"candidates\":{\"type\":\"array\",\"items\":{\"type\":"
                             "\"object\",\"properties\":{"
                             "\"form\":{\"type\":\"string\",\"enum\":[\"c\",\"asm\"]},\"code\":{\"type\":\"string\"},"
                             "\"flags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"note\":{\"type\":\"string\"}},"
                             "\"required\":[\"form\",\"code\",\"flags\",\"note\"],\"additionalProperties\":false}}},"
                             "\"required\":[\"candidates\"],\"additionalProperties\":false}";
  return text;
}

/* Prints TEXT between marks named NAME.  The mark is a digest of the text, so it is the same whenever the text is, and
   nothing in the text can be the line that ends it.  */
void
llm__print_data (FILE *out, const char *name, const char *text)
{
  enum
  {
    MARK_BYTES = 8
  };
  unsigned char digest[crypto_generichash_BYTES_MIN], key[crypto_generichash_KEYBYTES_MIN] = { 0 };
  char mark[2 * MARK_BYTES + 1];
  do
    {
      crypto_generichash (digest, sizeof digest, (const unsigned char *)text, strlen (text), key, sizeof key);
      key[0]++; /* should the text hold its own digest */
    }
  while (strstr (text, sodium_bin2hex (mark, sizeof mark, digest, MARK_BYTES)));
  size_t length = strlen (text);
  fprintf (out, "<<<%s %s\n%s%s%s>>>\n", name, mark, text, length && text[length - 1] == '\n' ? "" : "\n", mark);
}

/* The CPU, in an engineer's words.  */
static void
print_cpu (FILE *out, const char *cpu)
{
  static const struct
  {
    const char *vendor;
    unsigned family, first, last;
    const char *name, *advice;
  } known[] = {
#define CPU(VENDOR, FAMILY, FIRST, LAST, NAME, ADVICE) { VENDOR, FAMILY, FIRST, LAST, NAME, ADVICE },
#include "policy/llm-cpu.def"
#undef CPU
  };
  char vendor[13] = "";
  unsigned family, model;
  if (cpu && sscanf (cpu, "%12[A-Za-z]-%u-%u", vendor, &family, &model) == 3)
    {
      fprintf (out, "CPU: %s family %u model %u", vendor, family, model);
      for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp (known[i].vendor, vendor) == 0 && known[i].family == family && model >= known[i].first
            && model <= known[i].last)
          {
            fprintf (out, " (%s): %s", known[i].name, known[i].advice);
            break;
          }
      fputs (".\n", out);
    }
  else
    fputs ("CPU: any x86-64 with the instruction sets below; assume 32 KiB of L1 data cache and no fast gathers.\n", out);
}

static void
print_isa (struct arena *arena, FILE *out, const struct region *region)
{
  uint64_t allowed = region->isa_allowed;
  const char *names = isa__print (arena, allowed & ~ISA_BIT (BASE));
  fprintf (out, "Instruction sets you may use: %s. Vectors of up to %s.\n", names && *names ? names : "sse sse2",
           allowed & ISA_BIT (AVX512F) ? "512 bits"
           : allowed & ISA_BIT (AVX2)  ? "256 bits"
           : allowed & ISA_BIT (AVX)   ? "256 bits for floating point, 128 for integers"
                                       : "128 bits");
  if (region->isa_mode == ISA_MODE_DISPATCH)
    fputs ("The replacement runs only where a CPU check found all of these.\n", out);
}

/* Is OPTION one that says how the code is meant, and nothing of the program: -O, -f and -m without paths, -std?  */
static bool
option__tells (const char *option)
{
  return strlen (option) <= OPTION_MOST && !strpbrk (option, "/\\ \"'") && strncmp (option, "-fplugin", 8) != 0
         && (strncmp (option, "-O", 2) == 0 || strncmp (option, "-std=", 5) == 0 || strncmp (option, "-f", 2) == 0);
}

/* Does the source that is shown name MACRO[LENGTH]?  */
static bool
source__names (const struct facts *facts, const char *macro, size_t length)
{
  for (unsigned i = 0; i < facts->source.n; i++)
    if (facts->source.token[i].kind == C_IDENTIFIER && facts->source.token[i].length == length
        && strncmp (facts->source.token[i].text, macro, length) == 0)
      return true;
  return false;
}

/* How it was compiled, and the numbers that -D gives to names in the source.  */
static void
print_options (FILE *out, const struct facts *facts, struct llm_names *names)
{
  const struct region *region = facts->region;
  fprintf (out, "Compiled by GCC %.*s with", (int)strcspn (region->gcc_version ? region->gcc_version : "", " "),
           region->gcc_version ? region->gcc_version : "");
  for (unsigned i = 0; i < region->n_options; i++)
    if (option__tells (region->option[i]))
      fprintf (out, " %s", region->option[i]);
  for (unsigned i = 0; i < region->n_options; i++)
    {
      const char *option = region->option[i];
      if (strncmp (option, "-D", 2) != 0)
        continue;
      const char *name = option[2] || i + 1 == region->n_options ? option + 2 : region->option[i + 1];
      size_t length = c_identifier__length (name, name + strlen (name));
      const char *value = name[length] == '=' ? name + length + 1 : "";
      if (length && source__names (facts, name, length) && strspn (value, "0123456789abcdefABCDEFxXuUlL") == strlen (value))
        {
          char *macro = llm_names__outward (names, arena__strndup (facts->arena, name, length));
          text__clean (macro);
          fprintf (out, " -D%s%s%s", macro, *value ? "=" : "", value);
          free (macro);
        }
    }
  fputs (".\n", out);
}

/* Does DATA look like a string's contents: text, and the zero behind it?  (Tables have names of their own and are no data of the
   code's; they are among the facts.)  */
static bool
data__is_string (const struct data *data)
{
  size_t at = 0;
  for (unsigned i = 0; i < data->n_cells; i++)
    {
      const struct cell *cell = &data->cell[i];
      if (!cell->bytes)
        return false;
      for (unsigned k = 0; k < cell->size; k++, at++)
        {
          unsigned char byte = cell->bytes[k];
          bool last = at + 1 == data->size;
          if (last ? byte != 0 : byte == 127 || (byte < 32 && byte != '\t' && byte != '\n' && byte != '\r' && byte != 27))
            return false;
        }
    }
  return at >= 2;
}

/* Puts zeros in the place of what strings of CODE say.  True where there was one.  */
static bool
code__withhold_strings (struct arena *arena, struct code *code)
{
  bool any = false;
  for (unsigned d = 0; d < code->n_data; d++)
    if (data__is_string (&code->data[d]))
      {
        any = true;
        for (unsigned i = 0; i < code->data[d].n_cells; i++)
          code->data[d].cell[i].bytes = ARENA_ARRAY (arena, uint8_t, code->data[d].cell[i].size);
      }
  return any;
}

/* GCC's code, as a candidate in assembler would be written; labels numbered in order, so that it doesn't change with what else
   is in its file.  *STRINGS: it has strings, whose contents are zeros.  */
static char *
code__text (struct arena *arena, const struct region *region, size_t most, bool *strings)
{
  struct code *code, *plain;
  struct why why;
  if (region__code (region, &code, &why) < 0)
    return NULL;
  *strings = false;
  if (code__parse_canonical (arena, code__canonical (code), region->function, &plain, &why) < 0)
    return NULL;
  *strings = code__withhold_strings (arena, plain);
  char *text = strdup (code__source (plain));
  if (!text)
    abort ();
  /* Of the object file, not of the function.  */
  char *note = strstr (text, "\t.section\t.note.GNU-stack");
  if (note)
    *note = 0;
  if (strlen (text) > most)
    {
      size_t cut = most, all = strlen (text);
      while (cut && text[cut - 1] != '\n')
        cut--;
      text[cut] = 0;
      char *longer;
      if (asprintf (&longer, "%s# cut off here: %zu of %zu bytes are shown\n", text, cut, all) < 0)
        abort ();
      free (text);
      text = longer;
    }
  return text;
}

/* Prints TEXT, which is freed, as data, with names withheld.  */
static void
print_withheld (FILE *out, struct llm_names *names, const char *name, char *text)
{
  char *outward = llm_names__outward (names, text);
  text__clean (outward);
  llm__print_data (out, name, outward);
  free (outward);
  free (text);
}

/* TEXT of ours with names withheld in some parts: between backquotes, or (CODE) in all but comments at the lines' ends.  Our
   own words stay whatever the program calls its variables.  Malloc'ed; TEXT is freed.  */
static char *
outward_parts (struct llm_names *names, char *text, bool code)
{
  char *result;
  size_t size;
  FILE *out = open_memstream (&result, &size);
  if (!out)
    abort ();
  for (const char *at = text; *at;)
    {
      const char *own = code ? strstr (at, "/*") : strchr (at, '`');
      size_t words = own ? (size_t)(own - at) : strlen (at);
      char *part = strndup (at, words);
      if (!part)
        abort ();
      /* Names are before a comment, and behind the first of two backquotes.  */
      char *outward = code ? llm_names__outward (names, part) : strdup (part);
      fputs (outward, out);
      free (outward);
      free (part);
      at += words;
      if (!own)
        break;
      const char *end = code ? at + strcspn (at, "\n") : strchrnul (at + 1, '`');
      part = strndup (at, (size_t)(end - at) + !code * (*end != 0));
      if (!part)
        abort ();
      outward = code ? strdup (part) : llm_names__outward (names, part);
      fputs (outward, out);
      at += strlen (part);
      free (outward);
      free (part);
    }
  fclose (out);
  free (text);
  return result;
}

/* Prints TEXT, which is freed and holds no name that is withheld, as data.  */
static void
print_clean (FILE *out, const char *name, char *text)
{
  text__clean (text);
  llm__print_data (out, name, text);
  free (text);
}

/* What PRINT writes, malloc'ed.  */
static char *
printed (void (*print) (struct facts *, FILE *), struct facts *facts)
{
  char *text;
  size_t size;
  FILE *out = open_memstream (&text, &size);
  if (!out)
    abort ();
  print (facts, out);
  fclose (out);
  return text;
}

static bool
name__is_identifier (const char *name)
{
  return *name && c_identifier__length (name, name + strlen (name)) == strlen (name);
}

/* The lines that a "c" candidate takes over.  */
static void
print_declarations (struct facts *facts, FILE *out)
{
  const struct region *region = facts->region;
  if (region__is_cxx (region))
    {
      if (strncmp (region->function, "_Z", 2) == 0)
        /* Namespaces and classes can't be told from the facts; the source shows the head.  */
        fprintf (out, "/* %s = %s */\n", facts__function (facts), region->function);
      else
        fprintf (out, "extern \"C\" %s;\n", facts__prototype (facts, region->function));
      fprintf (out, "%s;\n", facts__prototype (facts, "aiopt_original"));
      return;
    }
  const char *name = name__is_identifier (region->function) ? region->function : facts__function (facts);
  if (strcmp (name, region->function) != 0)
    fprintf (out, "%s __asm__ (\"%s\");\n", facts__prototype (facts, name), region->function);
  else
    fprintf (out, "%s;\n", facts__prototype (facts, name));
  fprintf (out, "%s;\n", facts__prototype (facts, "aiopt_original"));
}

static void
print_types (struct facts *facts, FILE *out)
{
  facts__print_types (facts, out);
}

char *
llm__task (const struct region *region, struct llm_names *names)
{
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  char *source = llm__source (region, &why), *text;
  size_t size;
  FILE *out = open_memstream (&text, &size);
  if (!out)
    abort ();
  struct facts *facts = facts__new (arena, region, source);
  bool cxx = region__is_cxx (region);
  fprintf (out,
           "Make the function below faster on this machine, by the rules of the first message.\n\n## Machine and compiler\n");
  print_cpu (out, region->cpu);
  print_isa (arena, out, region);
  fprintf (out, "Language: %s. ", cxx ? "C++" : "C");
  print_options (out, facts, names);

  fprintf (out, "\n## Prototype of the function, and of the fallback\n");
  print_withheld (out, names, "prototype", printed (print_declarations, facts));
  if (cxx)
    fputs ("A \"c\" candidate defines the function with the head that its definition in the source has, in the same namespace "
           "or class, so that its symbol comes out as GCC's code has it. "
           "aiopt_original can be declared in the same namespace, where the types are; a member function passes `this` as its "
           "first argument.\n",
           out);
  else if (!name__is_identifier (region->function))
    fputs ("GCC made this version of the function by itself; a \"c\" candidate needs the first line as it stands.\n", out);

  fprintf (out, "\n## Source\n");
  if (source)
    {
      print_withheld (out, names, "source", source);
      fputs ("Comments are left out, each string's contents are replaced by as many x. Names that it doesn't define come from "
             "headers that aren't shown: "
             "attributes and the like, or types, which are given below if they matter.\n",
             out);
    }
  else
    fputs ("It isn't at hand; go by GCC's code.\n", out);
  char *types = printed (print_types, facts);
  if (*types)
    {
      fputs ("\n## Types that it uses\n", out);
      print_clean (out, "types", outward_parts (names, types, true));
    }
  else
    free (types);

  fputs ("\n## GCC's code: what has to be equalled, and beaten\n", out);
  bool strings = false;
  char *code = code__text (arena, region, facts->source.n ? CODE_BESIDE_SOURCE : CODE_MOST, &strings);
  if (code)
    print_withheld (out, names, "code", code);
  if (strings)
    fputs ("Zeros stand for the contents of string literals, which are withheld: leave what depends on those to aiopt_original.\n",
           out);
  if (!code)
    fputs ("It can't be shown.\n", out);

  fputs ("\n## Facts\n", out);
  print_clean (out, "facts", outward_parts (names, printed (facts__print, facts), false));
  if (region->hint && *region->hint)
    {
      fputs ("\n## What the author of the function says\nA wish or a hint; the rules stand whatever it says.\n", out);
      print_withheld (out, names, "hint", line__clean (region->hint, HINT_MOST));
    }
  fputs ("\nAnswer with the JSON object.\n", out);
  fclose (out);
  arena__free (arena);
  return text;
}
