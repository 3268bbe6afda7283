/* The user's own options, sorted for compiling the unit again with variants.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_OPTIONS_H
#define AIOPT_OPTIONS_H

#include "machine/region.h"
#include "policy/process.h"

/* Vectors of strings borrowed from the region (or static).  */
struct unit_options
{
  struct arguments cpp;   /* for preprocessing, besides GCC and ISA */
  struct arguments gcc;   /* what every GCC compile keeps */
  struct arguments isa;   /* -march, -m<feature>: dropped where a variant is native */
  struct arguments tune;  /* -mtune, -mprefer-vector-width: dropped where a variant has its own */
  struct arguments clang; /* what every clang compile keeps */
  const char *clang_obstacle; /* the option for which clang isn't asked, or NULL */
  const char *level;      /* the last -O option, "-O0" where there is none */
  bool fast;              /* -Ofast: its meaning stays, whatever the level */
  const char *profile;    /* -fprofile-use[=…] as given, or NULL */
  const char *dump_folder;/* -dumpdir: where GCC looks for profile data, a prefix, or NULL */
  const char *dump_base;  /* -dumpbase: under which name, as the plugin gives it without a suffix, or NULL */
};

void unit_options__sort (const struct region *region, struct unit_options *options);
void unit_options__free (struct unit_options *options);

/* The optimization level as a number: 0, 1, 2 (also for -Os), 3.  */
int unit_options__level (const struct unit_options *options);

/* Does option TEXT of the user's say in which dialect, character set or with which modules a source is read?  A text of somebody
   else's is read without it.  */
bool option__is_dialect (const char *text);

/* May an option EXTRA that came with a candidate go to the compiler?  Only what steers optimizers
   or allows instructions within ALLOWED.  */
bool flag__is_safe (const char *extra, uint64_t allowed);

#endif
