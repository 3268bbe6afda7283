/* `aiopt ab A -- B`: which program is faster, and how sure is that?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/ab.h"
#include "cli/ab-export.h"
#include "cli/ab-relink.h"
#include "cli/cli.h"
#include "cli/terminal.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum
{
  KEY_RUNS = 'n',
  KEY_JSON = 'j',
  KEY_SAME = 's',
  KEY_WARMUP = 'w',
  KEY_METRIC = 'm',
  KEY_TIME = 't',
  KEY_RESOLUTION = 'r',
  KEY_RELINK = 'l',
  KEY_SEED = 256,
  KEY_ALL,
  KEY_EVENTS,
  KEY_CSV,
  KEY_MARKDOWN,
  KEY_HTML
};

/* Without options an answer, or its lack, comes within two minutes.  */
enum
{
  DEFAULT_RUNS = 100,
  DEFAULT_SECONDS = 120,
  RUNS_IN_TIME = 2000, /* at most, where --seconds alone is given */
  DAY = 24 * 60 * 60
};

static const struct argp_option option_table[] = {
  { "runs", KEY_RUNS, "N", 0, "pairs of runs at most (default 100)", 0 },
  { "seconds", KEY_TIME, "S", 0, "time for the pairs (default 120 without --runs, else no limit)",
    0 },
  { "resolution", KEY_RESOLUTION, "PERCENT", 0,
    "stop too where a difference of so much either way is excluded", 0 },
  { "all-runs", KEY_ALL, NULL, 0, "don't stop before, look once", 0 },
  { "relink", KEY_RELINK, NULL, 0,
    "A and B are link commands (CC OBJECTS... LIBRARIES...): each block of two pairs gets a new "
    "layout",
    0 },
  { "warmup", KEY_WARMUP, "N", 0, "runs of each before, not counted (default 1)", 0 },
  { "same-output", KEY_SAME, NULL, 0, "fail unless every run writes the same standard output", 0 },
  { "metric", KEY_METRIC, "NAME", 0,
    "what decides: task, wall, cycles, instructions, branches, branch-misses or cache-misses", 0 },
  { "events", KEY_EVENTS, "NAMES", 0,
    "count these events of libpfm4 too, with commas between them: [PMU::]EVENT[:UMASK][:MODIFIER]", 0 },
  { "json", KEY_JSON, "FILE", 0, "write everything measured to FILE (- for standard output)", 0 },
  { "csv", KEY_CSV, "FILE", 0, "write a line for each run to FILE", 0 },
  { "markdown", KEY_MARKDOWN, "FILE", 0, "write verdict and table to FILE, as Markdown", 0 },
  { "html", KEY_HTML, "FILE", 0, "write a page with plots to FILE, which loads nothing", 0 },
  { "seed", KEY_SEED, "N", 0, "of order, layouts and bootstrap, to repeat an analysis", 0 },
  { 0 },
};

/* Takes the words from FIRST on apart: A -- B, and with --relink perhaps -- ARGUMENTS.  */
static void
take_sides (struct cli_ab *options, struct argp_state *state, int first)
{
  int middle = first;
  while (middle < state->argc && strcmp (state->argv[middle], "--") != 0)
    middle++;
  if (middle >= state->argc)
    argp_error (state, "no '--' between the two programs: expected A [ARGS...] -- B [ARGS...]");
  int end = state->argc;
  for (int i = middle + 1; options->relink && i < end; i++)
    if (strcmp (state->argv[i], "--") == 0)
      end = i;
  if (middle == first || middle + 1 >= end)
    argp_error (state, "expected a program on both sides of '--'");
  options->side[0] = state->argv + first;
  options->side[1] = state->argv + middle + 1;
  state->argv[middle] = NULL;
  if (end < state->argc)
    {
      state->argv[end] = NULL;
      options->arguments = state->argv + end + 1;
    }
  state->next = state->argc;
}

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct cli_ab *options = state->input;
  double number;
  switch (key)
    {
    case KEY_RUNS:
      if (cli__number (argument, 1, 100000, &number) != 0 || number != (unsigned)number)
        argp_error (state, "--runs '%s': expected a whole number from 1 to 100000", argument);
      options->ab.pairs = (unsigned)number;
      options->runs_given = true;
      return 0;
    case KEY_TIME:
      if (cli__number (argument, 0, DAY, &number) != 0 || number <= 0)
        argp_error (state, "--seconds '%s': expected a number above 0, at most %d", argument, DAY);
      options->ab.seconds = number;
      options->seconds_given = true;
      return 0;
    case KEY_RESOLUTION:
      if (cli__number (argument, 0, 100, &number) != 0 || number <= 0)
        argp_error (state, "--resolution '%s': expected per cent, above 0 and at most 100",
                    argument);
      options->ab.resolution = number / 100;
      return 0;
    case KEY_ALL:
      options->ab.no_early_stop = true;
      return 0;
    case KEY_RELINK:
      options->relink = true;
      return 0;
    case KEY_WARMUP:
      if (cli__number (argument, 0, 1000, &number) != 0 || number != (unsigned)number)
        argp_error (state, "--warmup '%s': expected a whole number from 0 to 1000", argument);
      options->ab.warmup = (unsigned)number;
      return 0;
    case KEY_SEED:
      if (cli__number (argument, 0, 9e15, &number) != 0)
        argp_error (state, "--seed '%s': expected a number from 0 to 9e15", argument);
      options->ab.seed = (uint64_t)number;
      return 0;
    case KEY_SAME:
      options->ab.same_output = true;
      return 0;
    case KEY_METRIC:
      options->ab.metric = ab__metric (argument);
      if (options->ab.metric < 0)
        argp_error (state, "--metric '%s': expected task, wall, cycles, instructions, branches, branch-misses or"
                    " cache-misses", argument);
      return 0;
    case KEY_EVENTS:
      {
        char error[300];
        struct counters *counters = counters__new (argument, error, sizeof error);
        if (!counters)
          argp_error (state, "--events: %s", error);
        counters__free (counters);
        options->ab.events = argument;
        return 0;
      }
    case KEY_CSV:
      options->csv = argument;
      return 0;
    case KEY_MARKDOWN:
      options->markdown = argument;
      return 0;
    case KEY_HTML:
      options->html = argument;
      return 0;
    case KEY_JSON:
      options->json = argument;
      return 0;
    case ARGP_KEY_ARG:
      /* From here on the words belong to the programs, whatever they look like.  */
      take_sides (options, state, state->next - 1);
      return 0;
    case ARGP_KEY_NO_ARGS:
      argp_error (state, "expected two programs: A [ARGS...] -- B [ARGS...]");
      return 0;
    case ARGP_KEY_END:
      if (options->ab.no_early_stop && options->ab.resolution > 0)
        argp_error (state, "--all-runs and --resolution contradict each other");
      if (!options->runs_given && !options->seconds_given)
        options->ab.seconds = DEFAULT_SECONDS;
      /* A time limit alone is the limit.  */
      if (!options->runs_given)
        options->ab.pairs = options->seconds_given ? RUNS_IN_TIME : DEFAULT_RUNS;
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

/* Set by Ctrl-C alone.  */
static volatile sig_atomic_t stop;

static void
on_interrupt (int signal)
{
  (void)signal;
  stop = 1;
}

static void
on_progress (void *context, unsigned done, unsigned total)
{
  progress__update (context, done, total, "runs");
}

/* Why there were fewer pairs than asked for, if there were.  */
static void
print_end (FILE *stream, const struct ab *ab)
{
  switch (ab->end)
    {
    case AB_DECIDED:
      fprintf (stream, "stopped early: decided at look %u, after %.1f s\n", ab->looks, ab->seconds);
      break;
    case AB_RESOLVED:
      fprintf (stream, "stopped early: resolution reached at look %u, after %.1f s\n", ab->looks,
               ab->seconds);
      break;
    case AB_TIMED_OUT:
      fprintf (stream, "stopped by the time limit, after %.1f s\n", ab->seconds);
      break;
    case AB_ALL_RUN:
    case AB_INTERRUPTED:
      break;
    }
}

/* What was found, for people, on STREAM; the sentence into VERDICT[SIZE].  */
static void
print_report (FILE *stream, const struct ab *ab, const struct cli_ab *options,
              const struct relink *relink, char *verdict, size_t size)
{
  static const enum colour colour[] = { COLOUR_YELLOW, COLOUR_GREEN, COLOUR_RED };
  char percent[32];
  ab__sentence (ab, verdict, size);
  ab__print_table (stream, ab);
  if (relink)
    fprintf (stream, "%u layouts of each; A/B spreads by %s between them (%s)\n", ab->n_layouts,
             ab__per_cent (ab->layout_spread, percent),
             relink__by_function (relink) ? "objects shuffled, functions too" : "objects shuffled");
  print_end (stream, ab);
  if (options->ab.same_output)
    fprintf (stream, "standard output was the same in all runs\n");
  fprintf (stream, "%s%s%s\n", terminal__sgr (stream, colour[ab__verdict (ab)]), verdict,
           terminal__sgr (stream, COLOUR_NONE));
}

/* Does FILE mean standard output?  */
static bool
is_standard (const char *file)
{
  return file && strcmp (file, "-") == 0;
}

/* Writes the files that were asked for besides JSON.  CLI_OK, or CLI_FAILED after a message.  */
static int
export (const struct ab *ab, const struct cli_ab *options, const char *verdict)
{
  struct ab_report report = { .ab = ab,
                              .argv = { options->side[0], options->side[1] },
                              .sentence = verdict,
                              .same_output = options->ab.same_output };
  const struct
  {
    const char *file;
    void (*what) (FILE *, const struct ab_report *);
  } wanted[] = { { options->csv, ab_report__csv },
                 { options->markdown, ab_report__markdown },
                 { options->html, ab_report__html } };
  int status = CLI_OK;
  ab_report__note_machine (&report);
  for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (wanted[i].file && ab_report__write (&report, wanted[i].file, wanted[i].what) != 0)
      status = cli__error ("aiopt ab", "writing %s: %s", wanted[i].file, strerror (errno));
  return status;
}

static const char documentation[]
    = "Runs A and B in blocks of two pairs (ABBA or BAAB, by coin), and says which is faster and "
      "how sure that"
      " is.\v"
      "What decides is the task clock (user and system time), unless a program waits for longer "
      "than it computes or runs on several cores: then it is the wall clock.  A difference is "
      "claimed only where the signed-rank test and the bootstrap interval agree.  At most nine "
      "planned looks share the 5 % of false claims, so that stopping early costs no honesty.  "
      "Other metrics' p are Holm's.\n\n"
      "With --relink, A and B are commands that link, without -o, and what follows a second '--' "
      "are both programs' arguments:\n\n"
      "  aiopt ab --relink gcc main.o f.o -lm -- gcc main.o g.o -lm -- input.txt\n\n"
      "Objects are linked in random order with padding between them, and their functions too "
      "where they were compiled with -ffunction-sections.\n\n"
      "Exit status: 0 measured, whatever the outcome; 1 a program failed or wrote another output; "
      "64 wrong usage; 130 interrupted.";

int
cli_ab (int argc, char **argv)
{
  static const struct argp argp
      = { option_table, parse, "A [ARGS...] -- B [ARGS...]", documentation, NULL, NULL, NULL };
  struct cli_ab options = { .ab = { .warmup = 1, .metric = -1, .stop = &stop } };
  if (getrandom (&options.ab.seed, sizeof options.ab.seed, 0) < 0)
    options.ab.seed = 1;
  options.ab.seed >>= 12; /* exact as a JSON number */
  if (argp_parse (&argp, argc, argv, ARGP_IN_ORDER, NULL, &options))
    return CLI_USAGE;
  char **run[2] = { options.side[0], options.side[1] };
  char why[400];
  struct relink *relink = NULL;
  if (options.relink)
    {
      relink = relink__new (options.side, options.arguments, &stop, why, sizeof why);
      if (!relink)
        return cli__usage ("aiopt ab", "--relink: %s", why);
      run[0] = relink__argv (relink, 0);
      run[1] = relink__argv (relink, 1);
      options.ab.relayout = relink__layout;
      options.ab.layouts = relink;
    }
  struct sigaction interrupt = { .sa_handler = on_interrupt }, before;
  sigaction (SIGINT, &interrupt, &before);
  struct progress *progress = progress__new (stderr, false);
  options.ab.progress = on_progress;
  options.ab.context = progress;
  struct ab ab;
  int result = ab__run (run, &options.ab, &ab);
  progress__finish (progress);
  sigaction (SIGINT, &before, NULL);
  int status = CLI_OK;
  if (result != 0)
    status = cli__error ("aiopt ab", "%s", ab.error);
  else
    {
      char verdict[400];
      bool taken = is_standard (options.json) || is_standard (options.csv) || is_standard (options.markdown)
                   || is_standard (options.html); /* standard output */
      print_report (taken ? stderr : stdout, &ab, &options, relink, verdict, sizeof verdict);
      if (options.json)
        status = ab__write_json (&ab, &options, verdict);
      if (export (&ab, &options, verdict) != CLI_OK)
        status = CLI_FAILED;
    }
  if (ab.interrupted || stop)
    {
      fprintf (stderr, "aiopt ab: interrupted after %u pairs\n", ab.n_pairs);
      status = 130;
    }
  relink__free (relink);
  ab__free (&ab);
  return status;
}
