/* What `aiopt tune` prints when it is done: JSON or a table.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/tune.h"

#include "cli/terminal.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rewrites first, by what they gain, then by name.  */
static int
compare_results (const void *a, const void *b)
{
  const struct tune_event *x = a, *y = b;
  double rx = x->end == TUNER_REWRITE ? x->ratio.estimate : 0;
  double ry = y->end == TUNER_REWRITE ? y->ratio.estimate : 0;
  return rx != ry ? (rx < ry) - (rx > ry) : strcmp (x->function, y->function);
}

void
tune_report__sort (struct tune_report *report)
{
  if (report->n_results)
    qsort (report->result, report->n_results, sizeof *report->result, compare_results);
}

/* Adds what was asked of models to OBJECT.  */
static void
json__add_spent (cJSON *object, const struct spent *spent)
{
  cJSON *llm = cJSON_AddObjectToObject (object, "llm");
  cJSON_AddNumberToObject (llm, "requests", (double) spent->requests);
  cJSON_AddNumberToObject (llm, "prompt_tokens", (double) spent->prompt_tokens);
  cJSON_AddNumberToObject (llm, "answer_tokens", (double) spent->answer_tokens);
  cJSON_AddNumberToObject (llm, "money", spent->money);
  cJSON_AddNumberToObject (llm, "seconds", spent->seconds);
}

void
tune__print_json (const struct tune_report *report)
{
  cJSON *root = cJSON_CreateObject (), *list = cJSON_AddArrayToObject (root, "functions");
  unsigned rewritten = 0;
  for (unsigned i = 0; i < report->n_results; i++)
    {
      const struct tune_event *result = &report->result[i];
      bool rewrite = result->end == TUNER_REWRITE;
      rewritten += rewrite;
      cJSON *object = cJSON_CreateObject ();
      cJSON_AddStringToObject (object, "key", result->key);
      cJSON_AddStringToObject (object, "function", result->function);
      cJSON_AddStringToObject (object, "file", result->file);
      cJSON_AddNumberToObject (object, "line", result->line);
      cJSON_AddBoolToObject (object, "rewritten", rewrite);
      cJSON_AddItemToObject (object, "verdict", rewrite ? cJSON_CreateString (result->verdict) : cJSON_CreateNull ());
      if (result->ratio.estimate > 0)
        {
          cJSON_AddNumberToObject (object, "ratio", result->ratio.estimate);
          cJSON_AddNumberToObject (object, "ratio_low", result->ratio.low);
          cJSON_AddNumberToObject (object, "ratio_high", result->ratio.high);
        }
      else
        cJSON_AddNullToObject (object, "ratio");
      if (rewrite)
        {
          cJSON_AddStringToObject (object, "policy", result->policy);
          cJSON_AddStringToObject (object, "provenance", result->provenance);
        }
      else
        {
          cJSON_AddStringToObject (object, "reason", reason__slug (result->why.reason));
          cJSON_AddStringToObject (object, "detail", result->why.detail);
        }
      cJSON_AddNumberToObject (object, "tried", result->tried);
      cJSON_AddNumberToObject (object, "seconds", result->seconds);
      if (report->asked)
        json__add_spent (object, &result->spent);
      cJSON_AddItemToArray (list, object);
    }
  cJSON_AddNumberToObject (root, "rewritten", rewritten);
  cJSON_AddNumberToObject (root, "left_alone", report->n_results - rewritten);
  cJSON_AddNumberToObject (root, "waiting", report->waiting);
  cJSON_AddBoolToObject (root, "interrupted", report->interrupted);
  if (report->asked)
    {
      json__add_spent (root, report->asked);
      if (rewritten)
        cJSON_AddNumberToObject (cJSON_GetObjectItemCaseSensitive (root, "llm"), "money_per_rewrite", report->asked->money / rewritten);
    }
  char *text = cJSON_PrintUnformatted (root);
  puts (text);
  free (text);
  cJSON_Delete (root);
}

/* Prints TEXT, cleaned, padded to WIDTH columns.  */
static void
print_cell (const char *text, unsigned width)
{
  unsigned n = terminal__print (stdout, text, width);
  printf ("%*s", n < width ? (int) (width - n) : 0, "");
}

void
tune__print_table (const struct tune_report *report)
{
  unsigned rewritten = 0, name_width = 8;
  for (unsigned i = 0; i < report->n_results; i++)
    {
      unsigned length = (unsigned) strlen (report->result[i].function);
      name_width = length > name_width ? length : name_width;
      rewritten += report->result[i].end == TUNER_REWRITE;
    }
  name_width = name_width > 36 ? 36 : name_width;
  if (report->n_results)
    printf ("%s%-*s  %-8s  %-24s  %s%s\n", terminal__sgr (stdout, COLOUR_BOLD), (int) name_width, "function",
            "verdict", "times faster [95 %]", "by / why not", terminal__sgr (stdout, COLOUR_NONE));
  for (unsigned i = 0; i < report->n_results; i++)
    {
      const struct tune_event *result = &report->result[i];
      bool rewrite = result->end == TUNER_REWRITE;
      char ratio[64] = "-";
      if (result->ratio.estimate > 0)
        snprintf (ratio, sizeof ratio, "%.2f [%.2f, %.2f]", result->ratio.estimate, result->ratio.low,
                  result->ratio.high);
      print_cell (result->function, name_width);
      printf ("  %s%-8s%s  %-24s  ", terminal__sgr (stdout, rewrite ? COLOUR_GREEN : COLOUR_DIM),
              rewrite ? result->verdict : "kept", terminal__sgr (stdout, COLOUR_NONE), ratio);
      if (rewrite)
        terminal__print (stdout, result->provenance, 0);
      else
        {
          printf ("%s", reason__slug (result->why.reason));
          if (result->why.detail[0])
            {
              printf (": ");
              terminal__print (stdout, result->why.detail, 0);
            }
        }
      putchar ('\n');
    }
  printf ("%u rewritten, %u kept as GCC wrote them", rewritten, report->n_results - rewritten);
  if (report->waiting)
    printf (", %u still waiting", report->waiting);
  puts (report->interrupted ? " (interrupted)" : "");
  if (!report->asked)
    return;
  const struct spent *asked = report->asked;
  printf ("models: %llu requests, %llu tokens asked, %llu answered", (unsigned long long) asked->requests,
          (unsigned long long) asked->prompt_tokens, (unsigned long long) asked->answer_tokens);
  if (report->priced)
    {
      printf (", cost %.4g", asked->money);
      if (rewritten)
        printf (": %.4g for each function rewritten", asked->money / rewritten);
    }
  putchar ('\n');
}
