/* How many runs a second the sandbox makes: a small function with one page, and with an AVX-512 state.
   Not a test: its figures are for people.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/sandbox-fixture.h"
#include <time.h>

static double
seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

enum { BATCH = 256, ROUNDS = 200 };

static void
measure (struct sandbox *sandbox, const char *name, unsigned n_spans, bool wide)
{
  struct why why = { 0 };
  static struct outcome outcomes[BATCH];
  const struct state *states[BATCH];
  for (unsigned i = 0; i < BATCH; i++)
    {
      struct state *state = state__make ();
      if (!n_spans)
        state->n_spans = 0, free (state->span[0].bytes);
      if (wide)
        state->machine.vec[1][40] = 1;
      state->seed = i;
      states[i] = state;
    }
  double begin = seconds ();
  for (unsigned i = 0; i < ROUNDS; i++)
    if (sandbox__run (sandbox, 0, states, outcomes, BATCH, 1000, &why) != 0)
      {
        printf ("%s\n", why.detail);
        exit (1);
      }
  double end = seconds ();
  printf ("%-28s %.0f runs/s, status %d, %llu ticks in the sandbox\n", name,
          BATCH * ROUNDS / (end - begin), outcomes[BATCH - 1].status,
          (unsigned long long) outcomes[BATCH - 1].ticks);
  for (unsigned i = 0; i < BATCH; i++)
    state__drop ((struct state *) states[i]);
}

int
main (void)
{
  struct why why = { 0 };
  struct image *image = image__make ("lea 1(%rdi), %rax\n ret", 0);
  const struct image *images[] = { image };
  struct sandbox *sandbox;
  if (sandbox__open (NULL, images, 1, NULL, &sandbox, &why) != 0)
    {
      printf ("%s\n", why.detail);
      return 1;
    }
  measure (sandbox, "no memory", 0, false);
  measure (sandbox, "one page", 1, false);
  measure (sandbox, "one page, wide vectors", 1, true);
  sandbox__close (sandbox);
  image__drop (image);
  char *doctor = sandbox__doctor ();
  fputs (doctor, stdout);
  free (doctor);
  return 0;
}
