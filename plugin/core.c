/* The plugin's core: decides what becomes of a hot function.  No GCC headers here.

   Whatever goes wrong is a reason to keep GCC's own text; nothing is printed, and nothing but text
   that was printed from a verified entry ever replaces it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/core.h"
#include "machine/splice.h"
#include <stdlib.h>
#include <string.h>

struct plugin_core
{
  struct plugin_options options;
  char *plugin_path;
  char *cache_directory;  /* found on first use */
  struct cache *cache;    /* opened on first use */
  bool cache_writable;    /* CACHE was opened for writing */
  bool cache_failed;      /* opening was tried and failed for CACHE_WHY */
  struct why cache_why;
  double helper_seconds;  /* spent waiting for helpers */
  unsigned serial;        /* of the next rewrite in this unit */
  long applied;           /* for limit= */
  struct report *report;
};

struct plugin_core *
core__new (const char *plugin_path)
{
  struct plugin_core *core = calloc (1, sizeof *core);
  if (!core)
    abort ();
  core->plugin_path = strdup (plugin_path ? plugin_path : "");
  options__init (&core->options);
  return core;
}

int
core__option (struct plugin_core *core, const char *key, const char *value, char **message)
{
  *message = NULL;
  int result = options__set (&core->options, key, value, message);
  if (result == 0 && core->options.report && !core->report)
    core->report = report__new ();
  return result;
}

enum plugin_mode
core__mode (const struct plugin_core *core)
{
  return core->options.mode;
}

enum isa_mode
core__isa_mode (const struct plugin_core *core)
{
  return core->options.isa;
}

enum accept
core__accept (const struct plugin_core *core)
{
  return core->options.accept;
}

bool
core__wants (const struct plugin_core *core, const char *assembler_name, const char *name,
             bool attribute_hot, bool profile_hot)
{
  const struct plugin_options *options = &core->options;
  if (options->mode == MODE_OFF)
    return false;
  if ((options->hot & HOT_ALL) || ((options->hot & HOT_ATTRIBUTE) && attribute_hot)
      || ((options->hot & HOT_PROFILE) && profile_hot))
    return true;
  for (unsigned i = 0; i < options->n_names; i++)
    if (!strcmp (options->name[i], assembler_name) || !strcmp (options->name[i], name))
      return true;
  return false;
}

void
core__left_alone (struct plugin_core *core, const char *function, const char *file, unsigned line,
                  const struct why *why)
{
  report__left_alone (core->report, function, file, line, why);
}

static const char *
cache_directory (struct plugin_core *core)
{
  if (!core->cache_directory)
    core->cache_directory = core->options.cache ? strdup (core->options.cache)
                                                : cache__default_directory ();
  return core->cache_directory;
}

/* The cache, opened on first use; for writing where regions are to be queued.  NULL and *WHY.  */
static struct cache *
open_cache (struct plugin_core *core, struct why *why)
{
  if (!core->cache && !core->cache_failed)
    {
      const char *directory = cache_directory (core);
      enum cache_mode mode = core->options.mode == MODE_APPLY ? CACHE_READ : CACHE_WRITE;
      if (!directory)
        why__set (&core->cache_why, REASON_CACHE, "no folder: set AIOPT_CACHE or HOME");
      else if (cache__open (directory, mode, &core->cache, &core->cache_why) == 0)
        core->cache_writable = mode == CACHE_WRITE;
      /* A cache that can't be written can still be read.  */
      else if (mode == CACHE_WRITE)
        {
          struct why second;
          if (cache__open (directory, CACHE_READ, &core->cache, &second) != 0)
            core->cache = NULL;
        }
      core->cache_failed = !core->cache;
    }
  if (!core->cache)
    *why = core->cache_why;
  return core->cache;
}

/* Heavier regions are tuned first: instructions executed in the profiling run, as far as known.  */
static int64_t
weight_of (const struct region *region)
{
  if (region->calls < 0)
    return 0;
  double weight = (double) region->calls
                  * (region->insns_per_call > 1 ? region->insns_per_call : 1);
  return weight < 1 ? 1 : weight > 9e18 ? INT64_C (9000000000000000000) : (int64_t) weight;
}

/* What the user asked for, into REGION: which instructions a rewrite may use, what is accepted.  */
static void
set_wishes (const struct plugin_core *core, struct region *region)
{
  region->isa_mode = core->options.isa;
  region->accept = core->options.accept;
  region->isa_allowed = region->isa;
  region->cpu = "generic";
  if (region->isa_mode != ISA_MODE_BUILD)
    {
      region->isa_allowed |= isa__host ();
      region->cpu = isa__host_cpu (region->arena);
    }
}

/* Is a verdict named NAME at or above LEVEL?  */
static bool
verdict_suffices (const char *name, enum accept level)
{
  enum accept verdict;
  return name && accept__parse (name, &verdict) == 0 && verdict >= level;
}

/* Puts ENTRY's code in the place of the captured text.  */
static int
apply (struct plugin_core *core, struct region *region, const struct entry *entry,
       struct core_decision *decision)
{
  struct code *code;
  if (!verdict_suffices (entry->verdict, core->options.accept))
    return why__set (&decision->why, REASON_CACHE, "the entry's verdict is %s",
                     entry->verdict ? entry->verdict : "missing");
  if (core->options.limit >= 0 && core->applied >= core->options.limit)
    return why__set (&decision->why, REASON_LIMIT, "limit=%ld", core->options.limit);
  if (!entry->code)
    return why__set (&decision->why, REASON_CACHE, "an entry without code");
  if (code__parse_canonical (region->arena, entry->code, region->function, &code, &decision->why) != 0)
    return -1;
  region__note_noreturn (region, code);
  if (splice__function (region->text, strlen (region->text), code, core->serial, &decision->text,
                        &decision->why) != 0)
    return -1;
  core->serial++;
  core->applied++;
  decision->action = CORE_REPLACE;
  return 0;
}

/* Looks DECISION->key up.  1 and *ENTRY, 0 for a miss, -1 and the reason.  */
static int
look_up (struct plugin_core *core, struct core_decision *decision, struct entry **entry)
{
  struct cache *cache = open_cache (core, &decision->why);
  return cache ? cache__lookup (cache, decision->key, true, entry, &decision->why) : -1;
}

/* A miss: queues REGION, and in auto mode has it tuned.  1 and *ENTRY where that gave an entry.  */
static int
work_on (struct plugin_core *core, struct region *region, struct core_decision *decision,
         struct entry **entry, double *helper_seconds)
{
  const struct plugin_options *options = &core->options;
  why__set (&decision->why, REASON_MISS, "%s", "");
  if (options->mode == MODE_APPLY)
    return 0;
  if (!core->cache_writable)
    {
      decision->why = core->cache_why;
      return -1;
    }
  char *json = region__to_json (region);
  if (!json)
    return why__set (&decision->why, REASON_CACHE, "no memory for the region's record");
  int queued = queue__put (core->cache, decision->key, region->function, region->file, region->line,
                           json, weight_of (region), &decision->why);
  free (json);
  if (queued != 0 || options->mode != MODE_AUTO)
    return queued;

  double budget = options->budget;
  if (budget > options->unit_budget - core->helper_seconds)
    budget = options->unit_budget - core->helper_seconds;
  if (budget < 0.1)
    {
      if (options->budget >= 0.1)
        why__set (&decision->why, REASON_BUDGET, "unit-budget=%g is spent; the region is queued",
                  options->unit_budget);
      return 0;
    }
  double start = clock__seconds ();
  struct why why;
  int helped = helper__tune (core->plugin_path, options, cache_directory (core), decision->key, budget,
                             &why);
  *helper_seconds = clock__seconds () - start;
  core->helper_seconds += *helper_seconds;
  int found = look_up (core, decision, entry);
  if (found == 0)
    {
      if (helped != 0)
        decision->why = why;
      else
        why__set (&decision->why, REASON_BUDGET, "no result within %.1f s; the region is queued", budget);
    }
  return found;
}

/* The line for -fopt-info.  */
static char *
remark_of (const struct region *region, const struct core_decision *decision,
           const struct entry *entry)
{
  char *remark = NULL;
  int length;
  if (decision->action == CORE_REPLACE)
    length = asprintf (&remark, "aiopt: %s replaced: %.2fx by %s, %s (key %.12s)", region->function,
                       entry->ratio, entry->provenance ? entry->provenance : "an unnamed policy",
                       entry->verdict, decision->key);
  else
    length = asprintf (&remark, "aiopt: %s kept: %s%s%s", region->function,
                       reason__text (decision->why.reason), *decision->why.detail ? ": " : "",
                       decision->why.detail);
  return length < 0 ? NULL : remark;
}

void
core__decide (struct plugin_core *core, struct region *region, struct core_decision *decision)
{
  struct entry *entry = NULL;
  double helper_seconds = 0;
  memset (decision, 0, sizeof *decision);
  decision->action = CORE_KEEP;

  set_wishes (core, region);
  double start = clock__seconds ();
  int found = -1;
  if (region__key (region, &decision->why) == 0)
    {
      memcpy (decision->key, region->key, sizeof decision->key);
      found = look_up (core, decision, &entry);
    }
  double lookup_us = (clock__seconds () - start) * 1e6;

  if (found == 0)
    found = work_on (core, region, decision, &entry, &helper_seconds);
  if (found == 1 && entry->kind == ENTRY_REWRITE)
    apply (core, region, entry, decision);
  else if (found == 1)
    why__set (&decision->why, REASON_NEGATIVE, "%s%s%s", entry->reason ? entry->reason : "",
              entry->detail && *entry->detail ? ": " : "", entry->detail ? entry->detail : "");

  if (decision->action == CORE_REPLACE)
    {
      memset (&decision->why, 0, sizeof decision->why);
      decision->clobber_gpr = 0xfc7; /* rax rcx rdx rsi rdi r8 … r11 */
    }
  decision->remark = remark_of (region, decision, entry);
  report__decided (core->report, region, decision, entry, lookup_us, helper_seconds);
  if (entry)
    entry__free (entry);
}

void
core__finish (struct plugin_core *core)
{
  if (!core)
    return;
  int error = report__finish (core->report, core->options.report, &core->options);
  if (error)
    fprintf (stderr, "aiopt: report=%s can't be written: %s\n", core->options.report, strerror (-error));
  if (core->cache)
    cache__close (core->cache);
  options__free (&core->options);
  free (core->cache_directory);
  free (core->plugin_path);
  free (core);
}
