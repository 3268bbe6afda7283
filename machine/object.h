/* Assembling one function alone, and the object that comes out.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_OBJECT_H
#define AIOPT_OBJECT_H

#include "machine/code.h"

struct object_section
{
  const char *name;
  uint8_t *bytes;
  size_t size;
  unsigned align;
  bool executable;
  bool writable;
};

struct object_symbol
{
  const char *name;
  int section; /* index, or -1 where undefined */
  uint64_t offset;
};

struct object_reloc
{
  unsigned section;
  uint64_t offset;
  uint32_t type; /* R_X86_64_… */
  unsigned symbol;
  int64_t addend;
};

struct object
{
  unsigned n_sections;
  struct object_section *section; /* allocated (SHF_ALLOC) progbits sections alone */
  unsigned n_symbols;
  struct object_symbol *symbol;
  unsigned n_relocs;
  struct object_reloc *reloc;
  unsigned entry; /* the function's symbol */
};

/* Assembles code__source (CODE) with the system assembler (no shell, no files of the user's
   touched) and reads the object.  0 and *OBJECT in ARENA, or -1 and *WHY.  */
int object__assemble (struct arena *arena, const struct code *code, struct object **object,
                      struct why *why);

#endif
