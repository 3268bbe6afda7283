/* What semantics/ says of an instruction is what the CPU does.

   Every form of general.forms and vector.forms is run by the sandbox, the executor that verification uses, on random
   states, and its terms are evaluated on the same states: registers, flags, vectors, masks, sticky bits, memory and
   traps must come out the same.  Bits that the terms leave open are compared with nothing.  A form that isn't
   modelled is counted, not failed; so is one that this CPU hasn't got.
   Without options a slice that takes seconds; `make check-semantics` is the whole.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/semantics/compare.h"

#include <argp.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum
{
  JOBS_MAX = 64,
  TURNS = 61,           /* through the list */
  SEQUENCES = 1500      /* of forms of general instructions */
};

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

static bool
is_wanted (const struct options *options, const struct form *form)
{
  return !options->pattern || fnmatch (options->pattern, form->text, 0) == 0
         || strcmp (options->pattern, form->family) == 0;
}


static const struct argp_option options_known[] = {
  { "states", 's', "N", 0, "states for each form (200)", 0 },
  { "forms", 'f', "PATTERN", 0, "forms whose text matches this shell pattern, or a family", 0 },
  { "every", 'e', "N", 0, "of these each N-th alone (slice: 23)", 0 },
  { "shard", 'p', "K/N", 0, "of these the K-th part of N, K from 1", 0 },
  { "minutes", 'm', "N", 0, "after which no form is begun (no limit)", 0 },
  { "jobs", 'n', "N", 0, "processes (1)", 0 },
  { "seed", 'r', "N", 0, "of the random states (1)", 0 },
  { "list", 'l', NULL, 0, "print the forms, run nothing", 0 },
  { "json", 'j', "FILE", 0, "write each form's result there", 0 },
  { "verbose", 'v', NULL, 0, "name the forms that aren't modelled", 0 },
  { 0 },
};

static error_t
parse_option (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case 's':
      options->states = (unsigned) strtoul (argument, NULL, 10);
      break;
    case 'f':
      options->pattern = argument;
      options->every = 1;
      break;
    case 'e':
      options->every = (unsigned) strtoul (argument, NULL, 10);
      break;
    case 'p':
      if (sscanf (argument, "%u/%u", &options->shard, &options->n_shards) != 2
          || options->shard < 1 || options->shard > options->n_shards)
        argp_error (state, "--shard wants K/N, K from 1 to N");
      break;
    case 'n':
      options->jobs = (unsigned) strtoul (argument, NULL, 10);
      break;
    case 'm':
      options->minutes = (unsigned) strtoul (argument, NULL, 10);
      break;
    case 'r':
      options->seed = strtoul (argument, NULL, 10);
      break;
    case 'l':
      options->list = true;
      break;
    case 'j':
      options->json = argument;
      break;
    case 'v':
      options->verbose = true;
      break;
    default:
      return ARGP_ERR_UNKNOWN;
    }
  if (options->states == 0 || options->every == 0)
    argp_error (state, "--states and --every want a number above 0");
  if (options->jobs == 0 || options->jobs > JOBS_MAX)
    argp_error (state, "--jobs wants 1 to %d", JOBS_MAX);
  return 0;
}

/* Which forms are to be tried.  0, or -1 without memory.  */
static int
choose (struct bench *bench)
{
  const struct options *options = &bench->options;
  size_t size = bench->forms.n * sizeof *bench->result + sizeof *bench->next;
  void *shared = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return -1;
  bench->result = shared;
  bench->next = (unsigned *) (bench->result + bench->forms.n);
  bench->is_chosen = ARENA_ARRAY (bench->forms.arena, bool, bench->forms.n);
  for (unsigned i = 0, wanted = 0; i < bench->forms.n; i++)
    {
      bench->result[i].kind = FORM_UNTRIED;
      if (!is_wanted (options, &bench->forms.form[i]))
        continue;
      unsigned number = wanted++;
      bench->is_chosen[i]
        = number % options->every == 0
          && number / options->every % options->n_shards == options->shard - 1;
    }
  return 0;
}

/* One job: takes form after form until there are none left, or no time.  */
static void
run_forms (struct bench *bench, double begin)
{
  struct why why = { 0 };
  /* Neighbours are alike: what a time limit cuts off should be a part of every family.  */
  unsigned per_turn = (bench->forms.n + TURNS - 1) / TURNS, n;
  bool is_open = bench__open (bench, &why) == 0;
  while ((n = __atomic_fetch_add (bench->next, 1, __ATOMIC_RELAXED)) < per_turn * TURNS)
    {
      unsigned i = n % per_turn * TURNS + n / per_turn;
      double before = now ();
      if (i >= bench->forms.n || !bench->is_chosen[i]
          || (bench->options.minutes && before - begin > bench->options.minutes * 60.0))
        continue;
      bench->result[i].kind = FORM_BROKEN;
      bench->result[i].why = why;
      if (is_open)
        form__test (bench, &bench->forms.form[i], &bench->result[i]);
      bench->result[i].seconds = now () - before;
    }
  if (is_open)
    bench__close (bench);
  fflush (stdout);
}

static void
run_jobs (struct bench *bench, double begin)
{
  pid_t job[JOBS_MAX];
  fflush (stdout);
  for (unsigned i = 1; i < bench->options.jobs; i++)
    {
      job[i] = fork ();
      if (job[i] == 0)
        {
          run_forms (bench, begin);
          _exit (0);
        }
    }
  run_forms (bench, begin);
  /* One by one: the sandbox's zygote is a child, too, and stays.  */
  for (unsigned i = 1; i < bench->options.jobs; i++)
    if (job[i] > 0)
      waitpid (job[i], NULL, 0);
}

int
main (int argc, char **argv)
{
  static const struct argp parser = { options_known, parse_option, NULL,
                                      "Compares the terms of instructions with the CPU.", NULL,
                                      NULL, NULL };
  static const char *const lists[] = { "general.forms", "vector.forms" };
  struct bench *bench = calloc (1, sizeof *bench);
  struct why why = { 0 };
  if (!bench)
    return 1;
  bench->options = (struct options) { .states = 200, .every = 23, .shard = 1, .n_shards = 1, .jobs = 1,
                                      .seed = 1 };
  argp_parse (&parser, argc, argv, 0, NULL, &bench->options);
  const char *source = getenv ("AIOPT_SOURCE");
  bench->forms.arena = arena__new ();
  for (unsigned i = 0; i < 2; i++)
    if (forms__read (&bench->forms,
                     arena__printf (bench->forms.arena, "%s/testsuite/semantics/%s",
                                    source ? source : ".", lists[i]),
                     &why)
        != 0)
      goto failed;
  forms__add_sequences (&bench->forms, SEQUENCES, bench->options.seed);
  if (forms__assemble (&bench->forms, &why) != 0)
    goto failed;
  if (bench->options.list)
    {
      for (unsigned i = 0; i < bench->forms.n; i++)
        if (is_wanted (&bench->options, &bench->forms.form[i]))
          printf ("%-16s %s%s\n", bench->forms.form[i].family, bench->forms.form[i].text,
                  bench->forms.form[i].bytes ? "" : "   (no such form)");
      return 0;
    }
  if (choose (bench) != 0)
    {
      why__set (&why, REASON_SANDBOX, "no memory for the results");
      goto failed;
    }
  double begin = now ();
  run_jobs (bench, begin);
  double seconds = now () - begin;
  unsigned n_failed = bench__report (bench, seconds);
  if (bench->options.json && bench__write_json (bench, seconds) != 0)
    {
      fprintf (stderr, "semantics-cpu: %s can't be written\n", bench->options.json);
      return 1;
    }
  arena__free (bench->forms.arena);
  free (bench);
  return n_failed ? 1 : 0;
failed:
  printf ("Bail out! %s\n", why.detail);
  return 1;
}
