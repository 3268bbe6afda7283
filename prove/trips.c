/* How often loops go round, as a term.

   From the condition that ends a loop, where it is that a sum with the number of rounds in it equals something; and shown,
   not guessed: by what a round does, and for the original by what it touches, since memory ends somewhere.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <stdlib.h>
#include <string.h>

/* The number of rounds that CONDITION, false in round ROUND, lets the loop have: CONDITION is that some sum with ROUND in it
   equals something.  As that sum goes round itself, it is known modulo 2^*BITS, 0 standing for all of that.  NULL where
   CONDITION isn't of that form.  */
static const struct term *
trip_count (struct terms *terms, const struct term *condition, const struct term *round, unsigned *bits)
{
  if (condition->op == TERM_NOT)
    condition = condition->arg[0];
  if (condition->op != TERM_EQ || condition->arg[0]->width > 64)
    return NULL;
  const struct term *sum = condition->arg[0];
  unsigned width = sum->width;
  const struct term *counter = term__resize (terms, round, width);
  uint64_t factor = sum == counter ? 1 : 0;
  if (sum->op == TERM_SUM)
    for (unsigned i = 0; i < sum->n_args; i++)
      if (sum->arg[i] == counter)
        factor = sum->words[1 + i];
  if (!factor)
    return NULL;
  /* factor * round + rest == value in the last round.  */
  const struct term *rest
    = term__sub (terms, sum, term__mul (terms, counter, term__const (terms, width, factor)));
  const struct term *distance = term__sub (terms, condition->arg[1], rest);
  unsigned zeros = (unsigned) __builtin_ctzll (factor);
  if (zeros >= width || (zeros && !term__is_value (term__extract (terms, distance, 0, zeros), 0)))
    return NULL;
  uint64_t odd = factor >> zeros, inverse = odd;
  for (unsigned i = 0; i < 6; i++)
    inverse *= 2 - odd * inverse;
  unsigned left = width - zeros;
  *bits = left;
  const struct term *last
    = term__mul (terms, term__extract (terms, distance, zeros, left), term__const (terms, left, inverse));
  return term__zext (terms, term__add (terms, last, term__const (terms, left, 1)), 64);
}

/* Looks for how many rounds the candidate's loop has, and shows that ROUND stays below it.  */
void
trips__find (struct induction *induction, struct instance *instance, const struct facts *entry)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  struct path *base = instance->base[1], *round = induction__dry_run (induction, base, instance->head[1], 1);
  if (!round)
    return;
  const struct term *zero = term__const (terms, 64, 0), *next
    = term__add (terms, instance->round, term__const (terms, 64, 1));
  for (const struct condition *c = round->facts.last; c && c != base->facts.last && !instance->trips; c = c->before)
    {
      if (c->term->op != TERM_NOT)
        continue;
      unsigned bits;
      const struct term *trips = trip_count (terms, c->term, instance->round, &bits);
      if (!trips || term__substitute (terms, trips, &instance->round, &zero, 1) != trips)
        continue;
      /* At first, and after a round that led back.  */
      if (!induction__holds (induction, entry, term__ult (terms, zero, trips)))
        continue;
      struct facts facts = round->facts;
      facts__assume (problem, &facts, term__ult (terms, instance->round, trips));
      if (induction__holds (induction, &facts, term__ult (terms, next, trips)))
        instance->trips = trips;
    }
  path__free (round);
  /* Of an input that can't be that large: its whole upper part.  */
  const struct term *trips = instance->trips;
  if (trips && trips->op == TERM_CONCAT && trips->n_args == 2 && term__is_value (trips->arg[0], 0)
      && trips->arg[1]->op == TERM_EXTRACT && trips->arg[1]->arg[0]->width <= 64)
    {
      const struct term *whole = trips->arg[1]->arg[0];
      const struct term *upper = term__zext (terms, term__lshr_by (terms, whole, trips->arg[1]->number), 64);
      if (upper != trips && induction__holds (induction, entry, term__eq (terms, upper, trips)))
        instance->trips = upper;
    }
}

/* Addresses of user space end here.  */
#define USER_END (UINT64_C (1) << 47)

/* The distance by which the sure accesses of PATH, in round ROUND, move from round to round; 0 where none does.  */
static uint64_t
access_stride (struct induction *induction, const struct path *path, const struct term *round)
{
  struct problem *problem = induction->problem;
  const struct term *next = term__add (problem->terms, round, term__const (problem->terms, 64, 1));
  uint64_t stride = 0;
  for (unsigned i = 0; i < path->memory->n_uses; i++)
    {
      const struct use *use = &path->memory->use[i];
      const struct term *base = problem->base[use->base].term;
      int64_t distance;
      if (use->touched && problem->base[use->base].root != ROOT_STACK
          && term__distance (problem->terms, term__substitute (problem->terms, base, &round, &next, 1), base, &distance)
          && (uint64_t) llabs (distance) > stride && llabs (distance) < (1 << 20))
        stride = (uint64_t) llabs (distance);
    }
  return stride;
}

/* The original at a head, START: how many rounds it makes, as a term, or NULL; where each of them surely touches memory further on.  As all of those
   are at user addresses where the original comes to its end, there can't be many: that is assumed in FACTS.  */
const struct term *
trips__of_original (struct induction *induction, struct path *start, struct facts *facts)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  int head = path__head (start);
  const struct term *round = term__fresh (terms, 64), *one = term__const (terms, 64, 1), *trips = NULL;
  const struct term *next = term__add (terms, round, one);
  struct path *seen[3] = { start }, *leaves = NULL;
  struct relation relation[REGISTERS];
  struct why why = { 0 };
  for (unsigned k = 1; k < 3; k++)
    seen[k] = seen[k - 1] ? induction__dry_run (induction, seen[k - 1], head, 1) : NULL;
  bool well = seen[2] != NULL, junk[REGISTERS] = { false };
  bool again = well;
  for (unsigned tries = 0; again && tries < DEMOTIONS_MAX; tries++)
    {
      again = false;
      for (unsigned i = 0; i < REGISTERS; i++)
        {
          const struct term *value[3];
          for (unsigned k = 0; k < 3; k++)
            value[k] = cut__register (&seen[k]->cpu, i);
          const struct term *form = value[0];
          if (junk[i])
            form = NULL;
          else if (value[0] != value[1] || value[1] != value[2])
            form = i < STICKY ? relation__linear (terms, value, round) : NULL;
          relation[i] = (struct relation){ .term = form ? form : term__fresh (terms, value[0]->width), .checked = form };
        }
      struct path *base = cut__generalise (induction, start, relation, seen[2], FIRST_MEMORY + induction->memories++, facts);
      paths__free (leaves);
      if (induction__run (induction, path__copy_with (base, NULL), induction->heads[0]->is_head, -1, 0, &leaves, &why))
        well = false;
      for (struct path *leaf = leaves; leaf && well && !again; leaf = leaf->next)
        {
          if (leaf->end != PATH_STOPPED || path__head (leaf) != head)
            continue;
          for (unsigned i = 0; i < REGISTERS && !again; i++)
            if (relation[i].checked
                && cut__register (&leaf->cpu, i) != term__substitute (terms, relation[i].term, &round, &next, 1))
              again = junk[i] = true;
          well &= memory__keeps_frame (problem, base->memory, leaf->memory);
        }
      path__free (base);
    }
  /* The rounds end in one way alone, and each of them touches something.  */
  uint64_t stride = UINT64_MAX;
  unsigned bits = 64;
  well &= !again;
  for (struct path *leaf = leaves; leaf && well; leaf = leaf->next)
    if (leaf->end == PATH_STOPPED && path__head (leaf) == head)
      {
        for (const struct condition *c = leaf->facts.last; c && c != facts->last && !trips; c = c->before)
          if (c->term->op == TERM_NOT && (trips = trip_count (terms, c->term, round, &bits))
              && term__substitute (terms, trips, &round, &one, 1) != trips)
            trips = NULL;
        uint64_t own = access_stride (induction, leaf, round);
        stride = own < stride ? own : stride;
      }
  /* Going on until the counter comes by a second time would take more than there is of memory.  */
  well &= trips && stride && stride != UINT64_MAX && (bits >= 48 || stride >> (48 - bits));
  for (struct path *leaf = leaves; leaf && well; leaf = leaf->next)
    {
      const struct term *over = term__eq (terms, term__extract (terms, next, 0, bits), term__extract (terms, trips, 0, bits));
      bool goes_on = leaf->end == PATH_STOPPED && path__head (leaf) == head;
      well = induction__holds (induction, &leaf->facts, goes_on ? term__not (terms, over) : over);
    }
  if (well)
    facts__assume (problem, facts,
                   term__ult (terms, term__sub (terms, trips, one), term__const (terms, 64, USER_END / stride + 1)));
  /* So says the machine.  A compiler knows more: an input that counts elements is no larger than what it counts, so that nothing of
     it is lost when it is made an address.  */
  const struct term *whole = trips && trips->op == TERM_CONCAT && trips->n_args == 2 && trips->arg[1]->op == TERM_EXTRACT
                               ? trips->arg[1]->arg[0] : NULL;
  if (well && problem->options.excuse_faults && whole && whole->op == TERM_VAR && whole->width == 64
      && trips->arg[1]->number == 0)
    facts__assume (problem, facts,
                   term__ult (terms, term__sub (terms, whole, one), term__const (terms, 64, USER_END / stride + 1)));
  paths__free (leaves);
  for (unsigned k = 1; k < 3; k++)
    path__free (seen[k]);
  return well ? trips : NULL;
}

/* The inputs in TERM, at most MAX, N so far.  */
unsigned
term__inputs (const struct term *term, const struct term **input, unsigned n, unsigned max, unsigned depth)
{
  if (term->op == TERM_VAR)
    {
      for (unsigned i = 0; i < n; i++)
        if (input[i] == term)
          return n;
      if (n < max)
        input[n++] = term;
      return n;
    }
  for (unsigned i = 0; i < term->n_args && depth; i++)
    n = term__inputs (term->arg[i], input, n, max, depth - 1);
  return n;
}

/* LEFT, which is less than FACTOR, a power of two, may be the low bits of an input without being written so: those, or NULL.  */
const struct term *
trips__low_part (struct induction *induction, const struct facts *facts, const struct term *left, unsigned factor)
{
  struct terms *terms = induction->problem->terms;
  const struct term *input[4];
  unsigned n = term__inputs (left, input, 0, 4, 6), bits = (unsigned) __builtin_ctz (factor);
  if (factor < 2 || (factor & (factor - 1)) != 0)
    return NULL;
  for (unsigned i = 0; i < n; i++)
    {
      if (input[i]->width <= bits || input[i]->width > 64)
        continue;
      const struct term *part = term__extract (terms, input[i], 0, bits), *whole = term__zext (terms, part, 64);
      if (induction__holds (induction, facts, term__eq (terms, whole, left)))
        return part;
    }
  return NULL;
}

/* How many rounds are left to PATH, at a head, may follow from what is known without being seen in the conditions.  Looks at
   the first condition that isn't decided: where it asks whether something has one value, and that something can have but one, that
   is noted in FACTS.  */
void
trips__pin_rest (struct induction *induction, const struct path *path, struct facts *facts)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  struct path *probe = path__copy_with (path, facts), *other = NULL;
  probe->end = PATH_RUNNING;
  probe->stops = NULL;
  probe->quick = true;
  if (path__run (probe, CUT_STEPS_MAX, &other) == 0 && other && probe->facts.last)
    {
      const struct term *condition = probe->facts.last->term;
      uint64_t value;
      if (condition->op == TERM_NOT)
        condition = condition->arg[0];
      if (condition->op == TERM_EQ && condition->arg[0]->width <= 64
          && facts__ask_roughly (problem, facts, NULL, 0, RELATION_SECONDS) == SOLVER_SAT
          && solver__value (problem->solver, condition->arg[0], &value) == 0)
        {
          const struct term *equal
            = term__eq (terms, condition->arg[0], term__const (terms, condition->arg[0]->width, value));
          if (induction__holds (induction, facts, equal))
            facts__assume (problem, facts, equal);
        }
    }
  path__free (other);
  path__free (probe);
}
