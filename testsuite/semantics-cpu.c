/* What semantics/ says of an instruction is what the CPU does.

   Every form of general.forms and vector.forms is run by the sandbox, the executor that verification uses, on random
   states, and its terms are evaluated on the same states: registers, flags, vectors, masks, sticky bits, memory and
   traps must come out the same.  Bits that the terms leave open are compared with nothing.  A form that isn't
   modelled is counted, not failed; so is one that this CPU hasn't got.
   Without options a slice that takes seconds; `make check-semantics` is the whole.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/isa.h"
#include "testsuite/semantics/predict.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARITHMETIC_FLAGS 0x8d5u

enum
{
  BATCH = 256,           /* states in a run of the sandbox: what stays in the cache */
  TIMEOUT_MS = 2000,
  TURNS = 61,           /* through the list */
  TRIES = 20,
  SEQUENCES = 1500      /* of forms of general instructions */
};

struct options
{
  unsigned states, every, shard, n_shards, minutes;
  uint64_t seed;
  const char *pattern, *json;
  bool list, verbose;
};

enum verdict_kind { FORM_SAME, FORM_DIFFERENT, FORM_UNMODELLED, FORM_REFUSED, FORM_ABSENT, FORM_BROKEN };

struct result
{
  enum verdict_kind kind;
  unsigned long states, differences, traps, uncompared;
  double seconds;
  struct why why;
};

/* All that lasts from form to form.  */
struct bench
{
  struct options options;
  struct forms forms;
  struct result *result; /* of forms.form[i] */
  struct sandbox *sandbox;
  uint64_t stack_pointer;
  unsigned n_vec, vec_bytes;
  struct state state[2][BATCH]; /* with whole vector registers, and of 16 bytes */
  const struct state *pointer[2][BATCH];
  struct outcome outcome[BATCH];
};

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

static void
image__fill (struct image *image, uint8_t *page, const struct form *form)
{
  memset (page, 0xcc, SANDBOX_PAGE);
  memcpy (page, form->bytes, form->size);
  page[form->size] = 0xc3; /* ret */
  *image = (struct image) { .base = SANDBOX_CODE_BASE, .entry = SANDBOX_CODE_BASE,
                            .text_size = SANDBOX_PAGE, .size = SANDBOX_PAGE, .bytes = page };
}

/* Where a difference was found, for people.  */
static void
print_difference (const struct bench *bench, const struct form *form, const struct state *before,
                  const struct outcome *found, unsigned expect, const struct machine_state *after,
                  const uint8_t *page)
{
  const struct machine_state *from = &before->machine;
  printf ("# %s: %s\n#  before: rflags %03lx mxcsr %04x", form->family, form->text,
          (unsigned long) from->rflags, from->mxcsr);
  for (unsigned i = 0; i < 16; i++)
    printf ("%s r%u %016lx", i % 4 ? "" : "\n#   ", i, (unsigned long) from->gpr[i]);
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
          printf ("#    k%u %016lx\n", i, (unsigned long) from->mask[i]);
    }
  if (expect || found->status != RUN_RETURNED)
    {
      printf ("#  CPU: status %d signal %d at %lx; terms expect %s%s%s%s\n", found->status,
              found->signal, (unsigned long) found->fault_address,
              expect & EXPECT_DIVIDE ? "#DE " : "", expect & EXPECT_FAULT ? "a fault " : "",
              expect & EXPECT_TRAP ? "a trap " : "", expect ? "" : "no trap");
      return;
    }
  const struct machine_state *to = &found->machine;
  for (unsigned i = 0; i < 16; i++)
    if (to->gpr[i] != after->gpr[i])
      printf ("#  r%u: CPU %016lx terms %016lx\n", i, (unsigned long) to->gpr[i],
              (unsigned long) after->gpr[i]);
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
      printf ("#  k%u: CPU %016lx terms %016lx\n", i, (unsigned long) to->mask[i],
              (unsigned long) after->mask[i]);
  if ((to->rflags ^ after->rflags) & ARITHMETIC_FLAGS)
    printf ("#  flags: CPU %03lx terms %03lx differ %03lx\n",
            (unsigned long) (to->rflags & ARITHMETIC_FLAGS),
            (unsigned long) (after->rflags & ARITHMETIC_FLAGS),
            (unsigned long) ((to->rflags ^ after->rflags) & ARITHMETIC_FLAGS));
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
      same = found->status == RUN_TRAPPED
             && ((expect & EXPECT_DIVIDE && found->signal == SIGFPE)
                 || (expect & EXPECT_FAULT
                     && (found->signal == SIGSEGV || found->signal == SIGBUS))
                 || (expect & EXPECT_TRAP
                     && (found->signal == SIGILL || found->signal == SIGTRAP)));
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

/* Runs N states.  A machine that has no room for another process just now gets time to find some.  */
static int
run_batch (struct bench *bench, bool narrow, unsigned n, struct why *why)
{
  static const struct timespec pause = { .tv_nsec = 500000000 };
  for (unsigned tries = 0; tries < TRIES; tries++)
    {
      if (sandbox__run (bench->sandbox, 0, bench->pointer[narrow], bench->outcome, n, TIMEOUT_MS, why)
          == 0)
        {
          why->detail[0] = 0;
          return 0;
        }
      nanosleep (&pause, NULL);
    }
  return -1;
}

/* Runs FORM on as many states as asked for.  */
static void
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

/* Opens the sandbox, with an empty function, which tells what rsp is when a function is entered.  The forms take
   its place.  */
static int
open_sandbox (struct bench *bench, struct why *why)
{
  static const struct form empty = { .bytes = (const uint8_t *) "" };
  /* Twice what 20,000 forms on 100,000 states take.  */
  static const struct sandbox_options options = { .cpu_seconds = 4 * 3600 };
  struct image image;
  uint8_t bytes[SANDBOX_PAGE];
  const struct image *images[] = { &image };
  image__fill (&image, bytes, &empty);
  if (sandbox__open (NULL, images, 1, &options, &bench->sandbox, why) != 0
      || sandbox__run (bench->sandbox, 0, bench->pointer[0], bench->outcome, 1, TIMEOUT_MS, why) != 0)
    return -1;
  bench->stack_pointer = bench->outcome[0].machine.gpr[4] - 8;
  return 0;
}

static bool
is_wanted (const struct options *options, const struct form *form)
{
  return !options->pattern || fnmatch (options->pattern, form->text, 0) == 0
         || strcmp (options->pattern, form->family) == 0;
}

static const char *const kind_names[]
  = { "same", "different", "unmodelled", "refused", "absent", "broken" };

static int
write_json (const struct bench *bench, const bool *is_chosen, double seconds)
{
  cJSON *root = cJSON_CreateObject (), *list = cJSON_AddArrayToObject (root, "forms");
  cJSON_AddNumberToObject (root, "seconds", seconds);
  for (unsigned i = 0; i < bench->forms.n; i++)
    {
      const struct result *result = &bench->result[i];
      if (!is_chosen[i] || result->kind == FORM_REFUSED)
        continue;
      cJSON *form = cJSON_CreateObject ();
      cJSON_AddStringToObject (form, "family", bench->forms.form[i].family);
      cJSON_AddStringToObject (form, "form", bench->forms.form[i].text);
      cJSON_AddStringToObject (form, "result", kind_names[result->kind]);
      cJSON_AddNumberToObject (form, "states", (double) result->states);
      cJSON_AddNumberToObject (form, "traps", (double) result->traps);
      cJSON_AddNumberToObject (form, "uncompared", (double) result->uncompared);
      cJSON_AddNumberToObject (form, "differences", (double) result->differences);
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

/* A TAP line for each family, and what isn't modelled.  Gives the number of families that failed.  */
static unsigned
report (const struct bench *bench, const bool *is_chosen)
{
  unsigned n_tests = 0, n_failed = 0;
  unsigned long all[FORM_BROKEN + 1] = { 0 }, states = 0, traps = 0, uncompared = 0,
                differences = 0;
  for (unsigned first = 0, end; first < bench->forms.n; first = end)
    {
      const char *family = bench->forms.form[first].family;
      unsigned count[FORM_BROKEN + 1] = { 0 }, n = 0;
      unsigned long family_states = 0, family_differences = 0;
      for (end = first;
           end < bench->forms.n && strcmp (bench->forms.form[end].family, family) == 0; end++)
        {
          const struct result *result = &bench->result[end];
          if (!is_chosen[end])
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
      if (!n)
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
          all[FORM_DIFFERENT], all[FORM_UNMODELLED], all[FORM_REFUSED], all[FORM_ABSENT],
          n_tests);
  return n_failed;
}

static const struct argp_option options_known[] = {
  { "states", 's', "N", 0, "states for each form (200)", 0 },
  { "forms", 'f', "PATTERN", 0, "forms whose text matches this shell pattern, or a family", 0 },
  { "every", 'e', "N", 0, "of these each N-th alone (slice: 23)", 0 },
  { "shard", 'p', "K/N", 0, "of these the K-th part of N, K from 1", 0 },
  { "minutes", 'm', "N", 0, "after which no form is begun (no limit)", 0 },
  { "seed", 'r', "N", 0, "of the random states (1)", 0 },
  { "list", 'l', NULL, 0, "print the forms, run nothing", 0 },
  { "json", 'j', "FILE", 0, "write each form's result there", 0 },
  { "verbose", 'v', NULL, 0, "name the forms that aren't modelled", 0 },
  { 0 },
};

static error_t
parse_option (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case 's':
      options->states = (unsigned) strtoul (argument, NULL, 10);
      break;
    case 'f':
      options->pattern = argument;
      options->every = 1;
      break;
    case 'e':
      options->every = (unsigned) strtoul (argument, NULL, 10);
      break;
    case 'p':
      if (sscanf (argument, "%u/%u", &options->shard, &options->n_shards) != 2
          || options->shard < 1 || options->shard > options->n_shards)
        argp_error (state, "--shard wants K/N, K from 1 to N");
      break;
    case 'm':
      options->minutes = (unsigned) strtoul (argument, NULL, 10);
      break;
    case 'r':
      options->seed = strtoul (argument, NULL, 10);
      break;
    case 'l':
      options->list = true;
      break;
    case 'j':
      options->json = argument;
      break;
    case 'v':
      options->verbose = true;
      break;
    default:
      return ARGP_ERR_UNKNOWN;
    }
  if (options->states == 0 || options->every == 0)
    argp_error (state, "--states and --every want a number above 0");
  return 0;
}

/* The CPU's registers that there are to compare.  */
static void
measure_vectors (struct bench *bench)
{
  uint64_t isa = isa__host ();
  bench->n_vec = isa & ISA_BIT (AVX512F) ? 32 : 16;
  bench->vec_bytes = isa & ISA_BIT (AVX512F) ? 64 : isa & ISA_BIT (AVX) ? 32 : 16;
}

int
main (int argc, char **argv)
{
  static const struct argp parser = { options_known, parse_option, NULL,
                                      "Compares the terms of instructions with the CPU.", NULL,
                                      NULL, NULL };
  static const char *const lists[] = { "general.forms", "vector.forms" };
  struct bench *bench = calloc (1, sizeof *bench);
  struct why why = { 0 };
  if (!bench)
    return 1;
  bench->options = (struct options) { .states = 200, .every = 23, .shard = 1, .n_shards = 1,
                                      .seed = 1 };
  argp_parse (&parser, argc, argv, 0, NULL, &bench->options);
  const char *source = getenv ("AIOPT_SOURCE");
  bench->forms.arena = arena__new ();
  for (unsigned i = 0; i < 2; i++)
    if (forms__read (&bench->forms,
                     arena__printf (bench->forms.arena, "%s/testsuite/semantics/%s",
                                    source ? source : ".", lists[i]),
                     &why)
        != 0)
      goto failed;
  forms__add_sequences (&bench->forms, SEQUENCES, bench->options.seed);
  if (forms__assemble (&bench->forms, &why) != 0)
    goto failed;
  if (bench->options.list)
    {
      for (unsigned i = 0; i < bench->forms.n; i++)
        if (is_wanted (&bench->options, &bench->forms.form[i]))
          printf ("%-16s %s%s\n", bench->forms.form[i].family, bench->forms.form[i].text,
                  bench->forms.form[i].bytes ? "" : "   (no such form)");
      return 0;
    }
  measure_vectors (bench);
  struct rng rng = { bench->options.seed };
  for (unsigned i = 0; i < 2 * BATCH; i++)
    {
      struct state *state = &bench->state[i / BATCH][i % BATCH];
      inputs__begin (state, i < BATCH, &rng);
      bench->pointer[i / BATCH][i % BATCH] = state;
    }
  if (open_sandbox (bench, &why) != 0)
    goto failed;
  bench->result = ARENA_ARRAY (bench->forms.arena, struct result, bench->forms.n);
  bool *is_chosen = ARENA_ARRAY (bench->forms.arena, bool, bench->forms.n);
  double begin = now ();
  for (unsigned i = 0, wanted = 0; i < bench->forms.n; i++)
    {
      bench->result[i].kind = FORM_REFUSED;
      if (!is_wanted (&bench->options, &bench->forms.form[i]))
        continue;
      unsigned number = wanted++;
      is_chosen[i] = number % bench->options.every == 0
                     && number / bench->options.every % bench->options.n_shards
                          == bench->options.shard - 1;
    }
  /* Neighbours are alike: what a time limit cuts off should be a part of every family.  */
  unsigned n_left = 0, per_turn = (bench->forms.n + TURNS - 1) / TURNS;
  for (unsigned n = 0; n < per_turn * TURNS; n++)
    {
      unsigned i = n % per_turn * TURNS + n / per_turn;
      double before = now ();
      if (i >= bench->forms.n || !is_chosen[i])
        continue;
      if (bench->options.minutes && before - begin > bench->options.minutes * 60.0)
        {
          is_chosen[i] = false;
          n_left++;
          continue;
        }
      form__test (bench, &bench->forms.form[i], &bench->result[i]);
      bench->result[i].seconds = now () - before;
    }
  double seconds = now () - begin;
  unsigned n_failed = report (bench, is_chosen);
  printf ("# %.1f s\n", seconds);
  if (n_left)
    printf ("# %u forms not tried: no time left\n", n_left);
  if (bench->options.json && write_json (bench, is_chosen, seconds) != 0)
    {
      fprintf (stderr, "semantics-cpu: %s can't be written\n", bench->options.json);
      return 1;
    }
  sandbox__close (bench->sandbox);
  arena__free (bench->forms.arena);
  for (unsigned i = 0; i < 2 * BATCH; i++)
    free (bench->state[i / BATCH][i % BATCH].span[0].bytes);
  free (bench);
  return n_failed ? 1 : 0;
failed:
  printf ("Bail out! %s\n", why.detail);
  return 1;
}
