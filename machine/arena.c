/* Arena allocation in chunks that double up to a limit; nothing is freed but the whole.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
  ALIGNMENT = 16,
  FIRST_CHUNK = 8 << 10,
  LARGEST_CHUNK = 1 << 20 /* what is asked for at once may be larger and then has its own chunk */
};

struct chunk
{
  struct chunk *next;
  size_t size, used;
  _Alignas (ALIGNMENT) unsigned char bytes[];
};

struct arena
{
  struct chunk *chunk; /* the newest first */
};

/* A chunk with room for SIZE bytes.  */
static struct chunk *
chunk__new (size_t size, struct chunk *next)
{
  struct chunk *chunk
    = size > SIZE_MAX - sizeof (struct chunk) ? NULL : malloc (sizeof (struct chunk) + size);
  if (!chunk)
    {
      fputs ("aiopt: memory exhausted\n", stderr);
      abort ();
    }
  chunk->next = next;
  chunk->size = size;
  chunk->used = 0;
  return chunk;
}

struct arena *
arena__new (void)
{
  struct chunk *chunk = chunk__new (FIRST_CHUNK, NULL);
  struct arena *arena = (struct arena *) (void *) chunk->bytes;
  chunk->used = ALIGNMENT;
  arena->chunk = chunk;
  return arena;
}

void *
arena__alloc (struct arena *arena, size_t size)
{
  struct chunk *chunk = arena->chunk;
  if (size > SIZE_MAX - 2 * ALIGNMENT)
    size = SIZE_MAX - ALIGNMENT; /* chunk__new refuses it */
  else
    size = (size + ALIGNMENT - 1) & ~(size_t) (ALIGNMENT - 1);
  if (chunk->size - chunk->used < size)
    {
      size_t room = chunk->size < LARGEST_CHUNK ? chunk->size * 2 : LARGEST_CHUNK;
      if (size > room / 2)
        {
          /* Its own chunk, behind the newest, whose room is not lost.  */
          struct chunk *own = chunk__new (size, chunk->next);
          chunk->next = own;
          own->used = size;
          memset (own->bytes, 0, size);
          return own->bytes;
        }
      chunk = arena->chunk = chunk__new (room, chunk);
    }
  void *bytes = chunk->bytes + chunk->used;
  chunk->used += size;
  memset (bytes, 0, size);
  return bytes;
}

char *
arena__strndup (struct arena *arena, const char *text, size_t length)
{
  if (!text)
    return NULL;
  length = strnlen (text, length);
  char *copy = arena__alloc (arena, length + 1);
  memcpy (copy, text, length);
  return copy;
}

char *
arena__strdup (struct arena *arena, const char *text)
{
  return text ? arena__memdup (arena, text, strlen (text) + 1) : NULL;
}

void *
arena__memdup (struct arena *arena, const void *bytes, size_t size)
{
  if (!bytes)
    return NULL;
  void *copy = arena__alloc (arena, size);
  if (size)
    memcpy (copy, bytes, size);
  return copy;
}

char *
arena__printf (struct arena *arena, const char *format, ...)
{
  char small[256];
  va_list args;
  va_start (args, format);
  int length = vsnprintf (small, sizeof small, format, args);
  va_end (args);
  if (length < 0)
    return arena__strdup (arena, "");
  if ((size_t) length < sizeof small)
    return arena__memdup (arena, small, (size_t) length + 1);
  char *text = arena__alloc (arena, (size_t) length + 1);
  va_start (args, format);
  vsnprintf (text, (size_t) length + 1, format, args);
  va_end (args);
  return text;
}

void
arena__free (struct arena *arena)
{
  if (!arena)
    return;
  /* The first chunk holds ARENA itself; chunks of their own may stand behind it.  */
  struct chunk *chunk = arena->chunk;
  while (chunk)
    {
      struct chunk *next = chunk->next;
      free (chunk);
      chunk = next;
    }
}
