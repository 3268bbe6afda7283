/* `aiopt tune`: works the queue of collected regions.  This process leads: it starts the workers, shows how far they
   are, and sees to it that nothing is left behind, whatever ends the run: no child, no temporary
   file, no lease.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/tune.h"

#include "cli/cli.h"
#include "cli/terminal.h"
#include "config/config.h"
#include "policy/process.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 256, RESTARTS_MAX = 8, SET_MAX = 64 };

#define BUDGET_MAX 86400.0
#define GRACE_SECONDS 3.0 /* for workers to clean up after Ctrl-C */

/* Set by SIGINT, SIGTERM and SIGHUP: a signal handler has nothing else to reach.  */
static volatile sig_atomic_t stop_signal;

static void
handle_stop (int number)
{
  stop_signal = number;
}

/* A worker, and what it holds a lease on.  */
struct hand
{
  pid_t pid; /* 0: ended */
  bool busy;
  struct tune_event at;
};

struct lead
{
  const struct tune_options *options;
  struct workshop *workshop;
  int pipe[2];
  struct hand hand[JOBS_MAX];
  unsigned n_hands;
  struct progress *progress;
  unsigned total;              /* regions that waited at the start */
  struct tune_event *result;   /* of finished regions */
  unsigned n_results, results_size;
  unsigned restarts;
  bool failed;
};

enum { KEY_CACHE = 1, KEY_POLICY, KEY_BUDGET, KEY_ACCEPT, KEY_KEY, KEY_JSON, KEY_DRY_RUN, KEY_ANY_SPEED, KEY_SET, KEY_SHOW_PROMPT };

/* What the command line says; what it leaves open comes from the settings.  */
struct command
{
  struct tune_options options;
  bool accept_given;
  const char *set[SET_MAX];
  unsigned n_set;
};

static error_t
parse_option (int key, char *argument, struct argp_state *state)
{
  struct command *command = state->input;
  struct tune_options *options = &command->options;
  double number;
  struct why why;
  switch (key)
    {
    case KEY_CACHE:
      options->cache = argument;
      return 0;
    case KEY_POLICY:
      if (policy__check_list (argument, &why) < 0)
        argp_error (state, "--policy: %s", why.detail);
      options->policy = argument;
      return 0;
    case KEY_BUDGET:
      if (cli__number (argument, 0.1, BUDGET_MAX, &number) < 0)
        argp_error (state, "--budget wants seconds from 0.1 to %g, not '%s'", BUDGET_MAX, argument);
      options->budget_seconds = number;
      return 0;
    case 'j':
      if (cli__number (argument, 1, JOBS_MAX, &number) < 0 || number != (unsigned) number)
        argp_error (state, "--jobs wants a number from 1 to %d, not '%s'", JOBS_MAX, argument);
      options->jobs = (unsigned) number;
      return 0;
    case KEY_ACCEPT:
      if (accept__parse (argument, &options->accept) < 0)
        argp_error (state, "--accept wants tested, bounded or proved, not '%s'", argument);
      command->accept_given = true;
      return 0;
    case KEY_SET:
      if (command->n_set == SET_MAX)
        argp_error (state, "--set: expected at most %d of them", SET_MAX);
      command->set[command->n_set++] = argument;
      return 0;
    case KEY_KEY:
      if (strlen (argument) != 64 || strspn (argument, "0123456789abcdef") != 64)
        argp_error (state, "--key wants a region's key (64 hexadecimal digits), not '%s'", argument);
      options->key = argument;
      return 0;
    case KEY_JSON:
      options->json = true;
      return 0;
    case KEY_ANY_SPEED:
      options->any_speed = true;
      return 0;
    case KEY_DRY_RUN:
      options->dry_run = true;
      return 0;
    case KEY_SHOW_PROMPT:
      options->show_prompt = true;
      return 0;
    case 'q':
      options->quiet = true;
      return 0;
    case ARGP_KEY_ARG:
      argp_error (state, "unexpected argument '%s'", argument);
      return 0;
    case ARGP_KEY_END:
      if (options->show_prompt && !options->dry_run)
        argp_error (state, "--show-prompt wants --dry-run");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option tune_arguments[] = {
  { "cache", KEY_CACHE, "DIR", 0, "Cache folder (default $AIOPT_CACHE, else ~/.cache/aiopt)", 0 },
  { "policy", KEY_POLICY, "LIST", 0,
    "Who proposes: compilers (default), exec:COMMAND, exec:{COMMAND}, separated by commas; exec:COMMAND without "
    "braces reaches to the end of LIST",
    0 },
  { "budget", KEY_BUDGET, "SECONDS", 0,
    "Time for each function (default 10); full checks of what was found faster may take half as much again", 0 },
  { "jobs", 'j', "N", 0, "Functions worked on at once (default: the number of processors)", 0 },
  { "accept", KEY_ACCEPT, "LEVEL", 0,
    "Weakest verdict to accept: tested, bounded or proved (default: what the build asked for)", 0 },
  { "set", KEY_SET, "NAME=VALUE", 0,
    "Set NAME, one of those that `aiopt config show` lists, for this run; may be repeated", 0 },
  { "key", KEY_KEY, "KEY", 0, "Work on this region alone", 0 },
  { "json", KEY_JSON, NULL, 0, "Print the summary as JSON", 0 },
  { "any-speed", KEY_ANY_SPEED, NULL, 0,
    "Accept what is verified however slow it is: for testing aiopt, not for use", 0 },
  { "dry-run", KEY_DRY_RUN, NULL, 0, "Show what would be worked on, and do nothing", 0 },
  { "show-prompt", KEY_SHOW_PROMPT, NULL, 0, "With --dry-run: print what a model would be sent first about each function (policy llm)", 0 },
  { "quiet", 'q', NULL, 0, "No progress and no summary", 0 },
  { 0 },
};

static const struct argp tune_argp
  = { tune_arguments, parse_option, NULL,
      "Work the queue of functions that builds have collected: propose faster code, verify it, measure it, and keep "
      "the best in the cache for the next build.\v"
      "What no option says comes from the settings (`aiopt config show`), which are read from files, the last counting most "
      "(`aiopt config path`), from the environment, and from --set.",
      NULL, NULL, NULL };

static unsigned
processors (void)
{
  cpu_set_t set;
  if (sched_getaffinity (0, sizeof set, &set) == 0 && CPU_COUNT (&set) > 0)
    return (unsigned) CPU_COUNT (&set);
  long n = sysconf (_SC_NPROCESSORS_ONLN);
  return n > 0 ? (unsigned) n : 1;
}

/* The hand of worker PID, or NULL.  */
static struct hand *
lead__hand (struct lead *lead, pid_t pid)
{
  for (unsigned i = 0; i < lead->n_hands; i++)
    if (lead->hand[i].pid == pid)
      return &lead->hand[i];
  return NULL;
}

static void
lead__show (struct lead *lead)
{
  double done = lead->n_results, best = 0;
  const char *name = "";
  for (unsigned i = 0; i < lead->n_hands; i++)
    if (lead->hand[i].pid && lead->hand[i].busy)
      {
        done += lead->hand[i].at.fraction;
        name = lead->hand[i].at.function;
        best = lead->hand[i].at.best;
      }
  unsigned total = lead->total > lead->n_results ? lead->total : lead->n_results;
  char note[200];
  if (best > 0)
    snprintf (note, sizeof note, "%u/%u %.100s best %.2fx", lead->n_results, total, name, best);
  else
    snprintf (note, sizeof note, "%u/%u %.100s", lead->n_results, total, name);
  progress__update (lead->progress, done, total, note);
}

static void
lead__event (struct lead *lead, const struct tune_event *event)
{
  struct hand *hand = lead__hand (lead, event->worker);
  switch (event->kind)
    {
    case EVENT_TAKEN:
    case EVENT_PROGRESS:
      if (hand)
        {
          hand->busy = true;
          hand->at = *event;
        }
      break;
    case EVENT_RESULT:
      if (hand)
        hand->busy = false;
      if (event->end == TUNER_INTERRUPTED)
        break;
      if (lead->n_results == lead->results_size)
        {
          lead->results_size = lead->results_size ? 2 * lead->results_size : 32;
          lead->result = realloc (lead->result, lead->results_size * sizeof *lead->result);
          if (!lead->result)
            abort ();
        }
      lead->result[lead->n_results++] = *event;
      break;
    case EVENT_ERROR:
      if (hand)
        hand->busy = false;
      lead->failed = true;
      progress__clear (lead->progress);
      cli__error ("aiopt tune", "%s%s%s: %s", event->function, event->function[0] ? ": " : "",
                  reason__text (event->why.reason), event->why.detail);
      break;
    }
  lead__show (lead);
}

/* Starts a worker.  */
static int
lead__start (struct lead *lead, struct hand *hand)
{
  fflush (NULL);
  pid_t parent = getpid (), pid = fork ();
  if (pid < 0)
    return cli__error ("aiopt tune", "can't start a worker: %s", strerror (errno));
  if (pid == 0)
    {
      /* A group of its own: Ctrl-C reaches the leader, which tells the workers.  */
      setpgid (0, 0);
      prctl (PR_SET_PDEATHSIG, SIGTERM);
      if (getppid () != parent)
        _exit (1);
      struct sigaction ignore = { .sa_handler = SIG_IGN };
      sigaction (SIGPIPE, &ignore, NULL);
      close (lead->pipe[0]);
      _exit (tune__worker (lead->options, lead->workshop, &stop_signal, lead->pipe[1]));
    }
  setpgid (pid, pid);
  *hand = (struct hand){ .pid = pid };
  return 0;
}

/* Gives back the lease of a worker that was killed.  */
static void
lead__return_lease (struct lead *lead, const struct hand *hand)
{
  struct cache *cache;
  struct why why;
  if (!hand->busy || cache__open (lead->options->cache, CACHE_WRITE, &cache, &why) < 0)
    return;
  queue__finish (cache, hand->at.key, false, &why);
  cache__close (cache);
}

/* Reaps what has ended; a worker that crashed is replaced (its lease runs out by itself, and counts).  */
static unsigned
lead__reap (struct lead *lead)
{
  unsigned alive = 0;
  for (unsigned i = 0; i < lead->n_hands; i++)
    {
      struct hand *hand = &lead->hand[i];
      int status;
      if (!hand->pid)
        continue;
      if (waitpid (hand->pid, &status, WNOHANG) != hand->pid)
        {
          alive++;
          continue;
        }
      /* Whatever it may have left in its group.  */
      kill (-hand->pid, SIGKILL);
      bool crashed = WIFSIGNALED (status);
      if (stop_signal)
        lead__return_lease (lead, hand);
      hand->pid = 0;
      if (WIFEXITED (status) && WEXITSTATUS (status))
        lead->failed = true;
      if (crashed && !stop_signal)
        {
          progress__clear (lead->progress);
          cli__error ("aiopt tune", "a worker was killed by signal %d%s%s", WTERMSIG (status),
                      hand->busy ? " while working on " : "", hand->busy ? hand->at.function : "");
          if (lead->restarts++ < RESTARTS_MAX && !lead->options->key && lead__start (lead, hand) == 0)
            alive++;
          else
            lead->failed = true;
        }
    }
  return alive;
}

/* Reads the events that are there.  */
static void
lead__read (struct lead *lead)
{
  struct tune_event event;
  while (read (lead->pipe[0], &event, sizeof event) == (ssize_t) sizeof event)
    lead__event (lead, &event);
}

/* Until all workers have ended.  */
static void
lead__wait (struct lead *lead)
{
  double told = 0;
  for (;;)
    {
      struct pollfd ready = { .fd = lead->pipe[0], .events = POLLIN };
      poll (&ready, 1, 50);
      lead__read (lead);
      if (stop_signal && !told)
        {
          told = clock__now ();
          for (unsigned i = 0; i < lead->n_hands; i++)
            if (lead->hand[i].pid)
              kill (lead->hand[i].pid, SIGTERM);
        }
      if (told && clock__now () - told > GRACE_SECONDS)
        for (unsigned i = 0; i < lead->n_hands; i++)
          if (lead->hand[i].pid)
            kill (-lead->hand[i].pid, SIGKILL);
      if (!lead__reap (lead))
        break;
      lead__show (lead);
    }
  lead__read (lead);
}

/* queue__each's visitor for --dry-run.  */
struct dry_run
{
  const struct tune_options *options;
  cJSON *list;
  unsigned n;
};

static bool
dry_run__visit (void *context, const char *key, const char *function, const char *file,
                unsigned line, const char *state)
{
  struct dry_run *dry = context;
  if ((dry->options->key && strcmp (dry->options->key, key) != 0) || strcmp (state, "waiting") != 0)
    return true;
  dry->n++;
  if (dry->list)
    {
      cJSON *object = cJSON_CreateObject ();
      cJSON_AddStringToObject (object, "key", key);
      cJSON_AddStringToObject (object, "function", function ? function : "");
      cJSON_AddStringToObject (object, "file", file ? file : "");
      cJSON_AddNumberToObject (object, "line", line);
      cJSON_AddItemToArray (dry->list, object);
    }
  else if (!dry->options->quiet)
    {
      printf ("%.16s  ", key);
      terminal__print (stdout, function ? function : "?", 0);
      printf ("  ");
      terminal__print (stdout, file ? file : "", 0);
      printf (":%u\n", line);
    }
  return true;
}

static int
tune__dry_run (const struct tune_options *options, struct cache *cache)
{
  struct dry_run dry = { .options = options };
  cJSON *root = NULL;
  if (options->json)
    {
      root = cJSON_CreateObject ();
      dry.list = cJSON_AddArrayToObject (root, "would_tune");
    }
  struct why why = { 0 };
  int status = CLI_OK;
  if (queue__each (cache, NULL, dry_run__visit, &dry, &why) < 0)
    status = cli__error ("aiopt tune", "%s: %s", reason__text (why.reason), why.detail);
  else if (options->json)
    {
      char *text = cJSON_PrintUnformatted (root);
      puts (text);
      free (text);
    }
  else if (!options->quiet)
    printf ("%u to work on, with %s and %g s each\n", dry.n, options->policy, options->budget_seconds);
  cJSON_Delete (root);
  return status;
}

/* Handles the signals that end a run.  */
static void
signals__catch (void)
{
  struct sigaction action = { .sa_handler = handle_stop };
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGHUP, &action, NULL);
}

/* Reads the settings into COMMAND's options, where the command line left them open.  CLI_OK, or the exit status after an error
   message.  */
static int
command__complete (struct command *command)
{
  struct tune_options *options = &command->options;
  struct why why = { 0 };
  /* Whom a build started has nobody who reads what it prints.  */
  int failed = options->key ? CLI_CONFIG : CLI_FAILED;
  struct config *config = options->config = config__read (&why);
  if (!config)
    {
      cli__error ("aiopt tune", "%s", why.detail);
      return failed;
    }
  for (unsigned i = 0; i < command->n_set; i++)
    if (config__set (config, command->set[i], &why) < 0)
      return cli__usage ("aiopt tune", "%s", why.detail);
  if (!options->policy)
    {
      options->policy = config__text (config, "tune.policy");
      if (policy__check_list (options->policy, &why) < 0)
        {
          cli__error ("aiopt tune", "%s: tune.policy: %s", config__origin (config, "tune.policy"), why.detail);
          return failed;
        }
    }
  if (options->budget_seconds == 0)
    options->budget_seconds = config__number (config, "tune.budget");
  if (options->jobs == 0)
    options->jobs = (unsigned) config__number (config, "tune.jobs");
  if (!command->accept_given)
    accept__parse (config__text (config, "tune.accept"), &options->accept);
  struct model_settings settings;
  config__model (config, NULL, &settings);
  if ((settings.function.money > 0 || settings.run.money > 0) && !model_settings__has_price (&settings))
    {
      cli__error ("aiopt tune", "llm.price is '%s', so what requests cost isn't known, and llm.%s-money would limit nothing",
                  config__text (config, "llm.price"), settings.run.money > 0 ? "run" : "function");
      return failed;
    }
  if (!options->cache && *config__text (config, "tune.cache"))
    options->cache = config__text (config, "tune.cache");
  return CLI_OK;
}

/* Works on OPTIONS' cache.  The exit status.  */
static int
tune (const struct tune_options *given)
{
  struct tune_options options = *given;
  char *directory = options.cache ? strdup (options.cache) : cache__default_directory ();
  options.cache = directory;
  struct cache *cache;
  unsigned waiting = 0, leased = 0;
  struct why why = { 0 };
  int status = cli__open_cache ("aiopt tune", directory, options.dry_run ? CACHE_READ : CACHE_WRITE, &cache);
  if (status != CLI_OK)
    {
      free (directory);
      return status;
    }
  if (options.show_prompt)
    status = tune__show_prompts (&options, cache, config__is_on (options.config, "llm.redact"));
  else if (options.dry_run)
    status = tune__dry_run (&options, cache);
  else if (queue__count (cache, &waiting, &leased, &why) < 0)
    status = cli__error ("aiopt tune", "%s: %s", reason__text (why.reason), why.detail);
  /* SQLite handles don't go through fork.  */
  cache__close (cache);
  if (options.dry_run || status != CLI_OK)
    {
      free (directory);
      return status;
    }

  struct lead *lead = calloc (1, sizeof *lead);
  if (!lead)
    abort ();
  lead->options = &options;
  lead->total = options.key ? 1 : waiting;
  lead->n_hands = options.jobs ? options.jobs : processors ();
  if (lead->n_hands > (lead->total ? lead->total : 1))
    lead->n_hands = lead->total ? lead->total : 1;
  if (lead->n_hands > JOBS_MAX)
    lead->n_hands = JOBS_MAX;
  if (pipe2 (lead->pipe, O_CLOEXEC) != 0)
    {
      status = cli__error ("aiopt tune", "%s", strerror (errno));
      free (lead);
      free (directory);
      return status;
    }
  fcntl (lead->pipe[0], F_SETFL, O_NONBLOCK);
  signals__catch ();
  lead->workshop = workshop__new ();
  workshop__stop_on (lead->workshop, &stop_signal);
  struct model_settings settings;
  config__model (options.config, directory, &settings);
  /* All workers have one account: limits are the run's.  */
  bool asks = policy__converses (options.policy);
  struct account *account = asks ? account__open (&settings, directory, !options.key) : NULL;
  workshop__ask (lead->workshop, &settings, account);
  /* All temporary files of this run go where one call removes them.  */
  if (workshop__directory (lead->workshop))
    setenv ("TMPDIR", workshop__directory (lead->workshop), 1);
  for (unsigned i = 0; i < lead->n_hands; i++)
    if (lead__start (lead, &lead->hand[i]) != 0)
      {
        lead->failed = i == 0;
        lead->n_hands = i;
      }
  lead->progress = progress__new (stderr, options.quiet || options.json);
  lead__show (lead);
  lead__wait (lead);
  progress__finish (lead->progress);
  close (lead->pipe[0]);
  close (lead->pipe[1]);
  workshop__free (lead->workshop);

  if (cache__open (directory, CACHE_READ, &cache, &why) == 0)
    {
      queue__count (cache, &waiting, &leased, &why);
      cache__close (cache);
    }
  struct spent spent;
  if (asks)
    account__spent (account, &spent);
  struct tune_report report = {
    .result = lead->result,
    .n_results = lead->n_results,
    .waiting = waiting,
    .interrupted = stop_signal != 0,
    .asked = asks ? &spent : NULL,
    .priced = model_settings__has_price (&settings),
  };
  tune_report__sort (&report);
  if (options.json)
    tune__print_json (&report);
  else if (!options.quiet)
    tune__print_table (&report);
  account__close (account);
  status = stop_signal ? 128 + stop_signal : lead->failed ? CLI_FAILED : CLI_OK;
  free (lead->result);
  free (lead);
  free (directory);
  return status;
}

int
cli_tune (int argc, char **argv)
{
  struct command command = { .n_set = 0 };
  argp_parse (&tune_argp, argc, argv, 0, NULL, &command);
  int status = command__complete (&command);
  if (status == CLI_OK)
    status = tune (&command.options);
  config__free (command.options.config);
  return status;
}
