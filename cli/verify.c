/* `aiopt verify ORIGINAL.c --function F CANDIDATE.{s,c}`: one verdict, without cache or queue.
   The original is compiled by GCC with the plugin, which collects the function's region into a temporary cache;
   so the facts are the very ones that a build has.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "policy/policy.h"
#include "policy/process.h"
#include "sandbox/sandbox.h"
#include "verify/verify.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CANDIDATE_FILE_MAX = 4 << 20, REPORT_MAX = 16 << 20, FLAGS_MAX = 32 };

#define COMPILE_SECONDS 60.0

struct verify_arguments
{
  const char *replay, *cache;
  const char *original, *candidate, *function, *candidate_cflags, *gcc, *isa;
  enum accept accept;
  double budget_seconds;
  uint64_t seed;
  bool json;
  char **cflags; /* after "--" */
  int n_cflags;
};

enum { KEY_FUNCTION = 1, KEY_CANDIDATE_CFLAGS, KEY_ACCEPT, KEY_BUDGET, KEY_JSON, KEY_ISA, KEY_GCC, KEY_SEED,
       KEY_REPLAY, KEY_CACHE };

static error_t
parse_option (int key, char *argument, struct argp_state *state)
{
  struct verify_arguments *arguments = state->input;
  enum isa_mode mode;
  double number;
  switch (key)
    {
    case KEY_FUNCTION:
    case 'f':
      arguments->function = argument;
      return 0;
    case KEY_CANDIDATE_CFLAGS:
      arguments->candidate_cflags = argument;
      return 0;
    case KEY_ACCEPT:
      if (accept__parse (argument, &arguments->accept) < 0)
        argp_error (state, "--accept wants tested, bounded or proved, not '%s'", argument);
      return 0;
    case KEY_BUDGET:
      if (cli__number (argument, 0.05, 86400, &number) < 0)
        argp_error (state, "--budget wants seconds from 0.05 to 86400, not '%s'", argument);
      arguments->budget_seconds = number;
      return 0;
    case KEY_SEED:
      if (cli__number (argument, 1, 9007199254740992.0, &number) < 0)
        argp_error (state, "--seed wants a number from 1, not '%s'", argument);
      arguments->seed = (uint64_t) number;
      return 0;
    case KEY_ISA:
      if (isa_mode__parse (argument, &mode) < 0 || mode == ISA_MODE_DISPATCH)
        argp_error (state, "--isa wants build or native, not '%s'", argument);
      arguments->isa = argument;
      return 0;
    case KEY_GCC:
      arguments->gcc = argument;
      return 0;
    case KEY_JSON:
      arguments->json = true;
      return 0;
    case KEY_REPLAY:
      arguments->replay = argument;
      return 0;
    case KEY_CACHE:
      arguments->cache = argument;
      return 0;
    case ARGP_KEY_ARG:
      if (!arguments->original)
        arguments->original = argument;
      else if (!arguments->candidate)
        arguments->candidate = argument;
      else
        argp_error (state, "unexpected argument '%s'", argument);
      return 0;
    case ARGP_KEY_END:
      if (arguments->replay && (arguments->original || arguments->function || arguments->n_cflags))
        argp_error (state, "--replay stands alone: what is replayed has its original and candidate in it");
      if (arguments->replay)
        return 0;
      if (!arguments->original || !arguments->candidate)
        argp_error (state, "ORIGINAL and CANDIDATE are needed");
      if (!arguments->function || !arguments->function[0])
        argp_error (state, "--function is needed");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option verify_arguments[] = {
  { "function", KEY_FUNCTION, "NAME", 0, "The function that CANDIDATE replaces", 0 },
  { NULL, 'f', "NAME", OPTION_HIDDEN, NULL, 0 },
  { "candidate-cflags", KEY_CANDIDATE_CFLAGS, "FLAGS", 0,
    "More flags for a C candidate, after ORIGINAL's and -O3: -O…, optimizer flags, -m features within the allowed "
    "instruction set", 0 },
  { "accept", KEY_ACCEPT, "LEVEL", 0, "Weakest verdict that exits with 0: tested (default), bounded or proved", 0 },
  { "budget", KEY_BUDGET, "SECONDS", 0, "Wall-clock time for verifying (default 10; --replay: 4 times the evidence's, 10 at least)", 0 },
  { "isa", KEY_ISA, "MODE", 0, "What the candidate may use: native (default) or build, as ORIGINAL's flags", 0 },
  { "gcc", KEY_GCC, "COMMAND", 0, "The GCC that the plugin was built for", 0 },
  { "seed", KEY_SEED, "N", 0, "Seed of the tests (default: from the region)", 0 },
  { "json", KEY_JSON, NULL, 0, "Print the verdict as JSON", 0 },
  { "replay", KEY_REPLAY, "KEY|FILE", 0,
    "Run the evidence of the cache's entry KEY again (a key, or its first digits), or the counterexample in FILE, as "
    "--json printed it; needs no network, source or compiler", 0 },
  { "cache", KEY_CACHE, "DIR", 0, "For --replay: use the cache in DIR", 0 },
  { 0 },
};

static const struct argp verify_argp
  = { verify_arguments, parse_option, "ORIGINAL.c CANDIDATE.{s,c} [-- CFLAGS...]\n--replay KEY|FILE",
      "Is CANDIDATE the same function as NAME in ORIGINAL, compiled with CFLAGS (default -O2)?\v"
      "A C candidate is compiled with CFLAGS and -O3; its #include \"…\" finds what stands beside it or beside "
      "ORIGINAL.  "
      "Proved holds for all states on which the original comes to its end, bounded for those on which its loops go round no more "
      "often than the evidence says, tested for those that were run; doc/verification.md says under which assumptions.  Calls kept "
      "by aiopt record are used by aiopt tune and by --replay KEY.  "
      "Exit status: 0 proved, bounded or tested at or above LEVEL; 1 refuted; 2 unknown, or below LEVEL; 64 wrong usage.  With "
      "--replay: the same where the stored verdict is confirmed, 3 where it isn't.",
      NULL, NULL, NULL };

/* A run's temporary folder, removed at its end; a signal only ends what the run waits for.  */
static volatile sig_atomic_t stop_signal;

static void
handle_stop (int number)
{
  stop_signal = number;
}

/* The plugin: beside this program in a build tree, or where it was installed.  Malloc'ed, NULL where it is
   in neither.  */
static char *
plugin__find (void)
{
  char self[PATH_MAX], *path;
  ssize_t n = readlink ("/proc/self/exe", self, sizeof self - 1);
  if (n > 0)
    {
      self[n] = 0;
      char *slash = strrchr (self, '/');
      *slash = 0;
      if (asprintf (&path, "%s/../plugin/aiopt.so", self) >= 0)
        {
          char *real = realpath (path, NULL);
          free (path);
          if (real)
            return real;
        }
    }
#ifdef AIOPT_PLUGINDIR
  if (access (AIOPT_PLUGINDIR "/aiopt.so", R_OK) == 0)
    return strdup (AIOPT_PLUGINDIR "/aiopt.so");
#endif
  return NULL;
}

/* What the plugin's report says about FUNCTION: sets *WHY and returns true where it was left alone.  */
static bool
report__reason (const char *path, const char *function, struct why *why)
{
  char *text = file__read (path, REPORT_MAX, NULL);
  cJSON *root = text ? cJSON_Parse (text) : NULL;
  free (text);
  const cJSON *list = cJSON_IsArray (root) ? root : cJSON_GetObjectItemCaseSensitive (root, "functions");
  const cJSON *item;
  bool found = false;
  cJSON_ArrayForEach (item, list)
  {
    const cJSON *name = cJSON_GetObjectItemCaseSensitive (item, "function");
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive (item, "reason");
    const cJSON *detail = cJSON_GetObjectItemCaseSensitive (item, "detail");
    if (!cJSON_IsString (name) || !cJSON_IsString (reason) || strcmp (name->valuestring, function) != 0)
      continue;
    enum reason slug = reason__from_slug (reason->valuestring);
    if (slug == REASON_NONE || slug == REASON_MISS)
      continue;
    why__set (why, slug, "%.200s", cJSON_IsString (detail) ? detail->valuestring : "");
    found = true;
  }
  cJSON_Delete (root);
  return found;
}

/* Finds FUNCTION's region among the queued ones.  */
struct finder
{
  const char *function;
  char key[65];
};

static bool
finder__visit (void *context, const char *key, const char *function, const char *file,
               unsigned line, const char *state)
{
  struct finder *finder = context;
  (void) file;
  (void) line;
  (void) state;
  if (function && strcmp (function, finder->function) == 0)
    {
      snprintf (finder->key, sizeof finder->key, "%s", key);
      return false;
    }
  return true;
}

/* Compiles the original with the plugin and gives the function's region, in ARENA.  0; -1 and *WHY where there is none;
   CLI_USAGE after a message where the original doesn't compile.  */
static int
original__collect (const struct verify_arguments *arguments, const char *directory,
                   struct arena *arena, struct region **region, struct why *why)
{
  char *plugin = plugin__find ();
  if (!plugin)
    return cli__usage ("aiopt verify", "aiopt.so is neither beside this program (../plugin) nor installed");
  const char *report = arena__printf (arena, "%s/report.json", directory);
  const char *errors = arena__printf (arena, "%s/errors", directory);
  const char *cache_directory = arena__printf (arena, "%s/cache", directory);
  struct arguments command = { 0 };
  arguments__add (&command, arguments->gcc);
  if (arguments->n_cflags == 0)
    arguments__add (&command, "-O2");
  for (int i = 0; i < arguments->n_cflags; i++)
    arguments__add (&command, arguments->cflags[i]);
  arguments__add (&command, arena__printf (arena, "-fplugin=%s", plugin));
  arguments__add (&command, "-fplugin-arg-aiopt-mode=collect");
  arguments__add (&command, arena__printf (arena, "-fplugin-arg-aiopt-hot=%s", arguments->function));
  arguments__add (&command, arena__printf (arena, "-fplugin-arg-aiopt-cache=%s", cache_directory));
  arguments__add (&command, arena__printf (arena, "-fplugin-arg-aiopt-isa=%s", arguments->isa));
  arguments__add (&command, arena__printf (arena, "-fplugin-arg-aiopt-report=%s", report));
  arguments__add (&command, "-c");
  arguments__add (&command, "-o");
  arguments__add (&command, arena__printf (arena, "%s/original.o", directory));
  arguments__add (&command, arguments->original);
  free (plugin);
  struct process_options options
    = { .errors = errors, .limit_seconds = COMPILE_SECONDS, .stop = &stop_signal };
  int status = process__run (&command, &options, why);
  arguments__free (&command);
  if (status < 0)
    {
      char *text = file__read (errors, REPORT_MAX, NULL);
      if (text)
        fputs (text, stderr);
      free (text);
      return cli__usage ("aiopt verify", "%s can't be compiled: %s", arguments->original, why->detail);
    }
  struct cache *cache;
  if (cache__open (cache_directory, CACHE_READ, &cache, why) < 0)
    return -1;
  struct finder finder = { .function = arguments->function };
  char *json = NULL;
  if (queue__each (cache, NULL, finder__visit, &finder, why) < 0)
    status = -1;
  else if (finder.key[0])
    json = cache__region (cache, finder.key);
  cache__close (cache);
  if (json)
    {
      status = region__from_json (arena, json, region, why);
      free (json);
      return status < 0 ? -1 : 0;
    }
  if (status < 0 || report__reason (report, arguments->function, why))
    return -1;
  return cli__usage ("aiopt verify", "%s emits no function %s", arguments->original, arguments->function);
}

/* Reads and, for C, compiles the candidate.  0, -1 and *WHY, or CLI_USAGE after a message.  */
static int
candidate__read (const struct verify_arguments *arguments, const struct region *region,
                 struct candidate **candidate, struct why *why)
{
  const char *dot = strrchr (arguments->candidate, '.');
  bool is_asm = dot && (strcmp (dot, ".s") == 0 || strcmp (dot, ".S") == 0 || strcmp (dot, ".asm") == 0);
  bool is_c = dot && (strcmp (dot, ".c") == 0 || strcmp (dot, ".cc") == 0 || strcmp (dot, ".cpp") == 0
                      || strcmp (dot, ".cxx") == 0 || strcmp (dot, ".C") == 0);
  if (!is_asm && !is_c)
    return cli__usage ("aiopt verify", "%s: a candidate's name ends in .s or .c", arguments->candidate);
  size_t length;
  char *text = file__read (arguments->candidate, CANDIDATE_FILE_MAX, &length);
  if (!text)
    return cli__usage ("aiopt verify", "%s: %s", arguments->candidate,
                       access (arguments->candidate, R_OK) ? strerror (errno) : "not a file of at most 4 MiB");
  const char *flag[FLAGS_MAX];
  unsigned n_flags = 0;
  char *flags = strdup (arguments->candidate_cflags ? arguments->candidate_cflags : ""), *rest = flags;
  for (char *word; (word = strsep (&rest, " \t\n")) && n_flags < FLAGS_MAX;)
    if (*word)
      flag[n_flags++] = word;
  /* The compiler runs in the original's folder.  */
  char *path = realpath (arguments->candidate, NULL), *slash = path ? strrchr (path, '/') : NULL;
  if (slash)
    slash[slash == path] = 0;
  int status = candidate__from_file (region, is_asm ? FORM_ASM : FORM_C, text, length, path, flag, n_flags,
                                     candidate, why);
  free (path);
  free (flags);
  free (text);
  return status;
}

void
verify__show (const struct verdict *verdict, bool accepted, enum accept accept)
{
  enum colour colour = verdict->level == VERDICT_REFUTED   ? COLOUR_RED
                       : verdict->level == VERDICT_UNKNOWN ? COLOUR_YELLOW
                                                           : COLOUR_GREEN;
  printf ("%s%s%s", terminal__sgr (stdout, colour), verdict__name (verdict->level),
          terminal__sgr (stdout, COLOUR_NONE));
  if (verdict->why.reason != REASON_NONE)
    {
      printf (": %s", reason__text (verdict->why.reason));
      if (verdict->why.detail[0])
        {
          printf (" (%s: ", reason__slug (verdict->why.reason));
          terminal__print (stdout, verdict->why.detail, 0);
          putchar (')');
        }
    }
  putchar ('\n');
  cJSON *json = verdict->proof ? cJSON_Parse (verdict->proof) : NULL;
  char *proof = cli__proof (json);
  if (proof && (verdict->level >= VERDICT_TESTED || verdict->level == VERDICT_UNKNOWN))
    {
      fputs ("proof: ", stdout);
      terminal__print (stdout, proof, 0);
      putchar ('\n');
    }
  free (proof);
  cJSON_Delete (json);
  const char *help = verdict->help ? verdict->help
                     : verdict->level == VERDICT_UNKNOWN ? reason__remedy (verdict->why.reason) : NULL;
  if (help)
    {
      fputs ("what would help: ", stdout);
      terminal__print (stdout, help, 0);
      putchar ('\n');
    }
  if (verdict->tests)
    printf ("%llu tests in %.2f s (%.0f a second), %llu followed access by access; %.1f %% of instructions and branch ways "
            "reached; %u of %u mutants killed\n",
            (unsigned long long) verdict->tests, verdict->seconds, verdict->tests_per_second,
            (unsigned long long) verdict->traced, 100 * verdict->coverage, verdict->mutants_killed,
            verdict->mutants_total);
  if (verdict->counterexample)
    {
      puts ("counterexample:");
      for (const char *at = verdict->counterexample; *at;)
        {
          size_t length = strcspn (at, "\n");
          char *line = strndup (at, length);
          printf ("  ");
          terminal__print (stdout, line, 0);
          putchar ('\n');
          free (line);
          at += length + (at[length] == '\n');
        }
    }
  if (!accepted && verdict->level >= VERDICT_TESTED)
    printf ("below what --accept asks for: %s\n", accept__name (accept));
}

/* Everything that needs the temporary DIRECTORY.  */
static int
verify__run (const struct verify_arguments *arguments, const char *directory)
{
  struct arena *arena = arena__new ();
  struct region *region = NULL;
  struct candidate *candidate = NULL;
  struct verifier *verifier = NULL;
  struct verdict verdict = { 0 };
  struct why why = { 0 };
  int status = original__collect (arguments, directory, arena, &region, &why);
  if (status == 0)
    status = candidate__read (arguments, region, &candidate, &why);
  if (status == 0)
    {
      struct verify_options options = { .budget_seconds = arguments->budget_seconds, /* 0: the verifier's own */
                                        .seed = arguments->seed,
                                        .accept = arguments->accept };
      status = verifier__open (region, &options, &verifier, &why);
    }
  if (status <= 0)
    {
      if (status == 0)
        verifier__check (verifier, candidate, &verdict);
      else
        verdict = (struct verdict){ .level = VERDICT_UNKNOWN, .why = why };
      bool accepted = verdict__accepts (&verdict, arguments->accept);
      if (arguments->json)
        {
          char *text = verify__json (&verdict, region, candidate);
          puts (text ? text : "null");
          free (text);
        }
      else
        verify__show (&verdict, accepted, arguments->accept);
      status = accepted                           ? EXIT_ACCEPTED
               : verdict.level == VERDICT_REFUTED ? EXIT_REFUTED
                                                  : EXIT_UNKNOWN;
      if (verdict.arena)
        verdict__free (&verdict);
    }
  if (verifier)
    verifier__close (verifier);
  candidate__free (candidate);
  arena__free (arena);
  return status;
}

int
cli_verify (int argc, char **argv)
{
  struct verify_arguments arguments = { .isa = "native" };
#ifdef AIOPT_TARGET_GCC
  arguments.gcc = AIOPT_TARGET_GCC;
#else
  arguments.gcc = "gcc";
#endif
  /* What follows "--" is the compiler's, and no argument of ours.  */
  int own = argc;
  for (int i = 1; i < argc && own == argc; i++)
    if (strcmp (argv[i], "--") == 0)
      own = i;
  if (own < argc)
    {
      arguments.cflags = argv + own + 1;
      arguments.n_cflags = argc - own - 1;
    }
  argp_parse (&verify_argp, own, argv, 0, NULL, &arguments);
  /* While this program is small.  Where it can't be had the verifier will say so.  */
  struct why why;
  sandbox__prepare (&why);
  if (arguments.replay)
    {
      struct replay_options options = { .what = arguments.replay,
                                        .cache = arguments.cache,
                                        .accept = arguments.accept,
                                        .budget_seconds = arguments.budget_seconds,
                                        .json = arguments.json };
      return verify__replay (&options);
    }
  if (arguments.cache)
    return cli__usage ("aiopt verify", "--cache is for --replay");
  if (access (arguments.original, R_OK) != 0)
    return cli__usage ("aiopt verify", "%s: %s", arguments.original, strerror (errno));
  char *directory = directory__temporary ("aiopt-verify-");
  if (!directory)
    return cli__error ("aiopt verify", "no temporary folder could be made: %s", strerror (errno));
  struct sigaction action = { .sa_handler = handle_stop };
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  int status = verify__run (&arguments, directory);
  directory__remove (directory);
  free (directory);
  return stop_signal ? 128 + stop_signal : status;
}
