/* The command lines that compile a unit as its user's own did, but for the variant's flags.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds WORDS, separated by spaces, to ARGUMENTS.  */
static void
arguments__add_words (struct arena *arena, struct arguments *arguments, const char *words)
{
  for (;;)
    {
      words += strspn (words, " ");
      size_t length = strcspn (words, " ");
      if (!length)
        return;
      arguments__add (arguments, arena__strndup (arena, words, length));
      words += length;
    }
}

bool
unit__variant_flags (const struct unit *unit, const struct variant *variant,
                     struct arguments *flags, bool *patterns)
{
  uint64_t allowed = unit->region->isa_allowed;
  struct arguments words = { 0 };
  bool possible = variant->compiler == VARIANT_GCC || unit->clang;
  *patterns = false;
  arguments__add_words (unit->arena, &words, variant->flags);
  for (unsigned i = 0; possible && i < words.n; i++)
    {
      const char *word = words.item[i];
      if (word[0] != '@')
        arguments__add (flags, word);
      else if (strcmp (word, "@native") == 0)
        {
          if (unit->native)
            arguments__add (flags, "-march=native");
        }
      else if (strcmp (word, "@512") == 0)
        {
          possible = (allowed & ISA_BIT (AVX512F)) && (unit->native || (unit->region->isa & ISA_BIT (AVX512F)));
          arguments__add (flags, "-mprefer-vector-width=512");
        }
      else if (strcmp (word, "@256") == 0)
        {
          possible = (allowed & ISA_BIT (AVX2)) && (unit->native || (unit->region->isa & ISA_BIT (AVX2)));
          arguments__add (flags, "-mprefer-vector-width=256");
        }
      else if (strcmp (word, "@profile") == 0)
        {
          possible = unit->profile != NULL;
          if (possible)
            arguments__add (flags, unit->profile);
        }
      else if (strcmp (word, "@patterns") == 0)
        *patterns = true;
    }
  arguments__free (&words);
  return possible;
}

bool
arguments__mention (const struct arguments *arguments, const char *prefix)
{
  for (unsigned i = 0; i < arguments->n; i++)
    if (strncmp (arguments->item[i], prefix, strlen (prefix)) == 0)
      return true;
  return false;
}

/* What keeps a variant's meaning that of the user's own command, whatever its level: GCC infers some of
   these from -O.  */
static void
options__add_meaning (struct arguments *command, const struct region *region,
                      const struct unit_options *options)
{
  if (options->fast)
    arguments__add (command, "-ffast-math");
  if (!region->strict_aliasing)
    arguments__add (command, "-fno-strict-aliasing");
  if (unit_options__level (options) < 2 && !arguments__mention (&options->gcc, "-ffinite-loops"))
    arguments__add (command, "-fno-finite-loops");
  /* Where the user's own code can't be contracted, ours mustn't be.  */
  if (!(region->isa & ISA_BIT (FMA)) && !(region->fp & FP_FAST))
    arguments__add (command, "-ffp-contract=off");
}

void
gcc__add_isolation (struct arguments *command)
{
  arguments__add (command, "-fno-lto");
  arguments__add (command, "-fno-ipa-ra");
  arguments__add (command, "-fno-reorder-blocks-and-partition");
}

/* From preprocessed FROM to assembler text TO.  */
static void
add_files (const struct region *region, const char *from, const char *to, struct arguments *command)
{
  arguments__add (command, "-S");
  arguments__add (command, "-o");
  arguments__add (command, to);
  arguments__add (command, "-x");
  arguments__add (command, region__is_cxx (region) ? "c++-cpp-output" : "cpp-output");
  arguments__add (command, from);
}

void
unit__gcc_command (const struct unit *unit, const struct arguments *flags, bool patterns,
                   const char *from, const char *to, struct arguments *command)
{
  const struct region *region = unit->region;
  arguments__add (command, region__driver (region));
  arguments__add_all (command, &unit->options.gcc);
  if (!arguments__mention (flags, "-march="))
    arguments__add_all (command, &unit->options.isa);
  if (!arguments__mention (flags, "-march=") && !arguments__mention (flags, "-mtune="))
    arguments__add_all (command, &unit->options.tune);
  arguments__add_all (command, flags);
  options__add_meaning (command, region, &unit->options);
  arguments__add (command, "-w");
  gcc__add_isolation (command);
  if (!patterns)
    arguments__add (command, "-fno-tree-loop-distribute-patterns");
  if (unit->keep_static)
    arguments__add (command, "-fkeep-static-functions");
  else
    arguments__add (command, "-fno-ipa-cp-clone");
  if (unit->frugal)
    {
      /* GCC 12's values for -O2 (opts.cc, default_options_table).  */
      arguments__add (command, "--param=max-inline-insns-single=70");
      arguments__add (command, "--param=max-inline-insns-auto=15");
      arguments__add (command, "--param=inline-min-speedup=30");
      arguments__add (command, "--param=early-inlining-insns=6");
    }
  add_files (region, from, to, command);
}

/* The value of macro NAME in GCC's -dM output TEXT, 0 where it isn't defined.  */
static int
macro__value (const char *text, const char *name)
{
  size_t length = strlen (name);
  for (const char *at = text; at && (at = strstr (at, "#define "));)
    {
      at += 8;
      if (strncmp (at, name, length) == 0 && at[length] == ' ')
        return atoi (at + length);
    }
  return 0;
}

/* Of loops clang may assume what the language lets it, which for C11 and C++11 is that they end: GCC makes less of it, but no rewrite
   is held to a run of the original that never ends.  Else loops whose counter might go round aren't vectorized at all.  */
void
unit__clang_common (const struct unit *unit, const char *macros, struct arguments *command)
{
  const struct region *region = unit->region;
  arguments__add (command, unit->clang);
  if (!arguments__mention (&unit->options.clang, "-std=")
      && !arguments__mention (&unit->options.clang, "-ansi"))
    arguments__add (command, region__is_cxx (region) ? "-std=gnu++17" : "-std=gnu17");
  int pie = macro__value (macros, "__PIE__"), pic = macro__value (macros, "__PIC__");
  arguments__add (command, pie == 2   ? "-fPIE"
                           : pie == 1 ? "-fpie"
                           : pic == 2 ? "-fPIC"
                           : pic == 1 ? "-fpic"
                                      : "-fno-pic");
  if (pic && !pie && !arguments__mention (&unit->options.clang, "-fno-semantic-interposition"))
    arguments__add (command, "-fsemantic-interposition");
  if (pie || !pic)
    arguments__add (command, "-fdirect-access-external-data");
  if (region->endbr)
    arguments__add (command, "-fcf-protection=branch");
  for (unsigned i = 0; i < unit->options.clang.n; i++)
    {
      const char *text = unit->options.clang.item[i];
      bool about_pic = strncmp (text, "-fpi", 4) == 0 || strncmp (text, "-fPI", 4) == 0
                       || strncmp (text, "-fno-pi", 7) == 0 || strncmp (text, "-fno-PI", 7) == 0;
      if (!about_pic)
        arguments__add (command, text);
    }
  arguments__add (command, "-w");
  arguments__add (command, "-Qunused-arguments");
  arguments__add (command, "-fno-stack-protector");
  arguments__add (command, "-mllvm");
  arguments__add (command, "-disable-loop-idiom-all");
}

void
unit__clang_command (const struct unit *unit, const struct arguments *flags, const char *macros,
                     const char *from, const char *to, struct arguments *command)
{
  const struct region *region = unit->region;
  unit__clang_common (unit, macros, command);
  if (!arguments__mention (flags, "-march="))
    arguments__add_all (command, &unit->options.isa);
  arguments__add_all (command, flags);
  options__add_meaning (command, region, &unit->options);
  if ((region->isa & ISA_BIT (FMA)) && !(region->fp & FP_FAST)
      && !arguments__mention (&unit->options.clang, "-ffp-contract="))
    arguments__add (command, "-ffp-contract=fast");
  if (!arguments__mention (&unit->options.clang, "-fno-trapping-math")
      && (region->fp & FP_TRAPPING) && (region->fp & FP_USES))
    arguments__add (command, "-ftrapping-math");
  add_files (region, from, to, command);
}

char *
unit__describe (const struct unit *unit, const struct variant *variant)
{
  struct arguments flags = { 0 };
  bool patterns;
  char *text = NULL;
  if (unit__variant_flags (unit, variant, &flags, &patterns))
    {
      size_t size;
      FILE *stream = open_memstream (&text, &size);
      const char *driver
        = variant->compiler == VARIANT_GCC ? region__driver (unit->region) : unit->clang;
      const char *base = strrchr (driver, '/');
      fprintf (stream, "%s", base ? base + 1 : driver);
      for (unsigned i = 0; i < flags.n; i++)
        fprintf (stream, " %s",
                 strncmp (flags.item[i], "-fprofile-use", 13) == 0 ? "-fprofile-use" : flags.item[i]);
      fclose (stream);
    }
  arguments__free (&flags);
  return text;
}
