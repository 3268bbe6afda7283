/* Who proposes.  A policy is asked for one candidate after another and told what became of each.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_POLICY_H
#define AIOPT_POLICY_H

#include "machine/candidate.h"
#include <signal.h>

struct policy;

/* What became of the last candidate; strings may be NULL.  */
struct feedback
{
  const char *verdict;        /* "tested", "refuted" … */
  struct why why;
  const char *counterexample; /* readable */
  double ratio;               /* original time over candidate time; 0 where not measured */
  double ratio_low, ratio_high;
  bool accepted;              /* the best so far */
  bool kept;                  /* nothing speaks against it so far: the full check may follow */
};

/* Shared by all policies of one `tune` run: compiled units are kept here, so that the functions of
   one source file don't compile it again.  Safe to share between threads.  */
struct workshop;
struct workshop *workshop__new (void);
void workshop__free (struct workshop *workshop);

/* The workshop's temporary folder: removed, with all in it, by workshop__free in the process that
   called workshop__new (forked workers share it).  NULL where none could be made.  */
const char *workshop__directory (const struct workshop *workshop);

/* Compilers and programs of policies are given up as soon as *STOP is set.  */
void workshop__stop_on (struct workshop *workshop, const volatile sig_atomic_t *stop);

/* Whom the policy `llm` asks, and what for: SETTINGS and ACCOUNT outlive WORKSHOP.  Without, nobody.  */
struct model_settings;
struct account;
void workshop__ask (struct workshop *workshop, const struct model_settings *settings, struct account *account);

/* Opens the policies of LIST ("compilers,exec:./model --x") for REGION, asked in turn, for BUDGET_SECONDS; those that converse
   for CONVERSING_SECONDS.  0, or -1 and *WHY; an unknown name is a SYNTAX error that lists the valid ones.  */
int policy__open (const char *list, const struct region *region, struct workshop *workshop,
                  double budget_seconds, double conversing_seconds, struct policy **policy, struct why *why);

/* Does LIST have a policy that learns from what it is told of full checks?  Then policy__again may say yes.  */
bool policy__converses (const char *list);

/* Is there a conversation that may go on, an answer that is waited for or a candidate that nothing was told of?  */
bool policy__is_conversing (const struct policy *policy);

/* The next candidate: 1 and *CANDIDATE (the caller frees), 0 where there are no more for now, or -1 and
   *WHY for a proposal that is no candidate (go on asking).  A policy that has to wait for somebody's answer is asked again
   when the others have no more.  */
int policy__next (struct policy *policy, struct candidate **candidate, struct why *why);

/* Tells what became of the last candidate of policy__next, or of the failed proposal.  */
void policy__tell (struct policy *policy, const struct feedback *feedback);

/* Tells what became of CANDIDATE, one of policy__next's, in its full check: a verdict of its own, or "unknown" with NOT_FASTER where
   another was faster.  */
void policy__tell_final (struct policy *policy, const struct candidate *candidate, const struct feedback *feedback);

/* After a round of proposals and full checks: may policy__next have more, now that all was told?  */
bool policy__again (struct policy *policy);

/* What was spent on models for the region so far.  */
struct spent;
void policy__spent (const struct policy *policy, struct spent *spent);

/* How many more candidates are expected, -1 unknown: for the progress bar.  */
int policy__left (const struct policy *policy);

void policy__close (struct policy *policy);

/* Is LIST well formed?  For option checking.  0, or -1 and *WHY.  */
int policy__check_list (const char *list, struct why *why);

/* Makes a candidate of TEXT, as a file given by the user or a model's answer: FORM_ASM is parsed
   strictly; FORM_C is compiled by the region's own compiler with its options, -O3 and EXTRA_FLAGS
   (N_EXTRA; only flags from the safe list pass).  #include "…" finds what stands beside the region's source.
   In both, a jump to `aiopt_original` (in C: `return aiopt_original (…);`, declared with the function's own type) goes to the
   original code, which is appended.  */
int candidate__from_text (const struct region *region, enum candidate_form form, const char *text,
                          size_t length, const char *const *extra_flags, unsigned n_extra,
                          struct candidate **candidate, struct why *why);

/* The same for a text from a file in FOLDER (NULL: none): #include "…" looks there first.  */
int candidate__from_file (const struct region *region, enum candidate_form form, const char *text,
                          size_t length, const char *folder, const char *const *extra_flags,
                          unsigned n_extra, struct candidate **candidate, struct why *why);

#endif
