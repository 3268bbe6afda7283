/* Tests laid out by the code's own steps instead of by chance.

   A loop of vectors is wrong, if it is, at one size in a step, one distance between two pointers,
   one alignment. Chance finds those of a small step and misses those of a large one.  So the steps
   are read off both versions (the widest access, what pointers and counters are moved by), and
   sizes of every residue of them, all distances up to the widest step, all alignments modulo 64 are
   tried one by one; all of these tests are followed for their footprints as far as time allows,
   since a store of the same value shows nowhere else.  Likewise each special number (constants of
   both versions, and what is commonly made of them) is given to each integer parameter.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/systematic.h"
#include "states/random.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

/* Tests made and run together; of large ones fewer.  */
enum
{
  PORTION = 64,
  LARGE_PORTION = 8
};

/* Steps beyond are no loop's.  */
enum
{
  STEP_MAX = 4096,
  RESIDUES_MAX = 160,
  DISTANCE_MAX = 256, /* of those that are tried one by one */
  DISTANCE_FAR = 8192,
  DISTANCES_MAX = 96
};

/* Shares of the budget: for one family of tests, and for following in all of them.  */
#define FAMILY_SHARE 0.06
/* Places in a page are many, and seldom matter.  */
#define PAGE_SHARE 0.025
#define FOLLOW_SHARE 0.45
/* What large sizes get at least, and all others.  */
#define LARGE_SECONDS 0.08
#define SIZES_SECONDS 0.06

void
layout__add_step (struct layout_steps *steps, uint64_t step)
{
  if (step < 2 || step > STEP_MAX)
    return;
  for (unsigned i = 0; i < steps->n; i++)
    if (steps->step[i] == step)
      return;
  if (steps->n < STEPS_MAX)
    steps->step[steps->n++] = (unsigned)step;
}

/* What DECODED's registers are moved by, and its widest access.  */
void
layout__scan (struct layout_steps *steps, const struct side *side)
{
  const struct decoded *decoded = side->decoded;
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &decoded->insn[i];
      for (unsigned m = 0; m < insn->n_memory; m++)
        {
          if (insn->memory[m].size > steps->widest && insn->memory[m].size <= 64)
            steps->widest = insn->memory[m].size;
          /* Offsets from one pointer tell how far an unrolled body reaches.  */
          int64_t end = insn->memory[m].disp + insn->memory[m].size;
          if (insn->memory[m].base >= 0 && insn->memory[m].base < 16 && insn->memory[m].base != 4
              && end > 0 && end <= DISTANCE_MAX && end > steps->reach)
            steps->reach = (unsigned)end;
        }
      if (insn->item >= side->code->n_items || side->code->item[insn->item].kind != ITEM_INSN)
        continue;
      const struct insn *text = &side->code->item[insn->item].insn;
      if (text->n_operands != 2 || text->operand[1].kind != OPERAND_REGISTER)
        continue;
      int64_t value = 0;
      if ((insn->zydis == ZYDIS_MNEMONIC_ADD || insn->zydis == ZYDIS_MNEMONIC_SUB)
          && text->operand[0].kind == OPERAND_IMMEDIATE && !text->operand[0].expr.sym)
        value = text->operand[0].expr.add;
      else if (insn->zydis == ZYDIS_MNEMONIC_LEA && text->operand[0].base
               && !text->operand[0].expr.sym)
        value = text->operand[0].expr.add;
      if (strcmp (text->operand[1].reg, "rsp") != 0 && value)
        layout__add_step (steps, (uint64_t)(value < 0 ? -value : value));
    }
}

static const struct type *
pointee (const struct region *region, unsigned p)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  if (!type || type->kind != TYPE_POINTER || region->parameter[p].by_reference)
    return NULL;
  return region__type (region, type->element);
}

static bool
is_integer (const struct region *region, unsigned p)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  return type && type->kind == TYPE_INTEGER && type->size <= 8 && !region->parameter[p].by_reference
         && p < PLAN_PARAMETERS;
}

unsigned
layout__element (const struct region *region)
{
  unsigned least = 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *element = pointee (region, p);
      if (element && element->size && (!least || element->size < least))
        least = (unsigned)element->size;
    }
  return least ? least : 1;
}

/* The loop step, in elements, past which tests shall go.  */
static unsigned
main_step (const struct layout_steps *steps, unsigned element)
{
  unsigned step = steps->widest / element;
  if (steps->reach / element > step)
    step = steps->reach / element;
  for (unsigned i = 0; i < steps->n; i++)
    {
      unsigned scaled = steps->step[i] >= element ? steps->step[i] / element : steps->step[i];
      if (scaled > step && scaled <= 512)
        step = scaled;
    }
  return step ? step : 1;
}

unsigned
layout__sizes (const struct layout_steps *steps, unsigned element, uint64_t *sizes)
{
  unsigned n = 0, step = main_step (steps, element);
  for (uint64_t size = 0; size <= 2 * (uint64_t)step + 2 && size <= RESIDUES_MAX && n < SIZES_MAX;
       size++)
    sizes[n++] = size;
  /* Every residue of the main step, two steps on; and each step's neighbours.  */
  for (unsigned r = 0; r < step && step <= RESIDUES_MAX && n < SIZES_MAX; r++)
    if (2 * step + r > RESIDUES_MAX || step > 64)
      sizes[n++] = 2 * (uint64_t)step + r;
  for (unsigned i = 0; i < steps->n; i++)
    for (unsigned scale = 0; scale < 2; scale++)
      for (unsigned times = 1; times <= 3; times++)
        for (int around = -1; around <= 1 && n < SIZES_MAX; around++)
          {
            uint64_t size = (uint64_t)steps->step[i] / (scale ? element : 1) * times;
            if (scale && element == 1)
              continue;
            if (size)
              sizes[n++] = size + (uint64_t)(int64_t)around;
          }
  return n;
}

unsigned
layout__large_sizes (unsigned element, uint64_t *sizes)
{
  /* Each power of two with a remainder of most of 64, as some remainders take a way of their own; then numbers that
     programs like, and their neighbours.  */
  static const uint32_t large[]
      = { 65599,  1087,  131119, 4143,   262207, 2111, 16447, 524337, 8241, 32815,  70001, 1001,  100003, 999,   1000,  1023,
          1024,   1025,  2047,   2049,   3000,   4095, 4096,  4097,   5003, 8193,   10007, 16385, 32769,  65535, 65536, 65537,
          131072, 262145, 524289 };
  unsigned n = 0;
  for (unsigned i = 0; i < sizeof large / sizeof *large; i++)
    if ((uint64_t)large[i] * element <= SANDBOX_SLOT_SIZE - SANDBOX_PAGE)
      sizes[n++] = large[i];
  return n;
}

/* A family of tests in the making.  */
struct family
{
  struct trial *trial;
  unsigned s;
  enum state_kind kind;
  unsigned n;
  struct plan plan[PORTION];
  uint64_t keep;               /* bit I: the test of plan I is one that mutants have to face */
  double until;
  bool well;
};

/* Runs what was collected.  */
static void
flush (struct family *family)
{
  struct trial *trial = family->trial;
  struct why why;
  if (!family->well || !family->n)
    return;
  struct arena *arena = arena__new ();
  struct test *tests = ARENA_ARRAY (arena, struct test, family->n);
  unsigned of[PORTION];
  int made = states__plan (trial->states[family->s], family->kind, family->plan, family->n, arena,
                           tests, of, &why);
  uint64_t keep = family->keep;
  family->n = 0;
  family->keep = 0;
  if (made < 0)
    {
      trial__unknown (trial, &why);
      family->well = false;
    }
  else
    {
      for (int i = 0; i < made; i++)
        if ((keep >> of[i] & 1) && tests[i].expected->status == RUN_RETURNED && tests[i].expected->n_events_lost == 0)
          trial__keep (trial, &tests[i]);
      family->well = trial__run (trial, family->s, family->kind, tests, (unsigned)made, FOLLOW_SHARE);
    }
  arena__free (arena);
}

/* A cleared plan to be filled; NULL where time is up.  */
static struct plan *
next_plan (struct family *family)
{
  if (family->n == PORTION)
    flush (family);
  if (!family->well || (family->n == 0 && verify__now () > family->until))
    return NULL;
  struct plan *plan = &family->plan[family->n++];
  plan__clear (plan);
  return plan;
}

static struct family *
new_family (struct trial *trial, enum state_kind kind)
{
  struct family *family = ARENA_NEW (trial->arena, struct family);
  family->trial = trial;
  family->kind = kind;
  family->until = verify__now () + FAMILY_SHARE * trial->verifier->options.budget_seconds;
  family->well = true;
  return family;
}

/* Integer parameters get VALUE each in PLAN: where P is one of them, that one alone.  */
static void
fix (const struct region *region, struct plan *plan, int p, uint64_t value)
{
  for (unsigned q = 0; q < region->n_parameters; q++)
    if (is_integer (region, q) && (p < 0 || (unsigned)p == q))
      {
        plan->fixed |= 1u << q;
        plan->scalar[q] = value;
      }
}

/* The parameters that make objects large get VALUE each, the others are drawn: a factor that is small because N is would hide what
   an overlap does.  Where nothing is known of them, and once in four times, all get it.  */
static void
fix_sizes (const struct family *family, struct plan *plan, uint64_t value)
{
  const struct verifier *verifier = family->trial->verifier;
  uint32_t sizes = states__size_parameters (verifier->setup[0].states);
  if (!sizes || family->n % 4 == 3)
    fix (verifier->region, plan, -1, value);
  else
    for (unsigned p = 0; p < PLAN_PARAMETERS; p++)
      if (sizes >> p & 1)
        fix (verifier->region, plan, (int) p, value);
}

/* The integer parameters that could be sizes: wide enough.  */
static unsigned
size_parameters (const struct region *region, unsigned *list)
{
  unsigned n = 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    if (is_integer (region, p) && region->type[region->parameter[p].type].size >= 4)
      list[n++] = p;
  return n;
}

static bool
has_memory (const struct region *region)
{
  for (unsigned p = 0; p < region->n_parameters; p++)
    if (pointee (region, p))
      return true;
  return region->n_globals > 0;
}

/* What sizes are tried with, in this order: small budgets end before the last.  */
enum contents
{
  RECALLED,    /* what recorded calls held */
  EQUAL_WHOLE, /* whole vectors of one value: lanes cancel out where no remainder is left */
  DRAWN,       /* every size with anything */
  EXTREME,     /* narrow sums overflow on large arrays of large numbers */
  EQUAL,
  SORTED,      /* what takes the last of the largest shows on nothing else */
  CONTENTS
};

/* Is SIZE tried with CONTENTS, where there are recorded calls or none?  */
static bool
is_telling (enum contents contents, uint64_t size, bool recorded)
{
  bool whole = size >= 16 && size % 16 == 0;
  switch (contents)
    {
    case RECALLED: return recorded;
    case EQUAL_WHOLE: return whole;
    case EXTREME: return whole || (size > 64 && size % 3 == 0);
    case EQUAL: return !whole && size > 64 && size % 3 == 0;
    default: return true;
    }
}

static bool
sizes (struct trial *trial, const struct layout_steps *steps, unsigned element)
{
  const struct region *region = trial->verifier->region;
  uint64_t size[SIZES_MAX];
  unsigned list[PLAN_PARAMETERS], n_list = size_parameters (region, list),
                                  n = layout__sizes (steps, element, size);
  struct family *family = new_family (trial, STATE_BOUNDARY);
  struct plan *plan;
  bool recorded = trial->verifier->options.n_recorded > 0;
  family->until = trial__until (trial, FAMILY_SHARE, SIZES_SECONDS);
  for (enum contents contents = 0; contents < CONTENTS; contents++)
    for (unsigned i = 0; i < n; i++)
      for (unsigned k = 0; k < n_list && (n_list < 4 || k < 3); k++)
        if (is_telling (contents, size[i], recorded) && (plan = next_plan (family)))
          {
            fix (region, plan, (int)list[k], size[i]);
            plan->large = size[i] > 900;
            plan->at_start = i % 7 == 3;
            plan->extreme = contents == EXTREME;
            plan->equal = contents == EQUAL || contents == EQUAL_WHOLE;
            plan->sorted = contents == SORTED;
            plan->recall = contents == RECALLED ? RECALL_RECORDED : 0;
          }
  flush (family);
  return family->well;
}

/* Large ones by themselves, so that a small budget has time for some of each kind; twice, as it is by chance which object
   comes first.  */
static bool
large_sizes (struct trial *trial, unsigned element)
{
  const struct region *region = trial->verifier->region;
  uint64_t size[SIZES_MAX];
  unsigned list[PLAN_PARAMETERS], n_list = size_parameters (region, list), n = layout__large_sizes (element, size);
  struct family *family = new_family (trial, STATE_BOUNDARY);
  struct plan *plan;
  family->until = trial__until (trial, FAMILY_SHARE, LARGE_SECONDS);
  enum { RECALLED_TURN = -1, TURNS = 2 };
  for (int turn = trial->verifier->options.n_recorded ? RECALLED_TURN : 0; turn < TURNS; turn++)
    for (unsigned i = 0; i < n; i++)
      for (unsigned k = 0; k < n_list && (n_list < 4 || k < 3); k++)
        {
          if (family->n == LARGE_PORTION)
            flush (family);
          if (!(plan = next_plan (family)))
            continue;
          fix (region, plan, (int)list[k], size[i]);
          plan->large = true;
          plan->at_start = i % 7 == 3;
          plan->recall = turn == RECALLED_TURN ? RECALL_RECORDED : 0;
          /* Narrow sums overflow on large arrays of large numbers.  */
          plan->extreme = turn == 1 && size[i] % 3 == 0;
          plan->equal = turn == 0 && size[i] % 3 == 0;
        }
  flush (family);
  return family->well;
}

bool
systematic__recalled (struct trial *trial, unsigned recall, double until)
{
  const struct region *region = trial->verifier->region;
  struct layout_steps steps = { .widest = 1 };
  layout__scan (&steps, &trial->verifier->original);
  layout__scan (&steps, &trial->side);
  unsigned element = layout__element (region), list[PLAN_PARAMETERS], n_list = size_parameters (region, list);
  struct family *family = new_family (trial, STATE_BOUNDARY);
  struct plan *plan;
  family->until = until;
  for (unsigned small = 0; small < 2; small++)
    {
      uint64_t size[SIZES_MAX];
      unsigned n = small ? layout__sizes (&steps, element, size) : layout__large_sizes (element, size);
      for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < n_list && (n_list < 4 || k < 3); k++)
          {
            if (!small && family->n == LARGE_PORTION)
              flush (family);
            if (!(plan = next_plan (family)))
              continue;
            fix (region, plan, (int) list[k], size[i]);
            plan->large = size[i] > 900;
            plan->at_start = i % 7 == 3;
            plan->recall = recall;
          }
      flush (family);
    }
  return family->well;
}

/* Adds distance D, in whole UNITs, to LIST[*N] where it is past NEAR.  */
static void
add_distance (int64_t list[DISTANCES_MAX], unsigned *n, int64_t d, int64_t near, unsigned unit)
{
  d = d / unit * unit;
  for (unsigned i = 0; i < *n; i++)
    if (list[i] == d)
      return;
  if (d > near && d <= DISTANCE_FAR && *n < DISTANCES_MAX)
    list[(*n)++] = d;
}

/* Distances past NEAR that tell: around WHOLE, which is the size in bytes; within each larger step of the code, as a loop that
   takes a buffer at a time gets those wrong; on both sides of the constants that guards compare with.  Their number.  */
static unsigned
far_distances (const struct trial *trial, const struct layout_steps *steps, unsigned element, int64_t whole, int64_t near,
               unsigned unit, int64_t list[DISTANCES_MAX])
{
  static const int64_t common[] = { 512, 1024, 2048, 4096 };
  unsigned n = 0, n_constants, n_base;
  const int64_t *constant = states__constants (trial->states[0], &n_constants, &n_base);
  for (int around = -1; around <= 1; around++)
    add_distance (list, &n, whole + around * (int64_t) unit, near, unit);
  for (unsigned i = 0; i < steps->n; i++)
    for (unsigned scale = 1; scale <= element; scale += element > 1 ? element - 1 : 1)
      {
        int64_t step = (int64_t) steps->step[i] * scale;
        add_distance (list, &n, step / 4 * 3, near, unit);
        add_distance (list, &n, step - unit, near, unit);
        add_distance (list, &n, step / 2, near, unit);
      }
  for (unsigned i = 0; i < n_base; i++)
    for (int around = -1; around <= 1; around++)
      add_distance (list, &n, constant[i] + around * (int64_t) unit, near, unit);
  for (unsigned i = 0; i < sizeof common / sizeof *common; i++)
    add_distance (list, &n, common[i], near, unit);
  add_distance (list, &n, 4096 - unit, near, unit);
  add_distance (list, &n, 4096 + unit, near, unit);
  return n;
}

static bool
overlaps (struct trial *trial, const struct layout_steps *steps, unsigned element)
{
  const struct region *region = trial->verifier->region;
  unsigned list[PLAN_PARAMETERS], n_list = size_parameters (region, list);
  unsigned step = main_step (steps, element);
  uint64_t size = 2 * (uint64_t)step + 3;
  unsigned widest = step * element > steps->widest ? step * element : steps->widest;
  widest = widest < 32 ? 32 : widest > DISTANCE_MAX ? DISTANCE_MAX : widest;
  struct family *family = new_family (trial, STATE_OVERLAP);
  struct plan *plan;
  for (unsigned i = 0; i < region->n_aliases; i++)
    for (unsigned turn = 0; turn < 2; turn++)
      {
        unsigned pointer = turn ? region->alias[i].a : region->alias[i].b;
        unsigned host = turn ? region->alias[i].b : region->alias[i].a, unit;
        if (!states__may_overlap (region, pointer, host, &unit))
          continue;
        family->until = verify__now () + FAMILY_SHARE * trial->verifier->options.budget_seconds;
        int64_t whole = (int64_t)size * element;
        int64_t special[DISTANCES_MAX];
        unsigned n_special = far_distances (trial, steps, element, whole, widest + 2 * unit, unit, special);
        /* Near enough for any vector to get it wrong: mutants that overlook the overlap have to fail.  */
        int64_t near[] = { unit, 3 * (int64_t)unit, (int64_t)widest / 2 / unit * unit };
        for (int64_t distance = 0; distance <= (int64_t)widest + 2 * unit; distance += unit)
          if ((plan = next_plan (family)))
            {
              bool is_near = distance == near[0] || distance == near[1] || distance == near[2];
              family->keep |= (uint64_t)is_near << (family->n - 1);
              if (n_list)
                fix_sizes (family, plan, size + (distance / unit) % 3 * (step > 1 ? step / 2 : 1));
              plan->overlap = true;
              plan->pointer = pointer;
              plan->host = host;
              plan->distance = distance;
            }
        for (unsigned k = 0; k < n_special; k++)
          if ((plan = next_plan (family)))
            {
              uint64_t many = special[k] > whole + unit
                                  ? (uint64_t)special[k] / element + 2 * step + 1
                                  : size;
              if (n_list)
                fix_sizes (family, plan, many);
              plan->overlap = true;
              plan->pointer = pointer;
              plan->host = host;
              plan->distance = special[k];
            }
      }
  flush (family);
  return family->well;
}

static bool
alignments (struct trial *trial, const struct layout_steps *steps, unsigned element)
{
  const struct region *region = trial->verifier->region;
  unsigned list[PLAN_PARAMETERS], n_list = size_parameters (region, list),
                                  step = main_step (steps, element);
  struct family *family = new_family (trial, STATE_BOUNDARY);
  struct plan *plan;
  struct rng rng = { trial->verifier->options.seed };
  uint64_t random = 0;
  for (unsigned p = 0; p < region->n_parameters && p < PLAN_PARAMETERS; p++)
    {
      const struct type *type = pointee (region, p);
      if (!type)
        continue;
      unsigned unit = type->align ? type->align : 1;
      for (unsigned residue = 0; residue < 64; residue += unit)
        for (unsigned k = 0; k < 2; k++)
          if ((plan = next_plan (family)))
            {
              for (unsigned q = 0; q < region->n_parameters && q < PLAN_PARAMETERS; q++)
                {
                  random = rng__next (&rng);
                  if (pointee (region, q))
                    plan->residue[q] = (int16_t)(random >> 58);
                }
              plan->residue[p] = (int16_t)residue;
              if (n_list)
                fix_sizes (family, plan,
                     k ? 2 * (uint64_t)step + residue / unit % (step + 1)
                       : 1 + (random >> 40) % (step + 2));
            }
    }
  flush (family);
  return family->well;
}

/* Every place in a page, as far as time allows: in an order that spreads.  */
static bool
page_offsets (struct trial *trial, const struct layout_steps *steps, unsigned element)
{
  const struct region *region = trial->verifier->region;
  unsigned list[PLAN_PARAMETERS], n_list = size_parameters (region, list),
                                  step = main_step (steps, element);
  struct family *family = new_family (trial, STATE_BOUNDARY);
  struct plan *plan;
  family->until = verify__now () + PAGE_SHARE * trial->verifier->options.budget_seconds;
  struct rng rng = { trial->verifier->options.seed };
  for (unsigned i = 0; i < SANDBOX_PAGE; i++)
    for (unsigned p = 0; p < region->n_parameters && p < PLAN_PARAMETERS; p++)
      {
        const struct type *type = pointee (region, p);
        unsigned unit = type && type->align ? type->align : 1;
        if (!type || i >= SANDBOX_PAGE / unit || !(plan = next_plan (family)))
          continue;
        uint64_t random = rng__next (&rng);
        /* 2531 is odd and near the golden section of a page.  */
        plan->residue[p] = (int16_t)(i * 2531 % (SANDBOX_PAGE / unit) * unit);
        plan->modulus = SANDBOX_PAGE;
        if (n_list)
          fix_sizes (family, plan,
               i % 4 == 0 ? 1 + (random >> 40) % 4 : step + (random >> 40) % (step + 3));
      }
  flush (family);
  return family->well;
}

static bool
numbers (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  struct family *family = new_family (trial, STATE_BOUNDARY);
  struct plan *plan;
  unsigned n, n_base, integers = 0;
  const int64_t *constant = states__constants (trial->states[0], &n, &n_base);
  for (unsigned p = 0; p < region->n_parameters; p++)
    integers += is_integer (region, p);
  for (unsigned i = 0; i < n; i++)
    for (unsigned p = 0; p < region->n_parameters; p++)
      for (int around = 0; around < (i < n_base ? 3 : 1); around++)
        if (is_integer (region, p) && (plan = next_plan (family)))
          fix (region, plan, (int)p,
               (uint64_t)constant[i] + (uint64_t)(int64_t)(around == 2 ? -1 : around));
  flush (family);
  /* Two at once: conditions often come in pairs.  */
  unsigned few = n_base < 12 ? n_base : 12;
  for (unsigned p = 0; integers > 1 && p < region->n_parameters; p++)
    for (unsigned q = 0; q < region->n_parameters; q++)
      for (unsigned i = 0; i < few; i++)
        for (unsigned k = 0; k < few; k++)
          if (p != q && is_integer (region, p) && is_integer (region, q)
              && (plan = next_plan (family)))
            {
              fix (region, plan, (int)p, (uint64_t)constant[i]);
              fix (region, plan, (int)q, (uint64_t)constant[k]);
            }
  flush (family);
  return family->well;
}

bool
systematic__judge (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  struct layout_steps steps = { .widest = 1 };
  layout__scan (&steps, &trial->verifier->original);
  layout__scan (&steps, &trial->side);
  if (!numbers (trial))
    return false;
  if (!has_memory (region))
    return true;
  unsigned element = layout__element (region);
  return large_sizes (trial, element) && sizes (trial, &steps, element) && alignments (trial, &steps, element)
         && overlaps (trial, &steps, element) && page_offsets (trial, &steps, element);
}
