/* What the runner measured becomes a table, JSON and a picture. bench/run calls this.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/run-result.h"
#include <argp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct arguments
{
  const char *times, *again, *tune, *builds, *run; /* read; AGAIN may be NULL */
  const char *json, *svg, *table;                  /* written, or NULL */
  bool slower;                                     /* print names alone */
};

static const struct argp_option options[] = {
  { "times", 't', "FILE", 0, "What the runner measured (JSON)", 0 },
  { "again", 'a', "FILE", 0, "What it measured in a second run, of kernels that --slower names: takes the first's place", 0 },
  { "tune", 'u', "FILE", 0, "What `aiopt tune --json` printed", 0 },
  { "builds", 'b', "FILE", 0, "Lines of name, command and version of each build", 0 },
  { "run", 'r', "FILE", 0, "Lines of name and value: version, commit, budget, jobs", 0 },
  { "json", 'j', "FILE", 0, "Write the results there", 1 },
  { "svg", 's', "FILE", 0, "Write a picture there", 1 },
  { "table", 'T', "FILE", 0, "Write the table there too, for 80 columns", 1 },
  { "slower", 'S', 0, 0, "Print the names of kernels that are slower than -O2 by their interval, and nothing else", 1 },
  { 0 },
};

static error_t
parse (int key, char *value, struct argp_state *state)
{
  struct arguments *arguments = state->input;
  switch (key)
    {
    case 't':
      arguments->times = value;
      return 0;
    case 'a':
      arguments->again = value;
      return 0;
    case 'S':
      arguments->slower = true;
      return 0;
    case 'u':
      arguments->tune = value;
      return 0;
    case 'b':
      arguments->builds = value;
      return 0;
    case 'r':
      arguments->run = value;
      return 0;
    case 'j':
      arguments->json = value;
      return 0;
    case 's':
      arguments->svg = value;
      return 0;
    case 'T':
      arguments->table = value;
      return 0;
    case ARGP_KEY_END:
      if (!arguments->times || !arguments->tune || !arguments->builds || !arguments->run)
        argp_error (state, "expected --times, --tune, --builds and --run");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static void
print_json (const struct run_result *result, FILE *f)
{
  cJSON *json = run_result__json (result);
  char *text = cJSON_Print (json);
  fprintf (f, "%s\n", text ? text : "");
  free (text);
  cJSON_Delete (json);
}

static void
print_narrow_table (const struct run_result *result, FILE *f)
{
  run_result__print_table (result, f, 80);
}

/* Writes FILE whole or not at all: what was there stays until the new one is complete.  */
static bool
write_file (const struct run_result *result, const char *file, void (*print) (const struct run_result *, FILE *))
{
  char *temporary;
  if (!file)
    return true;
  if (asprintf (&temporary, "%s.new", file) < 0)
    return false;
  FILE *f = fopen (temporary, "w");
  bool written = f != NULL;
  if (f)
    {
      print (result, f);
      written = !ferror (f);
      if (fclose (f) != 0)
        written = false;
    }
  written = written && rename (temporary, file) == 0;
  if (!written)
    {
      perror (file);
      unlink (temporary);
    }
  free (temporary);
  return written;
}

/* Of the terminal, else of COLUMNS, else 80.  */
static unsigned
columns (void)
{
  struct winsize size;
  if (ioctl (1, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *given = getenv ("COLUMNS");
  return given && atoi (given) > 0 ? (unsigned) atoi (given) : 80;
}

int
main (int argc, char **argv)
{
  static const struct argp argp = { options, parse, NULL, "Reports on a run of the benchmark.", NULL, NULL, NULL };
  struct arguments arguments = { 0 };
  argp_err_exit_status = 64;
  argp_parse (&argp, argc, argv, 0, NULL, &arguments);
  struct run_result result;
  int status = 1;
  if (!run_result__load (&result, arguments.times, arguments.again, arguments.tune, arguments.builds, arguments.run))
    status = 1;
  else if (arguments.slower)
    {
      for (unsigned k = 0; k < result.n_kernels; k++)
        if (run_result__is_slower (&result, &result.kernel[k]))
          printf ("%s\n", result.kernel[k].name);
      status = fflush (stdout) == 0 ? 0 : 1;
    }
  else
    {
      run_result__print_table (&result, stdout, columns ());
      if (write_file (&result, arguments.json, print_json)
          && write_file (&result, arguments.svg, run_result__print_picture)
          && write_file (&result, arguments.table, print_narrow_table) && fflush (stdout) == 0)
        status = 0;
    }
  run_result__free (&result);
  return status;
}
