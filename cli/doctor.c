/* `aiopt doctor`: what works on this machine, what doesn't, and what would help.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/counters.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/terminal.h"
#include "machine/isa.h"
#include "sandbox/sandbox.h"

#include <Zydis/Zydis.h>
#include <argp.h>
#include <capstone/capstone.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum
{
  KEY_CACHE = 'C',
  KEY_JSON = 'j'
};

struct options
{
  const char *cache;
  bool json;
};

static const struct argp_option option_table[] = {
  { "cache", KEY_CACHE, "DIR", 0, "look at the cache in DIR", 0 },
  { "json", KEY_JSON, NULL, 0, "print JSON", 0 },
  { 0 },
};

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case KEY_CACHE:
      options->cache = argument;
      return 0;
    case KEY_JSON:
      options->json = true;
      return 0;
    case ARGP_KEY_ARG:
      argp_error (state, "unexpected argument '%s'", argument);
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

struct findings
{
  cJSON *json; /* NULL: print */
  unsigned n[3];
};

/* One finding: what was looked at, what was seen, and what to do where it isn't well (may be NULL).
 */
static void
find (struct findings *findings, enum status status, const char *what, const char *seen,
      const char *hint)
{
  static const char *const name[] = { "ok", "warn", "fail" };
  static const enum colour colour[] = { COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED };
  findings->n[status]++;
  if (findings->json)
    {
      cJSON *one = cJSON_CreateObject ();
      cJSON_AddStringToObject (one, "check", what);
      cJSON_AddStringToObject (one, "status", name[status]);
      cJSON_AddStringToObject (one, "detail", seen);
      if (hint && status != STATUS_OK)
        cJSON_AddStringToObject (one, "hint", hint);
      cJSON_AddItemToArray (findings->json, one);
      return;
    }
  printf ("%s%-4s%s  %-12s ", terminal__sgr (stdout, colour[status]), name[status],
          terminal__sgr (stdout, COLOUR_NONE), what);
  terminal__print (stdout, seen, 0);
  putchar ('\n');
  if (hint && status != STATUS_OK)
    printf ("      %-12s -> %s\n", "", hint);
}

/* Runs ARGV; BUFFER[SIZE] gets the first line it prints on standard output or error.  Its exit
   status, or -1.  */
static int
run_line (const char *const *argv, char *buffer, size_t size)
{
  int ends[2];
  buffer[0] = '\0';
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return -1;
  pid_t pid = fork ();
  if (pid == 0)
    {
      int null = open ("/dev/null", O_RDONLY);
      dup2 (null, 0);
      dup2 (ends[1], 1);
      dup2 (ends[1], 2);
      execvp (argv[0], (char *const *)argv);
      _exit (127);
    }
  close (ends[1]);
  size_t used = 0;
  char block[4096];
  ssize_t n;
  while (pid > 0 && ((n = read (ends[0], block, sizeof block)) > 0 || (n < 0 && errno == EINTR)))
    for (ssize_t i = 0; i < n && used + 1 < size; i++)
      buffer[used++] = block[i];
  close (ends[0]);
  buffer[used] = '\0';
  buffer[strcspn (buffer, "\n")] = '\0';
  int status = -1;
  if (pid > 0)
    while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
      ;
  return pid > 0 && WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

/* The plugin: beside this program in a build tree, else where it's installed.  Malloc'ed, or NULL.
 */
static char *
plugin_path (void)
{
  char self[4096], *path = NULL;
  ssize_t n = readlink ("/proc/self/exe", self, sizeof self - 1);
  if (n > 0)
    {
      self[n] = '\0';
      for (int i = 0; i < 2; i++)
        {
          char *slash = strrchr (self, '/');
          if (slash)
            *slash = '\0';
        }
      if (asprintf (&path, "%s/plugin/aiopt.so", self) >= 0 && access (path, R_OK) == 0)
        return path;
      free (path);
      path = NULL;
    }
  if (asprintf (&path, "%s/aiopt.so", AIOPT_PLUGINDIR) >= 0 && access (path, R_OK) == 0)
    return path;
  free (path);
  return NULL;
}

static void
look_at_compilers (struct findings *findings)
{
  char line[400], seen[800];
  if (run_line ((const char *const[]){ AIOPT_TARGET_GCC, "--version", NULL }, line, sizeof line)
      != 0)
    {
      snprintf (seen, sizeof seen, "%s doesn't run", AIOPT_TARGET_GCC);
      find (findings, STATUS_FAIL, "gcc", seen,
            "install the GCC this aiopt was built for, or rebuild it");
      return;
    }
  find (findings, STATUS_OK, "gcc", line, NULL);
  char *plugin = plugin_path ();
  if (!plugin)
    find (findings, STATUS_FAIL, "plugin", "no aiopt.so beside this program or in " AIOPT_PLUGINDIR,
          "make, or make install");
  else
    {
      char *argument = NULL;
      if (asprintf (&argument, "-fplugin=%s", plugin) >= 0)
        {
          const char *const compile[] = { AIOPT_TARGET_GCC,
                                          argument,
                                          "-fplugin-arg-aiopt-mode=off",
                                          "-O2",
                                          "-S",
                                          "-x",
                                          "c",
                                          "-o",
                                          "/dev/null",
                                          "/dev/null",
                                          NULL };
          int status = run_line (compile, line, sizeof line);
          snprintf (seen, sizeof seen, "%s %s%s", plugin,
                    status == 0 ? "loads" : "doesn't load: ", status == 0 ? "" : line);
          find (findings, status == 0 ? STATUS_OK : STATUS_FAIL, "plugin", seen,
                "a plugin fits one build of GCC only: configure --with-gcc=… and make again");
          free (argument);
        }
      free (plugin);
    }
  if (run_line ((const char *const[]){ "clang", "--version", NULL }, line, sizeof line) == 0)
    find (findings, STATUS_OK, "clang", line, NULL);
  else
    find (findings, STATUS_WARN, "clang", "not installed: a second source of candidates is missing",
          "apt-get install clang");
  if (run_line ((const char *const[]){ "as", "--version", NULL }, line, sizeof line) == 0)
    find (findings, STATUS_OK, "assembler", line, NULL);
  else
    find (findings, STATUS_FAIL, "assembler", "no `as`", "apt-get install binutils");
}

/* The rungs that measuring may stand on here, and what would lift it.  */
static void
look_at_counters (struct findings *findings)
{
  char why[240], hint[240], seen[400], help[400];
  struct counter_setting setting;
  enum rung rung = counters__granted (why, hint, sizeof why);
  counter_setting__read (&setting);
  snprintf (seen, sizeof seen, "%s%s%s", rung == RUNG_NONE ? "" : rung__name (rung),
            rung == RUNG_NONE ? "" : ": ", why);
  if (setting.paranoid != INT_MIN && !strstr (why, "perf_event_paranoid"))
    snprintf (seen + strlen (seen), sizeof seen - strlen (seen), " (perf_event_paranoid is %d)",
              setting.paranoid);
  snprintf (help, sizeof help, "would grant more: %s", hint);
  find (findings, rung == RUNG_GROUP ? STATUS_OK : STATUS_WARN, "counters", seen,
        *hint ? help : NULL);
  /* What is left without them.  */
  bool tsc = counters__tsc ();
  struct timespec step = { 0 };
  bool raw = clock_getres (CLOCK_MONOTONIC_RAW, &step) == 0;
  snprintf (seen, sizeof seen, "%s%s%s%s", rung__name (RUNG_TASK), tsc ? ", " : "",
            tsc ? rung__name (RUNG_TSC) : "", raw ? ", " : "");
  if (raw)
    snprintf (seen + strlen (seen), sizeof seen - strlen (seen), "%s (steps of %ld ns)",
              rung__name (RUNG_MONOTONIC), step.tv_nsec);
  find (findings, tsc && raw ? STATUS_OK : STATUS_WARN, "clocks", seen,
        tsc ? "a kernel with CLOCK_MONOTONIC_RAW"
            : "a CPU, or virtual machine, with rdtscp and an invariant time-stamp counter");
}

static void
look_at_machine (struct findings *findings)
{
  struct arena *arena = arena__new ();
  char seen[1200];
  snprintf (seen, sizeof seen, "%s: %s", isa__host_cpu (arena), isa__print (arena, isa__host ()));
  find (findings, STATUS_OK, "cpu", seen, NULL);
  arena__free (arena);
  look_at_counters (findings);
}

static void
look_at_sandbox (struct findings *findings)
{
  char *text = sandbox__doctor ();
  if (!text)
    {
      find (findings, STATUS_FAIL, "sandbox", "can't be examined", NULL);
      return;
    }
  char *save = NULL;
  for (char *line = strtok_r (text, "\n", &save); line; line = strtok_r (NULL, "\n", &save))
    {
      const char *value = strchr (line, ':');
      bool no = value && strncmp (value + 1 + strspn (value + 1, " "), "no", 2) == 0;
      /* Without a system-call filter candidates must not run at all.  */
      bool vital = strncmp (line, "seccomp", 7) == 0 || strncmp (line, "sandbox process", 15) == 0
                   || strncmp (line, "containment", 11) == 0;
      find (findings,
            !no     ? STATUS_OK
            : vital ? STATUS_FAIL
                    : STATUS_WARN,
            "sandbox", line,
            vital ? "candidates can't be tried here: a kernel and container with seccomp are needed"
                  : "other protections remain, or less is verified");
    }
  free (text);
}

static void
look_at_cache (struct findings *findings, const char *directory)
{
  char *chosen = NULL, seen[700];
  if (!directory)
    directory = chosen = cache__default_directory ();
  struct stat st;
  struct cache *cache;
  struct why why = { 0 };
  if (stat (directory, &st) != 0)
    {
      /* Not made just for looking: can it be made?  */
      char *parent = strdup (directory);
      for (char *slash; parent && stat (parent, &st) != 0 && (slash = strrchr (parent, '/'));)
        *slash = '\0';
      bool can = parent && access (*parent ? parent : "/", W_OK) == 0;
      snprintf (seen, sizeof seen, "%.600s %s", directory,
                can ? "will be made when needed" : "isn't there and can't be made");
      find (findings, can ? STATUS_OK : STATUS_FAIL, "cache", seen,
            "name another with AIOPT_CACHE");
      free (parent);
    }
  else if (cache__open (directory, CACHE_WRITE, &cache, &why) != 0)
    find (findings, STATUS_FAIL, "cache", why.detail, "name another with AIOPT_CACHE");
  else
    {
      struct cache_stats s;
      if (cache__stats (cache, &s, &why) != 0)
        find (findings, STATUS_FAIL, "cache", why.detail, "aiopt cache check");
      else
        {
          snprintf (seen, sizeof seen, "%.500s is writable: %llu rewrites, %llu waiting", directory,
                    (unsigned long long)s.rewrites, (unsigned long long)s.waiting);
          find (findings, STATUS_OK, "cache", seen, NULL);
        }
      cache__close (cache);
    }
  free (chosen);
}

static void
look_at_libraries (struct findings *findings)
{
  char seen[400];
  int cs_major = 0, cs_minor = 0;
  cs_version (&cs_major, &cs_minor);
  ZyanU64 zydis = ZydisGetVersion ();
  const struct scmp_version *seccomp = seccomp_version ();
  snprintf (seen, sizeof seen,
            "sqlite %s, libsodium %s, cJSON %s, Zydis %llu.%llu.%llu, Capstone %d.%d, libseccomp "
            "%u.%u.%u",
            sqlite3_libversion (), sodium_version_string (), cJSON_Version (),
            (unsigned long long)ZYDIS_VERSION_MAJOR (zydis),
            (unsigned long long)ZYDIS_VERSION_MINOR (zydis),
            (unsigned long long)ZYDIS_VERSION_PATCH (zydis), cs_major, cs_minor,
            seccomp ? seccomp->major : 0, seccomp ? seccomp->minor : 0,
            seccomp ? seccomp->micro : 0);
  find (findings, STATUS_OK, "libraries", seen, NULL);
}

static void
look_at_model (struct findings *findings)
{
  char seen[700];
  const char *hint;
  enum status status = doctor__model (seen, sizeof seen, &hint);
  find (findings, status, "model", seen, hint);
}

int
cli_doctor (int argc, char **argv)
{
  static const struct argp argp
      = { option_table,
          parse,
          "",
          "What works on this machine, what doesn't, and why.\v"
          "Exit status: 0 usable (perhaps with warnings), 1 something that is needed fails.",
          NULL,
          NULL,
          NULL };
  struct options options = { 0 };
  if (argp_parse (&argp, argc, argv, 0, NULL, &options))
    return CLI_USAGE;
  struct findings findings = { .json = options.json ? cJSON_CreateArray () : NULL };
  look_at_compilers (&findings);
  look_at_machine (&findings);
  look_at_sandbox (&findings);
  look_at_cache (&findings, options.cache);
  look_at_libraries (&findings);
  look_at_model (&findings);
  int status = findings.n[STATUS_FAIL] ? CLI_FAILED : CLI_OK;
  if (findings.json)
    {
      cJSON *all = cJSON_CreateObject ();
      cJSON_AddBoolToObject (all, "usable", status == CLI_OK);
      cJSON_AddItemToObject (all, "checks", findings.json);
      char *text = cJSON_Print (all);
      puts (text ? text : "null");
      cJSON_free (text);
      cJSON_Delete (all);
      return status;
    }
  if (status != CLI_OK)
    printf ("\n%u thing%s must be put right before aiopt can work.\n", findings.n[STATUS_FAIL],
            findings.n[STATUS_FAIL] == 1 ? "" : "s");
  else
    printf ("\nusable%s\n", findings.n[STATUS_WARN] ? ", with the warnings above" : "");
  return status;
}
