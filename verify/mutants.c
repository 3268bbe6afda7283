/* Would the tests have noticed?  Small faults are planted in the candidate's bytes, one at a time,
   and the tests that found no difference have to find these.

   Mutants are made by mutate.c and run in one sandbox, each put in the place of the last.  Those
   that survive the tests there are have to face new ones, made for the purpose; then the solver is
   asked: a mutant that it proves equal to the candidate can't be killed and leaves the count, a
   state on which it says they differ becomes a test of original and candidate too.  What survives
   still is listed in the evidence.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/prove.h"
#include "verify/internal.h"
#include "verify/mutate.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Mutants tried at most, and how long one may run on one state: most of them end or crash at once.  */
#define MUTANTS_MAX 160
#define MUTANT_TIMEOUT_MS 20
/* The share of the budget that mutants may take at first, that survivors may with new tests, and
 * with the solver.  */
#define MUTANT_SHARE 0.12
#define ATTACK_SHARE 0.08
#define SOLVER_SHARE 0.15
/* … and where compilers guard their loops by many conditions that nothing shows.  */
#define SOLVER_SHARE_GUARDS 0.3
#define SOLVER_SECONDS 1.0
/* Whether a condition is one is asked first, of one program alone: for that long, and for that part of the time at most.  */
#define CONDITION_SECONDS 0.5
#define CONDITIONS_PART 0.5
/* Where this many are dead and every condition was seen both ways, those left are mostly
 * equivalent: a part of the effort does.  */
#define COMFORTABLE 0.8
#define COMFORTABLE_PART 0.25
/* The solver is asked no more after so many answers in a row that were none.  */
enum
{
  VAIN_MAX = 3,
  GUARDS_MANY = 4
};
/* Rounds of new tests for survivors, and tests of a kind in each.  */
enum
{
  ATTACK_ROUNDS = 3,
  ATTACK_PER_KIND = 24
};

/* Measured on the test corpus (testsuite/verify): most sound test sets kill 85 % and more, the
   lowest share seen was 64 % (extensions of values that are extended already, moves that change
   nothing).  */
const double mutants__threshold = 0.6;

struct mutant
{
  unsigned insn;
  struct mutation mutation;
  bool dead, equal;
  bool moot; /* its condition is shown to come out one way always, so there is nothing to see of it */
};

struct hunt_ground
{
  struct trial *trial;
  struct arena *arena;
  struct sandbox *sandbox;
  struct image image; /* the candidate's, in which mutants are planted */
  unsigned n_tests;
  struct test *test; /* shallow copies, those that killed lately first */
  unsigned n;
  struct mutant *mutant;
};

/* Puts MUTANT's bytes, or the candidate's own, into the image; the sandbox then runs that.  */
static int
plant (struct hunt_ground *ground, const struct mutant *mutant)
{
  const struct image *whole = ground->trial->image[0];
  struct why why;
  uint64_t offset = whole->address[mutant->insn] - whole->base;
  const struct decoded_insn *insn = &ground->trial->side.decoded->insn[mutant->insn];
  memcpy (ground->image.bytes + offset, mutant->mutation.bytes, insn->length);
  int status = sandbox__replace (ground->sandbox, 0, &ground->image, &why);
  memcpy (ground->image.bytes + offset, whole->bytes + offset, insn->length);
  return status;
}

/* Does any of TESTS[N] notice the mutant in place?  1 killed, 0 survived, -1 no answer.  *WHICH
 * noticed.  */
static int
is_noticed (struct hunt_ground *ground, const struct test *tests, unsigned n, unsigned *which)
{
  struct difference difference;
  switch (differential__run (ground->trial, ground->sandbox, tests, n, MUTANT_TIMEOUT_MS, false,
                             which, &difference))
    {
    case COMPARE_DIFFERENT:
      return 1;
    case COMPARE_UNKNOWN:
      return -1;
    case COMPARE_SAME:
      break;
    }
  return 0;
}

/* What killed once kills again: it comes first from now on.  */
static void
promote (struct hunt_ground *ground, unsigned which)
{
  struct test killer = ground->test[which];
  memmove (ground->test + 1, ground->test, which * sizeof killer);
  ground->test[0] = killer;
}

static void
collect_tests (struct hunt_ground *ground)
{
  struct trial *trial = ground->trial;
  struct setup *setup = &trial->verifier->setup[0];
  ground->test = ARENA_ARRAY (ground->arena, struct test, STATE_KINDS * BANK_PER_KIND + KEPT_MAX);
  /* Kept ones reached something first, often a comparison's edge.  Large ones cost most.  */
  for (unsigned i = 0; i < trial->n_kept; i++)
    ground->test[ground->n_tests++] = trial->kept[i];
  for (unsigned i = 0; i < BANK_PER_KIND; i++)
    for (unsigned kind = 0; kind < STATE_KINDS; kind++)
      if (kind != STATE_LARGE && i < setup->n_bank[kind])
        ground->test[ground->n_tests++] = setup->bank[kind][i];
  for (unsigned i = 0; i < setup->n_bank[STATE_LARGE]; i++)
    ground->test[ground->n_tests++] = setup->bank[STATE_LARGE][i];
}

/* Does MUTANT live only on tests that don't see both ways of a condition?  */
static bool
is_condition (const struct mutant *mutant)
{
  return mutant->mutation.fault == FAULT_NEVER || mutant->mutation.fault == FAULT_ALWAYS;
}

/* Does INSN add or subtract a carry?  Compilers write such a thing only where the carry matters.  */
static bool
takes_carry (const struct decoded_insn *insn)
{
  return strncmp (insn->mnemonic, "adc", 3) == 0 || strncmp (insn->mnemonic, "sbb", 3) == 0;
}

/* Did instruction I of the candidate, a shift or mask, let nothing through in whatever was watched?  Then it may be a condition
   without a branch (the sign of something that is negative for one value in 2^32), and has to be seen like others.  Not where the
   original has the like.  */
static bool
is_rare_part (const struct trial *trial, unsigned i)
{
  if (!trial->part[1] || trial->part[1][i] != PART_NONE)
    return false;
  const struct side *original = &trial->verifier->original;
  const struct decoded_insn *insn = &trial->side.decoded->insn[i];
  const struct item *item = &trial->side.code->item[insn->item];
  for (unsigned k = 0; trial->part[0] && k < original->decoded->n_insns; k++)
    {
      const struct decoded_insn *other = &original->decoded->insn[k];
      if (trial->part[0][k] == PART_NONE && other->zydis == insn->zydis
          && original->code->item[other->item].insn.operand[0].expr.add == item->insn.operand[0].expr.add)
        return false;
    }
  return true;
}

/* All mutants there are, in an order that visits the whole function however early we stop: a stride
   that is coprime to their number and near its golden section.  */
static void
collect_mutants (struct hunt_ground *ground)
{
  struct trial *trial = ground->trial;
  const struct decoded *decoded = trial->side.decoded;
  const struct image *image = trial->image[0];
  struct mutator *mutator = mutator__new (ground->arena, decoded);
  struct mutation *made = ARENA_ARRAY (ground->arena, struct mutation, MUTATIONS_MAX);
  unsigned n = 0, capacity = 256;
  struct mutant *all = ARENA_ARRAY (ground->arena, struct mutant, capacity);
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &decoded->insn[i];
      uint64_t offset = image->address[i] - image->base;
      if (trial->candidate_coverage->cold[i] || !trial->candidate_coverage->executed[i]
          || insn->item >= trial->side.own_items /* a runtime function's body */
          || offset + insn->length > image->size)
        continue;
      unsigned count = mutator__mutate (mutator, insn, image->bytes + offset, made);
      if (is_rare_part (trial, i) && count < MUTATIONS_MAX && mutator__zero (mutator, insn, image->bytes + offset, &made[count]))
        count++;
      for (unsigned k = 0; k < count; k++)
        {
          if (n == capacity)
            {
              struct mutant *more = ARENA_ARRAY (ground->arena, struct mutant, capacity * 2);
              memcpy (more, all, n * sizeof *all);
              all = more;
              capacity *= 2;
            }
          all[n++] = (struct mutant){ .insn = i, .mutation = made[k] };
        }
    }
  if (n == 0)
    return;
  unsigned stride = (unsigned)(0.6180339887 * n) + 1;
  for (unsigned a = stride, b = n;; a = ++stride, b = n)
    {
      while (b)
        {
          unsigned t = a % b;
          a = b;
          b = t;
        }
      if (a == 1)
        break;
    }
  /* Those that have to be seen first.  */
  ground->mutant = ARENA_ARRAY (ground->arena, struct mutant, n);
  for (unsigned must = 2; must-- > 0;)
    for (unsigned k = 0, at = 0; k < n; k++, at = (at + stride) % n)
      if (is_condition (&all[at]) == must)
        ground->mutant[ground->n++] = all[at];
}

/* Runs TESTS[N], that the candidate has passed, on all survivors.  */
static void
face (struct hunt_ground *ground, const struct test *tests, unsigned n, unsigned n_mutants,
      double until)
{
  unsigned which;
  for (unsigned i = 0; i < n_mutants && verify__now () < until; i++)
    if (!ground->mutant[i].dead && !ground->mutant[i].equal
        && plant (ground, &ground->mutant[i]) == 0 && is_noticed (ground, tests, n, &which) == 1)
      ground->mutant[i].dead = true;
}

/* Is there nothing to find out about MUTANT any more?  */
static bool
is_settled (const struct mutant *mutant)
{
  return mutant->dead || mutant->equal || mutant->moot;
}

static unsigned
survivors (const struct hunt_ground *ground, unsigned n)
{
  unsigned left = 0;
  for (unsigned i = 0; i < n; i++)
    left += !is_settled (&ground->mutant[i]);
  return left;
}

/* Outcomes of conditions among them.  */
static unsigned
surviving_conditions (const struct hunt_ground *ground, unsigned n)
{
  unsigned left = 0;
  for (unsigned i = 0; i < n; i++)
    left += is_condition (&ground->mutant[i]) && !is_settled (&ground->mutant[i]);
  return left;
}

/* How much of the effort survivors deserve.  */
static double
effort (const struct hunt_ground *ground, unsigned n)
{
  return surviving_conditions (ground, n) || survivors (ground, n) > (1 - COMFORTABLE) * n ? 1 : COMFORTABLE_PART;
}

/* Is INSN a conditional move or set, whose condition can be asked about?  */
static bool
is_asked (const struct decoded_insn *insn)
{
  return strncmp (insn->mnemonic, "cmov", 4) == 0 || strncmp (insn->mnemonic, "set", 3) == 0;
}

/* Asks the prover whether conditions that survive come out one way always, until UNTIL.  Such a condition is none, and what its other
   way would do is nobody's business.  (That a mutant is equal doesn't say so much: of two conditions that ask the same each may be
   left out, but not both.)  */
static void
ask_conditions (struct hunt_ground *ground, unsigned n, double until)
{
  struct trial *trial = ground->trial;
  const struct verifier *verifier = trial->verifier;
  const struct setup *setup = &verifier->setup[0];
  uint32_t sizes = trial->compiled ? sizes__find (trial->verifier) : 0;
  unsigned vain = 0;
  for (unsigned i = 0; i < n && vain < VAIN_MAX; i++)
    {
      struct mutant *mutant = &ground->mutant[i];
      double left = until - verify__now ();
      if (left < 0.02)
        return;
      if (!is_condition (mutant) || is_settled (mutant) || !is_asked (&trial->side.decoded->insn[mutant->insn]))
        continue;
      bool holds = mutant->mutation.fault == FAULT_ALWAYS;
      if (!prove__never (verifier->region, setup->layout, trial->image[0], trial->side.object,
                         trial->candidate_coverage->excused, sizes, mutant->insn, !holds,
                         left < CONDITION_SECONDS ? left : CONDITION_SECONDS))
        {
          vain++;
          continue;
        }
      vain = 0;
      mutant->equal = true;
      for (unsigned k = 0; k < n; k++)
        if (ground->mutant[k].insn == mutant->insn && is_condition (&ground->mutant[k]))
          ground->mutant[k].moot = true;
    }
}

/* New tests for the survivors.  False where one of them refutes the candidate itself.  */
static bool
attack (struct hunt_ground *ground, unsigned n)
{
  static const enum state_kind kinds[] = { STATE_BOUNDARY, STATE_TYPICAL, STATE_OVERLAP };
  struct trial *trial = ground->trial;
  double until = verify__now ()
                 + effort (ground, n) * ATTACK_SHARE * trial->verifier->options.budget_seconds;
  if (until > trial->deadline)
    until = trial->deadline;
  for (unsigned round = 0; round < ATTACK_ROUNDS; round++)
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
      {
        struct why why;
        if (verify__now () > until || !survivors (ground, n))
          return true;
        struct arena *arena = arena__new ();
        struct test *tests = ARENA_ARRAY (arena, struct test, ATTACK_PER_KIND);
        int made = states__make (trial->states[0], kinds[k], arena, tests, ATTACK_PER_KIND, &why);
        bool well = true;
        if (made > 0)
          well = trial__run (trial, 0, kinds[k], tests, (unsigned)made, 0.0);
        if (made > 0 && well)
          face (ground, tests, (unsigned)made, n, until);
        arena__free (arena);
        if (!well)
          return false;
      }
  return true;
}

/* MUTANT as an image of its own in slot 1: with the nops that fill it up as instructions.  */
static struct image *
mutant_image (struct hunt_ground *ground, struct arena *arena, const struct mutant *mutant)
{
  const struct image *whole = ground->trial->image[0];
  const struct decoded *decoded = whole->decoded;
  const struct decoded_insn *insn = &decoded->insn[mutant->insn];
  unsigned length = insn->length, own = length;
  while (own > 1 && mutant->mutation.bytes[own - 1] == 0x90)
    own--;
  struct image *image = arena__memdup (arena, whole, sizeof *whole);
  struct decoded *list = ARENA_NEW (arena, struct decoded);
  list->n_insns = decoded->n_insns + length - own;
  list->insn = ARENA_ARRAY (arena, struct decoded_insn, list->n_insns);
  image->address = ARENA_ARRAY (arena, uint64_t, list->n_insns);
  for (unsigned i = 0, to = 0; i < decoded->n_insns; i++)
    {
      list->insn[to] = decoded->insn[i];
      image->address[to++] = whole->address[i];
      if (i != mutant->insn)
        continue;
      list->insn[to - 1].length = (uint8_t)own;
      for (unsigned k = own; k < length; k++)
        {
          list->insn[to] = (struct decoded_insn){ .section = insn->section,
                                                  .offset = insn->offset + k,
                                                  .length = 1,
                                                  .kind = KIND_NOP,
                                                  .mnemonic = "nop",
                                                  .callee = -1,
                                                  .item = insn->item };
          image->address[to++] = whole->address[i] + k;
        }
    }
  image->decoded = list;
  image->bytes = arena__memdup (arena, whole->bytes, whole->size);
  memcpy (image->bytes + (whole->address[mutant->insn] - whole->base), mutant->mutation.bytes,
          length);
  return image;
}

/* Asks the solver about the survivors.  False where it led to a refutation of the candidate.  */
static bool
ask (struct hunt_ground *ground, unsigned n)
{
  struct trial *trial = ground->trial;
  const struct verifier *verifier = trial->verifier;
  bool guards = trial->compiled && surviving_conditions (ground, n) >= GUARDS_MANY;
  double share = guards ? SOLVER_SHARE_GUARDS : SOLVER_SHARE;
  double until = verify__now () + effort (ground, n) * share * verifier->options.budget_seconds;
  unsigned vain = 0;
  struct image *base;
  struct why why;
  if (!survivors (ground, n)
      || image__link (ground->arena, verifier->region, verifier->setup[0].layout, trial->side.object,
                      trial->side.decoded, 0, &base, &why))
    return true;
  /* All else would be for nothing, here and where there are guards.  */
  ask_conditions (ground, n, verify__now () + CONDITIONS_PART * (until - verify__now ()));
  if (until > trial->deadline && !guards)
    until = trial->deadline;
  for (unsigned i = 0; i < n; i++)
    {
      struct mutant *mutant = &ground->mutant[i];
      double left = until - verify__now ();
      if (left < 0.02 || vain == VAIN_MAX)
        break;
      if (is_settled (mutant))
        continue;
      struct arena *arena = arena__new ();
      struct proof proof = { 0 };
      struct proof_options options = { .seconds = left < SOLVER_SECONDS ? left : SOLVER_SECONDS,
                                       .alike = true, .only_alike = guards && is_condition (mutant), .sizes = trial->compiled ? sizes__find (trial->verifier) : 0 };
      prove__equivalent (verifier->region, verifier->setup[0].layout, base, trial->side.object,
                         mutant_image (ground, arena, mutant), trial->side.object, &options,
                         &proof);
      bool well = true;
      mutant->equal = proof.result == PROOF_PROVED;
      vain = mutant->equal || proof.counterexample ? 0 : vain + 1;
      if (proof.counterexample)
        {
          /* The original has to say what is right on it, the candidate has to agree.  */
          struct outcome *expected = ARENA_NEW (arena, struct outcome);
          const struct state *states[] = { proof.counterexample };
          struct test test = { .kind = STATE_BOUNDARY,
                               .state = proof.counterexample,
                               .expected = expected,
                               .arena = arena };
          well = trial__try (trial, 0, states, 1);
          unsigned which;
          if (well
              && sandbox__run (verifier->setup[0].sandbox, 0, states, expected, 1,
                               MUTANT_TIMEOUT_MS, &why)
                     == 0
              && (expected->status == RUN_RETURNED || expected->status == RUN_TRAPPED)
              && plant (ground, mutant) == 0)
            mutant->dead = is_noticed (ground, &test, 1, &which) == 1;
        }
      proof__free (&proof);
      arena__free (arena);
      if (!well)
        return false;
    }
  return true;
}

/* The list of survivors, for the evidence and for people.  */
static void
report (struct hunt_ground *ground, unsigned n)
{
  struct trial *trial = ground->trial;
  const struct code *code = trial->side.code;
  cJSON *list = cJSON_CreateArray ();
  char *text = NULL;
  size_t size;
  for (unsigned i = 0; i < n; i++)
    {
      const struct mutant *mutant = &ground->mutant[i];
      const struct decoded_insn *insn = &trial->side.decoded->insn[mutant->insn];
      if (is_settled (mutant))
        continue;
      FILE *stream = open_memstream (&text, &size);
      if (!stream)
        continue;
      if (insn->item < code->n_items && code->item[insn->item].kind == ITEM_INSN)
        insn__print (stream, &code->item[insn->item].insn);
      fclose (stream);
      cJSON *survivor = cJSON_CreateObject ();
      cJSON_AddNumberToObject (survivor, "offset", insn->offset);
      cJSON_AddStringToObject (survivor, "instruction", text);
      cJSON_AddStringToObject (survivor, "fault", fault__name (mutant->mutation.fault));
      cJSON_AddStringToObject (survivor, "mutant", mutant->mutation.what);
      cJSON_AddItemToArray (list, survivor);
      if (!trial->verdict->first_survivor)
        trial->verdict->first_survivor = arena__printf (trial->verdict->arena, "'%s' at +%u, %s",
                                                        text, insn->offset, mutant->mutation.what);
      free (text);
      text = NULL;
    }
  text = cJSON_PrintUnformatted (list);
  cJSON_Delete (list);
  trial->verdict->survivors = arena__strdup (trial->verdict->arena, text);
  free (text);
}

/* Was the condition of mutant I seen to matter in its other outcome?  Where compilers guard a fast way by conditions without
   branches (overlap), to take the slow way more often changes nothing: that outcome can't show.  */
static bool
other_way_dies (const struct hunt_ground *ground, unsigned n, unsigned i)
{
  for (unsigned k = 0; k < n; k++)
    if (k != i && ground->mutant[k].insn == ground->mutant[i].insn && is_condition (&ground->mutant[k]) && ground->mutant[k].dead)
      return true;
  return false;
}

bool
mutants__run (struct trial *trial)
{
  struct verdict *verdict = trial->verdict;
  struct hunt_ground *ground = calloc (1, sizeof *ground);
  struct why why;
  bool well = true;
  if (!ground)
    return true;
  ground->trial = trial;
  ground->arena = arena__new ();
  ground->image = *trial->image[0];
  ground->image.bytes
      = arena__memdup (ground->arena, trial->image[0]->bytes, trial->image[0]->size);
  const struct image *images[] = { &ground->image };
  double until = verify__now () + MUTANT_SHARE * trial->verifier->options.budget_seconds;
  collect_tests (ground);
  collect_mutants (ground);
  unsigned tried = 0;
  if (ground->n
      && sandbox__open (trial->verifier->region, images, 1, NULL, &ground->sandbox, &why) == 0)
    {
      for (unsigned i = 0; i < ground->n && tried < MUTANTS_MAX && verify__now () < until; i++)
        {
          unsigned which = 0;
          struct mutant mutant = ground->mutant[i];
          int noticed = plant (ground, &mutant)
                            ? -1
                            : is_noticed (ground, ground->test, ground->n_tests, &which);
          if (noticed < 0)
            continue;
          mutant.dead = noticed == 1;
          if (mutant.dead)
            promote (ground, which);
          ground->mutant[tried++] = mutant;
        }
      well = attack (ground, tried) && ask (ground, tried);
    }
  /* Nothing was shown then: that mutants weren't tried must not look like there being none.  */
  if (well && ground->n && !tried)
    {
      if (ground->sandbox)
        why__set (&why, REASON_MUTANTS, "none of %u could be tried in time", ground->n);
      trial__unknown (trial, &why);
      well = false;
    }
  for (unsigned i = 0; i < tried; i++)
    {
      bool carry = takes_carry (&trial->side.decoded->insn[ground->mutant[i].insn]);
      bool seen = is_settled (&ground->mutant[i])
                  || (trial->compiled && !carry && other_way_dies (ground, tried, i))
                  || coverage__in_copy (trial->candidate_coverage, ground->mutant[i].insn);
      verdict->conditions += is_condition (&ground->mutant[i]);
      verdict->conditions_unseen += is_condition (&ground->mutant[i]) && !seen;
      verdict->carries_unseen += is_condition (&ground->mutant[i]) && !seen && carry;
      verdict->mutants_total += !ground->mutant[i].equal;
      verdict->mutants_killed += ground->mutant[i].dead;
    }
  report (ground, tried);
  if (ground->sandbox)
    sandbox__close (ground->sandbox);
  arena__free (ground->arena);
  free (ground);
  return well;
}
