/* What is known on a path: its conditions, and what follows from them without a solver.

   Three things are kept beside the list of conditions: ranges of terms (as arcs modulo 2^width, so that signed and
   unsigned bounds and bounds on differences of addresses are one thing), equalities that are put into
   whatever is looked at later, and orders between addresses.  Each follows from the conditions; what doesn't
   fit is left out, which only makes the proof know less.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <string.h>

enum { RANGE_DEPTH = 10, SPREAD_MAX = 64 };

/* An object's addresses: user space.  */
#define USER_LOW 4096
#define USER_HIGH (INT64_C (1) << 47)

static uint64_t
ones (unsigned width)
{
  return width >= 64 ? ~UINT64_C (0) : (UINT64_C (1) << width) - 1;
}

/* Arcs.  */

struct arc
{
  uint64_t low, high;
};

static struct arc
arc__full (unsigned width)
{
  return (struct arc){ 0, ones (width) };
}

static bool
arc__is_full (struct arc arc, unsigned width)
{
  return ((arc.high + 1 - arc.low) & ones (width)) == 0;
}

static struct arc
arc__shift (struct arc arc, uint64_t by, unsigned width)
{
  if (arc__is_full (arc, width))
    return arc;
  return (struct arc){ (arc.low + by) & ones (width), (arc.high + by) & ones (width) };
}

static struct arc
arc__negate (struct arc arc, unsigned width)
{
  if (arc__is_full (arc, width))
    return arc;
  return (struct arc){ -arc.high & ones (width), -arc.low & ones (width) };
}

/* A and B: 1 and the arc that is both in *BOTH; 0 where they don't meet; 2 where they meet in two places (then
   *BOTH is A).  */
static int
arc__meet (struct arc a, struct arc b, unsigned width, struct arc *both)
{
  uint64_t mask = ones (width);
  if (arc__is_full (b, width))
    {
      *both = a;
      return 1;
    }
  if (arc__is_full (a, width))
    {
      *both = b;
      return 1;
    }
  uint64_t length = (a.high - a.low) & mask;
  uint64_t low = (b.low - a.low) & mask, high = (b.high - a.low) & mask;
  *both = a;
  if (low <= high)
    {
      if (low > length)
        return 0;
      *both = (struct arc){ (a.low + low) & mask, (a.low + (high < length ? high : length)) & mask };
      return 1;
    }
  /* B covers 0 .. high and low .. mask, seen from A's beginning.  */
  if (low > length)
    {
      *both = (struct arc){ a.low, (a.low + (high < length ? high : length)) & mask };
      return 1;
    }
  return 2;
}

static bool
arc__has (struct arc arc, uint64_t value, unsigned width)
{
  return arc__is_full (arc, width)
         || ((value - arc.low) & ones (width)) <= ((arc.high - arc.low) & ones (width));
}

/* TERM = *SIGN * *ATOM + constant, with one of two opposite atoms always the same one.  */
static uint64_t
canonical (struct problem *problem, const struct term *term, const struct term **atom, bool *negative)
{
  const struct term *rest;
  uint64_t constant = (uint64_t) term__split (problem->terms, term, &rest) & ones (term->width);
  *negative = false;
  if (rest->op == TERM_SUM && rest->n_args
      && (rest->words[1] >> (rest->width - 1)))
    {
      const struct term *opposite = term__neg (problem->terms, rest), *inner;
      if (term__split (problem->terms, opposite, &inner) == 0)
        {
          rest = inner;
          *negative = true;
        }
    }
  *atom = rest;
  return constant;
}

static struct arc term_arc (struct problem *problem, const struct facts *facts,
                            const struct term *term, unsigned depth);

static struct arc
join (struct arc a, struct arc b, unsigned width)
{
  if (a.low > a.high || b.low > b.high)
    return arc__full (width);
  return (struct arc){ a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high };
}

/* What TERM's own form says.  */
static struct arc
form_arc (struct problem *problem, const struct facts *facts, const struct term *term, unsigned depth)
{
  unsigned width = term->width;
  struct arc full = arc__full (width);
  switch (term->op)
    {
    case TERM_CONST:
      return (struct arc){ term->words[0], term->words[0] };
    case TERM_CONCAT:
      {
        struct arc all = { 0, 0 };
        for (unsigned i = 0; i < term->n_args; i++)
          {
            struct arc part = term_arc (problem, facts, term->arg[i], depth + 1);
            unsigned w = term->arg[i]->width;
            if (part.low > part.high)
              part = arc__full (w);
            all.low = w >= 64 ? part.low : all.low << w | part.low;
            all.high = w >= 64 ? part.high : all.high << w | part.high;
          }
        return all;
      }
    case TERM_EXTRACT:
      {
        if (term->arg[0]->width > 64)
          return full;
        struct arc whole = term_arc (problem, facts, term->arg[0], depth + 1);
        if (whole.low > whole.high || whole.high >> term->number > ones (width))
          return full;
        return (struct arc){ whole.low >> term->number, whole.high >> term->number };
      }
    case TERM_SUM:
      {
        __int128 low = (int64_t) (term->words[0] << (64 - width)) >> (64 - width), high = low;
        for (unsigned i = 0; i < term->n_args; i++)
          {
            struct arc part = term_arc (problem, facts, term->arg[i], depth + 1);
            __int128 factor = (int64_t) (term->words[1 + i] << (64 - width)) >> (64 - width);
            if (part.low > part.high || factor > INT32_MAX || factor < INT32_MIN)
              return full;
            low += factor * (factor > 0 ? part.low : part.high);
            high += factor * (factor > 0 ? part.high : part.low);
          }
        if (high - low >= (__int128) ones (width))
          return full;
        return (struct arc){ (uint64_t) low & ones (width), (uint64_t) high & ones (width) };
      }
    case TERM_ITE:
      return join (term_arc (problem, facts, term->arg[1], depth + 1),
                   term_arc (problem, facts, term->arg[2], depth + 1), width);
    case TERM_AND:
      {
        struct arc least = full;
        for (unsigned i = 0; i < term->n_args; i++)
          {
            struct arc part = term_arc (problem, facts, term->arg[i], depth + 1);
            if (part.low <= part.high && part.high < least.high)
              least.high = part.high;
          }
        return least;
      }
    case TERM_SEXT:
      {
        struct arc part = term_arc (problem, facts, term->arg[0], depth + 1);
        unsigned w = term->arg[0]->width;
        uint64_t top = UINT64_C (1) << (w - 1);
        uint64_t low = part.low ^ top, high = part.high ^ top;
        if (low > high)
          return (struct arc){ -top & ones (width), top - 1 };
        return (struct arc){ (low - top) & ones (width), (high - top) & ones (width) };
      }
    case TERM_POPCOUNT:
    case TERM_CLZ:
    case TERM_CTZ:
      return (struct arc){ 0, term->arg[0]->width < ones (width) ? term->arg[0]->width : ones (width) };
    case TERM_UREM:
      {
        struct arc part = term_arc (problem, facts, term->arg[1], depth + 1);
        return part.low <= part.high && part.low > 0 ? (struct arc){ 0, part.high - 1 } : full;
      }
    case TERM_UDIV:
      {
        struct arc part = term_arc (problem, facts, term->arg[0], depth + 1);
        struct arc by = term_arc (problem, facts, term->arg[1], depth + 1);
        if (part.low > part.high || by.low > by.high || by.low == 0)
          return full;
        return (struct arc){ part.low / by.high, part.high / by.low };
      }
    default:
      return full;
    }
}

static struct arc
term_arc (struct problem *problem, const struct facts *facts, const struct term *term, unsigned depth)
{
  unsigned width = term->width;
  if (width > 64 || depth > RANGE_DEPTH)
    return arc__full (width > 64 ? 64 : width);
  struct arc arc = form_arc (problem, facts, term, depth);
  if (term->op == TERM_CONST || facts->n_ranges == 0)
    return arc;
  const struct term *atom;
  bool negative;
  uint64_t constant = canonical (problem, term, &atom, &negative);
  for (unsigned i = 0; i < facts->n_ranges; i++)
    if (facts->range[i].term == atom)
      {
        struct arc known = { facts->range[i].low, facts->range[i].high };
        if (negative)
          known = arc__negate (known, width);
        arc__meet (arc, arc__shift (known, constant, width), width, &arc);
      }
  return arc;
}

void
facts__range (struct problem *problem, const struct facts *facts, const struct term *term,
              uint64_t *low, uint64_t *high)
{
  struct arc arc = term_arc (problem, facts, term, 0);
  *low = arc.low;
  *high = arc.high;
}

/* Equalities.  */

static void
add_pair (struct problem *problem, struct facts *facts, const struct term *from, const struct term *to)
{
  if (from == to || from->op == TERM_CONST)
    return;
  bool found = false;
  if (facts->n_pairs == PAIRS_MAX)
    {
      facts->lost = true;
      return;
    }
  /* Where FROM has a pair already, some bits of it were known and TO knows more.  */
  for (unsigned i = 0; i < facts->n_pairs; i++)
    {
      found |= facts->from[i] == from;
      facts->to[i] = term__substitute (problem->terms, facts->to[i], &from, &to, 1);
    }
  if (found)
    return;
  facts->from[facts->n_pairs] = from;
  facts->to[facts->n_pairs++] = to;
}

/* TERM is VALUE.  */
static void
bind (struct problem *problem, struct facts *facts, const struct term *term, const struct term *value)
{
  struct terms *terms = problem->terms;
  switch (term->op)
    {
    case TERM_CONST:
      break;
    case TERM_VAR:
      add_pair (problem, facts, term, value);
      break;
    case TERM_CONCAT:
      {
        unsigned low = term->width;
        for (unsigned i = 0; i < term->n_args; i++)
          {
            low -= term->arg[i]->width;
            bind (problem, facts, term->arg[i],
                  term__extract (terms, value, low, term->arg[i]->width));
          }
        break;
      }
    case TERM_EXTRACT:
      if (term->arg[0]->op == TERM_VAR && value->op == TERM_CONST)
        add_pair (problem, facts, term->arg[0],
                  term__insert (terms, term->arg[0], term->number, value));
      else if (value->op == TERM_CONST)
        add_pair (problem, facts, term, value);
      break;
    default:
      if (value->op == TERM_CONST)
        add_pair (problem, facts, term, value);
    }
}

/* 1 / VALUE modulo 2^64, VALUE odd.  */
static uint64_t
inverse (uint64_t value)
{
  uint64_t x = value;
  for (unsigned i = 0; i < 6; i++)
    x *= 2 - value * x;
  return x;
}

/* The input in ATOM, where FACTOR * ATOM is the input moved up by *LOW bits and nothing else of it: NULL where it isn't so.  */
static const struct term *
input_of (const struct term *atom, uint64_t factor, unsigned *low)
{
  const struct term *input = atom;
  *low = (unsigned) __builtin_ctzll (factor);
  if (atom->op == TERM_CONCAT && atom->n_args == 2 && term__is_value (atom->arg[0], 0))
    input = atom->arg[1];
  if (factor != UINT64_C (1) << *low || input->op != TERM_VAR || input->number == VAR_STACK
      || input->width + *low != atom->width)
    return NULL;
  return input;
}

/* A and B are equal: whatever can be put in for something else from now on.  */
static void
assume_equal (struct problem *problem, struct facts *facts, const struct term *a, const struct term *b)
{
  struct terms *terms = problem->terms;
  a = facts__simplify (problem, facts, a, false);
  b = facts__simplify (problem, facts, b, false);
  if (a == b)
    return;
  if (a->width > 64)
    {
      if (b->op == TERM_CONST)
        bind (problem, facts, a, b);
      else if (a->op == TERM_CONST)
        bind (problem, facts, b, a);
      return;
    }
  unsigned width = a->width;
  const struct term *rest;
  uint64_t constant = -(uint64_t) term__split (terms, term__sub (terms, a, b), &rest) & ones (width);
  if (rest->op != TERM_SUM)
    {
      bind (problem, facts, rest, term__const (terms, width, constant));
      return;
    }
  if (rest->n_args == 1)
    {
      uint64_t factor = rest->words[1];
      unsigned zeros = (unsigned) __builtin_ctzll (factor);
      if (factor == 0 || zeros >= width || (constant & ones (zeros)))
        return;
      const struct term *low = term__extract (terms, rest->arg[0], 0, width - zeros);
      bind (problem, facts, low,
            term__const (terms, width - zeros, (constant >> zeros) * inverse (factor >> zeros)));
      return;
    }
  /* An input by itself, in terms of the rest.  */
  for (unsigned i = 0; i < rest->n_args; i++)
    {
      uint64_t factor = rest->words[1 + i];
      bool negative = factor >> (width - 1) && factor != UINT64_C (1) << (width - 1);
      unsigned low;
      if (negative)
        factor = -factor & ones (width);
      const struct term *input = input_of (rest->arg[i], factor, &low);
      if (!input)
        continue;
      /* ± moved + others = constant  */
      const struct term *moved
        = term__mul (terms, rest->arg[i], term__const (terms, width, rest->words[1 + i]));
      const struct term *value
        = term__sub (terms, term__const (terms, width, constant), term__sub (terms, rest, moved));
      if (negative)
        value = term__neg (terms, value);
      add_pair (problem, facts, input, term__extract (terms, value, low, input->width));
      return;
    }
}

/* TERM lies in ARC.  */
static void
assume_arc (struct problem *problem, struct facts *facts, const struct term *term, struct arc arc)
{
  unsigned width = term->width;
  const struct term *atom;
  bool negative;
  if (width > 64 || term->op == TERM_CONST || arc__is_full (arc, width))
    return;
  uint64_t constant = canonical (problem, term, &atom, &negative);
  arc = arc__shift (arc, -constant & ones (width), width);
  if (negative)
    arc = arc__negate (arc, width);
  struct arc known = form_arc (problem, facts, atom, 0);
  bool merged = false;
  int place = -1;
  arc__meet (arc, known, width, &arc);
  for (unsigned i = 0; i < facts->n_ranges; i++)
    if (facts->range[i].term == atom)
      {
        struct arc both;
        known = (struct arc){ facts->range[i].low, facts->range[i].high };
        if (arc__meet (known, arc, width, &both) == 1)
          {
            facts->range[i].low = both.low;
            facts->range[i].high = both.high;
            arc = both;
            merged = true;
            place = (int) i;
          }
      }
  /* A lone value left out in the middle is not worth a place.  */
  bool hole = ((arc.low - arc.high) & ones (width)) == 2;
  if (!merged && (!hole || facts->n_ranges < RANGES_MAX / 4))
    {
      if (facts->n_ranges == RANGES_MAX)
        {
          facts->lost = true;
          return;
        }
      place = (int) facts->n_ranges;
      facts->range[facts->n_ranges++] = (struct range){ atom, arc.low, arc.high };
    }
  if (place >= 0 && facts->range[place].low == facts->range[place].high)
    assume_equal (problem, facts, atom, term__const (problem->terms, width, facts->range[place].low));
}

static void
assume_order (struct problem *problem, struct facts *facts, const struct term *a,
              const struct term *b, bool strict)
{
  if (a->width != 64 || a->op == TERM_CONST || b->op == TERM_CONST)
    return;
  if (facts->n_orders == ORDERS_MAX)
    {
      facts->lost = true;
      return;
    }
  struct order *order = &facts->order[facts->n_orders++];
  order->a_offset = term__split (problem->terms, a, &order->a);
  order->b_offset = term__split (problem->terms, b, &order->b);
  order->strict = strict;
}

/* A < B (or <=, unsigned or signed).  */
static void
assume_less (struct problem *problem, struct facts *facts, const struct term *a,
             const struct term *b, bool is_signed, bool strict)
{
  unsigned width = a->width;
  if (width > 64)
    return;
  uint64_t flip = is_signed ? UINT64_C (1) << (width - 1) : 0, mask = ones (width);
  struct arc x = term_arc (problem, facts, a, 0), y = term_arc (problem, facts, b, 0);
  /* Bounds in the order that is meant; where an arc goes round there: all.  */
  uint64_t a_low = x.low ^ flip, a_high = x.high ^ flip, b_low = y.low ^ flip, b_high = y.high ^ flip;
  if (a_low > a_high || arc__is_full (x, width))
    a_low = 0;
  if (b_low > b_high || arc__is_full (y, width))
    b_high = mask;
  if (strict && (b_high == 0 || a_low == mask))
    return; /* can't be */
  assume_arc (problem, facts, a, (struct arc){ flip, (b_high - strict) ^ flip });
  assume_arc (problem, facts, b, (struct arc){ (a_low + strict) ^ flip, mask ^ flip });
  if (!is_signed)
    assume_order (problem, facts, a, b, strict);
}

void
facts__assume (struct problem *problem, struct facts *facts, const struct term *term)
{
  struct terms *terms = problem->terms;
  if (term__is_const (term) && term__value (term))
    return;
  if (term->op == TERM_AND)
    {
      for (unsigned i = 0; i < term->n_args; i++)
        facts__assume (problem, facts, term->arg[i]);
      return;
    }
  bool holds = term->op != TERM_NOT;
  const struct term *inner = holds ? term : term->arg[0];
  if (!holds && inner->op == TERM_OR)
    {
      for (unsigned i = 0; i < inner->n_args; i++)
        facts__assume (problem, facts, term__not (terms, inner->arg[i]));
      return;
    }
  for (const struct condition *known = facts->last; known; known = known->before)
    if (known->term == term)
      return;
  struct condition *condition = ARENA_NEW (problem->arena, struct condition);
  *condition = (struct condition){ term, facts->last, facts->last ? facts->last->n + 1 : 1 };
  facts->last = condition;
  switch (inner->op)
    {
    case TERM_EQ:
      if (holds)
        assume_equal (problem, facts, inner->arg[0], inner->arg[1]);
      else if (inner->arg[0]->width <= 64)
        {
          unsigned width = inner->arg[0]->width;
          const struct term *rest, *apart = term__sub (terms, inner->arg[0], inner->arg[1]);
          uint64_t constant = (uint64_t) term__split (terms, apart, &rest);
          if (width > 1)
            assume_arc (problem, facts, rest,
                        (struct arc){ (1 - constant) & ones (width), (-1 - constant) & ones (width) });
        }
      break;
    case TERM_ULT:
      if (holds)
        assume_less (problem, facts, inner->arg[0], inner->arg[1], false, true);
      else
        assume_less (problem, facts, inner->arg[1], inner->arg[0], false, false);
      break;
    case TERM_SLT:
      if (holds)
        assume_less (problem, facts, inner->arg[0], inner->arg[1], true, true);
      else
        assume_less (problem, facts, inner->arg[1], inner->arg[0], true, false);
      break;
    case TERM_EXTRACT:
      {
        /* A top bit is a sign; any other one is a bit of an input.  */
        const struct term *whole = inner->arg[0];
        unsigned width = whole->width;
        if (width <= 64 && inner->number == width - 1)
          {
            uint64_t half = UINT64_C (1) << (width - 1);
            assume_arc (problem, facts, whole,
                        holds ? (struct arc){ half, ones (width) } : (struct arc){ 0, half - 1 });
          }
        bind (problem, facts, inner, holds ? term__true (terms) : term__false (terms));
        break;
      }
    case TERM_VAR:
      bind (problem, facts, inner, holds ? term__true (terms) : term__false (terms));
      break;
    default:
      break;
    }
}

/* What the conditions of FACTS say that a term may hold in itself: kept, as it is asked for over and over.  */
static const struct replacement *
replacement_of (struct problem *problem, const struct facts *facts)
{
  struct terms *terms = problem->terms;
  for (unsigned i = 0; i < REPLACEMENTS; i++)
    if (problem->replacement[i].last == facts->last && problem->replacement[i].n_pairs == facts->n_pairs
        && problem->replacement[i].n_known)
      return &problem->replacement[i];
  struct replacement *result = &problem->replacement[problem->next_replacement++ % REPLACEMENTS];
  unsigned room = 2 * facts->last->n, at = 0;
  if (result->room < room)
    {
      result->room = 2 * room;
      result->from = ARENA_ARRAY (problem->arena, const struct term *, result->room);
      result->to = ARENA_ARRAY (problem->arena, const struct term *, result->room);
    }
  for (const struct condition *known = facts->last; known; known = known->before)
    {
      const struct term *condition = known->term;
      if (facts->n_pairs)
        condition = term__substitute (terms, condition, facts->from, facts->to, facts->n_pairs);
      bool holds = condition->op != TERM_NOT;
      const struct term *inner = holds ? condition : condition->arg[0];
      if (inner->op == TERM_CONST)
        continue;
      if (holds && inner->op == TERM_EQ && inner->arg[1]->op == TERM_CONST)
        {
          result->from[at] = inner->arg[0];
          result->to[at++] = inner->arg[1];
        }
      result->from[at] = inner;
      result->to[at++] = holds ? term__true (terms) : term__false (terms);
    }
  result->last = facts->last;
  result->n_pairs = facts->n_pairs;
  result->n_known = facts->last->n;
  result->n = at;
  return result;
}

const struct term *
facts__simplify (struct problem *problem, const struct facts *facts, const struct term *term, bool deep)
{
  if (term->op == TERM_CONST)
    return term;
  if (facts->n_pairs)
    term = term__substitute (problem->terms, term, facts->from, facts->to, facts->n_pairs);
  if (!deep || !facts->last || term->op == TERM_CONST)
    return term;
  const struct replacement *replacement = replacement_of (problem, facts);
  if (!replacement->n)
    return term;
  return term__substitute (problem->terms, term, replacement->from, replacement->to, replacement->n);
}

/* By ranges.  */
static int
decide_plain (struct problem *problem, const struct facts *facts, const struct term *term)
{
  if (term__is_const (term))
    return term__value (term) != 0;
  for (const struct condition *known = facts->last; known; known = known->before)
    {
      if (known->term == term)
        return 1;
      if (known->term->op == TERM_NOT ? known->term->arg[0] == term
                                      : term->op == TERM_NOT && term->arg[0] == known->term)
        return 0;
    }
  switch (term->op)
    {
    case TERM_NOT:
      {
        int inner = decide_plain (problem, facts, term->arg[0]);
        return inner < 0 ? -1 : !inner;
      }
    case TERM_AND:
    case TERM_OR:
      {
        int all = term->op == TERM_AND, result = all;
        if (term->n_args > SPREAD_MAX)
          return -1;
        for (unsigned i = 0; i < term->n_args; i++)
          {
            int part = decide_plain (problem, facts, term->arg[i]);
            if (part == !all)
              return part;
            if (part < 0)
              result = -1;
          }
        return result;
      }
    case TERM_EQ:
      {
        unsigned width = term->arg[0]->width;
        if (width > 64)
          return -1;
        const struct term *apart = term__sub (problem->terms, term->arg[0], term->arg[1]);
        struct arc arc = term_arc (problem, facts, apart, 0);
        if (!arc__has (arc, 0, width))
          return 0;
        return arc.low == 0 && arc.high == 0 ? 1 : -1;
      }
    case TERM_ULT:
    case TERM_SLT:
      {
        unsigned width = term->arg[0]->width;
        if (width > 64)
          return -1;
        uint64_t flip = term->op == TERM_SLT ? UINT64_C (1) << (width - 1) : 0;
        struct arc a = term_arc (problem, facts, term->arg[0], 0);
        struct arc b = term_arc (problem, facts, term->arg[1], 0);
        a.low ^= flip;
        a.high ^= flip;
        b.low ^= flip;
        b.high ^= flip;
        if (a.low > a.high)
          a = arc__full (width);
        if (b.low > b.high)
          b = arc__full (width);
        if (a.high < b.low)
          return 1;
        return a.low >= b.high ? 0 : -1;
      }
    case TERM_EXTRACT:
      {
        unsigned width = term->arg[0]->width;
        if (width > 64 || term->number != width - 1)
          return -1;
        struct arc arc = term_arc (problem, facts, term->arg[0], 0);
        uint64_t half = UINT64_C (1) << (width - 1);
        if (arc.low <= arc.high && arc.high < half)
          return 0;
        return arc.low <= arc.high && arc.low >= half ? 1 : -1;
      }
    default:
      return -1;
    }
}

int
facts__decide (struct problem *problem, const struct facts *facts, const struct term *term)
{
  int result = decide_plain (problem, facts, term);
  if (result >= 0)
    return result;
  const struct term *simple = facts__simplify (problem, facts, term, false);
  if (simple != term && (result = decide_plain (problem, facts, simple)) >= 0)
    return result;
  const struct term *deep = facts__simplify (problem, facts, simple, true);
  return deep == simple ? -1 : decide_plain (problem, facts, deep);
}

/* How many low bits of TERM are surely 0.  */
static unsigned
zero_bits (const struct term *term)
{
  unsigned zeros = term->width;
  switch (term->op)
    {
    case TERM_CONST:
      return term->words[0] ? (unsigned) __builtin_ctzll (term->words[0]) : zeros;
    case TERM_SUM:
      if (term->words[0])
        zeros = (unsigned) __builtin_ctzll (term->words[0]);
      for (unsigned i = 0; i < term->n_args; i++)
        {
          unsigned bits = (unsigned) __builtin_ctzll (term->words[1 + i]) + zero_bits (term->arg[i]);
          zeros = bits < zeros ? bits : zeros;
        }
      return zeros;
    case TERM_CONCAT:
      {
        const struct term *last = term->arg[term->n_args - 1];
        unsigned bits = zero_bits (last);
        return bits; /* of the lowest part alone */
      }
    default:
      return 0;
    }
}

/* How far A + OFFSET is surely from where MEMORY shows an object: *LOW .. *HIGH are the least and greatest it can be.  */
static bool
address_bounds (const struct memory *valid, uint32_t base, int64_t *low, int64_t *high)
{
  for (unsigned i = 0; i < valid->n_uses; i++)
    if (valid->use[i].base == base && valid->use[i].touched)
      {
        *low = USER_LOW - valid->use[i].touch_low;
        *high = USER_HIGH - 1 - valid->use[i].touch_high;
        return true;
      }
  return false;
}

static void
distance__add (struct distance *distance, struct arc arc)
{
  if (arc__is_full (arc, 64) || distance->n == sizeof distance->arc / sizeof *distance->arc)
    return;
  distance->arc[distance->n].low = arc.low;
  distance->arc[distance->n++].high = arc.high;
}

void
facts__distance (struct problem *problem, const struct facts *facts, const struct memory *valid,
                 uint32_t a, uint32_t b, struct distance *distance)
{
  const struct term *x = problem->base[a].term, *y = problem->base[b].term;
  const struct term *apart = term__sub (problem->terms, x, y), *atom;
  bool negative;
  uint64_t constant = canonical (problem, apart, &atom, &negative);
  distance->n = 0;
  distance->zeros = zero_bits (apart);
  /* Every range known of the difference by itself: two arcs can leave two pieces.  */
  if (atom->op == TERM_CONST)
    distance__add (distance, (struct arc){ constant, constant });
  else
    for (unsigned i = 0; i < facts->n_ranges; i++)
      if (facts->range[i].term == atom)
        {
          struct arc known = { facts->range[i].low, facts->range[i].high };
          if (negative)
            known = arc__negate (known, 64);
          distance__add (distance, arc__shift (known, constant, 64));
        }
  distance__add (distance, term_arc (problem, facts, apart, 0));
  int64_t x_low, x_high, y_low, y_high;
  if (!facts->n_orders || !valid || !address_bounds (valid, a, &x_low, &x_high)
      || !address_bounds (valid, b, &y_low, &y_high))
    return;
  for (unsigned i = 0; i < facts->n_orders; i++)
    {
      const struct order *order = &facts->order[i];
      bool forward = order->a == x && order->b == y, backward = order->a == y && order->b == x;
      if (!forward && !backward)
        continue;
      /* Neither end may go round.  */
      int64_t far = INT64_C (1) << 40, p = order->a_offset, q = order->b_offset;
      if (p > far || q > far || p < -far || q < -far || x_low < -far || y_low < -far
          || x_high > 2 * USER_HIGH || y_high > 2 * USER_HIGH)
        continue;
      if ((forward ? x_low : y_low) + p < 0 || (forward ? y_low : x_low) + q < 0)
        continue;
      /* forward: x + p <(=) y + q, so x - y <= q - p - strict; and no address is farther than all of user space.  */
      if (forward)
        distance__add (distance, (struct arc){ (uint64_t) (-4 * USER_HIGH), (uint64_t) (q - p - order->strict) });
      else
        distance__add (distance, (struct arc){ (uint64_t) (p - q + order->strict), (uint64_t) (4 * USER_HIGH) });
    }
}

bool
distance__excludes (const struct distance *distance, int64_t low, int64_t high)
{
  struct arc wanted = { (uint64_t) low, (uint64_t) high }, both;
  if (low > high)
    return true;
  for (unsigned i = 0; i < distance->n; i++)
    {
      struct arc known = { distance->arc[i].low, distance->arc[i].high };
      if (arc__meet (wanted, known, 64, &both) == 0)
        return true;
    }
  return false;
}

static enum solver_answer
ask (struct problem *problem, const struct facts *facts, const struct term *const *extra,
     unsigned n, double seconds, bool roughly)
{
  unsigned room = n + (facts->last ? facts->last->n : 0), at = 0;
  struct arena *arena = arena__new ();
  const struct term **condition = ARENA_ARRAY (arena, const struct term *, room);
  enum solver_answer answer = SOLVER_UNKNOWN;
  double left = problem->deadline - prove__now ();
  if (!problem->solver || left <= 0)
    goto done;
  for (unsigned i = 0; i < n; i++)
    condition[at++] = facts__simplify (problem, facts, extra[i], true);
  /* Only inputs may be put in here: of anything else the equation itself has to stay.  */
  const struct term *from[PAIRS_MAX], *to[PAIRS_MAX];
  unsigned kept = 0, n_pairs = 0;
  for (unsigned i = 0; i < facts->n_pairs; i++)
    if (facts->from[i]->op == TERM_VAR)
      {
        from[n_pairs] = facts->from[i];
        to[n_pairs++] = facts->to[i];
      }
  for (const struct condition *known = facts->last; known; known = known->before)
    condition[at++] = n_pairs ? term__substitute (problem->terms, known->term, from, to, n_pairs) : known->term;
  for (unsigned i = 0; i < at; i++)
    {
      if (!term__is_const (condition[i]))
        condition[kept++] = condition[i];
      else if (!term__value (condition[i]))
        {
          answer = SOLVER_UNSAT;
          goto done;
        }
    }
  problem->used_solver = true;
  if (seconds > left)
    seconds = left;
  answer = roughly ? solver__check_roughly (problem->solver, condition, kept, seconds)
                   : solver__check (problem->solver, condition, kept, seconds);
done:
  arena__free (arena);
  return answer;
}

enum solver_answer
facts__ask (struct problem *problem, const struct facts *facts, const struct term *const *extra,
            unsigned n, double seconds)
{
  return ask (problem, facts, extra, n, seconds, false);
}

enum solver_answer
facts__ask_roughly (struct problem *problem, const struct facts *facts, const struct term *const *extra,
                    unsigned n, double seconds)
{
  return ask (problem, facts, extra, n, seconds, true);
}
