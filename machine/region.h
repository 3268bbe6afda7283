/* The region record: one function's final code and what GCC knows about it.
   Plain structs; the same record as JSON goes to the queue, to policies and to users.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_REGION_H
#define AIOPT_REGION_H

#include "machine/code.h"
#include "machine/isa.h"

enum { REGION_SCHEMA = 1 }; /* bump when the record's meaning changes: it is part of the key */

enum type_kind
{
  TYPE_VOID,
  TYPE_BOOL,
  TYPE_INTEGER, /* and enumerations */
  TYPE_FLOAT,   /* size 2, 4, 8, 10/16 (x87: x87 set) or 16 (__float128) */
  TYPE_POINTER, /* and references */
  TYPE_STRUCT,
  TYPE_UNION,
  TYPE_ARRAY,
  TYPE_VECTOR,
  TYPE_COMPLEX,
  TYPE_FUNCTION,
  TYPE_OTHER    /* nothing is known of it */
};

struct field
{
  const char *name;
  unsigned type;    /* index into region.type */
  uint64_t offset;  /* bytes from the struct's start */
  uint8_t bit;      /* bit offset in that byte, for bit-fields */
  uint16_t bits;    /* width of a bit-field, 0 for others */
};

struct type
{
  enum type_kind kind;
  const char *name;  /* C spelling where there is one, else NULL */
  uint64_t size;     /* bytes; 0 where incomplete, variable or void */
  uint32_t align;    /* bytes */
  bool is_signed, is_const, is_volatile, is_restrict, x87;
  unsigned element;  /* pointee, array or vector element, complex part, function result: type index */
  uint64_t count;    /* elements; 0 for flexible arrays */
  unsigned n_fields;
  struct field *field;
};

enum location_kind
{
  LOCATION_GPR,   /* number: hardware register 0..15 */
  LOCATION_VEC,   /* number: xmm/ymm/zmm 0..15 */
  LOCATION_X87,   /* st(number) */
  LOCATION_STACK  /* number: byte offset from the first stack argument, 8 (%rsp) at entry */
};

/* A piece of a value: SIZE bytes from OFFSET of the value are there.  */
struct location
{
  enum location_kind kind;
  uint32_t number;
  uint32_t offset;
  uint32_t size;
};

enum { LOCATIONS_MAX = 4 };

struct value
{
  const char *name;  /* parameter name or NULL */
  unsigned type;
  unsigned n_locations;
  struct location location[LOCATIONS_MAX];
  bool is_restrict;
  bool by_reference; /* passed as a pointer to a copy */
};

/* Two pointers that may point into one object as far as the types say.  Parameter numbers;
   globals are numbered from 1000.  */
struct alias_pair
{
  unsigned a, b;
};

struct global
{
  const char *name;   /* assembler name */
  unsigned type;
  int64_t size;       /* bytes, -1 where unknown (extern T a[]) */
  uint32_t align;
  bool readonly;
  bool is_function;   /* its address is taken */
  const uint8_t *init;/* its bytes where readonly and known, else NULL; SIZE of them */
};

struct callee
{
  const char *name;   /* assembler name; NULL for calls through pointers */
  unsigned type;      /* function type index */
  struct value result;
  unsigned n_arguments;
  struct value argument[12]; /* registers used by the call, in order of the argument list */
  bool is_noreturn, is_pure, is_const, is_varargs, has_stack_arguments, is_ipa_ra, is_tail;
};

struct loop
{
  unsigned line;   /* source line of the header, 0 unknown */
  unsigned depth;  /* 1 outermost */
  double trips;    /* average iterations per entry by the profile, negative unknown */
  double entries;  /* per call of the function, negative unknown */
};

enum /* bits of region.fp */
{
  FP_TRAPPING = 1 << 0,  /* -ftrapping-math (GCC's default): sticky flags count */
  FP_FAST = 1 << 1,      /* -funsafe-math-optimizations or stronger: results may differ in rounding */
  FP_FINITE = 1 << 2,    /* -ffinite-math-only: no NaN and infinity inputs */
  FP_NO_SIGNED_ZERO = 1 << 3,
  FP_ROUNDING = 1 << 4,  /* -frounding-math */
  FP_USES = 1 << 5       /* the function touches floating point at all */
};

enum isa_mode { ISA_MODE_BUILD, ISA_MODE_NATIVE, ISA_MODE_DISPATCH };
enum accept { ACCEPT_TESTED, ACCEPT_BOUNDED, ACCEPT_PROVED }; /* weakest first */

struct region
{
  struct arena *arena;
  char key[65];             /* hex; empty until region__key */

  /* What it is.  */
  const char *function;     /* assembler name */
  const char *source_name;  /* printable name ("ns::f(int)") */
  const char *file;         /* source file as GCC has it */
  unsigned line, last_line;
  const char *text;         /* GCC's own captured text of the function */
  unsigned n_constants;     /* constant-pool entries that the text uses and doesn't define */
  struct constant *constant;
  const char *hint;         /* attribute aiopt("…") or NULL */
  bool constant_time;

  /* How it was compiled, so that it can be compiled again.  */
  const char *gcc;          /* driver, as called; NULL where unknown */
  const char *gcc_version;  /* full version and build, e.g. "12.2.0 x86_64-linux-gnu 20220819" */
  const char *directory;
  const char *source;       /* main input file, absolute; NULL where it was a pipe */
  const char *language;     /* "c", "c++", "lto" … */
  unsigned n_options;
  const char **option;      /* the driver's options without input, output and plugin */

  /* The target.  */
  uint64_t isa;             /* the function's own flags */
  enum isa_mode isa_mode;
  uint64_t isa_allowed;     /* what a rewrite may use: isa, or the host's for native */
  const char *cpu;          /* isa__host_cpu for native and dispatch, else "generic" */
  uint32_t fp;              /* FP_… */
  bool strict_aliasing;
  enum accept accept;

  /* Types and contract.  */
  unsigned n_types;
  struct type *type;
  unsigned n_parameters;
  struct value *parameter;
  struct value result;      /* type void: n_locations 0 */
  unsigned n_aliases;
  struct alias_pair *alias;
  unsigned n_globals;
  struct global *global;
  unsigned n_callees;
  struct callee *callee;
  bool endbr;               /* starts with endbr64: must stay */
  bool needs_cfi;
  bool preserves_all;       /* reserved for windows */

  /* Profile.  */
  int64_t calls;            /* fn count by the profile; -1 unknown */
  double insns_per_call;    /* average dynamic instructions per call by block counts; negative unknown */
  unsigned n_loops;
  struct loop *loop;
};

/* Type NUMBER of REGION, or NULL where there is none of that number.  */
static inline const struct type *
region__type (const struct region *region, unsigned number)
{
  return number < region->n_types ? &region->type[number] : NULL;
}

/* Are X and Y one integer type but for its sign and qualifiers, so that what points to the one may lead to the other?  Types of the
   same size need not be: `long` and `long long`.  */
bool type__same_integer (const struct type *x, const struct type *y);

/* Does a register of KIND carry an argument of REGION's?  All others hold whatever their caller left there.  */
static inline bool
region__is_argument (const struct region *region, enum location_kind kind, unsigned number)
{
  if (kind == LOCATION_GPR && region->result.by_reference && number == 7)
    return true;
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned i = 0; i < region->parameter[p].n_locations && i < LOCATIONS_MAX; i++)
      if (region->parameter[p].location[i].kind == kind && region->parameter[p].location[i].number == number)
        return true;
  return false;
}

/* The general register that VALUE is in, all of it; -1 where it is elsewhere or in pieces.  */
static inline int
value__gpr (const struct value *value)
{
  return value->n_locations == 1 && value->location[0].kind == LOCATION_GPR && value->location[0].number < 16
           ? (int) value->location[0].number : -1;
}

/* JSON text of REGION, compact, malloc'ed; free with free.  NULL on exhausted memory.  */
char *region__to_json (const struct region *region);

/* Reads what region__to_json wrote, into ARENA.  Every field is checked; 0, or -1 and *WHY
   (SYNTAX, naming the field).  */
int region__from_json (struct arena *arena, const char *json, struct region **region,
                       struct why *why);

/* The region's code, parsed from its text and constants.  Lives in REGION's arena.  */
int region__code (const struct region *region, struct code **code, struct why *why);

/* Tells CODE which of REGION's callees never return, for splice__function.  */
void region__note_noreturn (const struct region *region, struct code *code);

/* Fills region->key: BLAKE2b-256 over canonical code, contract (locations, types without
   names, aliases, globals, callees, flags), ISA, CPU, GCC version, accept level, VERIFIER_VERSION and
   REGION_SCHEMA.  Not in it: names of files, lines, types, profile, hint.  0, or -1 and *WHY.  */
int region__key (struct region *region, struct why *why);

/* Names: "integer", "build", "tested" …; and back (-1 where unknown).  */
const char *type__name (enum type_kind kind);
const char *isa_mode__name (enum isa_mode mode);
int isa_mode__parse (const char *text, enum isa_mode *mode);
const char *accept__name (enum accept accept);
int accept__parse (const char *text, enum accept *accept);

/* Part of the key: bump when the verifier becomes stricter, so that old verdicts don't count.  */
#define VERIFIER_VERSION "9"

#endif
