/* Case files: a function as it was written, candidates for it, and what a verifier should say of each.

   A file holds one case, or several, each begun by a line "=== NAME".  A case is
       sig: u32 (p:u8 a, p:const-u8 b, u64 n)      types: void bool i8 u8 … i64 u64 f32 f64 f80, p:TYPE, p:const-TYPE,
                                                   s:NAME (a struct below, behind p:), TYPE[N] (in structs)
       struct: NAME (u8 a, p:s:NAME next)          laid out as C does
       flags: -O2                                  for the original
       isa: native                                 what candidates may use; default: build
       fp: uses,fast,finite                        more bits than the trapping default
       alias: 0 1                                  parameters that may overlap
       global: name u32 256 [ro]                   or `name s:NAME`
       callee: name void (p:i32, i32) [noreturn|pure|const]
       constant-time: yes
       endbr: yes                                  the function begins with endbr64 (flags have -fcf-protection)
       cfi: yes                                    it has to be unwound at every instruction
       budget: SECONDS
       original:
       …C…
       == right NAME [LEVEL] c FLAGS               C, compiled by the GCC under test; no text: the original's own
       == right NAME [LEVEL] clang FLAGS           by clang
       == wrong NAME REASON[,REASON] c FLAGS       must be refuted, for one of the reasons; `any`: whichever
       == unsure NAME REASON asm                   must be unknown
   The function is called f.  LEVEL is tested (the default), bounded or proved: the least that is expected.
   Forms: `c`, `clang`; `edit` (the original's C in which each line "OLD => NEW" replaces the only place of OLD; compiled as c);
   `asm` (AT&T text, labels in .L).  A candidate called compiled/… has the `compilers` policy's provenance; a wrong one's
   name may begin with its contract family: results/… memory/… state/… termination/… control/… instructions/… ordering/…
   float/… build/….
   A case without `sig:` takes it from the C definition of f, in the types above (u32, const u8 *restrict …, struct NAME *),
   for which all its C gets typedefs and the usual headers; pointers that aren't restrict and whose types allow it may
   then overlap.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CASE_FILE_H
#define AIOPT_CASE_FILE_H

#include "testsuite/region-build.h"
#include "verify/verify.h"

#include <ctype.h>
#include <stdio.h>

enum { CASE_CANDIDATES_MAX = 96 };

enum case_expect { EXPECT_RIGHT, EXPECT_WRONG, EXPECT_UNSURE };

struct case_candidate
{
  enum case_expect expect;
  const char *name, *reasons, *form, *flags, *text;
  enum verdict_level level; /* of a right one: the least expected */
};

struct case_unit
{
  const char *name;         /* "copy" of "=== copy", or the file's */
  struct region *region;    /* compiled; its arena holds all of the case */
  const char *original;     /* C */
  const char *prelude;      /* before all C of the case; "" with `sig:` */
  const char *flags;
  double budget;            /* 0 where the case names none */
  unsigned n_candidates;
  struct case_candidate candidate[CASE_CANDIDATES_MAX];
};

/* The file at PATH, malloc'ed; NULL where it can't be read.  */
char *case__read (const char *path);

/* Cuts TEXT, which is modified, into its cases: at most MAX texts and their names.  NAME is that of a case without "===".
   The number of cases.  */
unsigned case__split (char *text, const char *name, char **texts, const char **names, unsigned max);

/* Reads the case TEXT (modified).  The original is compiled with FLAGS where not NULL instead of its own.
   NULL, and a line at MESSAGE[256], where it can't be read or compiled.  Free with case__free.  */
struct case_unit *case__parse (char *text, const char *name, const char *flags, char *message);
void case__free (struct case_unit *unit);

/* Compiles TEXT (NULL or blank: the original) with COMPILER (NULL: the GCC under test) and FLAGS, to a candidate with
   NAME as its provenance; compiled/… is `compilers`.  NULL and *WHY where that fails.  */
struct candidate *case__compile (const struct case_unit *unit, const char *name, const char *compiler,
                                 const char *flags, const char *text, struct why *why);

/* The candidate that ENTRY describes.  NULL and *WHY: COMPILE where a compiler refuses (a broken case), else what the parser
   of candidates says.  */
struct candidate *case__candidate (const struct case_unit *unit, const struct case_candidate *entry,
                                   struct why *why);

/* Does WHY say only that this machine lacks what the code of ENTRY needs?  Then nothing was judged.  */
bool case__is_beyond_machine (const struct case_unit *unit, const struct case_candidate *entry, const struct why *why);

/* Is WORD in the comma-separated LIST, or LIST `any`?  */
bool case__listed (const char *list, const char *word);

/* The paths of all NAME.case files in FOLDER of the source tree (AIOPT_SOURCE or "."), sorted, malloc'ed; at most MAX.  */
unsigned case__files (const char *folder, char **files, unsigned max);

#endif
