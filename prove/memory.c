/* Memory on a path, byte by byte.

   A byte's place is a base and an offset.  A load sees the last write to its own place, as long as no later
   write through another base can have been to the same byte; whether one can is told by what the bases are
   made from and by what the path's conditions say about their distance.  Where that can't be told, what is loaded is
   a choice over the writes that may have been there; and where those could hit a part of it, a load from
   the chain of all writes so far, in program order, which is the same term on both sides if both made the same accesses.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_MAX = 256, PARTS_MAX = 8 /* of a condition */ };

static void *
checked (void *memory)
{
  if (!memory)
    abort ();
  return memory;
}

struct memory *
memory__new (void)
{
  struct memory *memory = checked (calloc (1, sizeof *memory));
  memory->n_slots = 64;
  memory->slot = checked (calloc (memory->n_slots, sizeof *memory->slot));
  return memory;
}

struct memory *
memory__copy (const struct memory *memory)
{
  struct memory *copy = checked (malloc (sizeof *copy));
  *copy = *memory;
  copy->slot = checked (malloc (copy->n_slots * sizeof *copy->slot));
  memcpy (copy->slot, memory->slot, copy->n_slots * sizeof *copy->slot);
  for (unsigned i = 0; i < copy->n_slots; i++)
    if (copy->slot[i].chunk)
      copy->slot[i].chunk->refs++;
  copy->capacity = copy->n_writes;
  copy->write = checked (malloc ((copy->n_writes + 1) * sizeof *copy->write));
  if (copy->n_writes)
    memcpy (copy->write, memory->write, copy->n_writes * sizeof *copy->write);
  copy->uses_capacity = copy->n_uses;
  copy->use = checked (malloc ((copy->n_uses + 1) * sizeof *copy->use));
  if (copy->n_uses)
    memcpy (copy->use, memory->use, copy->n_uses * sizeof *copy->use);
  return copy;
}

void
memory__free (struct memory *memory)
{
  if (!memory)
    return;
  for (unsigned i = 0; i < memory->n_slots; i++)
    if (memory->slot[i].chunk && --memory->slot[i].chunk->refs == 0)
      free (memory->slot[i].chunk);
  free (memory->slot);
  free (memory->write);
  free (memory->use);
  free (memory);
}

static int64_t
chunk_number (int64_t offset)
{
  return offset >> 6; /* arithmetic: towards minus infinity */
}

static struct slot *
slot__find (const struct memory *memory, uint32_t base, int64_t number)
{
  uint64_t hash = ((uint64_t) base * UINT64_C (0x9e3779b97f4a7c15)) ^ ((uint64_t) number * UINT64_C (0xc2b2ae3d27d4eb4f));
  unsigned at = (unsigned) (hash >> 32) & (memory->n_slots - 1);
  while (memory->slot[at].chunk
         && (memory->slot[at].base != base || memory->slot[at].number != number))
    at = (at + 1) & (memory->n_slots - 1);
  return &memory->slot[at];
}

const struct memory_cell *
memory__cell (const struct memory *memory, uint32_t base, int64_t offset)
{
  const struct slot *slot = slot__find (memory, base, chunk_number (offset));
  return slot->chunk ? &slot->chunk->cell[offset & (CELLS - 1)] : NULL;
}

/* The same, to be changed.  */
static struct memory_cell *
own_cell (struct memory *memory, uint32_t base, int64_t offset)
{
  struct slot *slot = slot__find (memory, base, chunk_number (offset));
  if (!slot->chunk)
    {
      if (2 * (memory->n_filled + 1) > memory->n_slots)
        {
          struct memory larger = *memory;
          larger.n_slots = 2 * memory->n_slots;
          larger.slot = checked (calloc (larger.n_slots, sizeof *larger.slot));
          for (unsigned i = 0; i < memory->n_slots; i++)
            if (memory->slot[i].chunk)
              *slot__find (&larger, memory->slot[i].base, memory->slot[i].number) = memory->slot[i];
          free (memory->slot);
          *memory = larger;
          slot = slot__find (memory, base, chunk_number (offset));
        }
      slot->base = base;
      slot->number = chunk_number (offset);
      slot->chunk = checked (calloc (1, sizeof *slot->chunk));
      slot->chunk->refs = 1;
      memory->n_filled++;
    }
  else if (slot->chunk->refs > 1)
    {
      struct chunk *copy = checked (malloc (sizeof *copy));
      *copy = *slot->chunk;
      slot->chunk->refs--;
      copy->refs = 1;
      slot->chunk = copy;
    }
  return &slot->chunk->cell[offset & (CELLS - 1)];
}

static struct use *
use__find (struct memory *memory, uint32_t base)
{
  for (unsigned i = 0; i < memory->n_uses; i++)
    if (memory->use[i].base == base)
      return &memory->use[i];
  if (memory->n_uses == memory->uses_capacity)
    {
      memory->uses_capacity = 2 * memory->uses_capacity + 4;
      memory->use = checked (realloc (memory->use, memory->uses_capacity * sizeof *memory->use));
    }
  struct use *use = &memory->use[memory->n_uses++];
  *use = (struct use){ .base = base };
  return use;
}

/* Can a write after number WHEN, through another base, have been to a byte of BASE + OFFSET ..?  *ZEROS is then at most as
   many low bits as are 0 in the distances from such bases.  */
static bool
interfered (struct problem *problem, const struct facts *facts, const struct memory *memory,
            uint32_t base, int64_t offset, unsigned bytes, uint32_t when, unsigned *zeros)
{
  bool found = false;
  for (unsigned i = 0; i < memory->n_uses; i++)
    {
      const struct use *use = &memory->use[i];
      struct distance distance;
      bool hit = false;
      if (use->base == base || use->last_write <= when || bases__disjoint (problem, base, use->base))
        continue;
      facts__distance (problem, facts, problem->valid, base, use->base, &distance);
      if (distance__excludes (&distance, use->write_low - offset - (int64_t) (bytes - 1),
                              use->write_high - offset))
        continue;
      for (unsigned w = memory->n_writes; w > when && !hit; w--)
        {
          const struct write *write = &memory->write[w - 1];
          hit = write->base == use->base
                && !distance__excludes (&distance, write->offset - offset - (int64_t) (bytes - 1),
                                        write->offset + write->bytes - 1 - offset);
        }
      if (hit && distance.zeros < *zeros)
        *zeros = distance.zeros;
      found |= hit;
    }
  return found;
}

/* The byte that was there at entry.  */
static const struct term *
initial_byte (struct problem *problem, const struct memory *from, unsigned side, uint32_t base, int64_t offset)
{
  struct terms *terms = problem->terms;
  const struct base *what = &problem->base[base];
  uint32_t memory = from->initial;
  if (what->root == ROOT_STACK)
    {
      int64_t at = offset - problem->stack_constant;
      if (at >= 0 && at < 8)
        return term__extract (terms, problem->return_address, 8 * (unsigned) at, 8);
      if (at >= 8 && at < 8 + (int64_t) problem->stack_bytes)
        return problem->stack_byte[at - 8];
      memory = MEMORY_FRAME + side;
    }
  else if (what->root >= 0 && problem->pointer[what->root].number >= 1000)
    {
      const struct global *global
        = &problem->region->global[problem->pointer[what->root].number - 1000];
      int64_t at;
      if (global->readonly && global->init
          && term__distance (terms,
                             term__add (terms, what->term, term__const (terms, 64, (uint64_t) offset)),
                             problem->pointer[what->root].term, &at)
          && at >= 0 && at < global->size)
        return term__const (terms, 8, global->init[at]);
    }
  return term__load (terms, term__memory (terms, memory),
                     term__add (terms, what->term, term__const (terms, 64, (uint64_t) offset)));
}

enum { CHOICES_MAX = 320, NEAR_BASES = 16, MIXED_MAX = 65536 /* choices for the small parts of one vector */ };

/* Is A - B DISTANCE?  Asked over and over.  */
static const struct term *
meeting (struct problem *problem, uint32_t a, uint32_t b, int64_t distance)
{
  struct terms *terms = problem->terms;
  uint64_t hash = ((uint64_t) a * UINT64_C (0x9e3779b97f4a7c15)) ^ ((uint64_t) b * UINT64_C (0xc2b2ae3d27d4eb4f))
                  ^ ((uint64_t) distance * UINT64_C (0xff51afd7ed558ccd));
  struct meeting *known = &problem->meeting[(hash >> 40) % MEETINGS];
  if (!known->term || known->a != a || known->b != b || known->distance != distance)
    *known = (struct meeting){
      .a = a, .b = b, .distance = distance,
      .term = term__eq (terms, term__sub (terms, problem->base[a].term, problem->base[b].term),
                        term__const (terms, 64, (uint64_t) distance))
    };
  return known->term;
}

/* What is at BASE + OFFSET, SIZE bytes that each write through another base hits all of or none of: a choice over the
   writes that may have been there, the last one first.  NULL where it can't be told so.  */
static const struct term *
choice_value (struct problem *problem, const struct facts *facts, const struct memory *memory, unsigned side,
              uint32_t base, int64_t offset, unsigned size, unsigned *choices)
{
  struct terms *terms = problem->terms;
  struct { const struct term *condition, *value; } choice[CHOICES_MAX];
  struct { uint32_t base; bool apart; struct distance distance; } near[NEAR_BASES];
  unsigned n = 0, n_near = 0;
  const struct term *value = NULL;
  for (unsigned w = memory->n_writes; w > 0 && !value; w--)
    {
      const struct write *write = &memory->write[w - 1];
      int64_t end = write->offset + (int64_t) write->bytes;
      if (write->base == base)
        {
          if (end <= offset || write->offset >= offset + (int64_t) size)
            continue;
          if (write->offset > offset || end < offset + (int64_t) size || n == CHOICES_MAX)
            return NULL;
          const struct term *part
            = term__extract (terms, write->value, 8 * (unsigned) (offset - write->offset), 8 * size);
          if (!write->condition)
            value = part;
          else
            {
              choice[n].condition = write->condition;
              choice[n++].value = part;
            }
          continue;
        }
      unsigned at = 0;
      while (at < n_near && near[at].base != write->base)
        at++;
      if (at == n_near)
        {
          if (n_near == NEAR_BASES)
            return NULL;
          n_near++;
          near[at].base = write->base;
          near[at].apart = bases__disjoint (problem, base, write->base);
          if (!near[at].apart)
            facts__distance (problem, facts, problem->valid, base, write->base, &near[at].distance);
        }
      const struct distance *distance = &near[at].distance;
      if (near[at].apart
          || distance__excludes (distance, write->offset - offset - (int64_t) (size - 1), end - 1 - offset))
        continue;
      if (distance->zeros < 63 && (1u << (distance->zeros < 6 ? distance->zeros : 6)) < size)
        return NULL;
      if ((write->offset - offset) % (int64_t) size || write->bytes % size)
        return NULL;
      for (int64_t to = end - size; to >= write->offset && !value; to -= size)
        {
          if (distance__excludes (distance, to - offset, to - offset))
            continue;
          const struct term *condition = meeting (problem, base, write->base, to - offset);
          const struct term *part
            = term__extract (terms, write->value, 8 * (unsigned) (to - write->offset), 8 * size);
          if (write->condition)
            condition = term__and (terms, condition, write->condition);
          if (term__is_const (condition) && term__value (condition))
            value = part;
          else if (!term__is_const (condition))
            {
              if (n == CHOICES_MAX)
                return NULL;
              choice[n].condition = condition;
              choice[n++].value = part;
            }
        }
    }
  if (!value)
    {
      const struct term *part[64];
      for (unsigned i = 0; i < size; i++)
        part[i] = initial_byte (problem, memory, side, base, offset + i);
      value = term__join (terms, part, size);
    }
  *choices += n;
  while (n-- > 0)
    value = term__ite (terms, choice[n].condition, choice[n].value, value);
  return value;
}

/* The chain of all writes so far.  */
static const struct term *
chain (struct problem *problem, struct memory *memory)
{
  struct terms *terms = problem->terms;
  if (!memory->chain)
    memory->chain = term__memory (terms, memory->initial);
  for (; memory->n_chained < memory->n_writes; memory->n_chained++)
    {
      const struct write *write = &memory->write[memory->n_chained];
      const struct term *condition = write->condition ? write->condition : term__true (terms);
      if (problem->base[write->base].root == ROOT_STACK)
        continue;
      for (unsigned i = 0; i < write->bytes; i++)
        memory->chain
          = term__store (terms, memory->chain,
                         term__add (terms, write->address, term__const (terms, 64, i)),
                         term__extract (terms, write->value, 8 * i, 8), condition);
    }
  return memory->chain;
}

/* BYTES at BASE + OFFSET.  NULL where that would be too large a term.  */
static const struct term *
lookup (struct problem *problem, const struct facts *facts, struct memory *memory, unsigned side,
        uint32_t base, int64_t offset, unsigned bytes)
{
  struct terms *terms = problem->terms;
  const struct memory_cell *cell[64];
  uint32_t oldest = UINT32_MAX;
  bool whole = true;
  for (unsigned i = 0; i < bytes; i++)
    {
      cell[i] = memory__cell (memory, base, offset + i);
      if (cell[i] && !cell[i]->value)
        cell[i] = NULL;
      uint32_t when = cell[i] ? cell[i]->when : 0;
      oldest = when < oldest ? when : oldest;
      whole = whole && cell[i] && cell[i]->value == cell[0]->value && cell[i]->part == cell[0]->part + i;
    }
  const struct term *part[64];
  unsigned zeros = 3;
  if (interfered (problem, facts, memory, base, offset, bytes, oldest, &zeros))
    {
      unsigned size = bytes & -bytes, n = 0, choices = 0;
      if (size > 1u << zeros)
        size = 1u << zeros;
      memory->unresolved = true;
      for (; n < bytes / size; n++)
        if (!(part[n] = choice_value (problem, facts, memory, side, base, offset + (int64_t) (n * size), size,
                                       &choices)))
          break;
        else if (choices > MIXED_MAX && size < 4 && bytes >= 16)
          return NULL;
      if (n == bytes / size)
        return term__join (terms, part, n);
      const struct term *all = chain (problem, memory);
      for (unsigned i = 0; i < bytes; i++)
        part[i] = term__load (terms, all,
                              term__add (terms, problem->base[base].term,
                                         term__const (terms, 64, (uint64_t) offset + i)));
      return term__join (terms, part, bytes);
    }
  if (whole)
    return term__extract (terms, cell[0]->value, 8 * cell[0]->part, 8 * bytes);
  unsigned n = 0;
  for (unsigned i = 0; i < bytes;)
    {
      unsigned k = i + 1;
      if (!cell[i])
        part[n++] = initial_byte (problem, memory, side, base, offset + i);
      else
        {
          while (k < bytes && cell[k] && cell[k]->value == cell[i]->value
                 && cell[k]->part == cell[i]->part + (k - i))
            k++;
          part[n++] = term__extract (terms, cell[i]->value, 8 * cell[i]->part, 8 * (k - i));
        }
      i = k;
    }
  return term__join (terms, part, n);
}

const struct term *
memory__peek (struct problem *problem, const struct facts *facts, struct memory *memory,
              unsigned side, uint32_t base, int64_t offset, unsigned bytes)
{
  return lookup (problem, facts, memory, side, base, offset, bytes);
}

/* Constants.  */

static const struct term *
bytes_term (struct terms *terms, const uint8_t *bytes, unsigned n)
{
  uint64_t words[8] = { 0 };
  memcpy (words, bytes, n);
  return term__wide (terms, 8 * n, words);
}

/* May BYTES of the own image from AT on be or touch the address of a symbol, which only linking put there?  */
static bool
near_pointer (const struct program *program, uint64_t at, uint64_t bytes)
{
  const struct image *image = program->image;
  if (!program->data_pointers)
    return false;
  for (uint64_t from = at < 7 ? 0 : at - 7; from < at + bytes && from + 8 <= image->size; from++)
    {
      uint64_t value;
      memcpy (&value, image->bytes + from, 8);
      if (value - image->base < image->size)
        return true;
      if (address__low (value) >= SANDBOX_STUB_BASE
          && address__low (value) < SANDBOX_GLOBAL_BASE + SANDBOX_GLOBAL_ROOM)
        return true;
    }
  return false;
}

/* BYTES from the own image at offset AT.  */
static const struct term *
image_value (struct path *path, uint64_t at, unsigned bytes)
{
  struct problem *problem = path->problem;
  const struct program *program = path->program;
  const uint8_t *from = program->image->bytes + at;
  if (at < program->image->text_size)
    {
      why__set (&path->why, REASON_UNMODELLED, "code read as data");
      return NULL;
    }
  for (unsigned i = 0; i < program->n_distances; i++)
    if (at < program->distance[i].at + 4 && program->distance[i].at < at + bytes)
      {
        if (at == program->distance[i].at && bytes == 4)
          return term__var (problem->terms, 32, VAR_DISTANCE + 4096 * program->side + i);
        why__set (&path->why, REASON_UNMODELLED, "part of a jump table's entry");
        return NULL;
      }
  if (near_pointer (program, at, bytes))
    {
      uint64_t value;
      memcpy (&value, from, bytes < 8 ? bytes : 8);
      const struct term *symbol = bytes == 8 ? problem__symbol (problem, program, value) : NULL;
      if (!symbol)
        why__set (&path->why, REASON_UNMODELLED, "part of a constant address");
      return symbol;
    }
  return bytes_term (problem->terms, from, bytes);
}

/* The value of BYTES at TABLE[SIZE] + OFFSET + INDEX, as a choice over INDEX's values; NULL where they are too many or
   lead outside.  */
static const struct term *
table_value (struct path *path, const uint8_t *table, uint64_t size, int64_t offset,
             const struct term *index, unsigned bytes)
{
  struct problem *problem = path->problem;
  struct terms *terms = problem->terms;
  uint64_t low, high, step = 1;
  facts__range (problem, &path->facts, index, &low, &high);
  if (low > high || high > size || offset > (int64_t) size || offset + (int64_t) low < 0
      || offset + (int64_t) high + bytes > (int64_t) size)
    return NULL;
  if (index->op == TERM_SUM)
    {
      uint64_t all = 0;
      for (unsigned i = 0; i < index->n_args; i++)
        all |= index->words[1 + i];
      step = all & -all;
    }
  else if (index->op == TERM_CONCAT && index->arg[index->n_args - 1]->op == TERM_CONST
           && index->arg[index->n_args - 1]->words[0] == 0)
    step = UINT64_C (1) << (index->arg[index->n_args - 1]->width & 63);
  low = (low + step - 1) / step * step;
  if (low > high || (high - low) / step >= TABLE_MAX)
    return NULL;
  const struct term *value = NULL;
  for (uint64_t k = low; k <= high; k += step)
    {
      uint64_t at = (uint64_t) offset + k;
      const struct term *entry = table == path->program->image->bytes ? image_value (path, at, bytes)
                                                                     : bytes_term (terms, table + at, bytes);
      if (!entry)
        return NULL;
      value = value ? term__ite (terms, term__eq (terms, index, term__const (terms, 64, k)), entry, value) : entry;
    }
  return value;
}

/* A constant at BASE + OFFSET, or NULL (with path->why where that is an error).  */
static const struct term *
constant (struct path *path, uint32_t base, int64_t offset, unsigned bytes)
{
  struct problem *problem = path->problem;
  const struct image *image = path->program->image;
  const struct base *what = &problem->base[base];
  int own = what->root >= 0 ? IMAGE_NUMBER - problem->pointer[what->root].number : -1;
  if (own >= 0 && own / 2 == (int) path->program->side)
    {
      const struct term *start = problem->pointer[what->root].term;
      uint64_t at = (uint64_t) offset + (own % 2 ? image->text_size : 0);
      if (what->term != start)
        return table_value (path, image->bytes, image->size, (int64_t) at, term__sub (problem->terms, what->term, start),
                            bytes);
      return at < image->size && image->size - at >= bytes ? image_value (path, at, bytes) : NULL;
    }
  if (what->root >= 0 && problem->pointer[what->root].number >= 1000)
    {
      const struct global *global
        = &problem->region->global[problem->pointer[what->root].number - 1000];
      if (!global->readonly || !global->init || what->term == problem->pointer[what->root].term)
        return NULL;
      const struct term *index
        = term__sub (problem->terms, what->term, problem->pointer[what->root].term);
      return table_value (path, global->init, (uint64_t) global->size, offset, index, bytes);
    }
  return NULL;
}

/* TERM as it is where CONDITION holds.  */
static const struct term *
under (struct terms *terms, const struct term *condition, const struct term *term)
{
  const struct term *from[PARTS_MAX], *to[PARTS_MAX];
  bool all = condition->op == TERM_AND && condition->n_args <= PARTS_MAX;
  unsigned n = all ? condition->n_args : 1;
  for (unsigned i = 0; i < n; i++)
    {
      const struct term *part = all ? condition->arg[i] : condition;
      bool holds = part->op != TERM_NOT;
      from[i] = holds ? part : part->arg[0];
      to[i] = holds ? term__true (terms) : term__false (terms);
    }
  return term__substitute (terms, term, from, to, n);
}

/* The condition of an access on PATH: NULL where it surely happens, false where it doesn't.  */
static const struct term *
access_condition (struct path *path, const struct term *condition)
{
  struct problem *problem = path->problem;
  if (!condition)
    condition = path->guard;
  else if (path->guard)
    {
      /* A guard often says that some lane's condition holds, which this lane's own implies.  */
      const struct term *guard = under (problem->terms, condition, path->guard);
      condition = term__and (problem->terms, condition, guard);
    }
  if (!condition)
    return NULL;
  int known = facts__decide (problem, &path->facts, condition);
  if (known == 1)
    return NULL;
  return known == 0 ? term__false (problem->terms) : condition;
}

/* May the code touch BYTES of the stack at OFFSET (of the stack's base)?  */
static int
check_stack (struct path *path, int64_t offset, unsigned bytes, bool write)
{
  struct problem *problem = path->problem;
  const struct term *rest;
  int64_t at = offset - problem->stack_constant;
  int64_t top = term__split (problem->terms, path->cpu.gpr[4], &rest) - problem->stack_constant;
  if (rest != problem->stack_base)
    return why__set (&path->why, REASON_PROOF_ADDRESS, "the stack pointer depends on an input");
  if (at < top - RED_ZONE || at < -FRAME_MAX)
    return why__set (&path->why, REASON_PROOF_ADDRESS, "an access below the red zone");
  if (at + (int64_t) bytes > 8 + (int64_t) problem->stack_bytes || (write && at < 8 && at + (int64_t) bytes > 0))
    return why__set (&path->why, REASON_CALLER_FRAME, "an access to the caller's frame");
  return 0;
}

static void
note_touch (struct path *path, uint32_t base, int64_t offset, unsigned bytes,
            const struct term *condition)
{
  struct terms *terms = path->problem->terms;
  for (unsigned i = 0; i < bytes; i++)
    {
      const struct memory_cell *old = memory__cell (path->memory, base, offset + i);
      if (old && old->touched && term__is_const (old->touched))
        continue;
      struct memory_cell *cell = own_cell (path->memory, base, offset + i);
      if (!condition)
        cell->touched = term__true (terms);
      else
        cell->touched = cell->touched ? term__or (terms, cell->touched, condition) : condition;
    }
  if (condition)
    return;
  struct use *use = use__find (path->memory, base);
  int64_t last = offset + (int64_t) bytes - 1;
  if (!use->touched || offset < use->touch_low)
    use->touch_low = offset;
  if (!use->touched || last > use->touch_high)
    use->touch_high = last;
  use->touched = true;
}

const struct term *
path__load (struct path *path, const struct term *address, unsigned bytes,
            const struct term *condition)
{
  struct problem *problem = path->problem;
  uint32_t base;
  int64_t offset;
  condition = access_condition (path, condition);
  if (condition && term__is_const (condition))
    return term__const (problem->terms, 8 * bytes, 0); /* never looked at */
  if (bytes == 0 || bytes > 64)
    {
      why__set (&path->why, REASON_UNMODELLED, "a load of %u bytes", bytes);
      return NULL;
    }
  if (base__find (problem, &path->facts, address, &base, &offset, &path->why))
    return NULL;
  path->why.reason = REASON_NONE;
  const struct term *value = constant (path, base, offset, bytes);
  if (value || path->why.reason)
    return value;
  bool stack = problem->base[base].root == ROOT_STACK;
  if (stack && check_stack (path, offset, bytes, false))
    return NULL;
  value = lookup (problem, &path->facts, path->memory, path->program->side, base, offset, bytes);
  if (!value)
    {
      why__set (&path->why, REASON_PROOF_PATHS, "a vector that may come from too many writes");
      return NULL;
    }
  if (!stack || offset - problem->stack_constant + (int64_t) bytes > 0)
    note_touch (path, base, offset, bytes, condition);
  path->memory->loaded += stack ? 0 : bytes;
  return value;
}

int
path__store (struct path *path, const struct term *address, const struct term *value,
             const struct term *condition)
{
  struct problem *problem = path->problem;
  struct terms *terms = problem->terms;
  struct memory *memory = path->memory;
  unsigned bytes = value->width / 8;
  uint32_t base;
  int64_t offset;
  condition = access_condition (path, condition);
  if (condition && term__is_const (condition))
    return 0;
  if (bytes == 0 || bytes > 64 || value->width % 8)
    return why__set (&path->why, REASON_UNMODELLED, "a store of %u bits", value->width);
  if (base__find (problem, &path->facts, address, &base, &offset, &path->why))
    return -1;
  const struct base *what = &problem->base[base];
  if (what->root >= 0 && problem->pointer[what->root].number <= IMAGE_NUMBER)
    return why__set (&path->why, REASON_PROOF_ADDRESS, "a store to the code's own constants");
  if (what->root >= 0 && problem->pointer[what->root].number >= 1000
      && problem->region->global[problem->pointer[what->root].number - 1000].readonly)
    return why__set (&path->why, REASON_PROOF_ADDRESS, "a store to read-only data");
  if (what->root == ROOT_STACK && check_stack (path, offset, bytes, true))
    return -1;
  /* What is loaded from objects is taken not to lead there.  */
  if (what->root != ROOT_STACK && (term__support (problem, value) & SUPPORT_STACK))
    return why__set (&path->why, REASON_PROOF_ADDRESS, "a store of where the frame is");

  const struct term *stored = value;
  if (condition)
    {
      const struct term *old
        = lookup (problem, &path->facts, memory, path->program->side, base, offset, bytes);
      if (!old)
        return why__set (&path->why, REASON_PROOF_PATHS, "a vector that may come from too many writes");
      stored = term__ite (terms, condition, under (terms, condition, value), old);
    }
  if (memory->n_writes == memory->capacity)
    {
      memory->capacity = 2 * memory->capacity + 16;
      memory->write = checked (realloc (memory->write, memory->capacity * sizeof *memory->write));
    }
  memory->write[memory->n_writes++]
    = (struct write){ .address = term__add (terms, what->term, term__const (terms, 64, (uint64_t) offset)),
                      .value = value, .condition = condition, .base = base, .offset = offset,
                      .bytes = bytes };
  struct use *use = use__find (memory, base);
  int64_t last = offset + (int64_t) bytes - 1;
  if (!use->last_write || offset < use->write_low)
    use->write_low = offset;
  if (!use->last_write || last > use->write_high)
    use->write_high = last;
  use->last_write = memory->n_writes;
  use->written = true;
  for (unsigned i = 0; i < bytes; i++)
    {
      struct memory_cell *cell = own_cell (memory, base, offset + i);
      cell->value = stored;
      cell->part = i;
      cell->unknown = false;
      cell->when = memory->n_writes;
      if (!condition)
        cell->written = term__true (terms);
      else
        cell->written = cell->written ? term__or (terms, cell->written, condition) : condition;
    }
  if (what->root != ROOT_STACK)
    {
      note_touch (path, base, offset, bytes, condition);
      memory->stored += bytes;
    }
  return 0;
}

/* Rounds of loops.  */

static bool
same_byte (const struct memory_cell *a, const struct memory_cell *b)
{
  return a && b && a->value == b->value && a->part == b->part;
}

struct memory *
memory__restart (struct problem *problem, const struct memory *before, const struct memory *after, uint32_t initial)
{
  struct memory *memory = memory__new ();
  const struct memory *sides[] = { before, after };
  memory->initial = initial;
  for (unsigned side = 0; side < 2; side++)
    for (unsigned i = 0; i < sides[side]->n_slots; i++)
      {
        const struct slot *slot = &sides[side]->slot[i];
        if (!slot->chunk || problem->base[slot->base].root != ROOT_STACK)
          continue;
        for (unsigned k = 0; k < CELLS; k++)
          {
            int64_t offset = slot->number * CELLS + k;
            const struct memory_cell *cell = &slot->chunk->cell[k];
            if (!cell->value)
              continue;
            const struct memory_cell *old = memory__cell (before, slot->base, offset);
            const struct memory_cell *new = memory__cell (after, slot->base, offset);
            struct memory_cell *own = own_cell (memory, slot->base, offset);
            if (own->value)
              continue;
            bool kept = same_byte (old, new);
            own->value = kept ? cell->value : term__fresh (problem->terms, 8);
            own->part = kept ? cell->part : 0;
            own->unknown = !kept;
          }
      }
  return memory;
}

bool
memory__keeps_frame (const struct problem *problem, const struct memory *base, const struct memory *later)
{
  for (unsigned i = 0; i < later->n_slots; i++)
    {
      const struct slot *slot = &later->slot[i];
      if (!slot->chunk || problem->base[slot->base].root != ROOT_STACK)
        continue;
      for (unsigned k = 0; k < CELLS; k++)
        {
          const struct memory_cell *cell = &slot->chunk->cell[k];
          const struct memory_cell *old = memory__cell (base, slot->base, slot->number * CELLS + k);
          if (!cell->value)
            continue;
          if (!old || !old->value || (!old->unknown && !same_byte (old, cell)))
            return false;
        }
    }
  return true;
}
