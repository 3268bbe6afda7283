/* One form's test: its terms and the CPU on the same states.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/host-registers.h"
#include "testsuite/semantics/compare.h"
#include "machine/isa.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARITHMETIC_FLAGS 0x8d5u

enum
{
  TIMEOUT_MS = 2000,
  TRIES = 20
};

static void
image__fill (struct image *image, uint8_t *page, const struct form *form)
{
  memset (page, 0xcc, SANDBOX_PAGE);
  memcpy (page, form->bytes, form->size);
  page[form->size] = 0xc3; /* ret */
  *image = (struct image){ .base = SANDBOX_CODE_BASE,
                           .entry = SANDBOX_CODE_BASE,
                           .text_size = SANDBOX_PAGE,
                           .size = SANDBOX_PAGE,
                           .bytes = page };
}

/* Where a difference was found, for people.  */
static void
print_difference (const struct bench *bench, const struct form *form, const struct state *before,
                  const struct outcome *found, unsigned expect, const struct machine_state *after,
                  const uint8_t *page)
{
  const struct machine_state *from = &before->machine;
  printf ("# %s: %s\n#  before: rflags %03lx mxcsr %04x", form->family, form->text,
          (unsigned long)from->rflags, from->mxcsr);
  for (unsigned i = 0; i < 16; i++)
    printf ("%s r%u %016lx", i % 4 ? "" : "\n#   ", i, (unsigned long)from->gpr[i]);
  printf ("\n");
  struct recipe uses;
  if (recipe__make (form, &uses) == 0)
    {
      for (unsigned i = 0; i < 32; i++)
        if (uses.vec & 1u << i)
          {
            printf ("#    v%u ", i);
            for (unsigned b = 64; b-- > 0;)
              printf ("%02x%s", from->vec[i][b], b % 8 ? "" : " ");
            printf ("\n");
          }
      for (unsigned i = 0; i < 8; i++)
        if (uses.mask & 1u << i)
          printf ("#    k%u %016lx\n", i, (unsigned long)from->mask[i]);
    }
  if (expect || found->status != RUN_RETURNED)
    {
      printf ("#  CPU: status %d signal %d at %lx; terms expect %s%s%s%s\n", found->status,
              found->signal, (unsigned long)found->fault_address,
              expect & EXPECT_DIVIDE ? "#DE " : "", expect & EXPECT_FAULT ? "a fault " : "",
              expect & EXPECT_TRAP ? "a trap " : "", expect ? "" : "no trap");
      return;
    }
  const struct machine_state *to = &found->machine;
  for (unsigned i = 0; i < 16; i++)
    if (to->gpr[i] != after->gpr[i])
      printf ("#  r%u: CPU %016lx terms %016lx\n", i, (unsigned long)to->gpr[i],
              (unsigned long)after->gpr[i]);
  for (unsigned i = 0; i < bench->n_vec; i++)
    if (memcmp (to->vec[i], after->vec[i], bench->vec_bytes) != 0)
      for (unsigned side = 0; side < 2; side++)
        {
          printf ("#  v%u %s ", i, side ? "terms" : "CPU  ");
          for (unsigned b = bench->vec_bytes; b-- > 0;)
            printf ("%02x%s", (side ? after : to)->vec[i][b], b % 8 ? "" : " ");
          printf ("\n");
        }
  for (unsigned i = 0; i < 8; i++)
    if (to->mask[i] != after->mask[i])
      printf ("#  k%u: CPU %016lx terms %016lx\n", i, (unsigned long)to->mask[i],
              (unsigned long)after->mask[i]);
  if ((to->rflags ^ after->rflags) & ARITHMETIC_FLAGS)
    printf ("#  flags: CPU %03lx terms %03lx differ %03lx\n",
            (unsigned long)(to->rflags & ARITHMETIC_FLAGS),
            (unsigned long)(after->rflags & ARITHMETIC_FLAGS),
            (unsigned long)((to->rflags ^ after->rflags) & ARITHMETIC_FLAGS));
  if (to->mxcsr != after->mxcsr)
    printf ("#  mxcsr: CPU %04x terms %04x\n", to->mxcsr, after->mxcsr);
  for (unsigned i = 0, n = 0; before->n_spans && i < INPUTS_PAGE && n < 8; i++)
    if (found->span_bytes[0][i] != page[i])
      {
        printf ("#  memory page + %u: before %02x CPU %02x terms %02x\n", i,
                before->span[0].bytes[i], found->span_bytes[0][i], page[i]);
        n++;
      }
}

/* Is what the CPU did what the terms say?  */
static bool
is_same (struct bench *bench, const struct form *form, struct prediction *prediction,
         const struct state *before, struct outcome *found, struct result *result)
{
  struct machine_state after;
  uint8_t page[INPUTS_PAGE];
  bool has_page = before->n_spans > 0, has_vectors = prediction__has_vectors (prediction);
  /* The function's end, `ret`, has taken the return address off.  */
  if (found->status == RUN_RETURNED)
    found->machine.gpr[4] -= 8;
  unsigned expect = prediction__run (prediction, before, bench->stack_pointer, &found->machine,
                                     has_page ? found->span_bytes[0] : NULL, &after, page);
  bool same;
  if (expect & EXPECT_UNKNOWN)
    {
      result->uncompared++;
      return true;
    }
  if (expect)
    {
      result->traps++;
      same
          = found->status == RUN_TRAPPED
            && ((expect & EXPECT_DIVIDE && found->signal == SIGFPE)
                || (expect & EXPECT_FAULT && (found->signal == SIGSEGV || found->signal == SIGBUS))
                || (expect & EXPECT_TRAP && (found->signal == SIGILL || found->signal == SIGTRAP)));
    }
  else
    {
      const struct machine_state *to = &found->machine;
      same = found->status == RUN_RETURNED && memcmp (to->gpr, after.gpr, sizeof after.gpr) == 0
             && memcmp (to->mask, after.mask, sizeof after.mask) == 0
             && ((to->rflags ^ after.rflags) & ARITHMETIC_FLAGS) == 0 && to->mxcsr == after.mxcsr
             && (!has_page || memcmp (page, found->span_bytes[0], INPUTS_PAGE) == 0);
      const uint8_t (*vec)[64] = (has_vectors ? &after : &before->machine)->vec;
      if (bench->vec_bytes == 64)
        same = same && memcmp (to->vec, vec, sizeof after.vec) == 0;
      else
        for (unsigned i = 0; i < bench->n_vec && same; i++)
          same = memcmp (to->vec[i], vec[i], bench->vec_bytes) == 0;
    }
  if (!same && !has_vectors)
    memcpy (after.vec, before->machine.vec, sizeof after.vec);
  if (!same && result->differences == 0)
    print_difference (bench, form, before, found, expect, &after, page);
  return same;
}

/* Runs N states.  A machine that has no room for another process just now gets time to find some.
 */
static int
run_batch (struct bench *bench, bool narrow, unsigned n, struct why *why)
{
  static const struct timespec pause = { .tv_nsec = 500000000 };
  for (unsigned tries = 0; tries < TRIES; tries++)
    {
      if (sandbox__run (bench->sandbox, 0, bench->pointer[narrow], bench->outcome, n, TIMEOUT_MS,
                        why)
          == 0)
        {
          why->detail[0] = 0;
          return 0;
        }
      nanosleep (&pause, NULL);
    }
  return -1;
}

void
form__test (struct bench *bench, const struct form *form, struct result *result)
{
  struct recipe recipe;
  struct prediction *prediction = NULL;
  struct image image;
  uint8_t bytes[SANDBOX_PAGE];
  struct rng rng = { mix2 (bench->options.seed, form->digest) };

  result->kind = FORM_BROKEN;
  if (!form->bytes)
    {
      result->kind = FORM_REFUSED;
      return;
    }
  if (form->size >= SANDBOX_PAGE || recipe__make (form, &recipe) != 0)
    {
      why__set (&result->why, REASON_DECODE, "can't be decoded");
      return;
    }
  if (prediction__make (form, &prediction, &result->why) != 0)
    {
      result->kind = FORM_UNMODELLED;
      goto done;
    }
  image__fill (&image, bytes, form);
  if (sandbox__replace (bench->sandbox, 0, &image, &result->why) != 0)
    goto done;
  for (unsigned left = bench->options.states; left > 0;)
    {
      unsigned n = left < BATCH ? left : BATCH;
      /* Only the first batch has whole vector registers where the form doesn't know of any.  */
      bool narrow = !recipe.vectors && result->states > 0;
      struct state *state = bench->state[narrow];
      for (unsigned i = 0; i < n; i++)
        inputs__draw (&state[i], &recipe, &rng);
      if (run_batch (bench, narrow, n, &result->why) != 0)
        goto done;
      for (unsigned i = 0; i < n; i++)
        {
          if (result->states == 0 && bench->outcome[0].status == RUN_TRAPPED
              && bench->outcome[0].signal == SIGILL && strcmp (form->family, "trap") != 0)
            {
              result->kind = FORM_ABSENT;
              goto done;
            }
          if (!is_same (bench, form, prediction, &state[i], &bench->outcome[i], result))
            result->differences++;
          result->states++;
        }
      left -= n;
      /* A form that is wrong is wrong; the rest of its states would show no more.  */
      if (result->differences > 1000)
        break;
    }
  result->kind = result->differences ? FORM_DIFFERENT : FORM_SAME;
done:
  if (prediction)
    prediction__free (prediction);
}

/* The CPU's registers that there are to compare.  */
static void
measure_vectors (struct bench *bench)
{
  bench->vec_bytes = host__vector_bytes ();
  bench->n_vec = bench->vec_bytes == 64 ? 32 : 16;
}

int
bench__open (struct bench *bench, struct why *why)
{
  static const struct form empty = { .bytes = (const uint8_t *)"" };
  /* Twice what 20,000 forms on 100,000 states take.  */
  static const struct sandbox_options options = { .cpu_seconds = 4 * 3600 };
  struct image image;
  uint8_t bytes[SANDBOX_PAGE];
  const struct image *images[] = { &image };
  struct rng rng = { bench->options.seed };
  measure_vectors (bench);
  for (unsigned i = 0; i < 2 * BATCH; i++)
    {
      struct state *state = &bench->state[i / BATCH][i % BATCH];
      inputs__begin (state, i < BATCH, &rng);
      bench->pointer[i / BATCH][i % BATCH] = state;
    }
  image__fill (&image, bytes, &empty);
  if (sandbox__open (NULL, images, 1, &options, &bench->sandbox, why) != 0
      || sandbox__run (bench->sandbox, 0, bench->pointer[0], bench->outcome, 1, TIMEOUT_MS, why)
             != 0)
    return -1;
  bench->stack_pointer = bench->outcome[0].machine.gpr[4] - 8;
  return 0;
}

void
bench__close (struct bench *bench)
{
  sandbox__close (bench->sandbox);
  for (unsigned i = 0; i < 2 * BATCH; i++)
    free (bench->state[i / BATCH][i % BATCH].span[0].bytes);
}
