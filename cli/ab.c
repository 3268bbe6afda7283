/* `aiopt ab A -- B`: which program is faster, and how sure is that?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/ab.h"
#include "cli/cli.h"
#include "cli/terminal.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

enum
{
  KEY_RUNS = 'n',
  KEY_JSON = 'j',
  KEY_SAME = 's',
  KEY_WARMUP = 'w',
  KEY_METRIC = 'm',
  KEY_SEED = 256
};

struct options
{
  struct ab_options ab;
  const char *json;
  char **side[2];
};

static const struct argp_option option_table[] = {
  { "runs", KEY_RUNS, "N", 0, "pairs of runs (default 20)", 0 },
  { "warmup", KEY_WARMUP, "N", 0, "runs of each before, not counted (default 1)", 0 },
  { "same-output", KEY_SAME, NULL, 0, "fail unless every run writes the same standard output", 0 },
  { "metric", KEY_METRIC, "NAME", 0, "what decides: task, wall, cycles or instructions", 0 },
  { "json", KEY_JSON, "FILE", 0, "write everything measured to FILE (- for standard output)", 0 },
  { "seed", KEY_SEED, "N", 0, "of the order and the bootstrap, to repeat an analysis", 0 },
  { 0 },
};

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  double number;
  switch (key)
    {
    case KEY_RUNS:
      if (cli__number (argument, 1, 100000, &number) != 0 || number != (unsigned)number)
        argp_error (state, "--runs '%s': expected a whole number from 1 to 100000", argument);
      options->ab.pairs = (unsigned)number;
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
      {
        static const char *const name[AB_METRICS] = { "task", "wall", "cycles", "instructions" };
        options->ab.metric = -1;
        for (int i = 0; i < AB_METRICS; i++)
          if (strcmp (argument, name[i]) == 0)
            options->ab.metric = i;
        if (options->ab.metric < 0)
          argp_error (state, "--metric '%s': expected task, wall, cycles or instructions",
                      argument);
        return 0;
      }
    case KEY_JSON:
      options->json = argument;
      return 0;
    case ARGP_KEY_ARG:
      {
        /* From here on the words belong to the programs, whatever they look like.  */
        int first = state->next - 1, middle = first;
        while (middle < state->argc && strcmp (state->argv[middle], "--") != 0)
          middle++;
        if (middle >= state->argc)
          argp_error (state,
                      "no '--' between the two programs: expected A [ARGS...] -- B [ARGS...]");
        if (middle == first || middle + 1 >= state->argc)
          argp_error (state, "expected a program on both sides of '--'");
        options->side[0] = state->argv + first;
        options->side[1] = state->argv + middle + 1;
        state->argv[middle] = NULL;
        state->next = state->argc;
        return 0;
      }
    case ARGP_KEY_NO_ARGS:
      argp_error (state, "expected two programs: A [ARGS...] -- B [ARGS...]");
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

/* "12.34 ms", "1.2 G": VALUE of METRIC into BUFFER.  */
static const char *
quantity (enum ab_metric metric, double value, char buffer[32])
{
  if (metric == AB_TASK || metric == AB_WALL)
    snprintf (buffer, 32,
              value < 1e-3 ? "%.0f us"
              : value < 1  ? "%.2f ms"
                           : "%.3f s",
              value < 1e-3 ? value * 1e6
              : value < 1  ? value * 1e3
                           : value);
  else
    snprintf (buffer, 32,
              value < 1e6   ? "%.0f"
              : value < 1e9 ? "%.2f M"
                            : "%.3f G",
              value < 1e6   ? value
              : value < 1e9 ? value * 1e-6
                            : value * 1e-9);
  return buffer;
}

/* The one line that answers.  */
static void
verdict_line (const struct ab *ab, char *buffer, size_t size)
{
  const struct ab_comparison *c = &ab->comparison[ab->deciding];
  const char *metric = ab_metric__name (ab->deciding);
  switch (ab__verdict (ab))
    {
    case AB_FASTER:
      snprintf (buffer, size, "B is %.3gx faster, 95 %% interval %.3f-%.3f (%s, %u pairs)",
                c->ratio.estimate, c->ratio.low, c->ratio.high, metric, ab->n_pairs);
      break;
    case AB_SLOWER:
      snprintf (buffer, size, "B is %.3gx slower, 95 %% interval %.3f-%.3f (%s, %u pairs)",
                1 / c->ratio.estimate, 1 / c->ratio.high, 1 / c->ratio.low, metric, ab->n_pairs);
      break;
    case AB_NOTHING_SHOWN:
      if (ab->n_pairs < AB_PAIRS_MIN)
        snprintf (buffer, size,
                  "no difference shown: %u pair%s can't show one, %d or more can (A/B %.3f, %s)",
                  ab->n_pairs, ab->n_pairs == 1 ? "" : "s", AB_PAIRS_MIN, c->ratio.estimate,
                  metric);
      else
        snprintf (buffer, size,
                  "no difference shown (A/B %.3f, 95 %% interval %.3f-%.3f, p %.2g, %s, %u pairs)",
                  c->ratio.estimate, c->ratio.low, c->ratio.high, c->p, metric, ab->n_pairs);
      break;
    }
}

static void
print_table (FILE *stream, const struct ab *ab)
{
  fprintf (stream, "%-18s %12s %12s   %s\n", "median of pairs", "A", "B", "A/B (95 % interval)");
  for (unsigned m = 0; m < AB_METRICS; m++)
    {
      const struct ab_comparison *c = &ab->comparison[m];
      char a[32], b[32];
      if (!c->measured)
        continue;
      fprintf (stream, "%-18s %12s %12s   %.3f (%.3f-%.3f), p %.2g\n", ab_metric__name (m),
               quantity (m, c->median[0], a), quantity (m, c->median[1], b), c->ratio.estimate,
               c->ratio.low, c->ratio.high, c->p);
    }
  if (!ab->comparison[AB_CYCLES].measured && *ab->no_counters)
    fprintf (stream, "%sno cycle counts: %s%s\n", terminal__sgr (stream, COLOUR_DIM),
             ab->no_counters, terminal__sgr (stream, COLOUR_NONE));
}

static cJSON *
to_json (const struct ab *ab, const struct options *options, const char *verdict)
{
  static const char *const key[AB_METRICS]
      = { "task_seconds", "wall_seconds", "user_cycles", "user_instructions" };
  static const char *const verdict_slug[] = { "no-difference-shown", "faster", "slower" };
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddNumberToObject (json, "schema", 1);
  cJSON_AddStringToObject (json, "verdict", verdict_slug[ab__verdict (ab)]);
  cJSON_AddStringToObject (json, "sentence", verdict);
  cJSON_AddStringToObject (json, "metric", key[ab->deciding]);
  const struct ab_comparison *d = &ab->comparison[ab->deciding];
  cJSON_AddNumberToObject (json, "ratio", d->ratio.estimate);
  cJSON_AddNumberToObject (json, "ratio_low", d->ratio.low);
  cJSON_AddNumberToObject (json, "ratio_high", d->ratio.high);
  cJSON_AddNumberToObject (json, "p", d->p);
  cJSON_AddNumberToObject (json, "pairs", ab->n_pairs);
  cJSON_AddBoolToObject (json, "interrupted", ab->interrupted);
  cJSON_AddNumberToObject (json, "warmup", options->ab.warmup);
  cJSON_AddNumberToObject (json, "seed", (double)options->ab.seed);
  if (options->ab.same_output)
    cJSON_AddTrueToObject (json, "same_output");
  else
    cJSON_AddNullToObject (json, "same_output");
  if (ab->comparison[AB_CYCLES].measured)
    cJSON_AddNullToObject (json, "no_counters");
  else
    cJSON_AddStringToObject (json, "no_counters", ab->no_counters);
  struct utsname name;
  if (uname (&name) == 0)
    {
      cJSON_AddStringToObject (json, "host", name.nodename);
      cJSON_AddStringToObject (json, "kernel", name.release);
    }
  for (unsigned side = 0; side < 2; side++)
    {
      cJSON *argv = cJSON_AddArrayToObject (json, side ? "b" : "a");
      for (char **p = options->side[side]; *p; p++)
        cJSON_AddItemToArray (argv, cJSON_CreateString (*p));
    }
  cJSON *order = cJSON_AddArrayToObject (json, "order");
  for (unsigned i = 0; i < ab->n_pairs; i++)
    cJSON_AddItemToArray (order, cJSON_CreateString (ab->order[i] ? "BA" : "AB"));
  cJSON *metrics = cJSON_AddObjectToObject (json, "metrics");
  for (unsigned m = 0; m < AB_METRICS; m++)
    {
      const struct ab_comparison *c = &ab->comparison[m];
      if (!c->measured)
        continue;
      cJSON *one = cJSON_AddObjectToObject (metrics, key[m]);
      cJSON_AddNumberToObject (one, "ratio", c->ratio.estimate);
      cJSON_AddNumberToObject (one, "ratio_low", c->ratio.low);
      cJSON_AddNumberToObject (one, "ratio_high", c->ratio.high);
      cJSON_AddNumberToObject (one, "p", c->p);
      cJSON_AddNumberToObject (one, "median_a", c->median[0]);
      cJSON_AddNumberToObject (one, "median_b", c->median[1]);
      cJSON_AddItemToObject (one, "a", cJSON_CreateDoubleArray (ab->value[m][0], (int)ab->n_pairs));
      cJSON_AddItemToObject (one, "b", cJSON_CreateDoubleArray (ab->value[m][1], (int)ab->n_pairs));
    }
  return json;
}

/* Writes JSON to FILE.  0, or CLI_FAILED after a message.  */
static int
write_json (const struct ab *ab, const struct options *options, const char *verdict)
{
  cJSON *json = to_json (ab, options, verdict);
  char *text = cJSON_Print (json);
  cJSON_Delete (json);
  if (!text)
    return cli__error ("aiopt ab", "out of memory");
  int status = CLI_OK;
  if (strcmp (options->json, "-") == 0)
    puts (text);
  else
    {
      FILE *f = fopen (options->json, "we");
      bool failed = !f || fprintf (f, "%s\n", text) < 0;
      if ((f && fclose (f) != 0) || failed)
        status = cli__error ("aiopt ab", "writing %s: %s", options->json, strerror (errno));
    }
  cJSON_free (text);
  return status;
}

int
cli_ab (int argc, char **argv)
{
  static const struct argp argp
      = { option_table,
          parse,
          "A [ARGS...] -- B [ARGS...]",
          "Runs A and B in pairs, in random order, and says which is faster and how sure that is.\v"
          "What decides is the task clock (user and system time), unless a program sleeps for more "
          "than half of"
          " the time or runs on several cores: then it is the wall clock.  A difference is claimed "
          "only where the 95 %"
          " bootstrap interval of the ratio excludes 1 and the signed-rank test gives p < 0.05.\n\n"
          "Exit status: 0 measured, whatever the outcome; 1 a program failed or wrote another "
          "output; 64 wrong"
          " usage; 130 interrupted.",
          NULL,
          NULL,
          NULL };
  struct options options = { .ab = { .pairs = 20, .warmup = 1, .metric = -1, .stop = &stop } };
  if (getrandom (&options.ab.seed, sizeof options.ab.seed, 0) < 0)
    options.ab.seed = 1;
  options.ab.seed >>= 12; /* exact as a JSON number */
  if (argp_parse (&argp, argc, argv, ARGP_IN_ORDER, NULL, &options))
    return CLI_USAGE;
  struct sigaction interrupt = { .sa_handler = on_interrupt }, before;
  sigaction (SIGINT, &interrupt, &before);
  struct progress *progress = progress__new (stderr, false);
  options.ab.progress = on_progress;
  options.ab.context = progress;
  struct ab ab;
  int result = ab__run ((char **const[2]){ options.side[0], options.side[1] }, &options.ab, &ab);
  progress__finish (progress);
  sigaction (SIGINT, &before, NULL);
  int status = CLI_OK;
  if (result != 0)
    status = cli__error ("aiopt ab", "%s", ab.error);
  else
    {
      char verdict[400];
      verdict_line (&ab, verdict, sizeof verdict);
      FILE *stream = options.json && strcmp (options.json, "-") == 0 ? stderr : stdout;
      print_table (stream, &ab);
      if (options.ab.same_output)
        fprintf (stream, "standard output was the same in all runs\n");
      static const enum colour colour[] = { COLOUR_YELLOW, COLOUR_GREEN, COLOUR_RED };
      fprintf (stream, "%s%s%s\n", terminal__sgr (stream, colour[ab__verdict (&ab)]), verdict,
               terminal__sgr (stream, COLOUR_NONE));
      if (options.json)
        status = write_json (&ab, &options, verdict);
    }
  if (ab.interrupted || stop)
    {
      fprintf (stderr, "aiopt ab: interrupted after %u pairs\n", ab.n_pairs);
      status = 130;
    }
  ab__free (&ab);
  return status;
}
