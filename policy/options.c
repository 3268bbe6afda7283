/* Sorting the user's own options: what the preprocessor needs, what changes the meaning of the
   program (kept in every variant), what a variant replaces, and what writes files (dropped).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/options.h"

#include <string.h>

enum match { EXACT, PREFIX };
enum argument { NONE, NEXT };
enum option_class { DROP, CPP, KEEP, LEVEL, ISA, TUNE, PROFILE };

static const struct
{
  const char *text;
  enum match match;
  enum argument argument;
  enum option_class class;
} known[] = {
#define OPTION(TEXT, MATCH, ARGUMENT, CLASS) { TEXT, MATCH, ARGUMENT, CLASS },
#include "policy/options.def"
#undef OPTION
};

static const struct
{
  const char *text;
  bool keep;
} clang_known[] = {
#define CLANG_KEEP(TEXT) { TEXT, true },
#define CLANG_IGNORE(TEXT) { TEXT, false },
#include "policy/clang.def"
#undef CLANG_KEEP
#undef CLANG_IGNORE
};

/* Features that isa.h doesn't list and that are ISA options all the same.  */
static const char *const more_features[] = {
  "sse4", "sse4a", "abm", "3dnow", "3dnowa", "fsgsbase", "rdrnd", "rdseed", "prefetchwt1", "clflushopt",
  "clwb", "clzero", "mwaitx", "xsave", "xsaveopt", "xsavec", "xsaves", "lwp", "fma4", "xop", "tbm",
  "rtm", "hle", "avx512er", "avx512pf", "avx5124fmaps", "avx5124vnniw", "avx512vp2intersect", "movdiri",
  "movdir64b", "cldemote", "waitpkg", "pku", "rdpid", "ptwrite", "serialize", "tsxldtrk", "uintr",
  "amx-tile", "amx-int8", "amx-bf16", "wbnoinvd", "enqcmd", "kl", "widekl", "mmx", "crc32", "sse4.1"
};

/* The feature's name in "-mNAME" or "-mno-NAME", or NULL where it is none.  */
static const char *
option__feature (const char *text)
{
  if (strncmp (text, "-m", 2) != 0)
    return NULL;
  const char *name = strncmp (text, "-mno-", 5) == 0 ? text + 5 : text + 2;
  uint64_t set;
  if (*name && !strpbrk (name, " =") && strcmp (name, "64") != 0 && isa__parse (name, &set) == 0)
    return name;
  for (unsigned i = 0; i < sizeof more_features / sizeof *more_features; i++)
    if (strcmp (name, more_features[i]) == 0)
      return name;
  return NULL;
}

/* The class of TEXT, and whether the next word is its value.  */
static enum option_class
option__class (const char *text, bool *next)
{
  *next = false;
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
    {
      size_t length = strlen (known[i].text);
      bool same = strcmp (text, known[i].text) == 0;
      if (!same && (known[i].match == EXACT || strncmp (text, known[i].text, length) != 0))
        continue;
      *next = known[i].argument == NEXT && same;
      return known[i].class;
    }
  return option__feature (text) ? ISA : KEEP;
}

/* Adds TEXT to what clang gets, or notes it as an obstacle.  */
static void
options__add_clang (struct unit_options *options, const char *text)
{
  for (unsigned i = 0; i < sizeof clang_known / sizeof *clang_known; i++)
    {
      const char *name = clang_known[i].text;
      size_t length = strlen (name);
      bool any = name[length - 1] == '=';
      /* "-std=" takes the value after '=', "-fno-tree-=" whatever follows "-fno-tree-".  */
      bool match = any ? strncmp (text, name, length) == 0
                           || (name[length - 2] == '-' && strncmp (text, name, length - 1) == 0)
                           || (!clang_known[i].keep && strncmp (text, name, length - 1) == 0)
                       : strcmp (text, name) == 0;
      if (!match)
        continue;
      if (clang_known[i].keep)
        arguments__add (&options->clang, text);
      return;
    }
  if (!options->clang_obstacle)
    options->clang_obstacle = text;
}

void
unit_options__sort (const struct region *region, struct unit_options *options)
{
  *options = (struct unit_options){ .level = "-O0" };
  for (unsigned i = 0; i < region->n_options; i++)
    {
      const char *text = region->option[i];
      bool next;
      enum option_class class = option__class (text, &next);
      const char *value = NULL;
      if (next && i + 1 < region->n_options)
        value = region->option[++i];
      struct arguments *list = NULL;
      switch (class)
        {
        case DROP:
          if (strcmp (text, "-dumpdir") == 0)
            options->dump_folder = value;
          else if (strcmp (text, "-dumpbase") == 0)
            options->dump_base = value;
          continue;
        case LEVEL:
          options->level = text;
          options->fast = strcmp (text, "-Ofast") == 0;
          continue;
        case PROFILE:
          options->profile = text;
          continue;
        case CPP:
          list = &options->cpp;
          break;
        case ISA:
          list = &options->isa;
          break;
        case TUNE:
          list = &options->tune;
          break;
        case KEEP:
          /* A stray word that is no option would be taken for an input.  */
          if (text[0] != '-' || !text[1])
            continue;
          list = &options->gcc;
          if (value)
            {
              if (strcmp (text, "--param") != 0 && !options->clang_obstacle)
                options->clang_obstacle = text;
            }
          else if (strncmp (text, "--param", 7) != 0)
            options__add_clang (options, text);
          break;
        }
      arguments__add (list, text);
      if (value)
        arguments__add (list, value);
    }
}

void
unit_options__free (struct unit_options *options)
{
  arguments__free (&options->cpp);
  arguments__free (&options->gcc);
  arguments__free (&options->isa);
  arguments__free (&options->tune);
  arguments__free (&options->clang);
}

int
unit_options__level (const struct unit_options *options)
{
  switch (options->level[2])
    {
    case '0':
      return 0;
    case 'g':
    case 0: /* -O */
    case '1':
      return 1;
    case 's':
    case 'z':
    case '2':
      return 2;
    default:
      return 3;
    }
}

bool
option__is_dialect (const char *text)
{
  static const char *const beginnings[]
    = { "-std=", "--std=", "-ansi", "-finput-charset", "-fexec-charset", "-fwide-exec-charset", "-traditional", "-fpreprocessed",
        "-fdirectives-only", "-fmodule", "-fopenmp", "-fopenacc", "-fpch", "-trigraphs", "-fno-asm" };
  for (unsigned i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    if (strncmp (text, beginnings[i], strlen (beginnings[i])) == 0)
      return true;
  return false;
}

bool
flag__is_safe (const char *extra, uint64_t allowed)
{
  static const char *const safe[] = {
    "-O",   "-O0", "-O1", "-O2", "-O3", "-Os",
    "-fwrapv", "-fno-strict-aliasing", "-fno-finite-loops", "-ffp-contract=off", "-fomit-frame-pointer",
    "-fno-omit-frame-pointer", "-fno-math-errno", "-fno-semantic-interposition", "-mtune=native", "-mtune=generic",
    "-mprefer-vector-width=none", "-mprefer-vector-width=128", "-mprefer-vector-width=256",
    "-mprefer-vector-width=512", "-mno-vzeroupper", "-m64",
    "-fvect-cost-model=unlimited", "-fvect-cost-model=dynamic", "-fvect-cost-model=cheap",
    "-fvect-cost-model=very-cheap",
  };
  /* "-f" or "-fno-" and one of these, to its end or to a '-': they guide optimizers alone.  */
  static const char *const optimizers[] = {
    "unroll", "tree", "ipa", "inline", "peel", "split", "gcse", "schedule", "if-conversion", "if-conversion2",
    "loop", "ivopts", "modulo-sched", "rename-registers", "reorder", "sched", "align", "prefetch-loop-arrays",
    "web", "move-loop-invariants", "unswitch", "cprop", "crossjumping", "guess-branch-probability",
    "ira", "lra", "live-range-shrinkage", "variable-expansion-in-unroller", "branch-count-reg", "thread-jumps",
    "version-loops-for-strides", "predictive-commoning", "early-inlining", "code-hoisting", "store-merging",
    "expensive-optimizations", "forward-propagate", "dce", "dse", "slp", "vectorize", "compare-elim",
  };
  for (unsigned i = 0; i < sizeof safe / sizeof *safe; i++)
    if (strcmp (extra, safe[i]) == 0)
      return true;
  /* -fsplit-stack is no optimization, and -ftree-parallelize-loops starts threads.  */
  if (strpbrk (extra, "/,@\n") || strstr (extra, "dump") || strstr (extra, "verbose") || strstr (extra, "split-stack")
      || strstr (extra, "parallelize"))
    return false;
  if (strcmp (extra, "-march=native") == 0)
    return (isa__host () & ~allowed) == 0;
  if (strncmp (extra, "-mno-", 5) == 0)
    return option__feature (extra) != NULL;
  if (strncmp (extra, "-m", 2) == 0)
    {
      uint64_t set;
      return option__feature (extra) && isa__parse (extra + 2, &set) == 0 && (set & ~allowed) == 0;
    }
  if (strncmp (extra, "-f", 2) != 0)
    return false;
  const char *name = strncmp (extra, "-fno-", 5) == 0 ? extra + 5 : extra + 2;
  for (unsigned i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
    {
      size_t length = strlen (optimizers[i]);
      if (strncmp (name, optimizers[i], length) == 0
          && (!name[length] || name[length] == '-' || name[length] == '='))
        return true;
    }
  return false;
}
