/* Right and wrong rewrites, and the verdict each must get: every .case file of testsuite/verify/ (testsuite/case-file.h says
   what is in one).  Arguments name the case files to run; default all.  The large corpus that measures the verifier is run by
   testsuite/verify-strength.c.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"

#define BUDGET_SECONDS 10

struct tally
{
  unsigned tests, failures;
};

static void
report (struct tally *tally, bool well, const char *file, const char *name, const char *detail)
{
  tally->tests++;
  tally->failures += !well;
  printf ("%sok %u - %s: %s%s%s\n", well ? "" : "not ", tally->tests, file, name,
          detail && *detail ? " # " : "", detail ? detail : "");
  fflush (stdout);
}

static void
check_candidate (struct tally *tally, const char *file, struct case_unit *unit, struct verifier *verifier,
                 const struct case_candidate *entry)
{
  struct why why = { 0 };
  struct verdict verdict = { 0 };
  struct candidate *candidate = case__candidate (unit, entry, &why);
  if (candidate)
    {
      verifier__check (verifier, candidate, &verdict);
      why = verdict.why;
    }
  else
    verdict.level = why.reason == REASON_COMPILE ? VERDICT_UNKNOWN : VERDICT_REFUTED;
  const char *slug = reason__slug (why.reason);
  bool well = entry->expect == EXPECT_RIGHT ? verdict.level >= entry->level
              : entry->expect == EXPECT_WRONG
                ? verdict.level == VERDICT_REFUTED && case__listed (entry->reasons, slug)
                : verdict.level == VERDICT_UNKNOWN && case__listed (entry->reasons, slug);
  char detail[512];
  if (case__is_beyond_machine (unit, entry, &why))
    {
      well = true;
      snprintf (detail, sizeof detail, "SKIP this machine can't run it: %s", why.detail);
    }
  else
    snprintf (detail, sizeof detail, "%s %s %s; %llu tests, %.2f s, coverage %.2f, mutants %u/%u",
              verdict__name (verdict.level), slug, why.detail, (unsigned long long) verdict.tests,
              verdict.seconds, verdict.coverage, verdict.mutants_killed, verdict.mutants_total);
  report (tally, well, file, entry->name, detail);
  if (!well && verdict.counterexample)
    printf ("# %.*s\n", (int) strcspn (verdict.counterexample, "\n"), verdict.counterexample);
  /* Every refutation by a test can be shown.  */
  if (verdict.tests > 0 && verdict.level == VERDICT_REFUTED
      && (!verdict.counterexample || !verdict.counterexample_json))
    report (tally, false, file, entry->name, "no counterexample");
  char *json = verdict__to_json (&verdict);
  if (!json || !strstr (json, "\"verdict\""))
    report (tally, false, file, entry->name, "no JSON");
  free (json);
  verdict__free (&verdict);
  if (candidate)
    candidate__free (candidate);
}

static void
run_case (struct tally *tally, const char *file, char *text, const char *name)
{
  char message[256];
  struct why why = { 0 };
  struct verifier *verifier;
  struct case_unit *unit = case__parse (text, name, NULL, message);
  if (!unit || unit->n_candidates == 0)
    {
      report (tally, false, file, name, unit ? "no candidates" : message);
      case__free (unit);
      return;
    }
  struct verify_options options = { .budget_seconds = unit->budget > 0 ? unit->budget : BUDGET_SECONDS,
                                    .seed = 12345 };
  if (verifier__open (unit->region, &options, &verifier, &why))
    {
      snprintf (message, sizeof message, "%s: %.200s", reason__slug (why.reason), why.detail);
      report (tally, false, file, "original", message);
    }
  else
    {
      for (unsigned i = 0; i < unit->n_candidates; i++)
        check_candidate (tally, file, unit, verifier, &unit->candidate[i]);
      verifier__close (verifier);
    }
  case__free (unit);
}

int
main (int argc, char **argv)
{
  struct tally tally = { 0 };
  char *files[256];
  unsigned n = 0;
  if (argc > 1)
    for (int i = 1; i < argc && n < 256; i++)
      files[n++] = strdup (argv[i]);
  else
    n = case__files ("testsuite/verify", files, 256);
  for (unsigned i = 0; i < n; i++)
    {
      char *text = case__read (files[i]), *texts[256];
      const char *base = strrchr (files[i], '/'), *names[256];
      base = base ? base + 1 : files[i];
      unsigned n_cases = text ? case__split (text, base, texts, names, 256) : 0;
      for (unsigned k = 0; k < n_cases; k++)
        run_case (&tally, base, texts[k], names[k]);
      if (n_cases == 0)
        report (&tally, false, files[i], "case file", "can't be read");
      free (text);
      free (files[i]);
    }
  if (n == 0)
    report (&tally, false, "testsuite/verify", "case files", "none found");
  printf ("1..%u\n", tally.tests);
  return tally.failures != 0;
}
