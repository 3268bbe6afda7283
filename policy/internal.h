/* What one policy gives to policy.c.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_POLICY_INTERNAL_H
#define AIOPT_POLICY_INTERNAL_H

#include "model/account.h"
#include "policy/policy.h"
#include "policy/process.h"

struct proposer_ops
{
  /* As policy__next, policy__tell, policy__left, policy__close.  */
  int (*next) (void *self, struct candidate **candidate, struct why *why);
  void (*tell) (void *self, const struct feedback *feedback);
  int (*left) (const void *self);
  void (*close) (void *self);
  /* Those that may be NULL: */
  bool (*waits) (void *self); /* would `next` wait for somebody's answer? */
  void (*tell_final) (void *self, unsigned number, const struct feedback *feedback);
  bool (*again) (void *self);
  bool (*goes_on) (const void *self);
  void (*spent) (const void *self, struct spent *spent);
};

struct proposer
{
  const struct proposer_ops *ops;
  void *self;
};

/* DEADLINE is on clock__now's clock.  0, or -1 and *WHY.  */
int compilers__open (const struct region *region, struct workshop *workshop, double deadline,
                     struct proposer *proposer, struct why *why);
int exec__open (const char *command, const struct region *region, struct workshop *workshop,
                double deadline, struct proposer *proposer, struct why *why);

int llm__open (const struct region *region, struct workshop *workshop, double deadline,
               struct proposer *proposer, struct why *why);

/* candidate__from_file with a limit on compiling, and POLICY and PROVENANCE filled in.  A text of policy "llm" gets nothing of the
   user's to see: source__check holds it to standard headers and the like, and no options for the preprocessor are passed.  */
int candidate__make (const struct region *region, enum candidate_form form, const char *text,
                     size_t length, const char *folder, const char *const *extra_flags,
                     unsigned n_extra, double limit_seconds, const volatile sig_atomic_t *stop, const char *policy,
                     const char *provenance, struct candidate **candidate, struct why *why);

#endif
