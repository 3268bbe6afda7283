/* Hunting for inputs on which a comparison comes out otherwise than on all tests so far.

   A rewrite that is wrong for one value in 2^64 has to tell that value from the others somewhere,
   mostly by a comparison.  Each comparison of both sides is watched (watch.c); where its operands
   were never equal, or never one apart, the input is changed so that they are: what one operand
   holds is looked for in the inputs and replaced by what the other holds (input-to-state
   correspondence: Aschermann and others, "REDQUEEN: Fuzzing with Input-to-State Correspondence",
   NDSS 2019), else differences are carried over as if the operand were input plus, xor or times
   something, else the operand is taken for a function of one input and solved bit by bit (solve.c).
   Integers found so are also given to the generator, which makes objects of the right size for
   them.  Inputs that reach a new comparison are the next ones to start from.

   What it can't see: operands that are a product of several rounds of mixing, comparisons
   made without flags or vector comparisons.  Those are the mutants' and the solver's.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/hunt.h"
#include "machine/value-mask.h"

#include <stdlib.h>
#include <string.h>

/* Slot of the code area, after those of the plain and the instrumented images.  */
enum
{
  WATCHED_ORIGINAL = 4,
  WATCHED_CANDIDATE = 5
};

enum
{
  BATCH = 16,
  TIMEOUT_MS = 20,
  SEEDS_MAX = 96,
  SEEDS_FIRST = 20, /* of each kind of the bank */
  SEEDS_PER_GOAL = 3,
  RECORDS_PER_SEED = 3,
  HITS_MAX = 6, /* places in memory with the operand's value: the first and the last */
  WANTED_MAX = 192,
  NEWS_MAX = 64,
  TIMEOUTS_MAX = 12,
  TRIES_MAX = 4 /* seeds from which a comparison is pursued in vain */
};
/* The share of the time left for what is one apart, when all that can be equal was.  */
#define CLOSE_SHARE 0.25
/* The generator's share of the whole budget for the sizes that were found.  */
#define FOLLOW_SHARE 0.35

struct seed
{
  const struct state *state;
  bool used;
};

struct hunt
{
  struct trial *trial;
  struct arena *arena;
  struct eye eye[2];
  unsigned n_seeds;
  struct seed seed[SEEDS_MAX];
  unsigned n_wanted;
  struct
  {
    unsigned parameter;
    uint64_t value;
  } wanted[WANTED_MAX];
  unsigned n_news;
  const struct state *news[NEWS_MAX];
  unsigned timeouts;
  double until;
};

/* The low SIZE bytes.  */
static uint64_t
cut (uint64_t value, unsigned size)
{
  return value & low_bytes__mask (size);
}

static uint64_t
lane_of (const uint8_t *bytes, unsigned lane, unsigned number)
{
  uint64_t value = 0;
  memcpy (&value, bytes + lane * number, lane < 8 ? lane : 8);
  return value;
}

uint64_t
watch__distance (const struct watch_site *site, const struct watch_record *record)
{
  uint64_t a = lane_of (record->a, site->lane, 0), b = lane_of (record->b, site->lane, 0);
  switch (site->kind)
    {
    case WATCH_COMPARE:
      return cut (a - b, site->size);
    case WATCH_DIFFER:
      return cut (a ^ b, site->size);
    case WATCH_MASK:
      return cut (a & b, site->size);
    case WATCH_PART:
      {
        uint64_t stays = 0;
        for (unsigned i = 0; i < site->size / site->lane; i++)
          stays |= lane_of (record->a, site->lane, i) & lane_of (record->b, site->lane, i);
        return stays;
      }
    case WATCH_SUM:
      return cut (a + b, site->size);
    case WATCH_VECTOR:
      return cut (a ^ b, site->lane);
    }
  return 0;
}

static uint64_t
distance_either_way (const struct watch_site *site, const struct watch_record *record)
{
  uint64_t distance = watch__distance (site, record);
  uint64_t back = site->kind == WATCH_COMPARE || site->kind == WATCH_SUM
                      ? cut (0 - distance, site->size)
                      : distance;
  return distance < back ? distance : back;
}

/* The goals of SITE that RECORD meets: bit 0 equal, 1 and 2 one apart; of parts bit 0 none, 1 some bit set; for vectors a bit a
   lane that is equal, the last for the whole.  */
static uint64_t
goals_met (const struct watch_site *site, const struct watch_record *record)
{
  if (site->kind == WATCH_VECTOR)
    {
      uint64_t lanes = 0;
      unsigned n = site->size / site->lane;
      for (unsigned i = 0; i < n && i < 63; i++)
        if (lane_of (record->a, site->lane, i) == lane_of (record->b, site->lane, i))
          lanes |= UINT64_C (1) << i;
      if (memcmp (record->a, record->b, site->size) == 0)
        lanes |= UINT64_C (1) << 63;
      return lanes;
    }
  uint64_t distance = watch__distance (site, record);
  if (site->kind == WATCH_PART)
    return distance == 0 ? PART_NONE : PART_SOME;
  return distance == 0 ? 1 : distance == 1 ? 2 : distance == cut (UINT64_MAX, site->size) ? 4 : 0;
}

static uint64_t
goals_of (const struct watch_site *site)
{
  if (site->kind == WATCH_VECTOR)
    {
      unsigned n = site->size / site->lane;
      return (n >= 63 ? UINT64_MAX >> 1 : (UINT64_C (1) << n) - 1) | UINT64_C (1) << 63;
    }
  /* One bit is a condition; of more, some bit is expected.  */
  if (site->kind == WATCH_PART)
    return !site->b_known || (site->b & (site->b - 1)) || site->lane < site->size ? PART_SOME : PART_NONE | PART_SOME;
  return site->kind == WATCH_DIFFER ? 1 : 7;
}

int
eye__run (struct eye *eye, const struct state *const *states, unsigned n, struct state *watched,
          struct outcome *outcomes)
{
  const struct state *list[BATCH];
  struct why why;
  for (unsigned i = 0; i < n; i++)
    {
      if (!watch__state (eye->watch, states[i], &watched[i]))
        return -1;
      list[i] = &watched[i];
    }
  memset (outcomes, 0, n * sizeof *outcomes);
  return sandbox__run (eye->sandbox, 0, list, outcomes, n, TIMEOUT_MS, &why);
}

/* Proposals live in an arena of their own; what is kept of them is copied.  */
static const struct state *
copy_state (struct arena *arena, const struct state *state)
{
  struct state *copy = arena__memdup (arena, state, sizeof *state);
  for (unsigned i = 0; i < copy->n_spans; i++)
    copy->span[i].bytes = arena__memdup (arena, state->span[i].bytes, state->span[i].size);
  return copy;
}

/* Runs STATES[N] where E watches.  Those that meet a goal nobody met, or reach a comparison nobody
   reached, are news, and counted as seen where NEWS, or quietly where not.  */
static void
observe (struct hunt *hunt, unsigned e, const struct state *const *states, unsigned n, bool news)
{
  struct eye *eye = &hunt->eye[e];
  struct state *watched = calloc (BATCH, sizeof *watched);
  struct outcome *outcomes = calloc (BATCH, sizeof *outcomes);
  struct watch_record records[WATCH_SCALARS];
  for (unsigned from = 0; watched && outcomes && from < n && hunt->timeouts < TIMEOUTS_MAX;
       from += BATCH)
    {
      unsigned count = n - from < BATCH ? n - from : BATCH;
      if (eye__run (eye, states + from, count, watched, outcomes))
        break;
      for (unsigned i = 0; i < count; i++)
        {
          bool is_new = false;
          hunt->timeouts += outcomes[i].status == RUN_TIMEOUT;
          if (outcomes[i].status != RUN_RETURNED && outcomes[i].status != RUN_TRAPPED
              && outcomes[i].status != RUN_NORETURN)
            continue;
          for (unsigned k = 0; k < eye->watch->n; k++)
            {
              const struct watch_site *site = &eye->watch->site[k];
              unsigned n_records = watch__records (eye->watch, &watched[i], &outcomes[i], k,
                                                   records, WATCH_SCALARS);
              is_new |= n_records && !eye->reached[k];
              eye->reached[k] |= n_records != 0;
              for (unsigned r = 0; r < n_records; r++)
                {
                  uint64_t met = goals_met (site, &records[r]),
                           apart = distance_either_way (site, &records[r]);
                  if (!watch__is_vector (site))
                    eye->bits[k] |= cut (lane_of (records[r].a, site->lane, 0), site->size);
                  if (apart < eye->nearest[k])
                    eye->nearest[k] = apart;
                  is_new |= (met & ~eye->met[k]) != 0;
                  eye->met[k] |= met;
                }
            }
          if (is_new && news && hunt->n_news < NEWS_MAX)
            hunt->news[hunt->n_news++] = copy_state (hunt->arena, states[from + i]);
        }
    }
  free (watched);
  free (outcomes);
}

/* Proposals collected for one goal.  */
struct proposals
{
  struct hunt *hunt;
  struct arena *arena;
  const struct state *base;
  const struct region *region;
  unsigned n;
  const struct state *state[256];
};

static void
propose (struct proposals *proposals, const struct state *state)
{
  if (state && proposals->n < sizeof proposals->state / sizeof *proposals->state)
    proposals->state[proposals->n++] = state;
}

/* A size that the generator shall make objects for.  */
static void
want (struct hunt *hunt, const struct input *input, uint64_t value)
{
  value = cut (value, input->size);
  for (unsigned i = 0; i < hunt->n_wanted; i++)
    if (hunt->wanted[i].parameter == (unsigned)input->parameter && hunt->wanted[i].value == value)
      return;
  if (hunt->n_wanted < WANTED_MAX)
    {
      hunt->wanted[hunt->n_wanted].parameter = (unsigned)input->parameter;
      hunt->wanted[hunt->n_wanted++].value = value;
    }
}

static void
propose_value (struct proposals *proposals, const struct input *input, uint64_t value)
{
  if (cut (value, input->size) == input__get (proposals->base, input))
    return;
  propose (proposals, input__put (proposals->arena, proposals->base, input, value));
  if (input->is_integer)
    want (proposals->hunt, input, value);
}

/* VALUE of SIZE bytes, sign-extended.  */
static uint64_t
extended (uint64_t value, unsigned size)
{
  unsigned shift = size >= 8 ? 0 : 64 - 8 * size;
  return (uint64_t)((int64_t)(value << shift) >> shift);
}

/* One operand holds OLD and shall hold NEW, SIZE bytes: INPUT as if the operand were simply made
 * from it.  */
static void
propose_input (struct proposals *proposals, const struct input *input, uint64_t old, uint64_t new,
               unsigned size)
{
  uint64_t x = input__get (proposals->base, input);
  uint64_t step = extended (new - old, size);
  unsigned least = size < input->size ? size : input->size;
  if (cut (x, least) == cut (old, least))
    propose_value (proposals, input,
                   (least < 8 ? x & ~cut (UINT64_MAX, least) : 0) | cut (new, least));
  propose_value (proposals, input, x + step);
  propose_value (proposals, input, x - step);
  propose_value (proposals, input, x ^ old ^ new);
  if (size > 1 && cut (__builtin_bswap64 (x) >> (64 - 8 * input->size), least) == cut (old, least))
    propose_value (proposals, input, __builtin_bswap64 (new) >> (64 - 8 * least));
  /* Scaled, as sizes in bytes are.  */
  for (unsigned shift = 1; shift <= 6; shift++)
    {
      propose_value (proposals, input, x + (uint64_t)((int64_t)step >> shift));
      propose_value (proposals, input, x + (step << shift));
    }
}

/* The same where the operand's value stands in memory: SIZE bytes OLD become NEW.  */
static void
propose_memory (struct proposals *proposals, const void *old, const void *new, unsigned size)
{
  enum { HALF = HITS_MAX / 2 };
  const struct state *base = proposals->base;
  struct { unsigned span; uint32_t at; } last[HALF];
  unsigned hits = 0;
  /* What is short stands in many places; where the original came to its end it mostly just read the last of them.  */
  for (unsigned s = 0; s < base->n_spans; s++)
    {
      const struct span *span = &base->span[s];
      if (!input__may_patch (proposals->region, base, s))
        continue;
      const uint8_t *at = span->bytes, *end = span->bytes + span->size;
      for (; at + size <= end && (at = memmem (at, (size_t)(end - at), old, size)); at++, hits++)
        if (hits < HALF)
          propose (proposals, input__patch (proposals->arena, base, s, (uint32_t)(at - span->bytes), new, size));
        else
          {
            last[hits % HALF].span = s;
            last[hits % HALF].at = (uint32_t)(at - span->bytes);
          }
    }
  for (unsigned k = hits < HITS_MAX ? HALF : hits - HALF; k < hits; k++)
    propose (proposals, input__patch (proposals->arena, base, last[k % HALF].span, last[k % HALF].at, new, size));
}

/* One operand holds OLD and shall hold NEW.  */
static void
propose_all (struct proposals *proposals, uint64_t old, uint64_t new, unsigned size)
{
  struct input inputs[INPUTS_MAX];
  unsigned n = input__list (proposals->region, proposals->base, inputs);
  if (old == new)
    return;
  bool address = size == 8 && input__is_address (old);
  if (!address || new == 0 || input__is_address (new))
    {
      bool step = address && new - old < 64; /* one apart would point between elements */
      if (!step)
        propose_memory (proposals, &old, &new, size);
    }
  if (address)
    return;
  if (size > 1)
    {
      uint64_t old_swapped = __builtin_bswap64 (old) >> (64 - 8 * size);
      uint64_t new_swapped = __builtin_bswap64 (new) >> (64 - 8 * size);
      propose_memory (proposals, &old_swapped, &new_swapped, size);
    }
  for (unsigned narrow = 1; narrow < size; narrow *= 2)
    if (extended (old, narrow) == extended (old, size) || cut (old, narrow) == old)
      propose_memory (proposals, &old, &new, narrow);
  for (unsigned i = 0; i < n; i++)
    propose_input (proposals, &inputs[i], old, new, size);
}

/* What would make RECORD of SITE meet scalar GOAL (0: equal, 1, 2: one apart).  */
static void
propose_scalar (struct proposals *proposals, const struct watch_site *site,
                const struct watch_record *record, unsigned goal)
{
  uint64_t a = lane_of (record->a, site->lane, 0), b = lane_of (record->b, site->lane, 0);
  uint64_t delta = goal == 0 ? 0 : goal == 1 ? 1 : UINT64_MAX;
  unsigned size = site->kind == WATCH_PART ? site->lane : site->size;
  uint64_t new_a, new_b = b;
  switch (site->kind)
    {
    case WATCH_SUM:
      new_a = cut (delta - b, size);
      new_b = cut (delta - a, size);
      break;
    case WATCH_MASK:
      new_a = a == b ? delta : goal == 0 ? a & ~b : a | b;
      break;
    case WATCH_PART:
      new_a = goal == 0 ? a & ~b : a | (b & (0 - b));
      new_b = b | (a & (0 - a));
      break;
    default:
      new_a = cut (b + delta, size);
      new_b = cut (a - delta, size);
    }
  propose_all (proposals, a, cut (new_a, size), size);
  if (!site->b_known)
    propose_all (proposals, b, cut (new_b, size), size);
}

/* The same for vectors: the whole (goal 63) or one lane.  */
static void
propose_vector (struct proposals *proposals, const struct watch_site *site,
                const struct watch_record *record, unsigned goal)
{
  const uint8_t *sides[2][2] = { { record->a, record->b }, { record->b, record->a } };
  for (unsigned k = 0; k < 2; k++)
    {
      uint8_t new[WATCH_VALUE_MAX];
      memcpy (new, sides[k][0], site->size);
      if (goal == 63)
        memcpy (new, sides[k][1], site->size);
      else
        memcpy (new + goal * site->lane, sides[k][1] + goal * site->lane, site->lane);
      unsigned before = proposals->n;
      propose_memory (proposals, sides[k][0], new, site->size);
      if (proposals->n == before && goal != 63)
        propose_all (proposals, lane_of (sides[k][0], site->lane, goal),
                     lane_of (sides[k][1], site->lane, goal), site->lane);
    }
}

/* Tries to meet GOAL of site K where E watches, from SEED's records.  */
static void
pursue (struct hunt *hunt, unsigned e, unsigned k, unsigned goal, const struct state *seed,
        const struct watch_record *records, unsigned n_records)
{
  const struct watch_site *site = &hunt->eye[e].watch->site[k];
  struct proposals *proposals = calloc (1, sizeof *proposals);
  if (!proposals)
    return;
  proposals->hunt = hunt;
  proposals->arena = arena__new ();
  proposals->base = seed;
  proposals->region = hunt->trial->verifier->region;
  for (unsigned r = 0; r < n_records && r < RECORDS_PER_SEED; r++)
    {
      /* The first, the last, one between.  */
      const struct watch_record *record = &records[r == 0   ? 0
                                                   : r == 1 ? n_records - 1
                                                            : n_records / 2];
      if (site->kind == WATCH_VECTOR)
        propose_vector (proposals, site, record, goal);
      else
        propose_scalar (proposals, site, record, goal);
    }
  observe (hunt, e, proposals->state, proposals->n, true);
  struct arena *arena = proposals->arena;
  free (proposals);
  if (goal != 0 || site->kind == WATCH_VECTOR || (hunt->eye[e].met[k] & 1)
      || verify__now () > hunt->until)
    {
      arena__free (arena);
      return;
    }
  const struct state *solved[SOLUTIONS_MAX];
  struct solve solve = { .eye = &hunt->eye[e],
                         .site = k,
                         .region = hunt->trial->verifier->region,
                         .arena = arena,
                         .base = seed,
                         .until = hunt->until };
  unsigned n = solve__site (&solve, solved);
  hunt->eye[e].depends[k] |= solve.depends;
  for (unsigned i = 0; i < n; i++)
    if (solve.input[i].is_integer)
      want (hunt, &solve.input[i], input__get (solved[i], &solve.input[i]));
  observe (hunt, e, solved, n, true);
  arena__free (arena);
}

static void
add_seed (struct hunt *hunt, const struct state *state)
{
  if (hunt->n_seeds < SEEDS_MAX)
    hunt->seed[hunt->n_seeds++] = (struct seed){ .state = state };
}

/* How often goals of E's site K were pursued in vain: those wait.  */
static bool
hopeless (const struct eye *eye, unsigned k)
{
  return eye->tries[k] >= TRIES_MAX;
}

/* Looks for what is missing from one seed: equality, then where CLOSE what is one apart.  */
static void
hunt_from (struct hunt *hunt, const struct state *seed, bool close)
{
  struct watch_record *records = calloc (WATCH_SCALARS, sizeof *records);
  struct state *watched = calloc (1, sizeof *watched);
  struct outcome *outcome = calloc (1, sizeof *outcome);
  for (unsigned e = 0; e < 2 && records && watched && outcome; e++)
    {
      struct eye *eye = &hunt->eye[e];
      for (unsigned k = 0; eye->watch && k < eye->watch->n; k++)
        {
          const struct watch_site *site = &eye->watch->site[k];
          uint64_t missing = goals_of (site) & ~eye->met[k];
          if (site->kind != WATCH_VECTOR && site->kind != WATCH_PART)
            missing &= close ? 6 : 1;
          if (!missing || hopeless (eye, k) || verify__now () > hunt->until
              || hunt->timeouts >= TIMEOUTS_MAX || hunt->n_news == NEWS_MAX)
            continue;
          if (eye__run (eye, &seed, 1, watched, outcome))
            break;
          unsigned n = watch__records (eye->watch, watched, outcome, k, records, WATCH_SCALARS);
          if (n == 0)
            continue;
          eye->tries[k]++;
          for (unsigned goal = 0; goal < 64; goal++)
            if ((missing >> goal & 1) && !(eye->met[k] >> goal & 1) && verify__now () < hunt->until)
              pursue (hunt, e, k, goal, seed, records, n);
          if (site->kind != WATCH_VECTOR && !(missing & ~eye->met[k]))
            eye->tries[k] = 0;
        }
    }
  free (records);
  free (watched);
  free (outcome);
}

/* The sizes that were found, with objects made for them.  */
static bool
try_wanted (struct hunt *hunt)
{
  struct trial *trial = hunt->trial;
  const struct region *region = trial->verifier->region;
  bool pointers = region->n_globals > 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    pointers |= region->parameter[p].by_reference
                || (region->parameter[p].type < region->n_types
                    && region->type[region->parameter[p].type].kind == TYPE_POINTER);
  unsigned n = hunt->n_wanted;
  hunt->n_wanted = 0;
  if (!pointers || !n)
    return true;
  struct plan *plans = ARENA_ARRAY (hunt->arena, struct plan, n);
  struct test *tests = ARENA_ARRAY (hunt->arena, struct test, n);
  unsigned count = 0;
  for (unsigned i = 0; i < n; i++)
    {
      if (hunt->wanted[i].parameter >= PLAN_PARAMETERS)
        continue;
      plan__fix (&plans[count], hunt->wanted[i].parameter, hunt->wanted[i].value);
      plans[count++].large = hunt->wanted[i].value > 4096;
    }
  for (unsigned from = 0; from < count && verify__now () < hunt->until; from += 32)
    {
      unsigned part = count - from < 32 ? count - from : 32;
      struct why why;
      int made = states__plan (trial->states[0], STATE_BOUNDARY, plans + from, part, hunt->arena,
                               tests, NULL, &why);
      if (made < 0)
        {
          trial__unknown (trial, &why);
          return false;
        }
      if (!trial__run (trial, 0, STATE_BOUNDARY, tests, (unsigned)made, FOLLOW_SHARE))
        return false;
      const struct state *states[32];
      for (int i = 0; i < made; i++)
        states[i] = tests[i].state;
      for (unsigned e = 0; e < 2; e++)
        if (hunt->eye[e].watch)
          observe (hunt, e, states, (unsigned)made, true);
    }
  return true;
}

/* News become tests and seeds.  */
static bool
settle_news (struct hunt *hunt)
{
  unsigned n = hunt->n_news;
  hunt->n_news = 0;
  for (unsigned i = 0; i < n; i++)
    add_seed (hunt, hunt->news[i]);
  if (!n)
    return true;
  /* What one side made of them is news for the other as well.  */
  for (unsigned e = 0; e < 2; e++)
    if (hunt->eye[e].watch)
      observe (hunt, e, hunt->news, n, false);
  return trial__try (hunt->trial, 0, hunt->news, n);
}

static void
open_eye (struct hunt *hunt, unsigned e)
{
  struct trial *trial = hunt->trial;
  struct verifier *verifier = trial->verifier;
  struct eye *eye = &hunt->eye[e];
  const struct side *side = e == 0 ? &verifier->original : &trial->side;
  struct image *image;
  struct why why;
  if (watch__new (hunt->arena, side, &eye->watch, &why)
      || watch__link (hunt->arena, verifier->region, verifier->setup[0].layout, eye->watch,
                      e == 0 ? WATCHED_ORIGINAL : WATCHED_CANDIDATE, &image, &why))
    {
      eye->watch = NULL;
      return;
    }
  memset (eye->nearest, 0xff, sizeof eye->nearest);
  const struct image *images[] = { image };
  if (sandbox__open (verifier->region, images, 1, NULL, &eye->sandbox, &why))
    eye->watch = NULL;
}

/* Tells TRIAL how near branches came to their other way, and what shifts and masks let through.  */
static void
note_seen (struct hunt *hunt, unsigned e)
{
  const struct eye *eye = &hunt->eye[e];
  struct trial *trial = hunt->trial;
  const struct side *side = e == 0 ? &trial->verifier->original : &trial->side;
  if (!eye->watch)
    return;
  if (!trial->seen[e])
    trial->seen[e] = ARENA_ARRAY (trial->arena, struct branch_seen, side->decoded->n_insns);
  if (!trial->part[e])
    trial->part[e] = ARENA_ARRAY (trial->arena, uint8_t, side->decoded->n_insns);
  if (e == 1 && !trial->masked)
    trial->masked = ARENA_ARRAY (trial->arena, uint64_t, side->decoded->n_insns);
  for (unsigned k = 0; k < eye->watch->n; k++)
    {
      const struct watch_site *site = &eye->watch->site[k];
      if (e == 1)
        trial->masked[site->insn] |= eye->bits[k];
      if (site->kind == WATCH_PART)
        trial->part[e][site->insn] |= (uint8_t) eye->met[k];
      struct branch_seen *seen = site->branch >= 0 ? &trial->seen[e][site->branch] : NULL;
      if (!seen || !eye->reached[k])
        continue;
      if (!seen->known || eye->nearest[k] < seen->nearest)
        seen->nearest = eye->nearest[k];
      seen->known = true;
      seen->comparison = site->insn;
      seen->depends |= eye->depends[k];
    }
}

bool
hunt__judge (struct trial *trial, double seconds)
{
  struct hunt *hunt = calloc (1, sizeof *hunt);
  bool well = true;
  if (!hunt)
    return true;
  trial->hunted = trial->n_kept;
  hunt->trial = trial;
  hunt->arena = arena__new ();
  hunt->until = verify__now () + seconds;
  if (hunt->until > trial->deadline)
    hunt->until = trial->deadline;
  open_eye (hunt, 0);
  open_eye (hunt, 1);
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_BOUNDARY, STATE_OVERLAP };
  for (unsigned i = 0; i < trial->n_kept; i++)
    add_seed (hunt, trial->kept[i].state);
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
    {
      const struct setup *setup = &trial->verifier->setup[0];
      for (unsigned i = 0; i < setup->n_bank[kinds[k]] && i < SEEDS_FIRST; i++)
        add_seed (hunt, setup->bank[kinds[k]][i].state);
    }
  for (unsigned i = 0; i < hunt->n_seeds; i++)
    for (unsigned e = 0; e < 2; e++)
      if (hunt->eye[e].watch)
        observe (hunt, e, &hunt->seed[i].state, 1, false);
  for (unsigned close = 0; close < 2 && well; close++)
    {
      if (close)
        {
          double now = verify__now ();
          hunt->until = now + CLOSE_SHARE * (hunt->until - now);
          for (unsigned e = 0; e < 2; e++)
            memset (hunt->eye[e].tries, 0, sizeof hunt->eye[e].tries);
          for (unsigned i = 0; i < hunt->n_seeds; i++)
            hunt->seed[i].used = false;
        }
      for (unsigned i = 0; well && i < hunt->n_seeds && verify__now () < hunt->until; i++)
        {
          /* The newest first: it got furthest.  */
          unsigned at = 0;
          for (unsigned k = 0; k < hunt->n_seeds; k++)
            if (!hunt->seed[k].used)
              at = k;
          if (i % 3 == 0)
            for (at = 0; at + 1 < hunt->n_seeds && hunt->seed[at].used;)
              at++;
          hunt->seed[at].used = true;
          hunt_from (hunt, hunt->seed[at].state, close);
          well = settle_news (hunt) && try_wanted (hunt) && settle_news (hunt);
        }
    }
  for (unsigned e = 0; e < 2; e++)
    note_seen (hunt, e);
  for (unsigned e = 0; e < 2; e++)
    if (hunt->eye[e].sandbox)
      sandbox__close (hunt->eye[e].sandbox);
  arena__free (hunt->arena);
  free (hunt);
  return well;
}
