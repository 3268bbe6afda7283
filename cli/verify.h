/* `aiopt verify` and its --replay.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CLI_VERIFY_H
#define AIOPT_CLI_VERIFY_H

#include "verify/verify.h"

enum
{
  EXIT_ACCEPTED = 0,
  EXIT_REFUTED = 1,
  EXIT_UNKNOWN = 2,
  EXIT_NOT_CONFIRMED = 3
};

/* VERDICT for people.  */
void verify__show (const struct verdict *verdict, bool accepted, enum accept accept);

/* VERDICT as JSON, malloc'ed.  A counterexample holds REGION and CANDIDATE, so that it can be
   replayed; each may be NULL.  */
char *verify__json (const struct verdict *verdict, const struct region *region,
                    const struct candidate *candidate);

struct replay_options
{
  const char *what;  /* a key or its beginning, or a file */
  const char *cache; /* folder, NULL: the default */
  enum accept accept;
  double budget_seconds; /* 0: what the verdict took, and time to spare */
  bool json;
};

/* The exit status.  */
int verify__replay (const struct replay_options *options);

#endif
