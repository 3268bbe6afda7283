/* Linking one assembled function at its fixed address in the sandbox.
   Only the relocations that GCC and clang emit for ordinary code are known; calls lead to recorder stubs,
   globals to the layout that all images of a region share, and any other symbol is refused.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/image.h"

#include <elf.h>
#include <string.h>

enum { FUNCTION_POINTERS_MAX = 16 }; /* stubs for functions whose address is taken (image.h) */

static uint64_t
align_up (uint64_t value, uint64_t align)
{
  return (value + align - 1) & ~(align - 1);
}

uint64_t
global__place (const struct global *global, unsigned g, bool flush_end)
{
  uint64_t begin = slot__begin (g), align = global->align ? global->align : 1;
  uint64_t size = global->size < 0 ? SANDBOX_SLOT_SIZE : (uint64_t) global->size;
  if (flush_end)
    return (begin + SANDBOX_SLOT_SIZE - size) & ~(align - 1);
  return align < 64 && size + align <= SANDBOX_SLOT_SIZE ? begin + align : begin;
}

int
layout__new (struct arena *arena, const struct region *region, bool flush_end,
             struct layout **layout, struct why *why)
{
  if (region->n_globals > SANDBOX_GLOBAL_SLOTS)
    return why__set (why, REASON_TOO_LARGE, "%u globals, at most %d", region->n_globals,
                     SANDBOX_GLOBAL_SLOTS);
  struct layout *result = ARENA_NEW (arena, struct layout);
  result->n_globals = region->n_globals;
  result->global = ARENA_ARRAY (arena, uint64_t, region->n_globals);
  result->global_size = ARENA_ARRAY (arena, uint64_t, region->n_globals);
  for (unsigned g = 0; g < region->n_globals; g++)
    {
      const struct global *global = &region->global[g];
      uint64_t align = global->align ? global->align : 1;
      if (global->is_function)
        continue;
      uint64_t size = global->size < 0 ? SANDBOX_SLOT_SIZE : (uint64_t) global->size;
      if (size > SANDBOX_SLOT_SIZE || (align & (align - 1)) != 0 || align > SANDBOX_SLOT_SIZE)
        return why__set (why, REASON_GLOBAL_SIZE, "%s: %llu bytes aligned to %llu, at most %u",
                         global->name, (unsigned long long) size, (unsigned long long) align,
                         SANDBOX_SLOT_SIZE);
      result->global[g] = global__place (global, g, flush_end);
      result->global_size[g] = size;
    }
  *layout = result;
  return 0;
}

void
layout__raise (struct layout *layout)
{
  layout->high = SANDBOX_HIGH;
  for (unsigned g = 0; g < layout->n_globals; g++)
    if (layout->global[g])
      layout->global[g] += SANDBOX_HIGH;
}

bool
object__is_absolute (const struct object *object)
{
  for (unsigned i = 0; i < object->n_relocs; i++)
    if (object->reloc[i].type == R_X86_64_32 || object->reloc[i].type == R_X86_64_32S)
      return true;
  return false;
}

/* What linking needs at hand.  */
struct linking
{
  const struct region *region;
  const struct layout *layout;
  const struct object *object;
  struct image *image;
  uint64_t *section; /* offset of each section in the image */
  uint64_t *slot;    /* address of each symbol's table slot, 0 where it has none */
  struct why *why;
};

/* The address of symbol NUMBER.  */
static int
symbol__address (const struct linking *linking, unsigned number, uint64_t *address)
{
  const struct region *region = linking->region;
  const struct object_symbol *symbol = &linking->object->symbol[number];
  /* The function's own name counts as a callee's first: recursion is answered by a stub.  */
  if (symbol->section < 0 || number == linking->object->entry)
    {
      unsigned functions = 0;
      for (unsigned c = 0; c < region->n_callees; c++)
        if (region->callee[c].name && strcmp (region->callee[c].name, symbol->name) == 0)
          {
            *address = linking->layout->high + stub__address (c);
            return 0;
          }
      for (unsigned g = 0; g < region->n_globals; g++)
        {
          const struct global *global = &region->global[g];
          if (strcmp (global->name, symbol->name) == 0)
            {
              if (global->is_function && functions >= FUNCTION_POINTERS_MAX)
                return why__set (linking->why, REASON_TOO_LARGE, "addresses of functions");
              *address = global->is_function ? linking->layout->high + stub__address (region->n_callees + functions)
                                             : linking->layout->global[g];
              return 0;
            }
          functions += global->is_function;
        }
    }
  if (symbol->section < 0)
    return why__set (linking->why, REASON_NEW_SYMBOL, "%s", symbol->name);
  *address = linking->image->base + linking->section[symbol->section] + symbol->offset;
  return 0;
}

static bool
reloc__table (uint32_t type)
{
  return type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX
         || type == R_X86_64_REX_GOTPCRELX;
}

/* Applies RELOC to the image's bytes.  */
static int
reloc__apply (const struct linking *linking, const struct object_reloc *reloc)
{
  const struct object_section *section = &linking->object->section[reloc->section];
  const char *name = linking->object->symbol[reloc->symbol].name;
  struct image *image = linking->image;
  uint64_t at = linking->section[reloc->section] + reloc->offset, symbol, value;
  if (symbol__address (linking, reloc->symbol, &symbol) < 0)
    return -1;
  if (reloc__table (reloc->type))
    symbol = linking->slot[reloc->symbol];
  value = symbol + (uint64_t) reloc->addend;
  unsigned size;
  bool fits;
  switch (reloc->type)
    {
    case R_X86_64_PC32:
    case R_X86_64_PLT32:
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX:
      value -= image->base + at;
      size = 4;
      fits = (int64_t) value == (int32_t) value;
      break;
    case R_X86_64_32:
      size = 4;
      fits = value == (uint32_t) value;
      break;
    case R_X86_64_32S:
      size = 4;
      fits = (int64_t) value == (int32_t) value;
      break;
    case R_X86_64_PC64:
      value -= image->base + at;
      size = 8;
      fits = true;
      break;
    case R_X86_64_64:
      size = 8;
      fits = true;
      break;
    default:
      return why__set (linking->why, REASON_RELOCATION, "type %u for %s", reloc->type, name);
    }
  if (!fits || reloc->offset > section->size || section->size - reloc->offset < size)
    return why__set (linking->why, REASON_RELOCATION, "type %u for %s: out of range", reloc->type,
                     name);
  memcpy (image->bytes + at, &value, size);
  return 0;
}

/* Places the sections: code, then on new pages read-only data and the table of addresses.  */
static int
image__place (struct arena *arena, struct linking *linking)
{
  const struct object *object = linking->object;
  struct image *image = linking->image;
  uint64_t at = 0;
  for (unsigned pass = 0; pass < 2; pass++)
    {
      for (unsigned i = 0; i < object->n_sections; i++)
        {
          const struct object_section *section = &object->section[i];
          if (section->executable != (pass == 0))
            continue;
          uint64_t align = section->align ? section->align : 1;
          if (section->writable || (align & (align - 1)) != 0 || align > SANDBOX_PAGE)
            return why__set (linking->why, REASON_DATA, "section %s", section->name);
          at = align_up (at, align);
          linking->section[i] = at;
          at += section->size;
          if (at > SANDBOX_CODE_STRIDE / 2)
            return why__set (linking->why, REASON_TOO_LARGE, "section %s", section->name);
        }
      if (pass == 0)
        image->text_size = at = align_up (at, SANDBOX_PAGE);
    }
  at = align_up (at, 8);
  for (unsigned i = 0; i < object->n_relocs; i++)
    if (reloc__table (object->reloc[i].type) && !linking->slot[object->reloc[i].symbol])
      {
        linking->slot[object->reloc[i].symbol] = image->base + at;
        at += 8;
      }
  image->size = align_up (at, SANDBOX_PAGE);
  if (image->size > SANDBOX_CODE_STRIDE - SANDBOX_PAGE)
    return why__set (linking->why, REASON_TOO_LARGE, "image");
  image->bytes = arena__alloc (arena, image->size);
  memset (image->bytes, 0xcc, image->text_size); /* int3 */
  for (unsigned i = 0; i < object->n_sections; i++)
    memcpy (image->bytes + linking->section[i], object->section[i].bytes, object->section[i].size);
  return 0;
}

int
image__link (struct arena *arena, const struct region *region, const struct layout *layout,
             const struct object *object, const struct decoded *decoded, unsigned index,
             struct image **image, struct why *why)
{
  if (index >= (SANDBOX_STUB_BASE - SANDBOX_CODE_BASE) / SANDBOX_CODE_STRIDE)
    return why__set (why, REASON_SANDBOX, "no room for image %u", index);
  if (layout->n_globals != region->n_globals)
    return why__set (why, REASON_SANDBOX, "a layout of another region");
  struct image *result = ARENA_NEW (arena, struct image);
  result->base = layout->high + SANDBOX_CODE_BASE + (uint64_t) index * SANDBOX_CODE_STRIDE;
  struct linking linking = { .region = region,
                             .layout = layout,
                             .object = object,
                             .image = result,
                             .section = ARENA_ARRAY (arena, uint64_t, object->n_sections),
                             .slot = ARENA_ARRAY (arena, uint64_t, object->n_symbols),
                             .why = why };
  if (image__place (arena, &linking) < 0)
    return -1;
  for (unsigned i = 0; i < object->n_symbols; i++)
    if (linking.slot[i])
      {
        uint64_t address;
        if (symbol__address (&linking, i, &address) < 0)
          return -1;
        memcpy (result->bytes + (linking.slot[i] - result->base), &address, 8);
      }
  for (unsigned i = 0; i < object->n_relocs; i++)
    if (reloc__apply (&linking, &object->reloc[i]) < 0)
      return -1;

  const struct object_symbol *entry = &object->symbol[object->entry];
  result->entry = result->base + linking.section[entry->section] + entry->offset;
  result->decoded = decoded;
  result->section = linking.section;
  result->address = ARENA_ARRAY (arena, uint64_t, decoded->n_insns);
  for (unsigned i = 0; i < decoded->n_insns; i++)
    result->address[i]
      = result->base + linking.section[decoded->insn[i].section] + decoded->insn[i].offset;
  *image = result;
  return 0;
}
