/* What testsuite/false-accept did, in a folder with a file for each function.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/false-accept-record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const outcome_names[OUTCOMES] = { "refuted", "unknown", "proved", "not-apart", "DIFFERENT", "pending" };

uint64_t
digest (const char *text)
{
  uint64_t h = UINT64_C (0xcbf29ce484222325);
  for (const char *p = text; *p; p++)
    h = (h ^ (unsigned char) *p) * UINT64_C (0x100000001b3);
  return h ^ h >> 29;
}

bool
subject__seen (const struct subject *subject, uint64_t hash)
{
  for (unsigned i = 0; i < subject->n_seen; i++)
    if (subject->seen[i] == hash)
      return true;
  return false;
}

void
subject__note_seen (struct subject *subject, uint64_t hash)
{
  if (subject->n_seen < SEEN_MAX)
    subject->seen[subject->n_seen++] = hash;
}

void
subject__read (const char *folder, const char *name, struct subject *subject)
{
  memset (subject, 0, sizeof *subject);
  snprintf (subject->path, sizeof subject->path, "%s/%s.log", folder, name);
  FILE *in = fopen (subject->path, "r");
  char line[256];
  unsigned refusals = 0;
  while (in && fgets (line, sizeof line, in))
    {
      unsigned number;
      unsigned long long hash;
      char word[24];
      double seconds;
      if (!strchr (line, '\n'))
        break; /* cut off by the end of an earlier run */
      if (line[0] == 'R')
        subject->refused = ++refusals >= REFUSALS;
      else if (line[0] == 'S')
        subject->begun = true;
      else if (sscanf (line, "M %u %llx %23s %lf", &number, &hash, word, &seconds) == 4)
        {
          subject__note_seen (subject, hash);
          subject->next = number + 1;
          subject->seconds += seconds;
          for (unsigned k = 0; k < OUTCOMES; k++)
            if (strcmp (word, outcome_names[k]) == 0)
              subject->outcome[k]++;
          if (strcmp (word, outcome_names[PENDING]) == 0)
            {
              subject->accepted++;
              if (subject->n_pending < sizeof subject->pending / sizeof *subject->pending)
                subject->pending[subject->n_pending++] = number;
            }
        }
      else if (line[0] == 'F')
        subject->second++;
      else if (sscanf (line, "E %u %23s %lf", &number, word, &seconds) == 3)
        {
          unsigned i = 0;
          while (i < subject->n_pending && subject->pending[i] != number)
            i++;
          if (i == subject->n_pending)
            continue; /* two processes have examined it at the end of a run */
          subject->pending[i] = subject->pending[--subject->n_pending];
          subject->outcome[PENDING]--;
          subject->seconds += seconds;
          for (unsigned k = 0; k < OUTCOMES; k++)
            if (strcmp (word, outcome_names[k]) == 0)
              subject->outcome[k]++;
        }
      else if (sscanf (line, "X %u", &number) == 1)
        {
          subject->next = number + 1;
          subject->not_code++;
        }
      else if (sscanf (line, "D %u", &number) == 1)
        {
          subject->next = number + 1;
          subject->repeated++;
        }
    }
  if (in)
    fclose (in);
  subject->refused &= !subject->begun;
}

void
subject__note (const struct subject *subject, const char *format, ...)
{
  FILE *out = fopen (subject->path, "a");
  va_list arguments;
  if (!out)
    {
      fprintf (stderr, "%s: %s\n", subject->path, strerror (errno));
      _exit (1);
    }
  va_start (arguments, format);
  vfprintf (out, format, arguments);
  va_end (arguments);
  fclose (out);
}

unsigned
subject__counted (const struct subject *subject)
{
  return subject->outcome[REFUTED] + subject->outcome[UNKNOWN] + subject->accepted;
}

uint64_t
record__seed (const char *folder, uint64_t wanted)
{
  char path[600];
  uint64_t seed = 0;
  snprintf (path, sizeof path, "%s/seed", folder);
  FILE *file = fopen (path, "r");
  if (file)
    {
      if (fscanf (file, "%" SCNu64, &seed) != 1)
        seed = 0;
      fclose (file);
      if (seed && (!wanted || wanted == seed))
        return seed;
      fprintf (stderr, "%s: mutants with seed %" PRIu64 " are recorded there, not %" PRIu64 "\n", folder, seed, wanted);
      return 0;
    }
  file = fopen (path, "w");
  seed = wanted ? wanted : 1;
  bool written = file && fprintf (file, "%" PRIu64 "\n", seed) > 0;
  if (file && fclose (file) == 0 && written)
    return seed;
  fprintf (stderr, "%s: %s\n", path, strerror (errno));
  return 0;
}
