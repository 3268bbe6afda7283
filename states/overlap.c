/* Pointers into one object, and inputs that trap.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"

enum { GLOBALS_FROM = 1000 }; /* numbers of globals in region->alias */

/* The reference that parameter P consists of, or NULL.  */
static struct reference *
reference_of (struct attempt *attempt, unsigned p)
{
  for (unsigned i = 0; i < attempt->n_references; i++)
    if (attempt->reference[i].owner == -1 - (int) p && attempt->reference[i].offset == 0)
      return &attempt->reference[i];
  return NULL;
}

bool
states__is_restrict (const struct region *region, unsigned p)
{
  return p < region->n_parameters
         && (region->parameter[p].is_restrict || region->type[region->parameter[p].type].is_restrict);
}

static bool
may_move (const struct region *region, unsigned p)
{
  return p < region->n_parameters && parameter__is_pointer (region, p) && !states__is_restrict (region, p);
}

/* The object that number N of an alias pair stands for, or -1.  */
static int
object_of (struct attempt *attempt, unsigned n)
{
  if (n >= GLOBALS_FROM)
    {
      for (unsigned i = 0; i < attempt->n_objects; i++)
        if (attempt->object[i].root == (int) n)
          return (int) i;
      return -1;
    }
  struct reference *reference = reference_of (attempt, n);
  return reference ? reference->target : -1;
}

/* A distance between two pointers, at least 0, in bytes: none, some elements, a vector's width and its
   neighbours, near the end of what is touched.  */
static int64_t
choose_distance (struct states *states, struct attempt *attempt, struct rng *rng, int64_t unit,
                 const struct object_in_test *host)
{
  static const uint8_t width[] = { 8, 16, 32, 64, 128 };
  int64_t distance;
  switch (rng__below (rng, 8))
    {
    case 0: case 1:
      return 0;
    case 2:
      return unit;
    case 3:
      return unit * (1 + (int64_t) rng__below (rng, 8));
    case 4: case 5:
      distance = width[rng__below (rng, 5)] + ((int64_t) rng__below (rng, 3) - 1) * unit;
      break;
    case 6:
      {
        int64_t feature[FEATURES_MAX];
        object__features (states, attempt, host, feature);
        int64_t hi = extent__predict (&states->site[host->site].extent, feature);
        distance = (hi > 0 ? hi : 4 * unit) + ((int64_t) rng__below (rng, 4) - 2) * unit;
        break;
      }
    default:
      distance = unit * (int64_t) rng__below (rng, 100);
    }
  distance = distance / unit * unit;
  return distance < 0 ? 0 : distance;
}

/* Points parameter P into HOST, DISTANCE bytes behind its start; where that is negative, at a distance drawn
   from RNG.  */
static void
move (struct states *states, struct attempt *attempt, unsigned p, int host, int64_t distance, struct rng *rng)
{
  struct reference *reference = reference_of (attempt, p);
  struct object_in_test *o = &attempt->object[host];
  int64_t unit = 1;
  if (reference->target >= 0)
    {
      struct object_in_test *old = &attempt->object[reference->target];
      unit = old->align;
      if (o->type != UINT_MAX && o->type == old->type)
        unit = o->element; /* elements of one array */
      if (old->align > o->align)
        {
          o->align = old->align;
          o->limit = round_up (o->limit, o->align);
        }
      /* Nothing points at the old one any more.  */
      old->hi = old->lo = old->limit = 0;
      old->exact = true;
      old->growable = false;
      old->root = -3;
    }
  if (distance < 0)
    distance = choose_distance (states, attempt, rng, unit, o);
  if (o->fixed && distance >= o->limit)
    distance = 0;
  if (reference->target >= 0 && o->n_joined < 2)
    {
      o->joined[o->n_joined].site = attempt->object[reference->target].site;
      o->joined[o->n_joined++].distance = distance;
    }
  reference->target = host;
  reference->delta = distance;
  attempt->overlapped = true;
}

bool
attempt__overlap (struct states *states, struct attempt *attempt)
{
  const struct region *region = states->region;
  struct rng rng = { mix2 (attempt->rng.state, 'v') };
  if (!region->n_aliases)
    return false;
  unsigned first = (unsigned) rng__below (&rng, region->n_aliases);
  for (unsigned i = 0; i < region->n_aliases; i++)
    {
      const struct alias_pair *pair = &region->alias[(first + i) % region->n_aliases];
      bool turn = rng__chance (&rng, 1, 2);
      unsigned a = turn ? pair->b : pair->a, b = turn ? pair->a : pair->b;
      if (b >= GLOBALS_FROM)
        {
          unsigned swap = a;
          a = b;
          b = swap;
        }
      if (a == b || !may_move (region, b) || (a < GLOBALS_FROM && !may_move (region, a))
          || !reference_of (attempt, b))
        continue;
      int host = object_of (attempt, a);
      if (host < 0 || (reference_of (attempt, b)->target == host))
        continue;
      move (states, attempt, b, host, -1, &rng);
      /* Sometimes a third pointer too.  */
      for (unsigned k = 0; k < region->n_aliases; k++)
        {
          const struct alias_pair *more = &region->alias[k];
          unsigned c = more->a == a ? more->b : more->b == a ? more->a : b;
          if (c != b && c < GLOBALS_FROM && may_move (region, c) && reference_of (attempt, c)
              && reference_of (attempt, c)->target != host && rng__chance (&rng, 1, 3))
            move (states, attempt, c, host, -1, &rng);
        }
      return true;
    }
  return false;
}

bool
attempt__overlap_planned (struct states *states, struct attempt *attempt)
{
  const struct plan *plan = attempt->plan;
  unsigned unit;
  if (!states__may_overlap (states->region, plan->pointer, plan->host, &unit)
      || !reference_of (attempt, plan->pointer))
    return false;
  int host = object_of (attempt, plan->host);
  if (host < 0 || reference_of (attempt, plan->pointer)->target == host)
    return false;
  move (states, attempt, plan->pointer, host, plan->distance, NULL);
  return true;
}

/* The size of what pointer parameter or global N points to; 1 where unknown.  */
static unsigned
element_of (const struct region *region, unsigned n)
{
  const struct type *type = NULL;
  if (n >= GLOBALS_FROM && n - GLOBALS_FROM < region->n_globals)
    type = region__type (region, region->global[n - GLOBALS_FROM].type);
  else if (n < region->n_parameters)
    {
      type = region__type (region, region->parameter[n].type);
      type = type ? region__type (region, type->element) : NULL;
    }
  for (int depth = 0; type && type->kind == TYPE_ARRAY && depth < 8; depth++)
    type = region__type (region, type->element);
  return type && type->size && type->size < 4096 ? (unsigned) type->size : 1;
}

bool
states__may_overlap (const struct region *region, unsigned pointer, unsigned host, unsigned *unit)
{
  if (pointer >= GLOBALS_FROM || !may_move (region, pointer) || pointer == host)
    return false;
  if (host >= GLOBALS_FROM ? host - GLOBALS_FROM >= region->n_globals : !may_move (region, host))
    return false;
  bool found = false;
  for (unsigned i = 0; i < region->n_aliases; i++)
    found |= (region->alias[i].a == pointer && region->alias[i].b == host)
             || (region->alias[i].b == pointer && region->alias[i].a == host);
  unsigned a = element_of (region, pointer), b = element_of (region, host);
  *unit = a == b ? a : a < b ? a : b;
  return found;
}

/* Sets parameter P, an integer.  */
static void
set_integer (struct states *states, struct attempt *attempt, unsigned p, uint64_t value)
{
  memcpy (attempt->parameter[p], &value,
          states->region->type[states->region->parameter[p].type].size);
}

/* Addresses where nothing is mapped.  */
static uint64_t
wild_address (struct rng *rng)
{
  uint64_t random = rng__next (rng);
  switch (random % 5)
    {
    case 0: case 1:
      return 0;
    case 2: /* in a hole of the arena */
      return SANDBOX_OBJECT_BASE + SANDBOX_OBJECT_ROOM + (uint64_t) 8 * SANDBOX_SLOT_STRIDE
             + (random >> 16) % SANDBOX_SLOT_STRIDE / 64 * 64;
    case 3: /* not canonical */
      return UINT64_C (0x8000000000000000) | (random >> 20) << 6;
    default: /* the kernel's half */
      return UINT64_C (0xffff800000000000) | (random >> 30) << 6;
    }
}

bool
attempt__poison (struct states *states, struct attempt *attempt)
{
  const struct region *region = states->region;
  struct rng rng = { mix2 (attempt->rng.state, 't') };
  unsigned n = region->n_parameters;
  if (!n)
    return false;
  unsigned first = (unsigned) rng__below (&rng, n);
  for (unsigned i = 0; i < n; i++)
    {
      unsigned p = (first + i) % n;
      struct reference *reference = reference_of (attempt, p);
      if (parameter__is_pointer (region, p) && reference)
        {
          reference->target = -1;
          reference->delta = (int64_t) wild_address (&rng);
          return true;
        }
      if (parameter__is_integer (region, p))
        {
          const struct type *type = &region->type[region->parameter[p].type];
          unsigned bits = 8 * (unsigned) type->size;
          if (rng__chance (&rng, 1, 2))
            set_integer (states, attempt, p, 0);
          else
            {
              /* The least number by -1 overflows too.  */
              set_integer (states, attempt, p, UINT64_MAX);
              for (unsigned q = 0; q < n; q++)
                if (q != p && parameter__is_integer (region, q))
                  set_integer (states, attempt, q, UINT64_C (1) << (bits - 1));
            }
          return true;
        }
    }
  return false;
}
