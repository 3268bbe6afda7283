/* Judging pairs and printing them as a table.  Functions are shared out to processes, as in verify-strength.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/verdict-table.h"

#include <argp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { UNITS_MAX = 512, COLUMNS_MAX = 12 };

struct judged
{
  bool used, broken;
  enum verdict_level level;
  float seconds;
  char name[40], detail[140];
};

struct row
{
  bool broken;
  char detail[160];
  struct judged cell[COLUMNS_MAX];
};

struct board
{
  atomic_uint next;
  struct row row[UNITS_MAX];
};

struct work
{
  const struct pairs *pairs;
  double budget;
  unsigned jobs, n_units, stride;
  const char *only;
  bool table_only;
  char *text[UNITS_MAX];
  const char *name[UNITS_MAX];
  struct board *board;
};

static void
judge (struct verifier *verifier, struct candidate *candidate, const char *name, const struct why *early,
       struct judged *cell)
{
  cell->used = true;
  snprintf (cell->name, sizeof cell->name, "%s", name);
  if (!candidate)
    {
      cell->broken = early->reason == REASON_COMPILE;
      snprintf (cell->detail, sizeof cell->detail, "%s: %.100s", reason__slug (early->reason), early->detail);
      return;
    }
  struct verdict verdict;
  verifier__check (verifier, candidate, &verdict);
  cell->level = verdict.level;
  cell->seconds = (float) verdict.seconds;
  if (verdict.level <= VERDICT_REFUTED)
    snprintf (cell->detail, sizeof cell->detail, "%s: %.100s", reason__slug (verdict.why.reason), verdict.why.detail);
  verdict__free (&verdict);
  candidate__free (candidate);
}

static void
run_unit (struct work *work, unsigned u)
{
  const struct pairs *pairs = work->pairs;
  struct row *row = &work->board->row[u];
  struct why why = { 0 };
  struct verifier *verifier;
  char message[256];
  struct case_unit *unit = case__parse (work->text[u], work->name[u], pairs->original_flags, message);
  struct verify_options options = { .budget_seconds = work->budget, .seed = 4711 };
  row->broken = true;
  if (!unit)
    snprintf (row->detail, sizeof row->detail, "%.150s", message);
  else if (verifier__open (unit->region, &options, &verifier, &why))
    snprintf (row->detail, sizeof row->detail, "%s: %.120s", reason__slug (why.reason), why.detail);
  else
    {
      unsigned column = 0;
      row->broken = false;
      for (unsigned v = 0; v < pairs->n_variants && column < COLUMNS_MAX; v++, column++)
        {
          const struct variant *variant = &pairs->variant[v];
          struct candidate *candidate
            = case__compile (unit, variant->name, variant->compiler, variant->flags, NULL, &why);
          judge (verifier, candidate, variant->name, &why, &row->cell[column]);
        }
      for (unsigned i = 0; pairs->own_candidates && i < unit->n_candidates && column < COLUMNS_MAX; i++, column++)
        {
          struct candidate *candidate = case__candidate (unit, &unit->candidate[i], &why);
          judge (verifier, candidate, unit->candidate[i].name, &why, &row->cell[column]);
        }
      verifier__close (verifier);
    }
  case__free (unit);
}

static bool
wanted (const struct work *work, unsigned u)
{
  return (!work->only || strstr (work->name[u], work->only)) && (work->stride < 2 || u % work->stride == 0);
}

static void
run_all (struct work *work)
{
  int status;
  fflush (NULL);
  for (unsigned j = 0; j < work->jobs; j++)
    if (fork () == 0)
      {
        unsigned u;
        while ((u = atomic_fetch_add (&work->board->next, 1)) < work->n_units)
          if (wanted (work, u))
            run_unit (work, u);
        _exit (0);
      }
  while (wait (&status) > 0)
    if (!WIFEXITED (status) || WEXITSTATUS (status))
      printf ("not ok - a process ended early\n");
}

static int
by_value (const void *a, const void *b)
{
  float x = *(const float *) a, y = *(const float *) b;
  return (x > y) - (x < y);
}

static double
median (float *values, unsigned n)
{
  if (n == 0)
    return 0;
  qsort (values, n, sizeof *values, by_value);
  return n % 2 ? (double) values[n / 2] : ((double) values[n / 2 - 1] + (double) values[n / 2]) / 2;
}

static void
report (const struct work *work, struct pairs_count *count)
{
  float *all = calloc (UNITS_MAX * COLUMNS_MAX, sizeof *all), *proved = calloc (UNITS_MAX * COLUMNS_MAX, sizeof *proved);
  unsigned n_all = 0, n_proved = 0, line = 0;
  if (!all || !proved)
    abort ();
  memset (count, 0, sizeof *count);
  printf ("# %s; original %s\n", work->pairs->title, work->pairs->original_flags);
  for (unsigned v = 0; v < work->pairs->n_variants; v++)
    printf ("#   (%u) %s %s\n", v + 1, work->pairs->variant[v].compiler ? work->pairs->variant[v].compiler : "gcc",
            work->pairs->variant[v].flags);
  for (unsigned u = 0; u < work->n_units; u++)
    {
      const struct row *row = &work->board->row[u];
      if (!wanted (work, u))
        continue;
      count->functions++;
      bool every = !row->broken, sound = !row->broken;
      char text[600] = "";
      size_t at = 0;
      for (unsigned c = 0; c < COLUMNS_MAX; c++)
        {
          const struct judged *cell = &row->cell[c];
          if (!cell->used)
            continue;
          count->broken += cell->broken;
          if (cell->broken)
            {
              sound = every = false;
              continue;
            }
          count->pairs++;
          count->level[cell->level]++;
          count->variant_pairs += c < work->pairs->n_variants;
          count->variant_proved += c < work->pairs->n_variants && cell->level == VERDICT_PROVED;
          sound &= cell->level != VERDICT_REFUTED;
          every &= cell->level == VERDICT_PROVED;
          all[n_all++] = cell->seconds;
          if (cell->level == VERDICT_PROVED)
            proved[n_proved++] = cell->seconds;
          if (at < sizeof text - 1)
            at += (size_t) snprintf (text + at, sizeof text - at, " %s %.2f", verdict__name (cell->level),
                                     (double) cell->seconds);
        }
      count->broken += row->broken;
      count->functions_all_proved += every;
      line++;
      if (!work->table_only || !sound)
        printf ("%sok %u - %-36s #%s%s\n", sound ? "" : "not ", line, work->name[u], text, row->detail);
      for (unsigned c = 0; c < COLUMNS_MAX; c++)
        if (row->cell[c].used && row->cell[c].level <= VERDICT_REFUTED && !work->table_only)
          printf ("#     %s: %s %s\n", row->cell[c].name, row->cell[c].broken ? "BROKEN" : verdict__name (row->cell[c].level),
                  row->cell[c].detail);
    }
  count->median_seconds = median (all, n_all);
  count->median_proved_seconds = median (proved, n_proved);
  printf ("# %u functions, %u pairs: %u proved, %u bounded, %u tested, %u unknown, %u refuted; %u broken\n", count->functions,
          count->pairs, count->level[VERDICT_PROVED], count->level[VERDICT_BOUNDED], count->level[VERDICT_TESTED],
          count->level[VERDICT_UNKNOWN], count->level[VERDICT_REFUTED], count->broken);
  printf ("# of the compilers' versions: %u of %u proved\n", count->variant_proved, count->variant_pairs);
  printf ("# all pairs proved: %u of %u functions; median %.3f s a pair, of the proved ones %.3f s\n",
          count->functions_all_proved, count->functions, count->median_seconds, count->median_proved_seconds);
  printf ("1..%u\n", line);
  free (all);
  free (proved);
}

static error_t
parse_option (int key, char *argument, struct argp_state *state)
{
  struct work *work = state->input;
  switch (key)
    {
    case 'b': work->budget = atof (argument); break;
    case 'j': work->jobs = (unsigned) atoi (argument); break;
    case 'o': work->only = argument; break;
    case 's': work->stride = (unsigned) atoi (argument); break;
    case 't': work->table_only = true; break;
    default: return ARGP_ERR_UNKNOWN;
    }
  return 0;
}

bool
pairs__strict (int *argc, char ***argv)
{
  if (*argc < 2 || strcmp ((*argv)[1], "--strict") != 0)
    return false;
  (*argv)[1] = (*argv)[0];
  (*argc)--;
  (*argv)++;
  return true;
}

int
pairs__run (const struct pairs *pairs, int argc, char **argv, struct pairs_count *count)
{
  static const struct argp_option options[]
    = { { "budget", 'b', "SECONDS", 0, "for each pair", 0 },
        { "jobs", 'j', "N", 0, "processes (default 1)", 0 },
        { "only", 'o', "TEXT", 0, "only functions with TEXT in their name", 0 },
        { "slice", 's', "K", 0, "only every K-th function", 0 },
        { "table", 't', 0, 0, "print only the counts, and what is refuted", 0 },
        { 0 } };
  struct argp argp = { options, parse_option, "", pairs->title, 0, 0, 0 };
  static struct work work;
  char *files[64];
  work = (struct work) { .pairs = pairs, .jobs = 1, .budget = pairs->budget };
  argp_parse (&argp, argc, argv, 0, NULL, &work);
  if (work.jobs < 1 || work.jobs > 64)
    work.jobs = 1;
  work.board = mmap (NULL, sizeof *work.board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (work.board == MAP_FAILED)
    return -1;
  unsigned n = case__files (pairs->folder, files, 64);
  for (unsigned i = 0; i < n; i++)
    {
      char *text = case__read (files[i]);
      if (!text)
        return -1;
      work.n_units += case__split (text, files[i], work.text + work.n_units, work.name + work.n_units,
                                   UNITS_MAX - work.n_units);
    }
  if (work.n_units == 0)
    {
      printf ("not ok 1 - %s: no cases\n1..1\n", pairs->folder);
      return -1;
    }
  run_all (&work);
  report (&work, count);
  return 0;
}
