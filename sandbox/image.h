/* An image: one assembled function linked at fixed addresses, ready to run in a sandbox.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_IMAGE_H
#define AIOPT_IMAGE_H

#include "machine/decode.h"
#include "machine/region.h"

/* The sandbox's address space.  Everything a function sees is below 2 GiB, so that absolute
   32-bit relocations of non-PIC code work, and at the same addresses in every sandbox.  */
#define SANDBOX_TRACE_BASE  0x0c000000u /* what instrumented code writes; mapped while that runs alone */
#define SANDBOX_CODE_BASE   0x10000000u /* image i at BASE + i * STRIDE */
#define SANDBOX_CODE_STRIDE 0x01000000u
#define SANDBOX_STUB_BASE   0x18000000u /* recorder stub of callee c at BASE + c * 64 */
#define SANDBOX_STACK_BASE  0x1c000000u
#define SANDBOX_STACK_SIZE  0x00100000u /* with guard pages on both sides */
#define SANDBOX_ARENA_BASE  0x20000000u /* objects: slot s at BASE + s * SLOT_STRIDE */
#define SANDBOX_SLOT_STRIDE 0x00400000u /* 4 MiB apart; usable SLOT_SIZE in the middle, the rest unmapped */
#define SANDBOX_SLOT_SIZE   0x00100000u /* 1 MiB */
#define SANDBOX_SLOT_OFFSET 0x00100000u /* usable bytes start here in the stride */
#define SANDBOX_SLOTS       64          /* the first GLOBAL_SLOTS hold globals */
#define SANDBOX_GLOBAL_SLOTS 24
#define SANDBOX_PAGE        4096u

static inline uint64_t
slot__begin (unsigned slot)
{
  return (uint64_t) SANDBOX_ARENA_BASE + (uint64_t) slot * SANDBOX_SLOT_STRIDE + SANDBOX_SLOT_OFFSET;
}

/* Where globals live: chosen once for a region, the same for all its images.  Global g of the
   region is in slot g, so that an access beyond it faults.  */
struct layout
{
  unsigned n_globals;
  uint64_t *global;      /* address of each global of the region, 0 for functions (they get a stub) */
  uint64_t *global_size; /* bytes; objects of unknown size get SANDBOX_SLOT_SIZE */
};

/* FLUSH_END puts each global's end against the unmapped page (as far as its alignment allows), else
   its start.  -1 and *WHY where there are too many or too large ones.  */
int layout__new (struct arena *arena, const struct region *region, bool flush_end,
                 struct layout **layout, struct why *why);

/* The stub for calls to region->callee[c]; for function pointers without a callee, stub number
   n_callees + k stands for "some function", k < 16.  */
static inline uint64_t
stub__address (unsigned c)
{
  return (uint64_t) SANDBOX_STUB_BASE + (uint64_t) c * 64;
}

struct image
{
  uint64_t base;         /* of the bytes */
  uint64_t entry;
  size_t text_size;      /* executable bytes, page multiple */
  size_t size;           /* text then read-only data, page multiple */
  uint8_t *bytes;
  const struct decoded *decoded;
  uint64_t *address;     /* of decoded->insn[i] */
};

/* Relocates OBJECT for slot INDEX (0 original, 1 candidate) of the code area.  Calls and jumps to
   callees of REGION go to their recorder stubs, references to globals to LAYOUT's addresses.
   0, or -1 and *WHY (RELOCATION, NEW_SYMBOL).  */
int image__link (struct arena *arena, const struct region *region, const struct layout *layout,
                 const struct object *object, const struct decoded *decoded, unsigned index,
                 struct image **image, struct why *why);

#endif
