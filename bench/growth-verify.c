/* How long a verification takes, against the function's size: straight lines of integer operations, and loops whose
   bodies grow.  Original -O2, candidate the same source by GCC with other flags, so that registers and order differ.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Operations of the source; each comes to about an instruction.  */
static const unsigned line_sizes[] = { 10, 30, 100, 300, 1000 };
static const unsigned loop_sizes[] = { 4, 16, 64, 256 };

/* N operations on x, y and z, every fifth of them with a constant of its own.  */
static void
write_operations (FILE *f, unsigned n, const char *indent)
{
  for (unsigned i = 0; i < n; i++)
    {
      fputs (indent, f);
      switch (i % 5)
        {
        case 0:
          fprintf (f, "x = x + y;\n");
          break;
        case 1:
          fprintf (f, "y = y ^ x;\n");
          break;
        case 2:
          fprintf (f, "z = z + %uu;\n", i * 2654435761u | 1);
          break;
        case 3:
          fprintf (f, "x = x ^ (z >> %u);\n", 1 + i % 31);
          break;
        default:
          fprintf (f, "z = z - y;\n");
        }
    }
}

/* The function of N operations, a loop's body or not, to PATH.  */
static int
write_source (const char *path, unsigned n, bool loop)
{
  FILE *f = fopen (path, "w");
  if (!f)
    return growth__fail ("%s can't be written", path);
  fputs ("#include <stddef.h>\n#include <stdint.h>\nuint32_t\nf (", f);
  if (loop)
    {
      fputs ("const uint32_t *p, size_t n)\n{\n  uint32_t x = 1, y = 2, z = 3;\n"
             "  for (size_t i = 0; i < n; i++)\n    {\n      y += p[i];\n", f);
      write_operations (f, n, "      ");
      fputs ("    }\n", f);
    }
  else
    {
      fputs ("uint32_t x, uint32_t y, uint32_t z)\n{\n", f);
      write_operations (f, n, "  ");
    }
  fputs ("  return x ^ y ^ z;\n}\n", f);
  return fclose (f) == 0 ? 0 : growth__fail ("%s can't be written", path);
}

static double
number_at (const cJSON *json, const char *a, const char *b, const char *c)
{
  const cJSON *item = cJSON_GetObjectItem (cJSON_GetObjectItem (json, "evidence"), a);
  if (b)
    item = cJSON_GetObjectItem (item, b);
  if (c)
    item = cJSON_GetObjectItem (item, c);
  return cJSON_IsNumber (item) ? item->valuedouble : 0;
}

static int
measure (const struct growth *growth, unsigned n, bool loop, cJSON *rows)
{
  unsigned runs = growth->quick ? 1 : 3;
  double seconds[3], instructions = 0, tests = 0, proof = 0;
  char verdict[20] = "";
  char *source = growth__text ("%s/verify.c", growth->work), *output = growth__text ("%s/verify.json", growth->work);
  char *aiopt = growth__text ("%s/cli/aiopt", growth->build), *gcc = growth__text ("--gcc=%s", growth->gcc);
  /* A busy machine makes for few rounds, not for another verdict: time enough.  */
  char *argv[] = { aiopt, (char *)"verify", source, source, (char *)"--function=f",
                   (char *)(loop ? "--candidate-cflags=-O3 -funroll-loops" : "--candidate-cflags=-O1 -fno-tree-ter"),
                   (char *)"--budget=20", (char *)"--json", gcc, NULL };
  int status = write_source (source, n, loop);
  for (unsigned i = 0; status == 0 && i < runs; i++)
    {
      int exit_status = growth__run (growth, argv, output, &seconds[i], NULL);
      cJSON *json = exit_status >= 0 && exit_status <= 2 ? growth__read_json (output) : NULL;
      const char *name = cJSON_GetStringValue (cJSON_GetObjectItem (json, "verdict"));
      if (!name)
        status = growth__fail ("verifying %u operations failed", n);
      else if (strcmp (name, "refuted") == 0)
        status = growth__fail ("%u operations of GCC's against GCC's: refuted", n);
      else
        {
          snprintf (verdict, sizeof verdict, "%s", name);
          instructions = number_at (json, "coverage", "original", "instructions");
          tests = number_at (json, "tests_total", NULL, NULL);
          proof = number_at (json, "proof", "seconds", NULL);
        }
      cJSON_Delete (json);
    }
  if (status == 0)
    {
      double median = statistics__median (seconds, runs);
      cJSON *row = cJSON_CreateObject ();
      cJSON_AddItemToArray (rows, row);
      cJSON_AddStringToObject (row, "shape", loop ? "loop" : "line");
      cJSON_AddNumberToObject (row, "operations", n);
      cJSON_AddNumberToObject (row, "instructions", instructions);
      cJSON_AddStringToObject (row, "verdict", verdict);
      cJSON_AddNumberToObject (row, "seconds", median);
      cJSON_AddNumberToObject (row, "proof_seconds", proof);
      cJSON_AddNumberToObject (row, "tests", tests);
      printf ("%-5s  %10u  %12.0f  %-8s  %8.2f  %8.2f  %9.0f\n", loop ? "loop" : "line", n, instructions, verdict,
              median, proof, tests);
      fflush (stdout);
    }
  free (source);
  free (output);
  free (aiopt);
  free (gcc);
  return status;
}

int
growth__verify (struct growth *growth)
{
  cJSON *rows = cJSON_AddArrayToObject (growth->json, "verify");
  printf ("\nVerification time against the function's size (whole command, median of %d)\n"
          "%-5s  %10s  %12s  %-8s  %8s  %8s  %9s\n", growth->quick ? 1 : 3, "shape", "operations", "instructions",
          "verdict", "seconds", "proof, s", "tests");
  int status = 0;
  for (unsigned i = 0; status == 0 && i < sizeof line_sizes / sizeof *line_sizes; i++)
    status = measure (growth, line_sizes[i], false, rows);
  for (unsigned i = 0; status == 0 && i < sizeof loop_sizes / sizeof *loop_sizes; i++)
    status = measure (growth, loop_sizes[i], true, rows);
  return status;
}
