/* What came of all forms: TAP for people and Automake, JSON for scripts.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/semantics/compare.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[]
    = { "same", "different", "unmodelled", "refused", "absent", "broken", "untried" };

int
bench__write_json (const struct bench *bench, double seconds)
{
  cJSON *root = cJSON_CreateObject (), *list = cJSON_AddArrayToObject (root, "forms");
  cJSON_AddNumberToObject (root, "seconds", seconds);
  for (unsigned i = 0; i < bench->forms.n; i++)
    {
      const struct result *result = &bench->result[i];
      if (!bench->is_chosen[i] || result->kind == FORM_REFUSED)
        continue;
      cJSON *form = cJSON_CreateObject ();
      cJSON_AddStringToObject (form, "family", bench->forms.form[i].family);
      cJSON_AddStringToObject (form, "form", bench->forms.form[i].text);
      cJSON_AddStringToObject (form, "result", kind_names[result->kind]);
      cJSON_AddNumberToObject (form, "states", (double)result->states);
      cJSON_AddNumberToObject (form, "traps", (double)result->traps);
      cJSON_AddNumberToObject (form, "uncompared", (double)result->uncompared);
      cJSON_AddNumberToObject (form, "differences", (double)result->differences);
      cJSON_AddNumberToObject (form, "seconds", result->seconds);
      if (result->why.detail[0])
        cJSON_AddStringToObject (form, "why", result->why.detail);
      cJSON_AddItemToArray (list, form);
    }
  char *text = cJSON_Print (root);
  FILE *file = text ? fopen (bench->options.json, "w") : NULL;
  int result = -1;
  if (file)
    {
      fprintf (file, "%s\n", text);
      result = fclose (file);
    }
  free (text);
  cJSON_Delete (root);
  return result;
}

unsigned
bench__report (const struct bench *bench, double seconds)
{
  unsigned n_tests = 0, n_failed = 0;
  unsigned long all[FORM_KINDS] = { 0 }, states = 0, traps = 0, uncompared = 0, differences = 0;
  for (unsigned first = 0, end; first < bench->forms.n; first = end)
    {
      const char *family = bench->forms.form[first].family;
      unsigned count[FORM_KINDS] = { 0 }, n = 0;
      unsigned long family_states = 0, family_differences = 0;
      for (end = first; end < bench->forms.n && strcmp (bench->forms.form[end].family, family) == 0;
           end++)
        {
          const struct result *result = &bench->result[end];
          if (!bench->is_chosen[end])
            continue;
          n++;
          count[result->kind]++;
          all[result->kind]++;
          family_states += result->states;
          family_differences += result->differences;
          traps += result->traps;
          uncompared += result->uncompared;
          if (result->kind == FORM_BROKEN
              || (bench->options.verbose && result->kind == FORM_UNMODELLED))
            printf ("# %s: %s: %s\n", kind_names[result->kind], bench->forms.form[end].text,
                    result->why.detail);
          if (result->kind == FORM_DIFFERENT)
            printf ("# different: %s: %lu of %lu states\n", bench->forms.form[end].text,
                    result->differences, result->states);
        }
      if (!n || n == count[FORM_UNTRIED])
        continue;
      bool ok = !count[FORM_DIFFERENT] && !count[FORM_BROKEN];
      printf ("%s %u - %s: %u forms, %lu states, %lu differences in %u; not modelled %u, "
              "no such form %u, not on this CPU %u\n",
              ok ? "ok" : "not ok", ++n_tests, family, count[FORM_SAME] + count[FORM_DIFFERENT],
              family_states, family_differences, count[FORM_DIFFERENT], count[FORM_UNMODELLED],
              count[FORM_REFUSED], count[FORM_ABSENT]);
      n_failed += !ok;
      states += family_states;
      differences += family_differences;
    }
  printf ("# %lu forms compared, %lu states, of them %lu that trap and %lu that can't be compared; "
          "%lu differences in %lu forms; %lu forms not modelled, %lu that don't exist, %lu not on "
          "this CPU\n1..%u\n",
          all[FORM_SAME] + all[FORM_DIFFERENT], states, traps, uncompared, differences,
          all[FORM_DIFFERENT], all[FORM_UNMODELLED], all[FORM_REFUSED], all[FORM_ABSENT], n_tests);
  printf ("# %.1f s\n", seconds);
  if (all[FORM_UNTRIED])
    printf ("# %lu forms not tried: no time left\n", all[FORM_UNTRIED]);
  return n_failed;
}
