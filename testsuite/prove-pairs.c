/* The proof on right and wrong pairs: case files (testsuite/case-file.h), in testsuite/prove/ by default.

   A wrong pair must never be proved, nor bounded.  A right one must reach the level that its line names (`proved`,
   `bounded`; `tested` asks nothing).  An unsure one must be unknown for one of the reasons that its line names.  With `-n` in front of file names nothing is asked of right ones: then a table is all
   that comes of them.  -s SECONDS is the time for each pair.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"
#include "testsuite/side-code.h"

#include "prove/prove.h"
#include "verify/compare.h"

enum { FILES_MAX = 256, CASES_MAX = 256 };

struct tally
{
  unsigned tests, failures;
  unsigned right[4], wrong[4]; /* by enum proof_result */
  unsigned states, confirmed;  /* counterexamples for wrong pairs, and those on which both sides differ */
  bool table;
  double seconds;
  const char *only;
};

static const char *const result_name[] = { "unknown", "proved", "bounded", "different" };

/* Do both sides really differ on STATE?  */
static bool
confirm (const struct region *region, const struct side_code *original, const struct side_code *candidate,
         const struct state *state)
{
  const struct side_code *sides[] = { original, candidate };
  struct sandbox *sandbox[2] = { NULL, NULL };
  struct outcome *outcome = calloc (2, sizeof *outcome);
  struct trace trace[2];
  struct difference difference;
  struct why why = { 0 };
  bool differ = false, ran = outcome != NULL;
  memset (trace, 0, sizeof trace);
  for (unsigned i = 0; i < 2 && ran; i++)
    {
      const struct image *image = sides[i]->image;
      ran = sandbox__open (region, &image, 1, NULL, &sandbox[i], &why) == 0
            && sandbox__run (sandbox[i], 0, &state, &outcome[i], 1, 200, &why) == 0;
    }
  if (ran)
    differ = compare__outcome (region, state, &outcome[0], &outcome[1], &difference) == COMPARE_DIFFERENT;
  if (ran && !differ && outcome[0].status == RUN_RETURNED && outcome[1].status == RUN_RETURNED
      && sandbox__trace (sandbox[0], 0, state, 100000, &trace[0], &why) == 0
      && sandbox__trace (sandbox[1], 0, state, 100000, &trace[1], &why) == 0)
    differ = compare__footprint (&trace[0].footprint, &trace[1].footprint, candidate->image->base,
                                 candidate->image->base + candidate->image->size, &difference)
             == COMPARE_DIFFERENT;
  for (unsigned i = 0; i < 2; i++)
    {
      trace__free (&trace[i]);
      if (sandbox[i])
        sandbox__close (sandbox[i]);
    }
  free (outcome);
  return differ;
}

static void
check_pair (struct tally *tally, const struct case_unit *unit, const struct layout *layout,
            const struct side_code *original, const struct case_candidate *entry)
{
  struct why why = { 0 };
  struct proof proof = { 0 };
  struct candidate *candidate = case__candidate (unit, entry, &why);
  struct arena *arena = arena__new ();
  struct side_code side;
  bool compiled = strncmp (entry->name, "compiled/", 9) == 0;
  struct proof_options options = { .seconds = tally->seconds, .excuse_faults = compiled };
  if (candidate && side_code__make (arena, unit->region, layout, candidate->code, 1, &side, &why) == 0)
    {
      prove__equivalent (unit->region, layout, original->image, original->object, side.image,
                         side.object, &options, &proof);
      why = proof.why;
    }
  const char *shown = "";
  if (proof.counterexample && entry->expect != EXPECT_RIGHT)
    {
      bool differ = confirm (unit->region, original, &side, proof.counterexample);
      tally->states++;
      tally->confirmed += differ;
      shown = differ ? ", confirmed" : ", not confirmed";
    }
  bool accepted = proof.result == PROOF_PROVED || proof.result == PROOF_BOUNDED;
  bool well = !accepted;
  if (entry->expect == EXPECT_RIGHT)
    {
      well = tally->table || entry->level <= VERDICT_TESTED
             || proof.result == PROOF_PROVED
             || (entry->level == VERDICT_BOUNDED && proof.result == PROOF_BOUNDED);
      tally->right[proof.result]++;
    }
  else
    {
      tally->wrong[proof.result]++;
      if (entry->expect == EXPECT_UNSURE && !tally->table)
        well = proof.result == PROOF_UNKNOWN && case__listed (entry->reasons, reason__slug (why.reason));
    }
  tally->tests++;
  tally->failures += !well;
  char bound[32] = "";
  if (proof.result == PROOF_BOUNDED)
    snprintf (bound, sizeof bound, " to %u", proof.bound);
  printf ("%sok %u - %s: %s %s # %s%s%s, %u paths, %u questions, %.2f s%s%s%s%s\n", well ? "" : "not ", tally->tests,
          unit->name, entry->expect == EXPECT_RIGHT ? "right" : "wrong", entry->name,
          result_name[proof.result], bound, shown, proof.paths, proof.questions, proof.seconds,
          why.reason ? "; " : "", why.reason ? reason__slug (why.reason) : "", why.detail[0] ? ": " : "",
          why.detail);
  fflush (stdout);
  if (proof.arena)
    proof__free (&proof);
  arena__free (arena);
  if (candidate)
    candidate__free (candidate);
}

static void
run_case (struct tally *tally, char *text, const char *name)
{
  char message[256] = "";
  struct case_unit *unit = case__parse (text, name, NULL, message);
  struct why why = { 0 };
  struct code *code;
  struct layout *layout;
  struct side_code original;
  if (!unit)
    {
      tally->failures++;
      printf ("not ok %u - %s: %s\n", ++tally->tests, name, message);
      return;
    }
  struct arena *arena = arena__new ();
  if (region__code (unit->region, &code, &why) || layout__new (arena, unit->region, false, &layout, &why)
      || side_code__make (arena, unit->region, layout, code, 0, &original, &why))
    {
      tally->failures++;
      printf ("not ok %u - %s: %s %s\n", ++tally->tests, name, reason__slug (why.reason), why.detail);
    }
  else
    for (unsigned i = 0; i < unit->n_candidates; i++)
      if (!tally->only || strstr (unit->candidate[i].name, tally->only))
        check_pair (tally, unit, layout, &original, &unit->candidate[i]);
  arena__free (arena);
  case__free (unit);
}

int
main (int argc, char **argv)
{
  struct tally tally = { .seconds = 5 };
  char *files[FILES_MAX];
  unsigned n = 0;
  const char *case_name = NULL;
  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "-n") == 0)
      tally.table = true;
    else if (strcmp (argv[i], "-s") == 0 && i + 1 < argc)
      tally.seconds = atof (argv[++i]);
    else if (strcmp (argv[i], "-o") == 0 && i + 1 < argc)
      tally.only = argv[++i];
    else if (strcmp (argv[i], "-c") == 0 && i + 1 < argc)
      case_name = argv[++i];
    else if (n < FILES_MAX)
      files[n++] = strdup (argv[i]);
  if (n == 0)
    n = case__files ("testsuite/prove", files, FILES_MAX);
  for (unsigned i = 0; i < n; i++)
    {
      char *text = case__read (files[i]);
      char *texts[CASES_MAX];
      const char *names[CASES_MAX];
      const char *base = strrchr (files[i], '/');
      unsigned cases = text ? case__split (text, base ? base + 1 : files[i], texts, names, CASES_MAX) : 0;
      for (unsigned c = 0; c < cases; c++)
        if (!case_name || strcmp (names[c], case_name) == 0)
          run_case (&tally, texts[c], names[c]);
      if (!cases)
        {
          tally.failures++;
          printf ("not ok %u - %s can't be read\n", ++tally.tests, files[i]);
        }
      free (text);
      free (files[i]);
    }
  printf ("1..%u\n", tally.tests);
  printf ("# right: %u proved, %u bounded, %u unknown, %u different; wrong: %u proved, %u bounded, %u unknown, %u different\n",
          tally.right[PROOF_PROVED], tally.right[PROOF_BOUNDED], tally.right[PROOF_UNKNOWN],
          tally.right[PROOF_DIFFERENT], tally.wrong[PROOF_PROVED], tally.wrong[PROOF_BOUNDED],
          tally.wrong[PROOF_UNKNOWN], tally.wrong[PROOF_DIFFERENT]);
  return tally.failures != 0;
}
