/* What the files of the plugin's C core share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_PLUGIN_CORE_H
#define AIOPT_PLUGIN_CORE_H

#include "cache/cache.h"
#include "plugin/border.h"
#include <time.h>

/* options.c: the plugin's arguments.  */
enum { HOT_PROFILE = 1, HOT_ATTRIBUTE = 2, HOT_ALL = 4 };

struct plugin_options
{
  enum plugin_mode mode;
  unsigned hot;        /* HOT_… */
  unsigned n_names;    /* names asked for by hot= */
  char **name;
  char *cache;         /* NULL: the default folder */
  char *policy;        /* NULL: the helper's default */
  char *report;        /* NULL: none */
  enum accept accept;
  enum isa_mode isa;
  double budget;       /* seconds a function */
  double unit_budget;  /* seconds for all functions of this process */
  long limit;          /* rewrites applied at most; negative: all */
};

void options__init (struct plugin_options *options);
int options__set (struct plugin_options *options, const char *key, const char *value,
                  char **message);
void options__free (struct plugin_options *options);

/* report.c: what became of each function, for report=FILE.  All do nothing on NULL.  */
struct report;
struct report *report__new (void);
void report__left_alone (struct report *report, const char *function, const char *file, unsigned line,
                         const struct why *why);
/* ENTRY may be NULL.  LOOKUP_US: microseconds for key and look-up.  */
void report__decided (struct report *report, const struct region *region,
                      const struct core_decision *decision, const struct entry *entry,
                      double lookup_us, double helper_seconds);
/* Writes REPORT to PATH (a folder gets one file a process) and frees it.  0 or -errno.  */
int report__finish (struct report *report, const char *path, const struct plugin_options *options);

/* helper.c: runs `aiopt tune` for KEY and waits.  BUDGET seconds; 0, or -1 and *WHY (HELPER, BUDGET).
   PLUGIN_PATH tells where the command may lie.  */
int helper__tune (const char *plugin_path, const struct plugin_options *options, const char *cache,
                  const char *key, double budget, struct why *why);

/* Seconds on the monotonic clock.  */
double clock__seconds (void);

#endif
