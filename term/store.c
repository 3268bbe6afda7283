/* The store of terms: every term is made once.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <stdlib.h>
#include <string.h>

enum
{
  SLOTS_FIRST = 1 << 12,
  MEMOS = 1 << 15
};

struct terms
{
  struct arena *arena;
  struct term **slot; /* open addressing; a power of two */
  unsigned n, n_slots;
  uint32_t fresh; /* the next fresh variable's number */
  const struct term *truth[2];
  /* Results of recursive constructors, so that shared parts are walked once.  */
  struct memo
  {
    uint32_t id, key;
    const struct term *result;
  } memo[MEMOS];
};

static struct term **
slots__new (unsigned n)
{
  struct term **slot = calloc (n, sizeof *slot);
  if (!slot)
    abort (); /* as arenas do */
  return slot;
}

struct terms *
terms__new (void)
{
  struct arena *arena = arena__new ();
  struct terms *terms = ARENA_NEW (arena, struct terms);
  terms->arena = arena;
  terms->n_slots = SLOTS_FIRST;
  terms->slot = slots__new (SLOTS_FIRST);
  terms->fresh = UINT32_MAX;
  terms->truth[0] = term__const (terms, 1, 0);
  terms->truth[1] = term__const (terms, 1, 1);
  return terms;
}

void
terms__free (struct terms *terms)
{
  if (!terms)
    return;
  free (terms->slot);
  arena__free (terms->arena);
}

unsigned
terms__count (const struct terms *terms)
{
  return terms->n;
}

struct arena *
store__arena (struct terms *terms)
{
  return terms->arena;
}

static uint32_t
mix (uint32_t hash, uint64_t value)
{
  uint64_t x = (hash ^ value) * UINT64_C (0x9e3779b97f4a7c15);
  return (uint32_t)(x ^ (x >> 32));
}

static void
grow (struct terms *terms)
{
  unsigned n = terms->n_slots * 2;
  struct term **slot = slots__new (n);
  for (unsigned i = 0; i < terms->n_slots; i++)
    if (terms->slot[i])
      {
        unsigned at = terms->slot[i]->hash & (n - 1);
        while (slot[at])
          at = (at + 1) & (n - 1);
        slot[at] = terms->slot[i];
      }
  free (terms->slot);
  terms->slot = slot;
  terms->n_slots = n;
}

const struct term *
store__term (struct terms *terms, enum term_op op, unsigned width, uint32_t number,
             const struct term *const *args, unsigned n_args, const uint64_t *words,
             unsigned n_words)
{
  uint32_t hash = mix (op | width << 8, number);
  for (unsigned i = 0; i < n_args; i++)
    hash = mix (hash, args[i]->id);
  for (unsigned i = 0; i < n_words; i++)
    hash = mix (hash, words[i]);
  unsigned at = hash & (terms->n_slots - 1);
  for (; terms->slot[at]; at = (at + 1) & (terms->n_slots - 1))
    {
      const struct term *t = terms->slot[at];
      if (t->hash == hash && t->op == op && t->width == width && t->number == number
          && t->n_args == n_args && t->n_words == n_words
          && (n_args == 0 || memcmp (t->arg, args, n_args * sizeof *args) == 0)
          && (n_words == 0 || memcmp (t->words, words, n_words * sizeof *words) == 0))
        return t;
    }
  size_t size = sizeof (struct term) + n_args * sizeof *args;
  struct term *term = arena__alloc (terms->arena, size + n_words * sizeof *words);
  uint64_t *own = (uint64_t *)((char *)term + size);
  *term = (struct term){ .id = terms->n,
                         .op = (uint16_t)op,
                         .width = (uint16_t)width,
                         .number = number,
                         .n_args = n_args,
                         .hash = hash,
                         .n_words = n_words,
                         .words = own };
  if (n_args)
    memcpy (term->arg, args, n_args * sizeof *args);
  if (n_words)
    memcpy (own, words, n_words * sizeof *words);
  terms->slot[at] = term;
  if (++terms->n * 2 > terms->n_slots)
    grow (terms);
  return term;
}

const struct term **
store__memo (struct terms *terms, const struct term *a, uint32_t key)
{
  struct memo *memo = &terms->memo[mix (a->id, key) & (MEMOS - 1)];
  if (memo->id != a->id || memo->key != key)
    {
      memo->id = a->id;
      memo->key = key;
      memo->result = NULL;
    }
  return &memo->result;
}

const struct term *
term__wide (struct terms *terms, unsigned width, const uint64_t *words)
{
  unsigned n = (width + 63) / 64;
  uint64_t own[TERM_WORDS_MAX];
  memcpy (own, words, n * sizeof *own);
  own[n - 1] = word__cut (own[n - 1], width - 64 * (n - 1));
  return store__term (terms, TERM_CONST, width, 0, NULL, 0, own, n);
}

const struct term *
term__const (struct terms *terms, unsigned width, uint64_t value)
{
  uint64_t words[TERM_WORDS_MAX] = { value };
  return term__wide (terms, width, words);
}

const struct term *
term__ones (struct terms *terms, unsigned width)
{
  uint64_t words[TERM_WORDS_MAX];
  memset (words, 0xff, sizeof words);
  return term__wide (terms, width, words);
}

const struct term *
term__true (struct terms *terms)
{
  return terms->truth[1];
}

const struct term *
term__false (struct terms *terms)
{
  return terms->truth[0];
}

const struct term *
term__var (struct terms *terms, unsigned width, uint32_t number)
{
  return store__term (terms, TERM_VAR, width, number, NULL, 0, NULL, 0);
}

const struct term *
term__fresh (struct terms *terms, unsigned width)
{
  return term__var (terms, width, terms->fresh--);
}

const struct term *
term__memory (struct terms *terms, uint32_t number)
{
  return store__term (terms, TERM_MEMORY, 0, number, NULL, 0, NULL, 0);
}

bool
term__is_value (const struct term *a, uint64_t value)
{
  if (a->op != TERM_CONST || a->words[0] != value)
    return false;
  for (unsigned i = 1; i < a->n_words; i++)
    if (a->words[i])
      return false;
  return true;
}

bool
term__is_ones (const struct term *a)
{
  if (a->op != TERM_CONST)
    return false;
  for (unsigned i = 0; i + 1 < a->n_words; i++)
    if (a->words[i] != UINT64_MAX)
      return false;
  unsigned rest = a->width - 64 * (a->n_words - 1);
  return a->words[a->n_words - 1] == word__cut (UINT64_MAX, rest);
}
