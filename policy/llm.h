/* Inside the policy `llm`: what a model is told, and what its answers mean.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_LLM_H
#define AIOPT_LLM_H

#include "machine/region.h"
#include "policy/policy.h"

/* llm-source.c.  What of the region's source file a model may see: the function's own text with comments left out and the contents of
   strings replaced (each by "" or as many 'x' as it has bytes, where its length counts), and of the same file only what it needs: helper functions it
   calls, the types, macros and constants it names, transitively.  Malloc'ed C text; NULL and *WHY where the source isn't
   known, can't be read, or the function isn't found in it (a macro made it).  */
char *llm__source (const struct region *region, struct why *why);

/* llm-names.c.  Names of the program's own in what is sent and what comes back: `f1`, `p2`, `t3` … in place of functions,
   parameters, types and fields where they are withheld.  */
struct llm_names;
struct llm_names *llm_names__new (const struct region *region, bool redact);
void llm_names__free (struct llm_names *names);
/* TEXT, C or assembler or words, with names withheld (OUTWARD), or put back; malloc'ed.  */
char *llm_names__outward (struct llm_names *names, const char *text);
char *llm_names__inward (const struct llm_names *names, const char *text);

/* llm-prompt.c.  The system message (the contract in plain words, the forms, what is refused), the same for all functions; static.  */
const char *llm__system (void);
/* The first message about REGION: task, source, code, facts, CPU; malloc'ed, names withheld where NAMES does.  */
char *llm__task (const struct region *region, struct llm_names *names);
/* The JSON schema of an answer; static.  */
const char *llm__schema (void);
/* What became of a candidate, in words for the model that proposed it; malloc'ed.  IMPROVE: it is the best so far and stands,
   and a faster one is asked for.  */
char *llm__tell (const struct region *region, struct llm_names *names, const struct feedback *feedback, bool improve);

/* llm-reply.c.  One proposal of an answer.  */
struct llm_proposal
{
  enum candidate_form form;
  char *code, *note;      /* note: one line, printable, may be NULL */
  char **flag;            /* compiler flags asked for; checked by candidate__make */
  unsigned n_flags;
};
enum { LLM_PROPOSALS_MAX = 4, LLM_CODE_MAX = 256 << 10 };
/* Parses the answer TEXT strictly: one JSON object {"candidates":[{"form":"c"|"asm","code":"…","flags":[…],"note":"…"}…]}, alone or in one
   Markdown code fence.  0 and *N proposals (0: the model has nothing to propose), or -1 and *WHY (POLICY_REPLY).  */
int llm_reply__parse (const char *text, struct llm_proposal proposal[LLM_PROPOSALS_MAX], unsigned *n, struct why *why);
void llm_proposal__free (struct llm_proposal *proposal);

#endif
