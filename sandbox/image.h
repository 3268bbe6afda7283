/* An image: one assembled function linked at fixed addresses, ready to run in a sandbox.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_IMAGE_H
#define AIOPT_IMAGE_H

#include "machine/decode.h"
#include "machine/region.h"

/* The sandbox's address space, the same in every sandbox.  What code can name in 32 bits is below 2 GiB, so that absolute
   relocations of non-PIC code work: itself, its constants, callees' stubs and globals.  Objects and the stack are far
   above 4 GiB (so is what code can name, where it doesn't: layout__raise), where nothing else is and where no address cut to 32 bits, however it is extended, or lacking its top bits leads;
   and a multiple of 4 GiB lies in the first object's slot, a page before its end, so that addresses compared in 32 bits
   come out wrong.  */
#define SANDBOX_TRACE_BASE  0x0c000000u /* what instrumented code writes; mapped while that runs alone */
#define SANDBOX_CODE_BASE   0x10000000u /* image i at BASE + i * STRIDE */
#define SANDBOX_CODE_STRIDE 0x01000000u
#define SANDBOX_STUB_BASE   0x18000000u /* recorder stub of callee c at BASE + c * 64 */
#define SANDBOX_STUB_ROOM   0x04000000u /* nothing of the sandbox but stubs and the process's own context is in it */
#define SANDBOX_GLOBAL_BASE 0x20000000u /* slot s of the first GLOBAL_SLOTS at BASE + s * SLOT_STRIDE */
#define SANDBOX_OBJECT_BASE UINT64_C (0x6a3affe01000) /* the slots after them, s at BASE + (s - GLOBAL_SLOTS) * SLOT_STRIDE */
#define SANDBOX_STACK_BASE  UINT64_C (0x6d1ec4000000)
#define SANDBOX_STACK_SIZE  0x00100000u /* with guard pages on both sides */
#define SANDBOX_SLOT_STRIDE 0x00400000u /* 4 MiB apart; usable SLOT_SIZE in the middle, the rest unmapped */
#define SANDBOX_SLOT_SIZE   0x00100000u /* 1 MiB */
#define SANDBOX_SLOT_OFFSET 0x00100000u /* usable bytes start here in the stride */
#define SANDBOX_SLOTS       64          /* the first GLOBAL_SLOTS hold globals */
#define SANDBOX_GLOBAL_SLOTS 24
#define SANDBOX_NO_SLOT     (SANDBOX_SLOTS + 1)
#define SANDBOX_PAGE        4096u
#define SANDBOX_HUGE_BASE   UINT64_C (0x155d38000000) /* what states with a huge object read there, the same block again and again; its
                                                     upper bits are none of the others' */
#define SANDBOX_HUGE_SIZE   0x05000000u
#define SANDBOX_HUGE_BLOCK  0x01000000u

/* Added to the addresses of code, stubs and globals where no code of a region names them in 32 bits.  */
#define SANDBOX_HIGH UINT64_C (0x66f340000000)

/* ADDRESS without that.  */
static inline uint64_t
address__low (uint64_t address)
{
  return address - SANDBOX_HIGH < UINT64_C (1) << 31 ? address - SANDBOX_HIGH : address;
}

/* One more slot, below 2 GiB after the globals', for what instrumented code writes with absolute addresses
   (verify/watch.c).  */
#define SANDBOX_SCRATCH_SLOT SANDBOX_SLOTS

#define SANDBOX_GLOBAL_ROOM  ((uint64_t) (SANDBOX_GLOBAL_SLOTS + 1) * SANDBOX_SLOT_STRIDE)
#define SANDBOX_OBJECT_ROOM  ((uint64_t) (SANDBOX_SLOTS - SANDBOX_GLOBAL_SLOTS) * SANDBOX_SLOT_STRIDE)

/* Where the stride of SLOT begins, and its usable bytes.  */
static inline uint64_t
slot__stride (unsigned slot)
{
  if (slot == SANDBOX_SCRATCH_SLOT)
    slot = SANDBOX_GLOBAL_SLOTS;
  else if (slot >= SANDBOX_GLOBAL_SLOTS)
    return SANDBOX_OBJECT_BASE + (uint64_t) (slot - SANDBOX_GLOBAL_SLOTS) * SANDBOX_SLOT_STRIDE;
  return (uint64_t) SANDBOX_GLOBAL_BASE + (uint64_t) slot * SANDBOX_SLOT_STRIDE;
}

static inline uint64_t
slot__begin (unsigned slot)
{
  return slot__stride (slot) + SANDBOX_SLOT_OFFSET;
}

/* The slot in whose stride ADDRESS lies, or SANDBOX_NO_SLOT.  */
static inline unsigned
slot__of (uint64_t address)
{
  if (address - SANDBOX_OBJECT_BASE < SANDBOX_OBJECT_ROOM)
    return SANDBOX_GLOBAL_SLOTS + (unsigned) ((address - SANDBOX_OBJECT_BASE) / SANDBOX_SLOT_STRIDE);
  uint64_t at = address__low (address) - SANDBOX_GLOBAL_BASE;
  if (at >= SANDBOX_GLOBAL_ROOM)
    return SANDBOX_NO_SLOT;
  unsigned slot = (unsigned) (at / SANDBOX_SLOT_STRIDE);
  return slot < SANDBOX_GLOBAL_SLOTS ? slot : SANDBOX_SCRATCH_SLOT;
}

/* Are all SIZE bytes at ADDRESS usable ones of one slot?  */
static inline bool
slot__holds (uint64_t address, uint64_t size)
{
  unsigned slot = slot__of (address);
  return slot != SANDBOX_NO_SLOT && size <= SANDBOX_SLOT_SIZE
         && address__low (address) - slot__begin (slot) <= SANDBOX_SLOT_SIZE - size;
}

/* Where globals live: chosen once for a region, the same for all its images.  Global g of the
   region is in slot g, so that an access beyond it faults.  */
struct layout
{
  unsigned n_globals;
  uint64_t *global;      /* address of each global of the region, 0 for functions (they get a stub) */
  uint64_t high;         /* SANDBOX_HIGH where raised, else 0 */
  uint64_t *global_size; /* bytes; objects of unknown size get SANDBOX_SLOT_SIZE */
};

/* The address of GLOBAL, the region's number G, with nothing raised: FLUSH_END puts its end against the unmapped page, as far as its
   alignment allows.  Else it is at the beginning of its slot, aligned as it is declared and not to twice that: nobody may rely on more.  */
uint64_t global__place (const struct global *global, unsigned g, bool flush_end);

/* Places all globals.  -1 and *WHY where there are too many or too large ones.  */
int layout__new (struct arena *arena, const struct region *region, bool flush_end,
                 struct layout **layout, struct why *why);

/* Lifts code, stubs and globals of LAYOUT's images far above 4 GiB, so that their addresses don't survive being cut to
   32 bits either: for code without absolute relocations of 32 bits, such as position-independent code.  Linking an object that has
   any then fails.  */
void layout__raise (struct layout *layout);

/* Does OBJECT have such relocations?  */
bool object__is_absolute (const struct object *object);

/* The stub, in a layout that isn't raised, for calls to region->callee[c]; for function pointers without a callee, stub number
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
  uint64_t *section;     /* offset in BYTES of each of the object's sections */
};

/* Relocates OBJECT for slot INDEX (0 original, 1 candidate) of the code area.  Calls and jumps to
   callees of REGION go to their recorder stubs, references to globals to LAYOUT's addresses.
   0, or -1 and *WHY (RELOCATION, NEW_SYMBOL).  */
int image__link (struct arena *arena, const struct region *region, const struct layout *layout,
                 const struct object *object, const struct decoded *decoded, unsigned index,
                 struct image **image, struct why *why);

/* Links CODE for slot INDEX at N places, 16 bytes apart, one into each IMAGE; the runtime functions that it calls are appended.
   0, or -1 and *WHY.  */
int image__spread (struct arena *arena, const struct region *region, const struct layout *layout, const struct code *code,
                   unsigned index, unsigned n, struct image *image[], struct why *why);

#endif
