/* Regions put together by hand, for tests: types, parameters with their SysV places, globals, aliases.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_REGION_BUILD_H
#define AIOPT_REGION_BUILD_H

#include "machine/region.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REGION_BUILD_TYPES = 64, REGION_BUILD_VALUES = 24 };

/* A region for function NAME, without parameters, in its own arena.  Free with arena__free (region->arena).  */
static inline struct region *
region_build__new (const char *name)
{
  struct arena *arena = arena__new ();
  struct region *region = ARENA_NEW (arena, struct region);
  region->arena = arena;
  region->function = region->source_name = arena__strdup (arena, name);
  region->type = ARENA_ARRAY (arena, struct type, REGION_BUILD_TYPES);
  region->parameter = ARENA_ARRAY (arena, struct value, REGION_BUILD_VALUES);
  region->global = ARENA_ARRAY (arena, struct global, REGION_BUILD_VALUES);
  region->alias = ARENA_ARRAY (arena, struct alias_pair, REGION_BUILD_VALUES);
  region->callee = ARENA_ARRAY (arena, struct callee, REGION_BUILD_VALUES);
  region->loop = ARENA_ARRAY (arena, struct loop, REGION_BUILD_VALUES);
  region->n_types = 1; /* type 0 is void */
  region->type[0].kind = TYPE_VOID;
  region->type[0].name = "void";
  region->isa = region->isa_allowed = ISA_BASELINE;
  region->cpu = "generic";
  region->fp = FP_TRAPPING;
  region->strict_aliasing = true;
  region->calls = -1;
  region->insns_per_call = -1;
  return region;
}

static inline unsigned
region_build__type (struct region *region, enum type_kind kind, uint64_t size, uint32_t align)
{
  unsigned number = region->n_types++;
  if (number >= REGION_BUILD_TYPES)
    abort ();
  region->type[number] = (struct type){ .kind = kind, .size = size, .align = align };
  return number;
}

static inline unsigned
region_build__integer (struct region *region, uint64_t size, bool is_signed)
{
  unsigned number = region_build__type (region, TYPE_INTEGER, size, (uint32_t) size);
  region->type[number].is_signed = is_signed;
  return number;
}

static inline unsigned
region_build__float (struct region *region, uint64_t size)
{
  return region_build__type (region, TYPE_FLOAT, size, (uint32_t) size);
}

/* ELEMENT may be 0, void.  */
static inline unsigned
region_build__pointer (struct region *region, unsigned element)
{
  unsigned number = region_build__type (region, TYPE_POINTER, 8, 8);
  region->type[number].element = element;
  return number;
}

static inline unsigned
region_build__array (struct region *region, unsigned element, uint64_t count)
{
  const struct type *inner = &region->type[element];
  unsigned number = region_build__type (region, TYPE_ARRAY, inner->size * count, inner->align);
  region->type[number].element = element;
  region->type[number].count = count;
  return number;
}

/* An empty struct; fields are laid out as they come.  */
static inline unsigned
region_build__struct (struct region *region, const char *name)
{
  unsigned number = region_build__type (region, TYPE_STRUCT, 0, 1);
  region->type[number].name = name;
  region->type[number].field = ARENA_ARRAY (region->arena, struct field, 16);
  return number;
}

static inline void
region_build__field (struct region *region, unsigned number, const char *name, unsigned type)
{
  struct type *aggregate = &region->type[number];
  const struct type *inner = &region->type[type];
  struct field *field = &aggregate->field[aggregate->n_fields++];
  uint64_t end = 0;
  if (aggregate->n_fields > 1)
    end = field[-1].offset + region->type[field[-1].type].size;
  uint64_t align = inner->align ? inner->align : 1;
  field->name = name;
  field->type = type;
  field->offset = (end + align - 1) / align * align;
  if (align > aggregate->align)
    aggregate->align = (uint32_t) align;
  aggregate->size = (field->offset + inner->size + aggregate->align - 1) / aggregate->align
                    * aggregate->align;
}

/* The next parameter, placed as the SysV ABI does for scalars and pointers.  */
static inline unsigned
region_build__parameter (struct region *region, const char *name, unsigned type)
{
  static const uint8_t order[] = { 7, 6, 2, 1, 8, 9 };
  const struct type *what = &region->type[type];
  unsigned gpr = 0, vec = 0, stack = 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned i = 0; i < region->parameter[p].n_locations; i++)
      switch (region->parameter[p].location[i].kind)
        {
        case LOCATION_GPR: gpr++; break;
        case LOCATION_VEC: vec++; break;
        default: stack += 8;
        }
  struct value *value = &region->parameter[region->n_parameters];
  value->name = name;
  value->type = type;
  value->n_locations = 1;
  value->location[0].size = (uint32_t) what->size;
  bool is_vec = what->kind == TYPE_FLOAT || what->kind == TYPE_VECTOR;
  if (is_vec && vec < 8)
    {
      value->location[0].kind = LOCATION_VEC;
      value->location[0].number = vec;
    }
  else if (!is_vec && gpr < 6)
    {
      value->location[0].kind = LOCATION_GPR;
      value->location[0].number = order[gpr];
    }
  else
    {
      value->location[0].kind = LOCATION_STACK;
      value->location[0].number = stack;
    }
  return region->n_parameters++;
}

static inline void
region_build__result (struct region *region, unsigned type)
{
  region->result.type = type;
  region->result.n_locations = 1;
  region->result.location[0].size = (uint32_t) region->type[type].size;
  region->result.location[0].kind
    = region->type[type].kind == TYPE_FLOAT ? LOCATION_VEC : LOCATION_GPR;
}

static inline void
region_build__alias (struct region *region, unsigned a, unsigned b)
{
  region->alias[region->n_aliases++] = (struct alias_pair){ a, b };
}

static inline unsigned
region_build__global (struct region *region, const char *name, unsigned type, int64_t size, bool readonly)
{
  struct global *global = &region->global[region->n_globals];
  global->name = name;
  global->type = type;
  global->size = size;
  global->align = region->type[type].align;
  global->readonly = readonly;
  return region->n_globals++;
}

/* Compiles SOURCE (C) with COMPILER (NULL: the GCC under test) and FLAGS to assembler text in the region's arena, and
   makes it the region's text.  False, and the compiler's words on stderr, where it refuses.  */
static inline bool
region_build__compile_with (struct region *region, const char *compiler, const char *source, const char *flags)
{
  char folder[] = "/tmp/aiopt-test-XXXXXX";
  if (!mkdtemp (folder))
    return false;
  const char *gcc = compiler ? compiler : getenv ("AIOPT_GCC");
  char *c_name = arena__printf (region->arena, "%s/f.c", folder);
  char *s_name = arena__printf (region->arena, "%s/f.s", folder);
  FILE *out = fopen (c_name, "w");
  bool fine = out && fputs (source, out) >= 0;
  if (out)
    fine &= fclose (out) == 0;
  char *command = arena__printf (region->arena, "%s %s -S -o %s %s", gcc ? gcc : "gcc", flags, s_name,
                                 c_name);
  fine = fine && system (command) == 0;
  FILE *in = fine ? fopen (s_name, "r") : NULL;
  if (in)
    {
      char *text = NULL;
      size_t room = 0;
      if (getdelim (&text, &room, 0, in) > 0)
        region->text = arena__strdup (region->arena, text);
      free (text);
      fclose (in);
    }
  unlink (c_name);
  unlink (s_name);
  rmdir (folder);
  return region->text != NULL;
}

static inline bool
region_build__compile (struct region *region, const char *source, const char *flags)
{
  return region_build__compile_with (region, NULL, source, flags);
}

#endif
