/* Arena allocation: one arena per region, candidate or verdict, freed whole.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_ARENA_H
#define AIOPT_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* A new, empty arena; never NULL (aborts the process on exhausted memory, as obstack does).  */
struct arena *arena__new (void);

/* SIZE zeroed bytes, aligned to 16, living as long as ARENA.  SIZE may be 0.  */
void *arena__alloc (struct arena *arena, size_t size);

/* Copies living as long as ARENA.  NULL stays NULL.  */
char *arena__strdup (struct arena *arena, const char *text);
char *arena__strndup (struct arena *arena, const char *text, size_t length);
void *arena__memdup (struct arena *arena, const void *bytes, size_t size);
char *arena__printf (struct arena *arena, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* Frees ARENA and all that was allocated from it.  NULL is allowed.  */
void arena__free (struct arena *arena);

#define ARENA_NEW(ARENA, TYPE) ((TYPE *) arena__alloc ((ARENA), sizeof (TYPE)))
#define ARENA_ARRAY(ARENA, TYPE, N) ((TYPE *) arena__alloc ((ARENA), sizeof (TYPE) * (size_t) (N)))

#endif
