/* From a text that someone proposes to a candidate: assembler text is parsed strictly, C goes
   through the compiler that compiled the region.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/fallback.h"
#include "policy/internal.h"
#include "policy/source-check.h"
#include "policy/workshop.h"

#include <stdlib.h>
#include <string.h>

enum { CANDIDATE_TEXT_MAX = 4 << 20, EXTRA_FLAGS_MAX = 32 };

/* Does TEXT define function NAME (a label at the start of a line)?  */
static bool
text__defines (const char *text, const char *name)
{
  size_t length = strlen (name);
  for (const char *at = text; (at = strstr (at, name)); at += length)
    if ((at == text || at[-1] == '\n') && at[length] == ':')
      return true;
  return false;
}

/* Does CODE use a symbol that TEXT itself defines: a helper that the compiler left as a call?  */
static const char *
code__helper (const struct code *code, const char *text)
{
  for (unsigned i = 0; i < code->n_symbols; i++)
    if (text__defines (text, code->symbol[i]))
      return code->symbol[i];
  return NULL;
}

/* Compiles C text and cuts the function out; HOW but for inlining.  */
static int
candidate__compile (const struct region *region, struct candidate *candidate, const char *source,
                    size_t source_length, struct source_options how, struct why *why)
{
  for (int inline_all = 0;; inline_all = 1)
    {
      char *text;
      size_t length;
      how.inline_all = inline_all;
      if (source__compile (region, source, source_length, &how, &text, &length, why) < 0)
        return -1;
      int result = code__parse (candidate->arena, text, length, region->function, NULL, 0, false,
                                &candidate->code, why);
      const char *helper = result == 0 ? code__helper (candidate->code, text) : NULL;
      if (helper && inline_all)
        result = why__set (why, REASON_NEW_SYMBOL,
                           "%.60s: a function or variable of the candidate's own; make it static inline "
                           "__attribute__ ((always_inline)), or const",
                           helper);
      free (text);
      if (result < 0 || !helper || inline_all)
        return result;
    }
}

int
candidate__make (const struct region *region, enum candidate_form form, const char *text,
                 size_t length, const char *folder, const char *const *extra_flags,
                 unsigned n_extra, double limit, const volatile sig_atomic_t *stop, const char *policy, const char *provenance,
                 struct candidate **result, struct why *why)
{
  if (length > CANDIDATE_TEXT_MAX)
    return why__set (why, REASON_POLICY_SIZE, "%zu bytes; the limit is %d", length,
                     CANDIDATE_TEXT_MAX);
  if (memchr (text, 0, length))
    return why__set (why, REASON_SYNTAX, "a zero byte");
  if (n_extra > EXTRA_FLAGS_MAX)
    return why__set (why, REASON_FORBIDDEN, "%u flags; the limit is %d", n_extra, EXTRA_FLAGS_MAX);
  /* What a model writes is nobody's word: it sees nothing of this machine.  */
  bool alone = strcmp (policy, "llm") == 0;
  struct arguments extra = { 0 };
  if (folder && !alone)
    {
      arguments__add (&extra, "-iquote");
      arguments__add (&extra, folder);
    }
  for (unsigned i = 0; i < n_extra; i++)
    {
      if (!flag__is_safe (extra_flags[i], region->isa_allowed))
        {
          arguments__free (&extra);
          return why__set (why, REASON_FORBIDDEN,
                           "flag %.80s: only -O, optimizer flags and -m features that the region allows",
                           extra_flags[i]);
        }
      arguments__add (&extra, extra_flags[i]);
    }
  struct arena *arena = arena__new ();
  struct candidate *candidate = ARENA_NEW (arena, struct candidate);
  candidate->arena = arena;
  candidate->form = form;
  candidate->source = arena__strndup (arena, text, length);
  candidate->policy = arena__strdup (arena, policy);
  candidate->provenance = arena__strdup (arena, provenance);
  struct source_options how = { .extra = &extra, .alone = alone, .limit_seconds = limit, .stop = stop };
  int status = form == FORM_ASM ? code__parse (arena, text, length, region->function, NULL, 0, true,
                                               &candidate->code, why)
               : alone          ? source__check (region, text, length, why)
                                : 0;
  if (form == FORM_C && status == 0)
    status = candidate__compile (region, candidate, text, length, how, why);
  if (status == 0)
    status = fallback__splice (region, candidate->code, why);
  arguments__free (&extra);
  if (status < 0)
    {
      candidate__free (candidate);
      return -1;
    }
  *result = candidate;
  return 0;
}

int
candidate__from_text (const struct region *region, enum candidate_form form, const char *text,
                      size_t length, const char *const *extra_flags, unsigned n_extra,
                      struct candidate **candidate, struct why *why)
{
  return candidate__from_file (region, form, text, length, NULL, extra_flags, n_extra, candidate, why);
}

int
candidate__from_file (const struct region *region, enum candidate_form form, const char *text,
                      size_t length, const char *folder, const char *const *extra_flags,
                      unsigned n_extra, struct candidate **candidate, struct why *why)
{
  return candidate__make (region, form, text, length, folder, extra_flags, n_extra, 30, NULL, "user",
                          form == FORM_ASM ? "assembler text" : "C text", candidate, why);
}
