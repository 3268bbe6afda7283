/* Starting a test: which objects there are, what the parameters are, the rest of the machine at random.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"
#include <stdlib.h>

static const uint8_t scalar_prior[STATE_KINDS][SCALAR_PROFILES] = {
  [STATE_TYPICAL] = { [SCALAR_SIZE] = 8, [SCALAR_LENGTH] = 4, [SCALAR_BOUNDARY] = 1, [SCALAR_CONSTANT] = 2,
                      [SCALAR_RANDOM] = 3, [SCALAR_SIGNED] = 2, [SCALAR_BYTE] = 2, [SCALAR_RELATED] = 2,
                      [SCALAR_MEMORY] = 2, [SCALAR_MAGNITUDE] = 2 },
  [STATE_BOUNDARY] = { [SCALAR_SIZE] = 6, [SCALAR_LENGTH] = 1, [SCALAR_BOUNDARY] = 6, [SCALAR_CONSTANT] = 6,
                       [SCALAR_RANDOM] = 1, [SCALAR_SIGNED] = 3, [SCALAR_BYTE] = 1, [SCALAR_RELATED] = 2,
                       [SCALAR_MEMORY] = 1, [SCALAR_MAGNITUDE] = 2 },
  [STATE_OVERLAP] = { [SCALAR_SIZE] = 8, [SCALAR_LENGTH] = 4, [SCALAR_CONSTANT] = 1, [SCALAR_RANDOM] = 1,
                      [SCALAR_SIGNED] = 1, [SCALAR_BYTE] = 2, [SCALAR_RELATED] = 2, [SCALAR_MEMORY] = 1,
                      [SCALAR_MAGNITUDE] = 1 },
  [STATE_TRAP] = { [SCALAR_SIZE] = 6, [SCALAR_BOUNDARY] = 2, [SCALAR_CONSTANT] = 1, [SCALAR_RANDOM] = 2,
                   [SCALAR_SIGNED] = 2, [SCALAR_BYTE] = 1, [SCALAR_RELATED] = 1, [SCALAR_MAGNITUDE] = 2 },
  [STATE_LARGE] = { [SCALAR_SIZE] = 12, [SCALAR_LENGTH] = 4, [SCALAR_RANDOM] = 1, [SCALAR_BYTE] = 1,
                    [SCALAR_SIGNED] = 1, [SCALAR_RELATED] = 2, [SCALAR_MEMORY] = 1,
                    [SCALAR_MAGNITUDE] = 1 },
  [STATE_PROFILE] = { [SCALAR_SIZE] = 14, [SCALAR_RANDOM] = 1, [SCALAR_BYTE] = 1, [SCALAR_RELATED] = 2,
                      [SCALAR_MEMORY] = 1, [SCALAR_MAGNITUDE] = 1 }
};

static bool
is_integer (const struct type *type)
{
  return type && type->kind == TYPE_INTEGER && type->size >= 1 && type->size <= 8;
}

bool
parameter__is_pointer (const struct region *region, unsigned p)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  return type && type->kind == TYPE_POINTER && !region->parameter[p].by_reference;
}

bool
parameter__is_integer (const struct region *region, unsigned p)
{
  return !region->parameter[p].by_reference
         && is_integer (region__type (region, region->parameter[p].type));
}

/* VALUE of integer TYPE; unsigned ones beyond INT64_MAX are cut to it, so that they count as large.  */
static int64_t
to_integer (uint64_t value, const struct type *type)
{
  unsigned shift = 64 - 8 * (unsigned) type->size;
  if (type->is_signed)
    return (int64_t) (value << shift) >> shift;
  return value > INT64_MAX ? INT64_MAX : (int64_t) value;
}

int64_t
parameter__integer (const struct states *states, const struct attempt *attempt, unsigned p)
{
  const struct type *type = &states->region->type[states->region->parameter[p].type];
  uint64_t value = 0;
  memcpy (&value, attempt->parameter[p], type->size);
  return to_integer (value, type);
}

void
attempt__reference (struct attempt *attempt, int owner, int64_t offset, int target, int64_t delta)
{
  if (attempt->n_references == attempt->references_capacity)
    {
      unsigned capacity = attempt->references_capacity ? 2 * attempt->references_capacity : 64;
      struct reference *more = realloc (attempt->reference, capacity * sizeof *more);
      if (!more)
        abort ();
      attempt->reference = more;
      attempt->references_capacity = capacity;
    }
  attempt->reference[attempt->n_references++]
    = (struct reference){ .owner = owner, .offset = offset, .target = target, .delta = delta };
}

/* A fresh object record that keeps the buffers of the last one in its place.  */
static struct object_in_test *
next_object (struct attempt *attempt)
{
  struct object_in_test *o = &attempt->object[attempt->n_objects++];
  uint8_t *buffer = o->buffer, *page = o->page;
  size_t capacity = o->capacity, page_capacity = o->page_capacity;
  memset (o, 0, offsetof (struct object_in_test, leaf));
  o->n_leaves = 0;
  o->buffer = buffer;
  o->page = page;
  o->capacity = capacity;
  o->page_capacity = page_capacity;
  o->buffer_lo = o->buffer_hi = 0;
  o->page_size = 0;
  o->twin = -1;
  o->flip = o->nul = -1;
  o->bad_hi = -1;
  o->bad_lo = 1;
  o->residue = -1;
  o->parent = -1;
  return o;
}

/* Strings end somewhere; other runs of integers sometimes do too.  */
static void
choose_end (struct states *states, struct attempt *attempt, struct object_in_test *o, struct rng *rng,
            const struct type *type)
{
  bool bytes = !type || (type->kind == TYPE_INTEGER && type->size == 1);
  bool small = type && type->kind == TYPE_INTEGER && type->size <= 4;
  if (bytes ? rng__chance (rng, 9, 10) : small && rng__chance (rng, 1, 4))
    {
      o->nul = (int64_t) value__length (rng, attempt->kind, states->region, o->element);
      if (o->nul * (int64_t) o->element >= states->max_bytes)
        o->nul = states->max_bytes / (int64_t) o->element - 1;
      o->nonzero = rng__chance (rng, 2, 3);
      if (!o->nonzero && rng__chance (rng, 1, 2))
        o->nul = -1;
    }
}

/* Objects of the same type often hold the same: what comparisons and searches wait for.  */
static void
choose_twin (const struct states *states, struct attempt *attempt, struct object_in_test *o,
             struct rng *rng, const struct type *type)
{
  if (type && type->kind != TYPE_INTEGER && type->kind != TYPE_FLOAT)
    return;
  if (!rng__chance (rng, o->element == 1 ? 5 : 3, 10))
    return;
  unsigned self = attempt->n_objects - 1;
  for (unsigned i = 0; i < self; i++)
    {
      const struct object_in_test *other = &attempt->object[i];
      if (other->type != o->type || other->element != o->element || other->fixed || other->init)
        continue;
      o->twin = (int) i;
      o->nul = other->nul;
      if (rng__chance (rng, 2, 3))
        o->flip = (int64_t) value__length (rng, attempt->kind, states->region, o->element);
      return;
    }
}

/* Objects of parameters, where PLAN wants them.  */
static void
place_as_planned (const struct plan *plan, struct object_in_test *o)
{
  if (plan->large)
    o->limit = SANDBOX_SLOT_SIZE;
  if (o->parent >= 0 || o->root < 0 || o->root >= PLAN_PARAMETERS)
    return;
  int residue = plan->residue[o->root];
  if (plan->at_start)
    o->wish = PLACE_START;
  if (residue < 0)
    return;
  o->wish = PLACE_GAP;
  o->modulus = plan->modulus;
  o->residue = residue / (int) o->align * (int) o->align % (int) o->modulus;
}

/* Lists and trees longer than there are objects: the nodes of one object.  */
static void
choose_nodes (struct states *states, struct attempt *attempt, struct object_in_test *o, struct rng *rng,
              const struct type *type)
{
  if (!type || type->kind != TYPE_STRUCT || o->parent >= 0 || attempt->sharing != SHARING_POOL)
    return;
  bool linked = false;
  for (unsigned i = 0; i < type->n_fields; i++)
    {
      const struct type *field = region__type (states->region, type->field[i].type);
      linked |= field && field->kind == TYPE_POINTER && type__alike (states->region, field->element, o->type)
                && !field->is_restrict;
    }
  if (!linked)
    return;
  o->nodes = 1 + (int64_t) (rng__chance (rng, 1, 3) || attempt->kind == STATE_LARGE
                              ? rng__below (rng, 1200) : value__length (rng, attempt->kind, states->region, o->element));
  if (o->nodes * (int64_t) o->element > o->limit)
    o->nodes = o->limit / (int64_t) o->element;
}

int
attempt__object (struct states *states, struct attempt *attempt, unsigned number, uint64_t path, int root,
                 int parent, int64_t parent_at)
{
  unsigned slots = SANDBOX_SLOTS - SANDBOX_GLOBAL_SLOTS;
  if (attempt->n_objects >= OBJECTS_MAX || attempt->n_objects >= SPANS_MAX || attempt->n_slots >= slots)
    return -1;
  const struct type *type = region__type (states->region, number);
  unsigned self = attempt->n_objects;
  struct object_in_test *o = next_object (attempt);
  o->type = type ? number : UINT_MAX;
  o->element = type && type->size ? (uint32_t) (type->size > (1u << 20) ? 1u << 20 : type->size) : 1;
  o->path = path;
  o->root = root;
  o->parent = parent;
  o->parent_at = parent_at;
  o->depth = parent >= 0 ? attempt->object[parent].depth + 1 : 0;
  o->seed = parent >= 0 ? mix2 (attempt->object[parent].seed, mix2 (path, (uint64_t) parent_at))
                        : mix2 (attempt->rng.state, mix2 (path, self));
  struct rng rng = { mix2 (o->seed, 'g') };
  /* Of a void pointer's target nothing is known: most often bytes, so that its end is exact.  */
  o->align = type ? (type->align ? type->align : 1) : rng__chance (&rng, 3, 5) ? 1 : 16;
  if (o->align > 64)
    o->align = 64;
  o->site = site__find (states, mix2 (path, 's'));
  o->growable = true;
  o->writable = states->site[o->site].written;
  o->limit = states->max_bytes;
  if (o->limit < 2 * (int64_t) o->element)
    o->limit = 2 * (int64_t) o->element;
  if (o->limit > (int64_t) SANDBOX_SLOT_SIZE)
    o->limit = SANDBOX_SLOT_SIZE;
  o->limit = round_up (o->limit, o->align);
  o->hi = -1;
  unsigned slot = (attempt->first_slot + attempt->n_slots++) % slots;
  o->slot = SANDBOX_GLOBAL_SLOTS + (attempt->slots_down ? slots - 1 - slot : slot);
  switch (rng__below (&rng, 20))
    {
    case 0: case 1: case 2:
      o->wish = PLACE_START;
      break;
    case 3: case 4: case 5:
      o->wish = PLACE_GAP;
      break;
    default:
      o->wish = PLACE_END;
    }
  o->gap = o->align * (1 + (uint32_t) rng__below (&rng, 64 / o->align));
  if (attempt->plan)
    place_as_planned (attempt->plan, o);
  if (!type || type->kind == TYPE_INTEGER)
    choose_end (states, attempt, o, &rng, type);
  choose_twin (states, attempt, o, &rng, type);
  choose_nodes (states, attempt, o, &rng, type);
  return (int) self;
}

/* The innermost element type of arrays.  */
static unsigned
innermost (const struct region *region, unsigned number)
{
  const struct type *type = region__type (region, number);
  for (int depth = 0; type && type->kind == TYPE_ARRAY && depth < 8; depth++)
    {
      number = type->element;
      type = region__type (region, number);
    }
  return type && type->size && type->kind != TYPE_VOID ? number : UINT_MAX;
}

/* The objects of the region's globals.  */
static void
generate_globals (struct states *states, struct attempt *attempt)
{
  const struct region *region = states->region;
  for (unsigned g = 0; g < region->n_globals && g < SANDBOX_GLOBAL_SLOTS; g++)
    {
      const struct global *global = &region->global[g];
      if (global->is_function || global->size == 0 || !states->layout->global[g])
        continue;
      struct object_in_test *o = next_object (attempt);
      o->type = innermost (region, global->type);
      const struct type *type = region__type (region, o->type);
      o->element = type && type->size ? (uint32_t) type->size : 1;
      o->path = mix2 ('G', g);
      o->align = 1;
      o->root = 1000 + (int) g;
      o->seed = mix2 (attempt->rng.state, o->path);
      o->site = site__find (states, mix2 (o->path, 's'));
      o->fixed = true;
      o->address = states->layout->global[g];
      o->slot = g;
      o->constant = global->readonly;
      o->writable = !global->readonly && states->site[o->site].written;
      if (global->size > 0)
        o->limit = o->hi = global->size;
      else
        {
          o->limit = states->max_bytes;
          o->hi = o->element;
        }
      if (global->size < 0 || global->size > states->max_bytes)
        {
          o->growable = true;
          o->hi = o->limit < SANDBOX_PAGE ? o->limit : SANDBOX_PAGE;
        }
      if (global->init && global->size > 0 && global->readonly)
        {
          o->init = global->init;
          o->element = 1;
          o->type = UINT_MAX;
        }
      o->exact = true;
      if (!o->init && (!type || type->kind == TYPE_INTEGER))
        {
          struct rng rng = { mix2 (o->seed, 'g') };
          choose_end (states, attempt, o, &rng, type);
        }
    }
}

/* A value that some object holds, so that searches find something.  */
static bool
from_memory (struct states *states, struct attempt *attempt, struct rng *rng, unsigned size,
             uint64_t *value)
{
  if (!attempt->n_objects)
    return false;
  unsigned first = (unsigned) rng__below (rng, attempt->n_objects);
  for (unsigned i = 0; i < attempt->n_objects; i++)
    {
      unsigned k = (first + i) % attempt->n_objects;
      struct object_in_test *o = &attempt->object[k];
      const struct type *type = region__type (states->region, o->type);
      if (o->init || (type && type->kind != TYPE_INTEGER) || o->element > size || o->element > 8)
        continue;
      int64_t at = (int64_t) rng__below (rng, 24);
      if ((at + 1) * (int64_t) o->element > o->limit)
        continue;
      object__cover (states, attempt, k, 0, (at + 1) * (int64_t) o->element);
      *value = 0;
      memcpy (value, o->buffer + (at * (int64_t) o->element - o->buffer_lo), o->element);
      if (type && type->is_signed && o->element < 8)
        {
          unsigned shift = 64 - 8 * o->element;
          *value = (uint64_t) ((int64_t) (*value << shift) >> shift);
        }
      return true;
    }
  return false;
}

static void
generate_scalar (struct states *states, struct attempt *attempt, unsigned p)
{
  const struct type *type = &states->region->type[states->region->parameter[p].type];
  if (attempt->plan && p < PLAN_PARAMETERS && attempt->plan->fixed >> p & 1)
    {
      memcpy (attempt->parameter[p], &attempt->plan->scalar[p], type->size);
      return;
    }
  struct rng rng = { mix2 (attempt->rng.state, mix2 ('S', p)) };
  uint64_t recalled;
  if (attempt__recalled_scalar (states, attempt, p, &recalled))
    {
      memcpy (attempt->parameter[p], &recalled, type->size);
      return;
    }
  unsigned site = site__find (states, mix2 (mix2 ('S', p), attempt->kind + 1));
  enum scalar_profile profile
    = site__choose (states, attempt, &rng, site, scalar_prior[attempt->kind], SCALAR_PROFILES);
  uint64_t value = 0;
  int earlier = -1;
  if (profile == SCALAR_RELATED)
    for (unsigned q = 0; q < p; q++)
      if (parameter__is_integer (states->region, q) && rng__chance (&rng, 1, 2))
        earlier = (int) q;
  if (earlier >= 0)
    {
      uint64_t other = (uint64_t) parameter__integer (states, attempt, (unsigned) earlier);
      value = rng__chance (&rng, 1, 2) ? other + rng__below (&rng, 5) - 2
              : (int64_t) other >= 0   ? rng__below (&rng, other + 1)
                                       : other;
    }
  else if (profile != SCALAR_MEMORY
           || !from_memory (states, attempt, &rng, (unsigned) type->size, &value))
    value = value__scalar (&rng, profile == SCALAR_RELATED || profile == SCALAR_MEMORY ? SCALAR_SIZE
                                                                                      : profile,
                           attempt->kind, states->region, (unsigned) type->size, type->is_signed,
                           &states->pool);
  memcpy (attempt->parameter[p], &value, type->size);
}

/* The value of parameter P that is no plain integer.  */
static void
generate_parameter (struct states *states, struct attempt *attempt, unsigned p)
{
  const struct region *region = states->region;
  const struct value *value = &region->parameter[p];
  const struct type *type = region__type (region, value->type);
  uint64_t path = mix2 ('P', p + 1);
  if (!type)
    return;
  if (value->by_reference && type->kind != TYPE_POINTER)
    {
      int target = attempt__object (states, attempt, value->type, path, (int) p, -1, 0);
      if (target >= 0)
        {
          attempt->object[target].align = type->align ? type->align : 8;
          attempt->object[target].nul = attempt->object[target].twin = -1;
        }
      attempt__reference (attempt, -1 - (int) p, 0, target, 0);
      return;
    }
  if (type->kind == TYPE_POINTER)
    {
      /* NULL for pointers is tried now and then, and given up where it traps.  */
      static const uint8_t prior[] = { 40, 2 };
      struct rng rng = { mix2 (attempt->rng.state, path) };
      unsigned site = site__find (states, mix2 (path, 'n'));
      if (attempt->kind != STATE_OVERLAP && attempt->kind != STATE_PROFILE && !attempt->plan
          && site__choose (states, attempt, &rng, site, prior, 2))
        {
          attempt__reference (attempt, -1 - (int) p, 0, -1, 0);
          return;
        }
    }
  if (type->size <= VALUE_BYTES_MAX)
    value__render (states, attempt, -1, -1 - (int) p, value->type, path, 0, 0, attempt->parameter[p], 0);
}

/* Objects that calls for pointers may answer with.  */
static void
generate_answers (struct states *states, struct attempt *attempt)
{
  const struct region *region = states->region;
  for (unsigned c = 0; c < region->n_callees; c++)
    {
      const struct type *result = region__type (region, region->callee[c].result.type);
      if (!result || result->kind != TYPE_POINTER || !region->callee[c].result.n_locations)
        continue;
      const struct type *pointee = region__type (region, result->element);
      unsigned element = pointee && pointee->kind != TYPE_VOID && pointee->size ? result->element : UINT_MAX;
      struct rng rng = { mix2 (attempt->rng.state, mix2 ('A', c)) };
      for (int i = 0; i < 4; i++)
        {
          int target = -1;
          if (!rng__chance (&rng, 1, 4))
            target = attempt__object (states, attempt, element, mix2 ('A', c), -1, -1, 0);
          attempt__reference (attempt, OWNER_ANSWER, i, target, 0);
        }
      return; /* one kind of answer a test is enough: stubs don't tell callees apart */
    }
}

/* Callees are unknown code: some change what they may reach.  */
static void
generate_patches (struct states *states, struct attempt *attempt, struct rng *rng)
{
  if (!states->callees_write || !attempt->n_objects || !rng__chance (rng, 1, 3))
    return;
  unsigned n = 1 + (unsigned) rng__below (rng, 4);
  for (unsigned i = 0; i < n; i++)
    {
      unsigned k = (unsigned) rng__below (rng, attempt->n_objects);
      const struct object_in_test *o = &attempt->object[k];
      unsigned size = 1u << rng__below (rng, 4);
      if (size > o->element)
        size = 1;
      int64_t at = (int64_t) rng__below (rng, o->element * UINT64_C (2)) / size * size;
      if (o->constant
          || (o->root >= 0 && states__is_restrict (states->region, (unsigned) o->root)))
        continue;
      unsigned number = attempt->n_patches++;
      attempt->patch[number].call = (unsigned) rng__below (rng, 4);
      attempt->patch[number].object = k;
      attempt->patch[number].size = size;
      attempt->patch[number].offset = at;
      attempt->patch[number].value = rng__next (rng);
    }
}

/* Registers that hold no argument, and the rest of the machine.  */
static void
generate_machine (struct states *states, struct attempt *attempt, struct rng *rng)
{
  struct machine_state *machine = &attempt->state.machine;
  rng__fill (rng, machine->gpr, sizeof machine->gpr);
  if (rng__chance (rng, 1, 2))
    for (unsigned i = 0; i < sizeof machine->gpr / sizeof *machine->gpr; i++)
      machine->gpr[i] = mix__leftover (machine->gpr[i]);
  rng__fill (rng, machine->vec, sizeof machine->vec);
  rng__fill (rng, machine->mask, sizeof machine->mask);
  if (!rng__chance (rng, 1, 4)) /* callers that use AVX leave no dirty upper halves, as a rule */
    for (unsigned i = 0; i < 16; i++)
      memset (machine->vec[i] + 16, 0, 48);
  machine->rflags = (rng__next (rng) & 0x8d5) | 2;
  machine->mxcsr = 0x1f80;
  if ((states->region->fp & FP_ROUNDING) && rng__chance (rng, 1, 2))
    machine->mxcsr |= (uint32_t) rng__below (rng, 4) << 13;
  attempt->state.seed = rng__next (rng);
  rng__fill (rng, attempt->state.stack_argument, sizeof attempt->state.stack_argument);
}

void
object__features (struct states *states, struct attempt *attempt, const struct object_in_test *o,
                  int64_t feature[FEATURES_MAX])
{
  memset (feature, 0, FEATURES_MAX * sizeof *feature);
  unsigned half = o->parent >= 0 ? FEATURES_MAX / 2 : FEATURES_MAX;
  for (unsigned i = 0; i < half && i < attempt->n_features; i++)
    feature[i] = attempt->feature[i];
  unsigned n = half;
  if (o->parent < 0)
    {
      if (o->nul >= 0 && n > attempt->n_features)
        feature[attempt->n_features] = o->nul;
      return;
    }
  const struct object_in_test *parent = &attempt->object[o->parent];
  const struct type *type = region__type (states->region, parent->type);
  if (!type || type->kind != TYPE_STRUCT)
    return;
  int64_t start = o->parent_at >= 0 ? o->parent_at / parent->element * parent->element : 0;
  for (unsigned i = 0; i < type->n_fields && n < FEATURES_MAX; i++)
    {
      const struct field *field = &type->field[i];
      const struct type *inner = region__type (states->region, field->type);
      if (!is_integer (inner) || field->bits)
        continue;
      int64_t at = start + (int64_t) field->offset;
      if (at < parent->buffer_lo || at + (int64_t) inner->size > parent->buffer_hi)
        continue;
      uint64_t value = 0;
      memcpy (&value, parent->buffer + (at - parent->buffer_lo), inner->size);
      feature[n++] = to_integer (value, inner);
    }
}

bool
attempt__generate (struct states *states, struct attempt *attempt, enum state_kind kind)
{
  const struct region *region = states->region;
  attempt->kind = kind;
  attempt->rng.state = mix2 (states->seed, states->serial++);
  attempt->stage = STAGE_GROW;
  attempt->runs = 0;
  attempt->n_objects = attempt->n_slots = attempt->n_references = 0;
  attempt->n_features = attempt->n_choices = attempt->n_patches = 0;
  attempt->trial = 0;
  attempt->trial_good = -1;
  attempt->overlapped = false;
  attempt->hopeless = attempt->touched = false;
  attempt->changed = true;
  struct rng rng = { mix2 (attempt->rng.state, 'm') };
  attempt->first_slot = (uint32_t) rng__below (&rng, 2);
  attempt->slots_down = rng__chance (&rng, 1, 2);
  attempt->slack = (uint8_t) rng__next (&rng);
  static const uint8_t sharing_prior[SHARINGS] = { 12, 3, 1, 3 };
  attempt->sharing
    = site__choose (states, attempt, &rng, site__find (states, 'C'), sharing_prior, SHARINGS);
  attempt__recall (states, attempt);
  generate_machine (states, attempt, &rng);
  generate_globals (states, attempt);
  const struct type *result = region__type (region, region->result.type);
  if (region->result.by_reference && result)
    attempt__object (states, attempt, region->result.type, 'R', -2, -1, 0);
  for (unsigned p = 0; p < region->n_parameters; p++)
    if (!parameter__is_integer (region, p))
      generate_parameter (states, attempt, p);
  for (unsigned p = 0; p < region->n_parameters; p++)
    if (parameter__is_integer (region, p))
      {
        generate_scalar (states, attempt, p);
        if (attempt->n_features < FEATURES_MAX)
          attempt->feature[attempt->n_features++] = parameter__integer (states, attempt, p);
      }
  generate_answers (states, attempt);
  generate_patches (states, attempt, &rng);
  if (attempt->plan && attempt->plan->overlap)
    return attempt__overlap_planned (states, attempt);
  if (kind == STATE_OVERLAP)
    return attempt__overlap (states, attempt);
  return true;
}
