/* Typed contents of objects and values: integers, floating-point numbers, pointers to further objects.
   Every byte is a function of the object's seed and the offset, so that growing an object keeps it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"
#include <stdlib.h>
#include <string.h>

static const uint8_t integer_prior[CONTENT_PROFILES]
  = { [CONTENT_RANDOM] = 5, [CONTENT_TINY] = 2, [CONTENT_SMALL] = 3, [CONTENT_SIGNED] = 1,
      [CONTENT_BYTE] = 2, [CONTENT_TEXT] = 1, [CONTENT_SORTED] = 3, [CONTENT_EQUAL] = 1,
      [CONTENT_FEW] = 2, [CONTENT_SPARSE] = 1, [CONTENT_BOUNDARY] = 2, [CONTENT_CONSTANT] = 2,
      [CONTENT_INDEX] = 1, [CONTENT_EXTREME] = 2 };
static const uint8_t byte_prior[CONTENT_PROFILES]
  = { [CONTENT_RANDOM] = 6, [CONTENT_TINY] = 1, [CONTENT_SMALL] = 2, [CONTENT_SIGNED] = 1,
      [CONTENT_TEXT] = 6, [CONTENT_SORTED] = 1, [CONTENT_EQUAL] = 2, [CONTENT_FEW] = 3,
      [CONTENT_SPARSE] = 1, [CONTENT_BOUNDARY] = 1, [CONTENT_CONSTANT] = 4, [CONTENT_EXTREME] = 2,
      [CONTENT_CLASS] = 3 };
static const uint8_t float_prior[FLOAT_PROFILES]
  = { [FLOAT_UNIT] = 4, [FLOAT_WHOLE] = 3, [FLOAT_SCALES] = 3, [FLOAT_BITS] = 2, [FLOAT_SPECIAL] = 2,
      [FLOAT_RARE] = 3, [FLOAT_EQUAL] = 1, [FLOAT_SORTED] = 1 };

/* POINTER_NUMBER: to a number that stands elsewhere, beside it in its own struct for instance.  */
enum { POINTER_NEW, POINTER_NULL, POINTER_SHARED, POINTER_NUMBER, POINTER_PROFILES };
static const uint8_t pointer_prior[POINTER_PROFILES]
  = { [POINTER_NEW] = 12, [POINTER_NULL] = 3, [POINTER_SHARED] = 1, [POINTER_NUMBER] = 1 };

/* The leaf of PATH in object O: its profile is drawn once and kept.  */
static struct leaf
leaf_of (struct states *states, struct attempt *attempt, int o, uint64_t path, const uint8_t *prior,
         unsigned n)
{
  struct rng rng = { mix2 (o >= 0 ? attempt->object[o].seed : attempt->rng.state, path) };
  if (o >= 0)
    {
      struct object_in_test *object = &attempt->object[o];
      for (unsigned i = 0; i < object->n_leaves; i++)
        if (object->leaf[i].path == path)
          return object->leaf[i];
      struct leaf leaf = { .path = path, .seed = rng__next (&rng) };
      if (object->n_leaves < LEAVES_MAX)
        {
          const struct plan *plan = attempt->plan;
          leaf.profile = plan && n == CONTENT_PROFILES && plan->extreme ? CONTENT_EXTREME
                         : plan && n == CONTENT_PROFILES && plan->equal ? CONTENT_EQUAL
                         : plan && n == CONTENT_PROFILES && plan->sorted ? CONTENT_SORTED
                         : (uint8_t) site__choose (states, attempt, &rng, site__find (states, path), prior, n);
          object->leaf[object->n_leaves++] = leaf;
        }
      else
        do /* too many to remember: by hash alone, so that it stays the same */
          leaf.profile = (uint8_t) rng__below (&rng, n);
        while (!prior[leaf.profile]);
      return leaf;
    }
  struct leaf leaf = { .path = path, .seed = rng__next (&rng) };
  leaf.profile = (uint8_t) site__choose (states, attempt, &rng, site__find (states, path), prior, n);
  return leaf;
}

/* An object of TYPE in ROOT's tree that comes after object O, so that there are no cycles, unless CYCLES; or
   -1.  */
static int
find_shared (const struct attempt *attempt, unsigned type, int root, int o, bool cycles, uint64_t pick)
{
  for (unsigned i = 0; i < attempt->n_objects; i++)
    {
      unsigned k = (unsigned) ((pick + i) % attempt->n_objects);
      if (attempt->object[k].type == type && attempt->object[k].root == root
          && (cycles || (int) k > o) && !attempt->object[k].fixed)
        return (int) k;
    }
  return -1;
}

/* Is TYPE a pointer to NODE?  */
static bool
is_link (const struct region *region, unsigned type, unsigned node)
{
  const struct type *pointer = region__type (region, type);
  return pointer && pointer->kind == TYPE_POINTER && type__alike (region, pointer->element, node);
}

/* Where in object O an integer stands that a POINTER may lead to by its type: the offset of one of them, by PICK; -1 where
   there is none.  */
static int64_t
find_number (const struct region *region, const struct object_in_test *o, const struct type *pointer, uint64_t pick)
{
  const struct type *node = region__type (region, o->type), *pointee = region__type (region, pointer->element);
  if (!node || o->constant || o->init || (o->root >= 0 && states__is_restrict (region, (unsigned) o->root)))
    return -1;
  if (node->kind == TYPE_INTEGER && (pointee->size == 1 || type__same_integer (pointee, node)))
    return 0;
  for (unsigned i = 0; node->kind == TYPE_STRUCT && i < node->n_fields; i++)
    {
      const struct field *field = &node->field[(pick + i) % node->n_fields];
      const struct type *type = region__type (region, field->type);
      if (type && type->kind == TYPE_INTEGER && !field->bits && (pointee->size == 1 || type__same_integer (pointee, type)))
        return (int64_t) field->offset;
    }
  return -1;
}

/* Makes REFERENCE, a pointer to elements of SIZE bytes in the NODE at OFFSET of its owner, lead to that place at the index that an integer
   of the node holds: what is appended to an array may change how long that is.  */
static void
count_from (const struct region *region, struct reference *reference, const struct type *node, int64_t offset, unsigned size,
            struct rng *rng)
{
  uint64_t pick = rng__next (rng);
  for (unsigned i = 0; node->kind == TYPE_STRUCT && i < node->n_fields; i++)
    {
      const struct field *field = &node->field[(pick + i) % node->n_fields];
      const struct type *type = region__type (region, field->type);
      if (!type || type->kind != TYPE_INTEGER || type->size < 4 || type->size > 8 || field->bits)
        continue;
      reference->index = offset + (int64_t) field->offset;
      reference->index_size = (uint32_t) type->size;
      reference->scale = size;
      return;
    }
}

/* Makes the POINTER at OFFSET of OWNER, in element INDEX of object O, lead to a number of O or of another object, or a few elements
   before it, so that it is reached: what counts the elements behind a pointer may be one of them.  False where there is no such
   number.  */
static bool
refer_to_number (struct states *states, struct attempt *attempt, int o, int owner, const struct type *pointer, int64_t index,
                 int64_t offset, struct rng *rng)
{
  const struct region *region = states->region;
  const struct type *pointee = region__type (region, pointer->element);
  if (!pointee || pointee->kind != TYPE_INTEGER || pointer->is_restrict)
    return false;
  uint64_t pick = rng__next (rng);
  /* Its own struct as often as all others.  */
  unsigned first = pick & 1 ? (unsigned) o : (unsigned) (pick >> 1) % attempt->n_objects;
  for (unsigned i = 0; i < attempt->n_objects; i++)
    {
      unsigned host = (first + i) % attempt->n_objects;
      const struct object_in_test *object = &attempt->object[host];
      const struct type *node = region__type (region, object->type);
      int64_t at = find_number (region, object, pointer, pick >> 32);
      if (at < 0)
        continue;
      int64_t before = (int64_t) rng__below (rng, 4) * (int64_t) pointee->size;
      /* Not so that a pointer is overwritten first.  */
      for (unsigned k = 0; node->kind == TYPE_STRUCT && k < node->n_fields; k++)
        {
          const struct type *type = region__type (region, node->field[k].type);
          int64_t from = (int64_t) node->field[k].offset;
          if (type && type->kind == TYPE_POINTER && from < at && from + 8 > at - before)
            before = 0;
        }
      /* Whole arrays overlap either way.  */
      if (node->kind == TYPE_INTEGER && rng__chance (rng, 1, 2))
        before = -before;
      attempt->overlapped = true;
      int64_t element = host == (unsigned) o ? index * (int64_t) object->element : 0;
      attempt__reference (attempt, owner, offset, (int) host, element + at - before);
      if (host == (unsigned) o && owner == o && rng__chance (rng, 1, 2))
        count_from (region, &attempt->reference[attempt->n_references - 1], node, element, (unsigned) pointee->size, rng);
      return true;
    }
  return false;
}

/* A pointer of TYPE stands at OFFSET of OWNER, inside object O.  */
static void
render_pointer (struct states *states, struct attempt *attempt, int o, int owner, unsigned type,
                uint64_t path, int64_t index, int64_t offset, unsigned depth)
{
  const struct region *region = states->region;
  const struct type *pointer = &region->type[type];
  const struct type *pointee = region__type (region, pointer->element);
  uint64_t seed = o >= 0 ? attempt->object[o].seed : attempt->rng.state;
  struct rng rng = { mix2 (mix2 (seed, path), (uint64_t) index) };
  if (pointee && pointee->kind == TYPE_FUNCTION)
    {
      attempt__reference (attempt, owner, offset, -1,
                          (int64_t) (states->layout->high + stub__address (region->n_callees + (unsigned) rng__below (&rng, 4))));
      return;
    }
  int root = o >= 0 ? attempt->object[o].root : -1 - owner;
  if (o >= 0 && attempt->object[o].nodes && type__alike (region, pointer->element, attempt->object[o].type))
    {
      /* Nodes of one object: as in a heap where an element holds several pointers, a list where it holds one.  */
      struct object_in_test *pool = &attempt->object[o];
      int64_t within = offset - index * (int64_t) pool->element, first = 0, way = 1;
      const struct type *node = region__type (region, pool->type);
      int64_t ways = 0;
      for (unsigned i = 0; node && i < node->n_fields; i++)
        if (is_link (region, node->field[i].type, pool->type))
          {
            first += (int64_t) node->field[i].offset < within;
            ways++;
          }
      if (ways > 1)
        way = index * (ways - 1) + 1 + first;
      int64_t next = index + way;
      bool last = next >= pool->nodes || index < 0;
      attempt__reference (attempt, owner, offset, last ? -1 : o, last ? 0 : next * (int64_t) pool->element);
      return;
    }
  unsigned element = pointee && pointee->kind != TYPE_VOID && pointee->size ? pointer->element : UINT_MAX;
  unsigned what = POINTER_NEW;
  unsigned site = site__find (states, mix2 (path, 'p'));
  bool plain = o < 0 && depth == 1; /* the parameter itself: NULL was settled before */
  if (!plain)
    what = site__choose (states, attempt, &rng, site, pointer_prior, POINTER_PROFILES);
  int target = -1;
  if (what == POINTER_NUMBER && o >= 0 && attempt->kind != STATE_PROFILE
      && refer_to_number (states, attempt, o, owner, pointer, index, offset, &rng))
    return;
  if (what == POINTER_SHARED && !pointer->is_restrict && attempt->sharing != SHARING_NONE)
    target = find_shared (attempt, element, root, o, attempt->sharing == SHARING_CYCLES, rng__next (&rng));
  if (target < 0 && what != POINTER_NULL)
    {
      /* The nodes of a list or tree share one path, so that what is learned of one serves all.  */
      bool node = o >= 0 && element != UINT_MAX && type__alike (region, attempt->object[o].type, element);
      uint64_t inner = node ? attempt->object[o].path : mix2 ('o', mix2 (path, element));
      target = attempt__object (states, attempt, element, inner, root, o, offset);
      if (target < 0 && !pointer->is_restrict && !plain)
        target = find_shared (attempt, element, root, o, false, rng__next (&rng));
    }
  attempt__reference (attempt, owner, offset, target, 0);
}

/* Writes BITS bits of VALUE at bit BIT of TO.  */
static void
put_bits (uint8_t *to, unsigned bit, unsigned bits, uint64_t value)
{
  for (unsigned i = 0; i < bits; i++, bit++)
    {
      uint8_t mask = (uint8_t) (1u << (bit % 8));
      if (i < 64 && (value >> i & 1))
        to[bit / 8] |= mask;
      else
        to[bit / 8] &= (uint8_t) ~mask;
    }
}

static void
render_struct (struct states *states, struct attempt *attempt, int o, int owner, unsigned number,
               uint64_t path, int64_t index, int64_t offset, uint8_t *to, unsigned depth)
{
  const struct region *region = states->region;
  const struct type *type = &region->type[number];
  uint64_t seed = mix2 (o >= 0 ? attempt->object[o].seed : attempt->rng.state,
                        mix2 (path, (uint64_t) index));
  memset (to, (int) (seed & 255), type->size); /* padding */
  unsigned first = 0, last = type->n_fields;
  if (type->kind == TYPE_UNION && last)
    {
      first = (unsigned) (seed % last);
      last = first + 1;
    }
  for (unsigned i = first; i < last; i++)
    {
      const struct field *field = &type->field[i];
      const struct type *inner = region__type (region, field->type);
      /* A node's fields have the same path however deep in a list the node is.  */
      uint64_t inner_path = mix2 (mix2 (path, 'f'), i + 1);
      if (!inner || field->offset >= type->size)
        continue;
      if (field->bits)
        {
          uint8_t word[16] = { 0 };
          struct leaf leaf = leaf_of (states, attempt, o, inner_path, integer_prior, CONTENT_PROFILES);
          uint64_t value = content__integer (leaf.profile, leaf.seed, index, 8, inner->is_signed,
                                             &states->pool);
          unsigned span = (field->bit + field->bits + 7u) / 8;
          if (span > sizeof word || field->offset + span > type->size)
            continue;
          memcpy (word, to + field->offset, span);
          put_bits (word, field->bit, field->bits, value);
          memcpy (to + field->offset, word, span);
        }
      else if (field->offset + inner->size <= type->size)
        value__render (states, attempt, o, owner, field->type, inner_path, index,
                       offset + (int64_t) field->offset, to + field->offset, depth);
    }
}

void
value__render (struct states *states, struct attempt *attempt, int o, int owner, unsigned number,
               uint64_t path, int64_t index, int64_t offset, uint8_t *to, unsigned depth)
{
  const struct type *type = region__type (states->region, number);
  if (!type || depth > 16)
    return;
  switch (type->kind)
    {
    case TYPE_BOOL:
      {
        memset (to, 0, type->size);
        uint64_t seed = o >= 0 ? attempt->object[o].seed : attempt->rng.state;
        to[0] = (uint8_t) (mix2 (mix2 (seed, path), (uint64_t) index) & 1);
        break;
      }
    case TYPE_INTEGER:
      {
        struct leaf leaf = leaf_of (states, attempt, o, path,
                                    type->size == 1 ? byte_prior : integer_prior, CONTENT_PROFILES);
        content__integers (leaf.profile, leaf.seed, index, 1, (unsigned) type->size, type->is_signed,
                           &states->pool, to);
        break;
      }
    case TYPE_FLOAT:
      {
        struct leaf leaf = leaf_of (states, attempt, o, path, float_prior, FLOAT_PROFILES);
        content__float (leaf.profile, leaf.seed, index, type, states->region->fp, to);
        break;
      }
    case TYPE_POINTER:
      memset (to, 0, type->size);
      render_pointer (states, attempt, o, owner, number, path, index, offset, depth + 1);
      break;
    case TYPE_STRUCT:
    case TYPE_UNION:
      render_struct (states, attempt, o, owner, number, path, index, offset, to, depth + 1);
      break;
    case TYPE_ARRAY:
    case TYPE_VECTOR:
    case TYPE_COMPLEX:
      {
        const struct type *inner = region__type (states->region, type->element);
        if (!inner || !inner->size)
          break;
        uint64_t count = type->size / inner->size;
        for (uint64_t i = 0; i < count; i++)
          value__render (states, attempt, o, owner, type->element, mix2 (path, 'a'),
                         index * (int64_t) count + (int64_t) i,
                         offset + (int64_t) (i * inner->size), to + i * inner->size, depth + 1);
        break;
      }
    default:
      {
        struct leaf leaf = leaf_of (states, attempt, o, path, byte_prior, CONTENT_PROFILES);
        content__integers (leaf.profile, leaf.seed, index * (int64_t) type->size, type->size, 1, false,
                           &states->pool, to);
      }
    }
}

/* The field of a struct that is a flexible array, or NULL.  */
static const struct field *
flexible (const struct region *region, const struct type *type)
{
  if (!type || type->kind != TYPE_STRUCT || !type->n_fields)
    return NULL;
  const struct field *last = &type->field[type->n_fields - 1];
  const struct type *array = region__type (region, last->type);
  if (!array || array->kind != TYPE_ARRAY || array->count || array->size)
    return NULL;
  const struct type *inner = region__type (region, array->element);
  return inner && inner->size ? last : NULL;
}

/* Strings: one zero at O's NUL, none before it where NONZERO.  TO holds COUNT elements from FIRST.  */
static void
terminate (const struct object_in_test *o, uint8_t *to, int64_t first, int64_t count)
{
  if (o->nul < 0)
    return;
  for (int64_t i = 0; i < count; i++)
    {
      uint8_t *element = to + (size_t) i * o->element;
      if (first + i == o->nul)
        memset (element, 0, o->element);
      else if (o->nonzero && first + i < o->nul && first + i >= 0)
        {
          bool zero = true;
          for (unsigned k = 0; k < o->element; k++)
            zero &= !element[k];
          if (zero)
            element[0] = (uint8_t) ('a' + ((first + i) & 15));
        }
    }
}

/* Renders elements FIRST .. FIRST+COUNT of object NUMBER to TO.  */
static void
render_elements (struct states *states, struct attempt *attempt, unsigned number, int64_t first,
                 int64_t count, uint8_t *to)
{
  struct object_in_test *o = &attempt->object[number];
  const struct type *type = region__type (states->region, o->type);
  if (o->init)
    {
      memcpy (to, o->init + first * o->element, (size_t) count * o->element);
      return;
    }
  if (o->twin >= 0)
    {
      /* The same contents as another object's, but for one element: what comparing functions need.  */
      struct object_in_test *twin = &attempt->object[o->twin];
      object__cover (states, attempt, (unsigned) o->twin, first * (int64_t) o->element,
                     (first + count) * (int64_t) o->element);
      memcpy (to, twin->buffer + (first * o->element - twin->buffer_lo), (size_t) count * o->element);
      if (o->flip >= first && o->flip < first + count)
        to[(o->flip - first) * o->element] ^= (uint8_t) (1u << (o->seed & 7));
      return;
    }
  if (!type || type->kind == TYPE_INTEGER || type->kind == TYPE_VOID || !type->size)
    {
      unsigned size = type && type->kind == TYPE_INTEGER ? o->element : 1;
      struct leaf leaf = leaf_of (states, attempt, (int) number, o->path,
                                  size == 1 ? byte_prior : integer_prior, CONTENT_PROFILES);
      content__integers (leaf.profile, leaf.seed, first, (uint64_t) count, size, type && type->is_signed,
                         &states->pool, to);
      terminate (o, to, first, count);
      return;
    }
  for (int64_t i = 0; i < count; i++)
    value__render (states, attempt, (int) number, (int) number, o->type, o->path, first + i,
                   (first + i) * (int64_t) o->element, to + (size_t) i * o->element, 0);
}

/* Renders the bytes behind a struct whose last field is a flexible array: FROM..TO_HI of object NUMBER.  */
static void
render_flexible (struct states *states, struct attempt *attempt, unsigned number,
                 const struct field *field, int64_t from, int64_t to_hi, uint8_t *to)
{
  struct object_in_test *o = &attempt->object[number];
  unsigned inner = states->region->type[field->type].element;
  int64_t size = (int64_t) states->region->type[inner].size;
  uint8_t element[VALUE_BYTES_MAX];
  if (size > (int64_t) sizeof element)
    return;
  int64_t i = (from - (int64_t) field->offset) / size;
  for (; (int64_t) field->offset + i * size < to_hi; i++)
    {
      int64_t at = (int64_t) field->offset + i * size;
      if (at < from && at + size <= from)
        continue;
      value__render (states, attempt, (int) number, (int) number, inner, mix2 (o->path, 'x'), i, at,
                     element, 1);
      for (int64_t k = 0; k < size; k++)
        if (at + k >= from && at + k < to_hi)
          to[at + k - from] = element[k];
    }
}

void
object__cover (struct states *states, struct attempt *attempt, unsigned number, int64_t lo, int64_t hi)
{
  struct object_in_test *o = &attempt->object[number];
  int64_t element = o->element;
  int64_t want_lo = lo < 0 ? -round_up (-lo, element) : lo / element * element;
  int64_t want_hi = hi > 0 ? round_up (hi, element) : -(-hi / element * element);
  bool empty = o->buffer_lo == o->buffer_hi;
  if (o->init)
    {
      if (want_hi > o->limit)
        want_hi = o->limit;
    }
  if (!empty && o->buffer_lo < want_lo)
    want_lo = o->buffer_lo;
  if (!empty && o->buffer_hi > want_hi)
    want_hi = o->buffer_hi;
  if (want_lo >= want_hi || (!empty && want_lo == o->buffer_lo && want_hi == o->buffer_hi))
    return;
  size_t size = (size_t) (want_hi - want_lo);
  if (size > o->capacity || (!empty && want_lo != o->buffer_lo))
    {
      size_t capacity = size < 256 ? 256 : size * 3 / 2;
      uint8_t *buffer = malloc (capacity);
      if (!buffer)
        abort ();
      if (!empty)
        memcpy (buffer + (o->buffer_lo - want_lo), o->buffer, (size_t) (o->buffer_hi - o->buffer_lo));
      free (o->buffer);
      o->buffer = buffer;
      o->capacity = capacity;
    }
  int64_t old_lo = empty ? want_lo : o->buffer_lo, old_hi = empty ? want_lo : o->buffer_hi;
  uint8_t *buffer = o->buffer;
  o->buffer_lo = want_lo;
  o->buffer_hi = want_hi;
  const struct field *tail = flexible (states->region, region__type (states->region, o->type));
  if (old_lo > want_lo)
    render_elements (states, attempt, number, want_lo / element, (old_lo - want_lo) / element, buffer);
  if (want_hi > old_hi)
    {
      int64_t plain = want_hi;
      if (tail && plain > element)
        plain = old_hi > element ? old_hi : element;
      if (plain > old_hi)
        {
          render_elements (states, attempt, number, old_hi / element, (plain - old_hi) / element,
                           buffer + (old_hi - want_lo));
          if (!o->init)
            object__recall (states, attempt, &attempt->object[number], old_hi, plain - old_hi, buffer + (old_hi - want_lo));
        }
      if (tail && want_hi > plain)
        render_flexible (states, attempt, number, tail, plain, want_hi, buffer + (plain - want_lo));
    }
}
