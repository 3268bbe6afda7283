/* The border between GCC's side of the plugin (C++, GCC headers) and its core (C, none of them).
   Plain structs cross it: the region record, and texts.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_BORDER_H
#define AIOPT_BORDER_H

#ifdef __cplusplus
extern "C" {
#endif

#include "machine/region.h"

enum plugin_mode { MODE_AUTO, MODE_APPLY, MODE_COLLECT, MODE_OFF };

/* One instance a compiler process.  */
struct plugin_core;

/* Parses KEY=VALUE (VALUE may be NULL) into CORE's options.  0, or -1 and a malloc'ed *MESSAGE that names
   the value and the valid ones.  */
struct plugin_core *core__new (const char *plugin_path);
int core__option (struct plugin_core *core, const char *key, const char *value, char **message);
enum plugin_mode core__mode (const struct plugin_core *core);

/* Is the function wanted?  `hot=` list and modes; ATTRIBUTE_HOT and PROFILE_HOT as GCC has them.  */
bool core__wants (const struct plugin_core *core, const char *assembler_name, const char *name,
                  bool attribute_hot, bool profile_hot);
enum isa_mode core__isa_mode (const struct plugin_core *core);
enum accept core__accept (const struct plugin_core *core);

enum core_action { CORE_KEEP, CORE_REPLACE };

struct core_decision
{
  enum core_action action;
  char *text;            /* malloc'ed replacement for the captured text */
  struct why why;        /* where kept */
  char key[65];
  char *remark;          /* malloc'ed one-line remark for -fopt-info */
  uint64_t clobber_gpr;  /* registers that the new code writes, for IPA-RA: all call-clobbered */
};

/* Decides about one hot function, whose facts and captured text are REGION's: looks up, splices, queues,
   in auto mode starts the helper and waits.  Never fails: what goes wrong is a reason.  */
void core__decide (struct plugin_core *core, struct region *region, struct core_decision *decision);

/* A function that the GCC side left alone for WHY: for the report.  */
void core__left_alone (struct plugin_core *core, const char *function, const char *file, unsigned line,
                       const struct why *why);

/* Writes report=FILE and frees CORE.  */
void core__finish (struct plugin_core *core);

#ifdef __cplusplus
}
#endif
#endif
