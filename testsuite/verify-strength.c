/* How strong is the verifier?  The corpus of testsuite/verify/strength/: wrong rewrites of nine contract families, right
   rewrites, and what can only be unknown; counted, not stopped at the first.

   It fails where any wrong rewrite is accepted, any right one refuted, or a case can't be read; and, when the whole corpus
   is run, below the shares that issue 3 asks for.  Cases are shared out to --jobs processes.  --slice=K runs the candidates
   whose digest is 0 modulo K.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"

#include <argp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define BUDGET_SECONDS 10
#define REFUTED_LEAST 0.95
#define ACCEPTED_LEAST 0.90
/* What a verifier may take of memory, and how its process says that it took more.  */
#define RESIDENT_MOST_KIB (2 << 20)
#define EXIT_TOO_LARGE 2

enum { UNITS_MAX = 1024, RESULTS_MAX = 4096, FILES_MAX = 128, TEXT_MAX = 200 };

static const char *const families[] = { "results", "memory", "state", "termination", "control", "instructions",
                                        "ordering", "float", "build", "other" };
enum { FAMILIES = sizeof families / sizeof *families };

struct result
{
  bool broken, beyond; /* … what this machine can run */
  unsigned unit, family;
  enum case_expect expect;
  enum verdict_level level, least;
  float seconds;
  char name[64], reason[32], detail[TEXT_MAX];
};

/* Shared by the processes.  */
struct board
{
  atomic_uint next, n;
  struct result result[RESULTS_MAX];
};

struct work
{
  unsigned slice;
  double budget;
  uint64_t seed;
  unsigned jobs;
  bool table_only;
  const char *only;
  unsigned n_files, n_units;
  char *file[FILES_MAX];
  char *text[UNITS_MAX];
  const char *name[UNITS_MAX];
  const char *base[UNITS_MAX];
  struct board *board;
};

static unsigned
family_of (const char *name)
{
  for (unsigned i = 0; i < FAMILIES - 1; i++)
    {
      size_t n = strlen (families[i]);
      if (strncmp (name, families[i], n) == 0 && name[n] == '/')
        return i;
    }
  return FAMILIES - 1;
}

static uint32_t
digest (const char *a, const char *b)
{
  uint32_t h = 2166136261u;
  for (const char *p = a; *p; p++)
    h = (h ^ (unsigned char) *p) * 16777619u;
  for (const char *p = b; *p; p++)
    h = (h ^ (unsigned char) *p) * 16777619u;
  return h ^ h >> 15;
}

static void
add (struct board *board, const struct result *result)
{
  unsigned at = atomic_fetch_add (&board->n, 1);
  if (at < RESULTS_MAX)
    board->result[at] = *result;
}

static void
broken (struct work *work, unsigned unit, const char *name, const char *message)
{
  struct result result = { .broken = true, .unit = unit, .family = FAMILIES - 1 };
  snprintf (result.name, sizeof result.name, "%s", name);
  snprintf (result.detail, sizeof result.detail, "%s", message);
  add (work->board, &result);
}

static bool
wanted (const struct work *work, unsigned u, const struct case_candidate *entry)
{
  if (work->only && !strstr (entry->name, work->only) && !strstr (work->name[u], work->only))
    return false;
  return work->slice < 2 || digest (work->name[u], entry->name) % work->slice == 0;
}

static void
judge (struct work *work, unsigned u, struct case_unit *unit, struct verifier *verifier,
       const struct case_candidate *entry)
{
  struct why why = { 0 };
  struct verdict verdict = { 0 };
  struct result result = { .unit = u, .family = family_of (entry->name), .expect = entry->expect,
                           .least = entry->level };
  snprintf (result.name, sizeof result.name, "%s", entry->name);
  struct candidate *candidate = case__candidate (unit, entry, &why);
  if (!candidate && why.reason == REASON_COMPILE)
    {
      broken (work, u, entry->name, why.detail);
      return;
    }
  if (candidate)
    {
      verifier__check (verifier, candidate, &verdict);
      why = verdict.why;
      candidate__free (candidate);
    }
  else
    verdict.level = VERDICT_REFUTED;
  result.level = verdict.level;
  result.beyond = case__is_beyond_machine (unit, entry, &why);
  result.seconds = (float) verdict.seconds;
  snprintf (result.reason, sizeof result.reason, "%s", reason__slug (why.reason));
  snprintf (result.detail, sizeof result.detail, "%.*s; %llu tests", 150, why.detail,
            (unsigned long long) verdict.tests);
  if (candidate)
    verdict__free (&verdict);
  add (work->board, &result);
}

static void
run_unit (struct work *work, unsigned u)
{
  char message[256];
  struct why why = { 0 };
  struct verifier *verifier;
  struct case_unit *unit = case__parse (work->text[u], work->name[u], NULL, message);
  if (!unit)
    {
      broken (work, u, "case", message);
      return;
    }
  bool any = false;
  for (unsigned i = 0; i < unit->n_candidates; i++)
    any |= wanted (work, u, &unit->candidate[i]);
  struct verify_options options = { .budget_seconds = work->budget > 0   ? work->budget
                                                      : unit->budget > 0 ? unit->budget
                                                                         : BUDGET_SECONDS,
                                    .seed = work->seed };
  if (unit->n_candidates == 0)
    broken (work, u, "case", "no candidates");
  else if (any && verifier__open (unit->region, &options, &verifier, &why))
    {
      snprintf (message, sizeof message, "original: %s: %.200s", reason__slug (why.reason), why.detail);
      broken (work, u, "original", message);
    }
  else if (any)
    {
      for (unsigned i = 0; i < unit->n_candidates; i++)
        if (wanted (work, u, &unit->candidate[i]))
          judge (work, u, unit, verifier, &unit->candidate[i]);
      verifier__close (verifier);
    }
  case__free (unit);
}

static void
run_all (struct work *work)
{
  fflush (NULL);
  for (unsigned j = 0; j < work->jobs; j++)
    if (fork () == 0)
      {
        unsigned u;
        while ((u = atomic_fetch_add (&work->board->next, 1)) < work->n_units)
          run_unit (work, u);
        fflush (NULL);
        struct rusage usage;
        getrusage (RUSAGE_SELF, &usage);
        _exit (usage.ru_maxrss > RESIDENT_MOST_KIB ? EXIT_TOO_LARGE : 0);
      }
  int status;
  while (wait (&status) > 0)
    if (!WIFEXITED (status) || WEXITSTATUS (status))
      broken (work, 0, "process",
              WIFEXITED (status) && WEXITSTATUS (status) == EXIT_TOO_LARGE ? "took over 2 GiB" : "ended early");
}

static int
by_place (const void *a, const void *b)
{
  const struct result *x = a, *y = b;
  return x->unit != y->unit ? (x->unit < y->unit ? -1 : 1) : strcmp (x->name, y->name);
}

static bool
is_well (const struct result *result)
{
  if (result->broken || result->beyond)
    return result->beyond;
  switch (result->expect)
    {
    case EXPECT_RIGHT: return result->level != VERDICT_REFUTED;
    case EXPECT_WRONG: return result->level <= VERDICT_REFUTED;
    default: return result->level <= VERDICT_UNKNOWN;
    }
}

static int
report (struct work *work)
{
  struct board *board = work->board;
  unsigned n = board->n < RESULTS_MAX ? board->n : RESULTS_MAX, failures = 0, tests = 0, broken_cases = 0, beyond = 0;
  unsigned wrong[FAMILIES][3] = { 0 }, right[VERDICT_PROVED + 1] = { 0 }, weaker = 0, unsure = 0;
  double wrong_seconds = 0, right_seconds = 0;
  qsort (board->result, n, sizeof *board->result, by_place);
  for (unsigned i = 0; i < n; i++)
    {
      const struct result *r = &board->result[i];
      bool well = is_well (r), expected = well;
      failures += !well;
      broken_cases += r->broken;
      beyond += r->beyond;
      if (r->beyond)
        expected = false;
      else if (!r->broken && r->expect == EXPECT_WRONG)
        {
          expected &= r->level == VERDICT_REFUTED;
          wrong[r->family][r->level == VERDICT_REFUTED ? 0 : r->level == VERDICT_UNKNOWN ? 1 : 2]++;
          wrong_seconds += r->seconds;
        }
      else if (!r->broken && r->expect == EXPECT_RIGHT)
        {
          expected &= r->level >= r->least;
          right[r->level]++;
          weaker += r->level != VERDICT_REFUTED && r->level < r->least;
          right_seconds += r->seconds;
        }
      else
        unsure += !r->broken;
      tests++;
      if (!work->table_only || !expected)
        printf ("%sok %u - %s %s: %s%s%s # %s%s %s, %.2f s\n", well ? "" : "not ", i + 1, work->base[r->unit],
                work->name[r->unit], r->name, r->beyond ? "" : ": ", r->beyond ? "" : r->broken ? "BROKEN" : verdict__name (r->level),
                r->beyond ? "SKIP this machine can't run it: " : expected ? "" : "(!) ", r->reason, r->detail,
                (double) r->seconds);
    }
  unsigned refuted = 0, unknown = 0, accepted = 0, n_right = 0;
  printf ("# %-14s %8s %8s %8s\n", "wrong", "refuted", "unknown", "accepted");
  for (unsigned f = 0; f < FAMILIES; f++)
    {
      refuted += wrong[f][0];
      unknown += wrong[f][1];
      accepted += wrong[f][2];
      if (wrong[f][0] + wrong[f][1] + wrong[f][2])
        printf ("#   %-12s %8u %8u %8u\n", families[f], wrong[f][0], wrong[f][1], wrong[f][2]);
    }
  unsigned n_wrong = refuted + unknown + accepted;
  for (unsigned l = 0; l <= VERDICT_PROVED; l++)
    n_right += right[l];
  printf ("#   %-12s %8u %8u %8u   of %u, %.1f %% refuted, %.1f s\n", "all", refuted, unknown, accepted, n_wrong,
          n_wrong ? 100.0 * refuted / n_wrong : 0, wrong_seconds);
  printf ("# right: %u proved, %u bounded, %u tested, %u unknown, %u refuted of %u, %.1f %% accepted, %.1f s; %u weaker "
          "than expected\n",
          right[VERDICT_PROVED], right[VERDICT_BOUNDED], right[VERDICT_TESTED], right[VERDICT_UNKNOWN],
          right[VERDICT_REFUTED], n_right,
          n_right ? 100.0 * (right[VERDICT_PROVED] + right[VERDICT_BOUNDED] + right[VERDICT_TESTED]) / n_right : 0,
          right_seconds, weaker);
  printf ("# unsure: %u; broken cases: %u; beyond this machine: %u\n", unsure, broken_cases, beyond);
  bool whole = work->slice < 2 && !work->only;
  if (whole && n_wrong && refuted < REFUTED_LEAST * n_wrong)
    {
      printf ("not ok %u - fewer than %.0f %% of the wrong rewrites are refuted\n", ++tests, 100 * REFUTED_LEAST);
      failures++;
    }
  if (whole && n_right
      && right[VERDICT_PROVED] + right[VERDICT_BOUNDED] + right[VERDICT_TESTED] < ACCEPTED_LEAST * n_right)
    {
      printf ("not ok %u - fewer than %.0f %% of the right rewrites are accepted\n", ++tests, 100 * ACCEPTED_LEAST);
      failures++;
    }
  printf ("1..%u\n", tests);
  return failures || n == 0;
}

static error_t
parse_option (int key, char *argument, struct argp_state *state)
{
  struct work *work = state->input;
  switch (key)
    {
    case 'b': work->budget = atof (argument); break;
    case 'j': work->jobs = (unsigned) atoi (argument); break;
    case 's': work->slice = (unsigned) atoi (argument); break;
    case 'S': work->seed = strtoull (argument, NULL, 0); break;
    case 'o': work->only = argument; break;
    case 't': work->table_only = true; break;
    case ARGP_KEY_ARG:
      if (work->n_files == FILES_MAX)
        argp_error (state, "too many files");
      work->file[work->n_files++] = strdup (argument);
      break;
    default: return ARGP_ERR_UNKNOWN;
    }
  return 0;
}

int
main (int argc, char **argv)
{
  static const struct argp_option options[]
    = { { "budget", 'b', "SECONDS", 0, "for each candidate (default: the case's, or 10)", 0 },
        { "jobs", 'j', "N", 0, "processes (default 1)", 0 },
        { "slice", 's', "K", 0, "only every K-th candidate, by a digest of its name", 0 },
        { "seed", 'S', "N", 0, "of the tests (default 12345)", 0 },
        { "only", 'o', "TEXT", 0, "only candidates and cases with TEXT in their name", 0 },
        { "table", 't', 0, 0, "print only what isn't as it should be, and the table", 0 },
        { 0 } };
  static const struct argp argp = { options, parse_option, "[FILE.case…]",
                                    "Runs the verifier on the corpus of testsuite/verify/strength.", 0, 0, 0 };
  struct work *work = calloc (1, sizeof *work);
  if (!work)
    return 1;
  work->jobs = 1;
  work->seed = 12345;
  argp_parse (&argp, argc, argv, 0, NULL, work);
  if (work->jobs < 1 || work->jobs > 64)
    work->jobs = 1;
  if (work->n_files == 0)
    work->n_files = case__files ("testsuite/verify/strength", work->file, FILES_MAX);
  work->board = mmap (NULL, sizeof *work->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (work->board == MAP_FAILED)
    return 1;
  for (unsigned i = 0; i < work->n_files; i++)
    {
      char *text = case__read (work->file[i]);
      const char *base = strrchr (work->file[i], '/');
      base = base ? base + 1 : work->file[i];
      if (!text)
        {
          fprintf (stderr, "%s: can't be read\n", work->file[i]);
          return 1;
        }
      unsigned n = case__split (text, base, work->text + work->n_units, work->name + work->n_units,
                                UNITS_MAX - work->n_units);
      for (unsigned k = 0; k < n; k++)
        work->base[work->n_units + k] = base;
      work->n_units += n;
    }
  if (work->n_units == 0)
    {
      fprintf (stderr, "no case files: AIOPT_SOURCE names the folder that testsuite/ is in\n");
      return 1;
    }
  run_all (work);
  return report (work);
}
