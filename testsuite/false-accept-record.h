/* What testsuite/false-accept did, in a folder with a file for each function.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_FALSE_ACCEPT_RECORD_H
#define AIOPT_FALSE_ACCEPT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum
{
  SEEN_MAX = 1 << 16,  /* mutants of one function, at most */
  REFUSALS = 3         /* how often a rewrite may fail to be accepted (on a busy machine) before it's given up */
};

enum outcome_kind { REFUTED, UNKNOWN, PROVED, NOT_APART, DIFFERENT, PENDING, OUTCOMES };
extern const char *const outcome_names[OUTCOMES];

/* What is known of one function, from its file.  */
struct subject
{
  char path[600];
  bool refused;          /* the rewrite itself wasn't accepted REFUSALS times, or there is none */
  bool begun;            /* it was */
  unsigned next;         /* number of the next mutant */
  unsigned outcome[OUTCOMES], accepted, second, not_code, repeated;
  double seconds;
  unsigned n_pending;
  unsigned pending[512]; /* accepted, not examined */
  unsigned n_seen;
  uint64_t seen[SEEN_MAX];
};

/* What FOLDER's file says of the function called NAME.  Lines: "R" refused, "S" accepted as it is, "M number hash outcome seconds",
   "E number outcome seconds" (an accepted one examined), "X number" (no code), "D number" (a repetition), "F number" (accepted
   by the quick check and not by the full one).  */
void subject__read (const char *folder, const char *name, struct subject *subject);

/* Appends one line in one write.  */
void subject__note (const struct subject *subject, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

unsigned subject__counted (const struct subject *subject);

/* Was the mutant with HASH judged before?  And from now on it was.  */
bool subject__seen (const struct subject *subject, uint64_t hash);
void subject__note_seen (struct subject *subject, uint64_t hash);

/* The mutants' seed in FOLDER's record, which is WANTED (0: whichever) from now on where it has none yet: numbers of mutants mean something
   with their seed alone.  0 where it has another, or can't be written, and a message is printed.  */
uint64_t record__seed (const char *folder, uint64_t wanted);

uint64_t digest (const char *text);

#endif
