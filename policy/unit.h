/* What the files that compile a unit share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_POLICY_UNIT_H
#define AIOPT_POLICY_UNIT_H

#include "policy/workshop.h"

/* What compilers may write: assembler text, errors.  */
enum { ASSEMBLER_TEXT_MAX = 128 << 20, ERRORS_MAX = 1 << 20 };

/* A unit: where its artefacts are, and the pieces of its command lines.  */
struct unit
{
  struct arena *arena;
  struct workshop *workshop;
  const struct region *region;
  struct unit_options options;
  const char *directory;     /* in the workshop */
  const char *clang;         /* "clang-14", or NULL where there is none for this unit */
  const char *keep;          /* the static C function that clang has to be told to keep, or NULL */
  bool keep_static;          /* GCC: emit static functions with their own signature */
  bool frugal;               /* inline no more than -O2 does: calls have to stay the same */
  bool native;
  const char *profile;       /* -fprofile-use=FILE, or NULL */
};

bool region__is_cxx (const struct region *region);

/* unit-command.c.  The command lines; the caller frees COMMAND and FLAGS.  */

/* The flags of VARIANT for UNIT, placeholders filled in; *PATTERNS: loops may become calls of memcpy and memset.  False where it is
   none for this unit.  */
bool unit__variant_flags (const struct unit *unit, const struct variant *variant, struct arguments *flags, bool *patterns);

/* Does one of ARGUMENTS begin with PREFIX?  */
bool arguments__mention (const struct arguments *arguments, const char *prefix);

/* What a text that is to be cut out of its unit needs of GCC.  */
void gcc__add_isolation (struct arguments *command);

/* GCC's command from FROM to TO.  */
void unit__gcc_command (const struct unit *unit, const struct arguments *flags, bool patterns, const char *from,
                        const char *to, struct arguments *command);

/* clang's, and what all of its commands for this unit have in common.  MACROS is what GCC predefines under the user's options.  */
void unit__clang_command (const struct unit *unit, const struct arguments *flags, const char *macros, const char *from,
                          const char *to, struct arguments *command);
void unit__clang_common (const struct unit *unit, const char *macros, struct arguments *command);

#endif
