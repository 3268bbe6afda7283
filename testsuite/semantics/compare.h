/* One form's test, and the report of all.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TESTSUITE_COMPARE_H
#define AIOPT_TESTSUITE_COMPARE_H

#include "testsuite/semantics/predict.h"

enum
{
  BATCH = 256 /* states in a run of the sandbox: what stays in the cache */
};

struct options
{
  unsigned states, every, shard, n_shards, minutes, jobs;
  uint64_t seed;
  const char *pattern, *json;
  bool list, verbose;
};

enum verdict_kind
{
  FORM_SAME,
  FORM_DIFFERENT,
  FORM_UNMODELLED,
  FORM_REFUSED, /* the assembler doesn't know it */
  FORM_ABSENT,  /* this CPU doesn't */
  FORM_BROKEN,  /* the test didn't work */
  FORM_UNTRIED, /* no time left */
  FORM_KINDS
};

struct result
{
  enum verdict_kind kind;
  unsigned long states, differences, traps, uncompared;
  double seconds;
  struct why why;
};

/* All that lasts from form to form.  */
struct bench
{
  struct options options;
  struct forms forms;
  struct result *result; /* of forms.form[i]; shared by all jobs */
  unsigned *next;        /* of the list to be tried; shared, too */
  bool *is_chosen;       /* forms.form[i] is to be tried */
  struct sandbox *sandbox;
  uint64_t stack_pointer;
  unsigned n_vec, vec_bytes;
  struct state state[2][BATCH]; /* with whole vector registers, and of 16 bytes */
  const struct state *pointer[2][BATCH];
  struct outcome outcome[BATCH];
};

/* Opens the sandbox, with an empty function, which tells what rsp is when a function is entered.
   The forms take its place.  Makes the states.  0, or -1 and *WHY.  */
int bench__open (struct bench *bench, struct why *why);
void bench__close (struct bench *bench);

/* Runs FORM on as many states as asked for; a difference is printed, the first one.  */
void form__test (struct bench *bench, const struct form *form, struct result *result);

/* Prints a TAP line for each family, and what isn't modelled.  Gives the number of families that
 * failed.  */
unsigned bench__report (const struct bench *bench, double seconds);

/* Writes each form's result to options.json.  0 or -1.  */
int bench__write_json (const struct bench *bench, double seconds);

#endif
