/* How often does the verifier accept what is wrong?  Random faults (testsuite/mutate.h), one or two at a time, in right rewrites
   of the functions of all case files.  Each mutant is judged as `aiopt tune` does it: by a quick check, and where that accepts
   it by a full one.  What both accept is examined: by a longer run with other tests, where it can't be proved equal to the
   rewrite that it was made from (and of those that can, one in so many).

   An accepted mutant is in the end one of
     proved      equal, by proof
     not-apart   a run of FACTOR times the full check's budget and other seeds didn't tell it from the original either
     DIFFERENT   a false accept: printed in full, and kept in FOLDER
   The bound is that of the binomial distribution (Clopper and Pearson, one-sided, 95 %; for none of N the rule of three): the
   share of wrong mutants that are accepted, over mutants drawn as here.  Mutants that the assembler or parser refuses, or that
   are the rewrite itself or an earlier mutant, don't count.

   It writes what it did to FOLDER, a file for each function, and goes on from there when started again; --report only counts.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"
#include "testsuite/false-accept-record.h"
#include "testsuite/mutate.h"
#include "testsuite/side-code.h"

#include "prove/prove.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define CONFIDENCE_MISS 0.05

/* Of CPU time: what runs longer on an input doesn't end.  Endless mutants are many, and each costs this.  */
#define TIMEOUT_MS 25

enum
{
  UNITS_MAX = 1024,
  FILES_MAX = 256,
  PASS = 150,          /* mutants of one function before the next has its turn */
  TEXT_MAX = 600,
  RUN_NEAR = 32        /* of those that are proved to be the rewrite, one in so many is run as well */
};

/* For proving that a mutant is the rewrite.  */
#define NEAR_SECONDS 1.0

struct tally
{
  unsigned functions, functions_tried;
  unsigned outcome[OUTCOMES], accepted;
  unsigned second; /* refuted or unknown by the full check */
  unsigned not_code, repeated;
  double seconds;
};

struct board
{
  atomic_uint next;
  atomic_uint counted; /* mutants judged in all runs so far */
};

struct work
{
  double budget, full, factor, minutes, baseline_budget;
  unsigned jobs, target;
  bool only_report, only_list, examine_only;
  const char *folder, *only;
  uint64_t seed;
  unsigned n_units;
  char *text[UNITS_MAX];
  char *name[UNITS_MAX];
  struct board *board;
  double until;
};

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* One function under judgement.  */
struct bench
{
  struct case_unit *unit;
  struct candidate *rewrite;
  struct verifier *verifier; /* small budget */
  struct verifier *full, *longer; /* other seeds, the full budget and FACTOR times that; opened when first needed */
  struct arena *near;        /* for proofs against the rewrite; NULL until first needed */
  struct layout *near_layout;
  struct side_code near_side;
  bool near_failed;
};

/* The first right candidate of the case that is code of its own, else the compiler's.  */
static struct candidate *
find_rewrite (const struct case_unit *unit, struct why *why)
{
  for (unsigned i = 0; i < unit->n_candidates; i++)
    if (unit->candidate[i].expect == EXPECT_RIGHT)
      {
        struct candidate *candidate = case__candidate (unit, &unit->candidate[i], why);
        if (candidate)
          return candidate;
      }
  bool native = unit->region->isa_allowed != ISA_BASELINE;
  const char *flags = arena__printf (unit->region->arena, "-O3 -fno-tree-loop-distribute-patterns -ffp-contract=off%s",
                                     native ? " -march=native" : "");
  return case__compile (unit, "compiled/gcc-O3", NULL, flags, NULL, why);
}

static void
bench__close (struct bench *bench)
{
  if (bench->near)
    arena__free (bench->near);
  verifier__close (bench->longer);
  verifier__close (bench->full);
  verifier__close (bench->verifier);
  if (bench->rewrite)
    candidate__free (bench->rewrite);
  case__free (bench->unit);
}

/* Reads function U and its rewrite, to be closed in any case.  */
static bool
bench__read (const struct work *work, unsigned u, struct bench *bench)
{
  char message[256];
  struct why why = { 0 };
  memset (bench, 0, sizeof *bench);
  char *text = strdup (work->text[u]);
  bench->unit = text ? case__parse (text, work->name[u], NULL, message) : NULL;
  free (text);
  bench->rewrite = bench->unit ? find_rewrite (bench->unit, &why) : NULL;
  return bench->rewrite != NULL;
}

static bool
bench__open (const struct work *work, unsigned u, struct bench *bench)
{
  struct why why = { 0 };
  struct verify_options options = { .budget_seconds = work->budget, .seed = work->seed + 1,
                                    .timeout_ms = TIMEOUT_MS, .as_it_is = true };
  if (!bench__read (work, u, bench)
      || verifier__open (bench->unit->region, &options, &bench->verifier, &why))
    {
      bench__close (bench);
      return false;
    }
  return true;
}

/* A mutant as a candidate: its own arena, nobody's provenance.  */
static void
as_candidate (const struct bench *bench, const struct code *code, struct arena *arena, struct candidate *candidate)
{
  *candidate = (struct candidate) { .arena = arena, .code = (struct code *) code, .form = bench->rewrite->form,
                                    .policy = bench->rewrite->policy, .provenance = "mutant" };
}

static bool
is_no_code (const struct why *why)
{
  switch (why->reason)
    {
    case REASON_ASSEMBLE:
    case REASON_SYNTAX:
    case REASON_MISMATCH:
    case REASON_DECODE:
    case REASON_RELOCATION:
    case REASON_NEW_SYMBOL:
      return true;
    default:
      return false;
    }
}

/* The mutant with NUMBER: one fault for even numbers, two for odd.  */
static const struct code *
make_mutant (const struct work *work, const struct bench *bench, unsigned number, struct arena *arena, char *text)
{
  uint64_t seed = digest (bench->unit->name) ^ (work->seed * UINT64_C (0x9e3779b97f4a7c15)) ^ ((uint64_t) number << 32 | number);
  return mutate (arena, bench->rewrite->code, seed, 1 + number % 2, text, TEXT_MAX);
}

/* Prints a false accept and keeps it in the folder.  */
static void
keep (const struct work *work, const struct bench *bench, unsigned number, const struct code *code, const char *text,
      const struct verdict *verdict)
{
  char path[700];
  snprintf (path, sizeof path, "%s/FALSE-ACCEPT-%s-%u.txt", work->folder, bench->unit->name, number);
  FILE *files[2] = { stdout, fopen (path, "w") };
  for (unsigned i = 0; i < 2; i++)
    if (files[i])
      {
        fprintf (files[i], "# FALSE ACCEPT: %s, mutant %u: %s\n# %s %s\n# original:\n%s\n# %s:\n%s\n# counterexample:\n%s\n",
                 bench->unit->name, number, text, reason__slug (verdict->why.reason), verdict->why.detail,
                 bench->unit->original, bench->rewrite->provenance, code__source (code),
                 verdict->counterexample ? verdict->counterexample : "");
        fflush (files[i]);
      }
  if (files[1])
    fclose (files[1]);
}

/* Can MUTANT be proved equal to the rewrite it was made from?  */
static bool
is_near (struct bench *bench, const struct code *mutant)
{
  struct why why;
  const struct region *region = bench->unit->region;
  struct proof_options options = { .seconds = NEAR_SECONDS };
  struct proof proof;
  struct side_code side;
  if (!bench->near)
    {
      bench->near = arena__new ();
      bench->near_failed = layout__new (bench->near, region, true, &bench->near_layout, &why)
                           || side_code__make (bench->near, region, bench->near_layout, bench->rewrite->code, 0,
                                               &bench->near_side, &why);
    }
  struct arena *arena = arena__new ();
  bool proved = false;
  if (!bench->near_failed && side_code__make (arena, region, bench->near_layout, mutant, 1, &side, &why) == 0)
    {
      prove__equivalent (region, bench->near_layout, bench->near_side.image, bench->near_side.object, side.image, side.object,
                         &options, &proof);
      proved = proof.result == PROOF_PROVED;
      proof__free (&proof);
    }
  arena__free (arena);
  return proved;
}

/* Looks at accepted mutant NUMBER again.  PENDING where that couldn't be done.  */
static enum outcome_kind
examine (const struct work *work, struct bench *bench, unsigned number)
{
  struct arena *arena = arena__new ();
  char text[TEXT_MAX];
  struct why why;
  struct candidate mutant;
  struct verify_options options = { .budget_seconds = work->full * work->factor, .seed = work->seed + 2 };
  enum outcome_kind outcome = PENDING;
  const struct code *code = make_mutant (work, bench, number, arena, text);
  bool near = code && is_near (bench, code);
  /* Most of those that are proved are the same at a glance; some are run nevertheless, which tries the proofs.  */
  if (near && number % RUN_NEAR)
    outcome = PROVED;
  else if (code && (bench->longer || verifier__open (bench->unit->region, &options, &bench->longer, &why) == 0))
    {
      struct verdict verdict;
      as_candidate (bench, code, arena, &mutant);
      verifier__check (bench->longer, &mutant, &verdict);
      outcome = verdict.level == VERDICT_REFUTED ? DIFFERENT : verdict.level == VERDICT_PROVED ? PROVED : NOT_APART;
      if (outcome == DIFFERENT)
        keep (work, bench, number, code, text, &verdict);
      verdict__free (&verdict);
      if (outcome == NOT_APART && near)
        outcome = PROVED;
    }
  arena__free (arena);
  return outcome;
}

static void
examine_pending (const struct work *work, struct bench *bench, struct subject *subject)
{
  while (subject->n_pending && now () < work->until)
    {
      unsigned number = subject->pending[subject->n_pending - 1];
      double began = now ();
      enum outcome_kind outcome = examine (work, bench, number);
      subject->n_pending--;
      if (outcome == PENDING)
        continue;
      subject->outcome[outcome]++;
      subject__note (subject, "E %u %s %.3f\n", number, outcome_names[outcome], now () - began);
    }
}

/* The full check of what the quick one accepted: its outcome into *VERDICT, in place of the quick one's.  Nothing changes for what is
   the rewrite by proof.  */
static void
check_fully (const struct work *work, struct bench *bench, const struct code *code, const struct candidate *mutant,
             struct verdict *verdict)
{
  struct why why;
  struct verify_options options = { .budget_seconds = work->full, .seed = work->seed + 5, .as_it_is = true };
  if (is_near (bench, code)
      || (!bench->full && verifier__open (bench->unit->region, &options, &bench->full, &why)))
    return;
  verdict__free (verdict);
  verifier__check (bench->full, mutant, verdict);
}

/* Judges mutant subject->next.  */
static void
try_mutant (const struct work *work, struct bench *bench, struct subject *subject)
{
  unsigned number = subject->next++;
  struct arena *arena = arena__new ();
  char text[TEXT_MAX];
  const struct code *code = make_mutant (work, bench, number, arena, text);
  uint64_t hash = code ? digest (code__canonical (code)) : 0;
  if (!code || subject__seen (subject, hash))
    {
      subject->repeated++;
      subject__note (subject, "D %u\n", number);
      arena__free (arena);
      return;
    }
  struct candidate mutant;
  struct verdict verdict;
  as_candidate (bench, code, arena, &mutant);
  subject__note_seen (subject, hash);
  verifier__check (bench->verifier, &mutant, &verdict);
  if (verdict.level > VERDICT_REFUTED)
    {
      check_fully (work, bench, code, &mutant, &verdict);
      if (verdict.level <= VERDICT_REFUTED)
        {
          subject->second++;
          subject__note (subject, "F %u\n", number);
        }
    }
  if (verdict.level <= VERDICT_REFUTED && is_no_code (&verdict.why))
    {
      subject->not_code++;
      subject__note (subject, "X %u\n", number);
    }
  else
    {
      enum outcome_kind outcome = verdict.level == VERDICT_REFUTED   ? REFUTED
                                  : verdict.level == VERDICT_UNKNOWN ? UNKNOWN
                                                                     : PENDING;
      if (outcome == PENDING)
        {
          subject->accepted++;
          if (subject->n_pending < sizeof subject->pending / sizeof *subject->pending)
            subject->pending[subject->n_pending++] = number;
        }
      else
        subject->outcome[outcome]++;
      atomic_fetch_add (&work->board->counted, 1);
      subject__note (subject, "M %u %llx %s %.3f %s\n", number, (unsigned long long) hash, outcome_names[outcome],
                     verdict.seconds, outcome == PENDING ? verdict__name (verdict.level) : reason__slug (verdict.why.reason));
    }
  verdict__free (&verdict);
  arena__free (arena);
}

/* Is the rewrite itself accepted?  A function whose right rewrite isn't says nothing about mutants.  */
static bool
accepts_rewrite (const struct work *work, struct bench *bench, struct subject *subject)
{
  struct why why;
  struct verdict verdict;
  struct verifier *verifier;
  struct verify_options options = { .budget_seconds = work->baseline_budget, .seed = work->seed };
  if (verifier__open (bench->unit->region, &options, &verifier, &why))
    return false;
  verifier__check (verifier, bench->rewrite, &verdict);
  bool accepted = verdict.level > VERDICT_REFUTED;
  subject__note (subject, accepted ? "S %s\n" : "R %s\n", verdict__name (verdict.level));
  subject__note_seen (subject, digest (code__canonical (bench->rewrite->code)));
  verdict__free (&verdict);
  verifier__close (verifier);
  return accepted;
}

static void
run_subject (const struct work *work, unsigned u, struct subject *subject, unsigned share)
{
  struct bench bench;
  subject__read (work->folder, work->name[u], subject);
  bool enough = work->examine_only || subject__counted (subject) >= share;
  if (subject->refused || (enough && !subject->n_pending) || subject->next > 40 * (share + 50))
    return;
  if (!bench__open (work, u, &bench))
    {
      subject__note (subject, "R\n");
      return;
    }
  if (subject->begun || accepts_rewrite (work, &bench, subject))
    {
      subject__note_seen (subject, digest (code__canonical (bench.rewrite->code)));
      examine_pending (work, &bench, subject);
      unsigned from = subject__counted (subject);
      while (!work->examine_only && subject__counted (subject) < share && subject__counted (subject) < from + PASS
             && subject->next <= 40 * (share + 50) && now () < work->until)
        try_mutant (work, &bench, subject);
      examine_pending (work, &bench, subject);
    }
  bench__close (&bench);
}

static void
tally_all (const struct work *work, struct tally *tally)
{
  static struct subject subject;
  memset (tally, 0, sizeof *tally);
  for (unsigned u = 0; u < work->n_units; u++)
    {
      subject__read (work->folder, work->name[u], &subject);
      tally->functions += !subject.refused;
      tally->functions_tried += subject__counted (&subject) > 0;
      for (unsigned k = 0; k < OUTCOMES; k++)
        tally->outcome[k] += subject.outcome[k];
      tally->accepted += subject.accepted;
      tally->second += subject.second;
      tally->not_code += subject.not_code;
      tally->repeated += subject.repeated;
      tally->seconds += subject.seconds;
    }
}

/* The largest share at which K or fewer of N would still be seen in one of twenty experiments.  */
static double
upper_bound (unsigned k, unsigned n)
{
  double low = 0, high = 1;
  if (n == 0)
    return 1;
  for (unsigned step = 0; step < 100; step++)
    {
      double p = (low + high) / 2, sum = 0;
      for (unsigned i = 0; i <= k; i++)
        sum += exp (lgamma (n + 1.0) - lgamma (i + 1.0) - lgamma (n - i + 1.0) + i * log (p) + (n - i) * log1p (-p));
      if (sum > CONFIDENCE_MISS)
        low = p;
      else
        high = p;
    }
  return high;
}

static int
report (const struct work *work)
{
  struct tally t;
  tally_all (work, &t);
  unsigned tried = t.outcome[REFUTED] + t.outcome[UNKNOWN] + t.accepted;
  unsigned wrong = t.outcome[REFUTED] + t.outcome[DIFFERENT];
  printf ("# functions: %u tried of %u\n", t.functions_tried, t.functions);
  printf ("# mutants: %u judged (%u more were no code, %u repetitions); %.0f s\n", tried, t.not_code, t.repeated, t.seconds);
  printf ("#   refuted %u, unknown %u, accepted %u; the quick check alone would have accepted %u more\n", t.outcome[REFUTED],
          t.outcome[UNKNOWN], t.accepted, t.second);
  printf ("#   of the accepted: %u proved equal, %u not told apart by %g times the full budget, %u DIFFERENT, %u not examined yet\n",
          t.outcome[PROVED], t.outcome[NOT_APART], work->factor, t.outcome[DIFFERENT], t.outcome[PENDING]);
  printf ("# false accepts: %u of %u mutants, at most %.2e of them with 95 %% confidence;\n", t.outcome[DIFFERENT], tried,
          upper_bound (t.outcome[DIFFERENT], tried));
  printf ("#   of the %u known to be wrong: at most %.2e\n", wrong, upper_bound (t.outcome[DIFFERENT], wrong));
  if (t.outcome[DIFFERENT])
    printf ("# they are kept in %s/FALSE-ACCEPT-…\n", work->folder);
  bool well = t.outcome[DIFFERENT] == 0 && tried > 0;
  printf ("%sok 1 - no mutant accepted that is different\n1..1\n", well ? "" : "not ");
  return !well;
}

/* Prints what was accepted and neither proved nor told apart, for people to look at: there a false accept would hide.  */
static int
list_not_apart (const struct work *work)
{
  for (unsigned u = 0; u < work->n_units; u++)
    {
      static struct subject subject;
      struct bench bench;
      char line[256];
      if (work->only && !strstr (work->name[u], work->only))
        continue;
      subject__read (work->folder, work->name[u], &subject);
      FILE *in = subject.outcome[NOT_APART] ? fopen (subject.path, "r") : NULL;
      if (!in)
        continue;
      bool read = bench__read (work, u, &bench);
      while (read && fgets (line, sizeof line, in))
        {
          unsigned number;
          char word[24], what[TEXT_MAX];
          struct arena *arena = arena__new ();
          if (sscanf (line, "E %u %23s", &number, word) == 2 && strcmp (word, outcome_names[NOT_APART]) == 0
              && make_mutant (work, &bench, number, arena, what))
            printf ("%s %u: %s\n", work->name[u], number, what);
          arena__free (arena);
        }
      fclose (in);
      bench__close (&bench);
    }
  return 0;
}

/* Every process takes the next function in turn, again and again, until all have had their share or the time is up.  */
static void
worker (struct work *work, unsigned share)
{
  static struct subject subject;
  unsigned turns = 2 * (share / PASS + 2) * work->n_units, n;
  while ((n = atomic_fetch_add (&work->board->next, 1)) < turns && now () < work->until)
    {
      /* Small functions have fewer mutants than their share, so others get up to twice that.  */
      if (atomic_load (&work->board->counted) >= work->target)
        work->examine_only = true;
      unsigned u = n % work->n_units;
      if (!work->only || strstr (work->name[u], work->only))
        run_subject (work, u, &subject, share);
    }
}

static void
run_all (struct work *work)
{
  struct tally before;
  tally_all (work, &before);
  unsigned functions = before.functions ? before.functions : 1, share = 2 * (work->target / functions + 1);
  unsigned running = work->jobs;
  double began = now (), told = began;
  work->board->counted = before.outcome[REFUTED] + before.outcome[UNKNOWN] + before.accepted;
  unsigned at_start = work->board->counted;
  fflush (NULL);
  for (unsigned j = 0; j < work->jobs; j++)
    if (fork () == 0)
      {
        worker (work, share);
        fflush (NULL);
        _exit (0);
      }
  while (running)
    {
      int status;
      pid_t pid = waitpid (-1, &status, WNOHANG);
      if (pid > 0)
        {
          running--;
          /* A process that was killed is replaced: its function goes on with the next mutant.  */
          if ((!WIFEXITED (status) || WEXITSTATUS (status)) && now () < work->until)
            {
              fprintf (stderr, "a process ended early (%d); another takes its place\n", status);
              if (fork () == 0)
                {
                  worker (work, share);
                  fflush (NULL);
                  _exit (0);
                }
              running++;
            }
          continue;
        }
      if (pid < 0 && errno == ECHILD)
        break;
      struct timespec pause = { .tv_nsec = 200000000 };
      nanosleep (&pause, NULL);
      if (now () - told > 30)
        {
          told = now ();
          printf ("# %u mutants, %.0f a minute\n", work->board->counted,
                  (work->board->counted - at_start) / (told - began) * 60);
          fflush (stdout);
        }
    }
}

static void
add_folder (struct work *work, const char *folder)
{
  char *files[FILES_MAX];
  const char *names[UNITS_MAX];
  unsigned n = case__files (folder, files, FILES_MAX);
  for (unsigned i = 0; i < n; i++)
    {
      char *text = case__read (files[i]);
      const char *base = strrchr (files[i], '/');
      base = base ? base + 1 : files[i];
      if (!text)
        continue;
      char *units[UNITS_MAX];
      unsigned k = case__split (text, base, units, names, UNITS_MAX - work->n_units);
      for (unsigned j = 0; j < k; j++)
        {
          char *name, *unit = units[j];
          /* Of a function that calls others each call is recorded with a digest of memory: a thousand times the cost.  */
          if (strncmp (unit, "callee:", 7) == 0 || strstr (unit, "\ncallee:"))
            continue;
          if (asprintf (&name, "%.*s.%s", (int) strcspn (base, "."), base, names[j] == base ? "case" : names[j]) < 0)
            abort ();
          work->text[work->n_units] = unit;
          work->name[work->n_units++] = name;
        }
    }
}

/* ARGUMENT of option KEY, a number from LEAST to MOST.  */
static double
number (const struct argp_state *state, int key, const char *argument, double least, double most)
{
  char *end;
  double value = strtod (argument, &end);
  if (end == argument || *end || !(value >= least && value <= most))
    argp_error (state, "-%c %s: a number from %g to %g is expected", key, argument, least, most);
  return value;
}

static error_t
parse_option (int key, char *argument, struct argp_state *state)
{
  struct work *work = state->input;
  switch (key)
    {
    case 'b': work->budget = number (state, key, argument, 0.01, 3600); break;
    case 'B': work->full = number (state, key, argument, 0.01, 3600); break;
    case 'f': work->factor = number (state, key, argument, 1, 1000); break;
    case 'F': work->folder = argument; break;
    case 'j': work->jobs = (unsigned) number (state, key, argument, 1, 256); break;
    case 'm': work->minutes = number (state, key, argument, 0.01, 1e6); break;
    case 'n': work->target = (unsigned) number (state, key, argument, 1, 1e9); break;
    case 'o': work->only = argument; break;
    case 'r': work->only_report = true; break;
    case 'l': work->only_list = true; break;
    case 'e': work->examine_only = true; break;
    case 'S': work->seed = (uint64_t) number (state, key, argument, 1, 9e15); break;
    default: return ARGP_ERR_UNKNOWN;
    }
  return 0;
}

int
main (int argc, char **argv)
{
  static const struct argp_option options[]
    = { { "budget", 'b', "SECONDS", 0, "for the quick check of a mutant (default 0.25)", 0 },
        { "full", 'B', "SECONDS", 0, "for the full check of what that accepts (default 2.5)", 0 },
        { "factor", 'f', "N", 0, "an accepted mutant is examined with N times the full budget (default 4)", 0 },
        { "folder", 'F', "FOLDER", 0, "where the record is (default false-accept.d)", 0 },
        { "jobs", 'j', "N", 0, "processes (default 1)", 0 },
        { "minutes", 'm', "N", 0, "stop after so long (default: when done)", 0 },
        { "mutants", 'n', "N", 0, "in all (default 100000)", 0 },
        { "only", 'o', "TEXT", 0, "only functions with TEXT in their name", 0 },
        { "report", 'r', 0, 0, "only count what is recorded", 0 },
        { "list", 'l', 0, 0, "only print what is recorded as neither proved nor told apart", 0 },
        { "examine", 'e', 0, 0, "no new mutants, only those accepted and not examined yet", 0 },
        { "seed", 'S', "N", 0, "of mutants and tests (default 1, or the record's)", 0 },
        { 0 } };
  static const struct argp argp = { options, parse_option, "",
                                    "Judges random mutants of right rewrites, and examines those that are accepted.", 0, 0, 0 };
  static struct work work;
  work = (struct work) { .budget = 0.25, .full = 2.5, .factor = 4, .jobs = 1, .target = 100000, .baseline_budget = 5,
                         .folder = "false-accept.d" };
  argp_parse (&argp, argc, argv, 0, NULL, &work);
  if (mkdir (work.folder, 0777) && errno != EEXIST)
    {
      fprintf (stderr, "%s: %s\n", work.folder, strerror (errno));
      return 1;
    }
  if (!(work.seed = record__seed (work.folder, work.seed)))
    return 1;
  add_folder (&work, "testsuite/verify");
  add_folder (&work, "testsuite/verify/strength");
  add_folder (&work, "testsuite/verify/loops");
  add_folder (&work, "testsuite/verify/hackers-delight");
  work.board = mmap (NULL, sizeof *work.board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (work.n_units == 0 || work.board == MAP_FAILED)
    {
      fprintf (stderr, "no case files below AIOPT_SOURCE\n");
      return 1;
    }
  work.until = work.minutes > 0 ? now () + 60 * work.minutes : 1e18;
  if (work.only_list)
    return list_not_apart (&work);
  if (!work.only_report)
    run_all (&work);
  return report (&work);
}
