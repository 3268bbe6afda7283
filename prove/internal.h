/* Inside prove/: a problem (two programs and their common inputs), the paths through a program, what is known on a path.

   Soundness rests on four things, each in one file: semantics/ (what an instruction does), facts.c (what follows from
   the conditions of a path), memory.c (which earlier store a load sees) and equivalent.c (what has to be equal).
   Whatever one of them can't tell ends in PROOF_UNKNOWN.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_PROVE_INTERNAL_H
#define AIOPT_PROVE_INTERNAL_H

#include "prove/prove.h"
#include "semantics/semantics.h"

enum
{
  SIDES = 2,            /* the original is side 0 */
  POINTERS_MAX = 64,    /* pointer parameters and globals: bits of a support mask */
  BASES_MAX = 4096,
  RANGES_MAX = 64,
  ORDERS_MAX = 32,
  PAIRS_MAX = 64,
  MEETINGS = 8192,
  REPLACEMENTS = 4,
  CELLS = 64,           /* bytes of memory in a chunk */
  TRAPS_MAX = 8,
  FRAME_MAX = 65536,    /* bytes of a side's own stack frame */
  RED_ZONE = 128,
  DISTANCES_MAX = 4000  /* entries of jump tables */
};

/* Variable numbers.  Those of a side come from its own range, so that nothing depends on junk in silence.  */
enum
{
  VAR_STACK = 1,        /* what the stack pointer is at entry */
  VAR_RETURN,           /* the return address, 64 bits */
  VAR_STICKY,
  VAR_SAVED = 16,       /* + register: callee-saved */
  VAR_PARAMETER = 64,   /* + 4 * parameter + location */
  VAR_GLOBAL = 512,     /* + global: its address, without the low bits that alignment fixes */
  VAR_FUNCTION = 1024,  /* + stub number: its address */
  VAR_JUNK = 4096,      /* + side * 512 + … */
  VAR_STACK_ARGUMENT = 8192, /* + byte */
  VAR_IMAGE = 16384,    /* + 2 * side + part: where a side's code (0) and its constants (1) are */
  VAR_DISTANCE = 20480  /* + 4096 * side + number: of program->distance[] */
};
enum { MEMORY_OBJECTS = 0, MEMORY_FRAME = 1 /* + side */ };

/* facts.c: what is known on a path. */

/* A condition that holds; the list leads back to the entry.  */
struct condition
{
  const struct term *term;
  const struct condition *before;
  unsigned n;           /* conditions up to here */
};

/* TERM, up to 64 bits wide and without a constant, lies in LOW .. HIGH, going round past 2^width where HIGH < LOW.  */
struct range
{
  const struct term *term;
  uint64_t low, high;
};

/* A + a <= (or <) B + b as unsigned numbers.  */
struct order
{
  const struct term *a, *b;
  int64_t a_offset, b_offset;
  bool strict;
};

struct facts
{
  const struct condition *last;
  unsigned n_ranges, n_orders, n_pairs;
  bool lost;            /* something known couldn't be kept (which only makes us know less) */
  struct range range[RANGES_MAX];
  struct order order[ORDERS_MAX];
  const struct term *from[PAIRS_MAX], *to[PAIRS_MAX]; /* FROM equals TO; no FROM occurs in a TO */
};

struct problem;
struct path;
struct memory;

/* Adds CONDITION to FACTS.  */
void facts__assume (struct problem *problem, struct facts *facts, const struct term *condition);
/* 1: CONDITION holds, 0: it doesn't, -1: neither is known.  Without the solver.  */
int facts__decide (struct problem *problem, const struct facts *facts, const struct term *condition);
/* TERM with equalities put in, and (DEEP) with all known conditions put in.  */
const struct term *facts__simplify (struct problem *problem, const struct facts *facts,
                                    const struct term *term, bool deep);
/* The range of TERM (up to 64 bits), going round like struct range's.  */
void facts__range (struct problem *problem, const struct facts *facts, const struct term *term,
                   uint64_t *low, uint64_t *high);
/* What is known of how far base A is from base B: A - B lies in all of ARC.  */
struct distance
{
  unsigned n;
  struct { uint64_t low, high; } arc[12];
  unsigned zeros;       /* low bits of A - B that are 0 */
};
/* By ranges; by order, where VALID's sure accesses show that A and B are addresses.  */
void facts__distance (struct problem *problem, const struct facts *facts, const struct memory *valid,
                      uint32_t a, uint32_t b, struct distance *distance);
/* Is A - B surely not among LOW .. HIGH?  */
bool distance__excludes (const struct distance *distance, int64_t low, int64_t high);
/* Asks the solver whether EXTRA[N] can hold together with FACTS.  */
/* The same, where SOLVER_SAT may be said of what can't be.  */
enum solver_answer facts__ask_roughly (struct problem *problem, const struct facts *facts,
                                       const struct term *const *extra, unsigned n, double seconds);
enum solver_answer facts__ask (struct problem *problem, const struct facts *facts,
                               const struct term *const *extra, unsigned n, double seconds);

/* program.c: one side's code. */

enum { WAY_WATCHED = 4 };

struct program
{
  unsigned side;
  const struct image *image;
  const struct object *object;
  unsigned n_insns;
  const struct meaning **meaning; /* made when first needed */
  int32_t *at;                    /* instruction at each offset of the text, -1 */
  unsigned n_back;                /* branches and rep instructions that may go back */
  int32_t *back;                  /* number of the back edge of each instruction, -1 */
  int64_t *join;                  /* of each branch: address where both ways meet soon, -1 none, -2 not known yet */
  bool *in_loop;
  bool *reached;                  /* instructions that some path has run */
  const uint8_t *closed;          /* never.c: ways of each branch that aren't gone, bit 0 taken, 1 fallen through; or NULL.
                                     WAY_WATCHED: no branch, but no path may pass it without stopping there */
  bool data_pointers;             /* there are addresses of symbols in its constants */
  unsigned n_distances;           /* entries of jump tables: the code's place, less that of the constants, plus MORE, at AT */
  struct { uint64_t at; int64_t more; } *distance;
};

int program__new (struct problem *problem, unsigned side, const struct image *image,
                  const struct object *object, struct program **program, struct why *why);
const struct meaning *program__meaning (struct problem *problem, struct program *program,
                                        unsigned insn, struct why *why);
/* Of what TO is the address, if it is one in PROGRAM's code: 0 and *ADDRESS, as linked.  */
int program__address (struct problem *problem, const struct program *program, const struct term *to, uint64_t *address);
/* The instruction at ADDRESS, or -1.  */
int program__find (const struct program *program, uint64_t address);
/* The first instruction that no path has run and that does something, or -1.  */
int program__unreached (const struct program *program);
/* Where both ways of branch INSN meet after a few plain instructions, or -1.  */
int64_t program__join (struct program *program, unsigned insn);

/* memory.c */

/* One byte: whose value's, when it was written and read and under which conditions.  */
struct memory_cell
{
  const struct term *value; /* NULL: never written */
  uint32_t part;            /* byte number in VALUE */
  uint32_t when;            /* number of the write, from 1 */
  const struct term *written; /* condition; NULL never */
  const struct term *touched; /* condition; NULL never */
  bool unknown;             /* a value of which nothing is known, that stands for any (memory__restart) */
};

struct chunk
{
  unsigned refs;
  struct memory_cell cell[CELLS];
};

struct slot
{
  uint32_t base;
  int64_t number;       /* offset / CELLS, rounded down */
  struct chunk *chunk;
};

struct write
{
  const struct term *address, *value, *condition; /* condition NULL: always */
  uint32_t base;
  int64_t offset;
  unsigned bytes;
};

/* How a base was used on a path.  */
struct use
{
  uint32_t base;
  bool written, touched;      /* surely */
  int64_t write_low, write_high;  /* of any write, first and last byte */
  int64_t touch_low, touch_high;  /* of sure accesses */
  uint32_t last_write;
};

struct memory
{
  unsigned n_slots, n_filled;
  struct slot *slot;          /* hashed */
  unsigned n_writes, capacity;
  struct write *write;
  unsigned n_uses, uses_capacity;
  struct use *use;
  const struct term *chain;   /* of the first n_chained writes */
  unsigned n_chained;
  bool unresolved;            /* some load had to go through the chain */
  uint32_t initial;           /* number of the memory that was there at first: MEMORY_OBJECTS, or a later one's */
  uint64_t loaded, stored;    /* bytes, of objects */
};

struct memory *memory__new (void);
/* BEFORE as any later round of a loop finds it: objects are memory number INITIAL, what AFTER, some rounds later, has in the
   frame where BEFORE has something else is unknown.  memory__keeps_frame: has LATER the frame that BASE, made so,
   relies on?  */
struct memory *memory__restart (struct problem *problem, const struct memory *before, const struct memory *after,
                                uint32_t initial);
bool memory__keeps_frame (const struct problem *problem, const struct memory *base, const struct memory *later);
struct memory *memory__copy (const struct memory *memory);
void memory__free (struct memory *memory);

/* What an address without its constant can be based on.  */
enum { ROOT_NONE = -1, ROOT_STACK = -2, ROOT_BAD = -3 /* on the stack and something else */ };
struct base
{
  const struct term *term;
  int root;                   /* pointer number, ROOT_… */
};

/* BASE and *OFFSET of ADDRESS.  -1 with *WHY.  */
int base__find (struct problem *problem, const struct facts *facts, const struct term *address,
                uint32_t *base, int64_t *offset, struct why *why);
/* Can bases A and B surely not meet, whatever the path?  */
bool bases__disjoint (const struct problem *problem, uint32_t a, uint32_t b);
/* Which pointers and whether the stack pointer occur in TERM.  */
uint64_t term__support (struct problem *problem, const struct term *term);
#define SUPPORT_STACK (UINT64_C (1) << 63)

/* The value of BYTES at BASE + OFFSET as MEMORY stands, by FACTS; nothing is noted.  NULL where it is too large a term.  */
const struct term *memory__peek (struct problem *problem, const struct facts *facts,
                                 struct memory *memory, unsigned side, uint32_t base, int64_t offset,
                                 unsigned bytes);
const struct memory_cell *memory__cell (const struct memory *memory, uint32_t base, int64_t offset);

/* The machine's accesses on PATH.  */
const struct term *path__load (struct path *path, const struct term *address, unsigned bytes,
                               const struct term *condition);
int path__store (struct path *path, const struct term *address, const struct term *value,
                 const struct term *condition);

/* path.c */

enum path_end { PATH_RUNNING, PATH_RETURNED, PATH_DIVIDE, PATH_FAULT, PATH_INVALID, PATH_STOPPED };

struct path
{
  struct problem *problem;
  struct program *program;
  struct sym_cpu cpu;
  struct memory *memory;
  struct facts facts;
  const struct term *guard;    /* the arm being run happens only where this holds; NULL: always */
  uint64_t at;                 /* address of the next instruction */
  uint64_t steps;
  enum path_end end;
  unsigned *rounds;            /* of each back edge: how often taken; then, how often come to */
  unsigned depth;              /* the most of them */
  unsigned splits;
  uint8_t *outcome;            /* of each branch so far, for doing it again */
  unsigned n_outcomes, outcomes_capacity;
  const struct path *script;   /* the run to do again; NULL: none */
  bool only;                   /* for steering: never splits, joins or asks, but stops at each open condition */
  const struct term *asked;    /* … this one */
  bool asked_rep;
  uint64_t target, behind;     /* where it goes then */
  bool impossible;             /* a branch of the script can't go that way any more */
  unsigned n_traps;
  struct { enum sym_trap kind; const struct term *condition; } trap[TRAPS_MAX];
  struct why why;
  const bool *stops;           /* instructions to stop before, once something has run; NULL: none */
  uint64_t resumed;            /* steps when it last set out */
  bool asks;                   /* the solver is asked about branches, on side 0 too */
  bool quick;                  /* it is never asked */
  unsigned arrivals;           /* at the head that induction.c counts */
  struct path *next;
};

/* A path at the entry of PROGRAM, FACTS known (NULL: the problem's assumptions).  */
struct path *path__entry (struct problem *problem, struct program *program, const struct facts *facts);
struct path *path__copy (const struct path *path);
void path__free (struct path *path);

/* Runs PATH to its end or to where it splits: 0, and *OTHER is the other way, or NULL where PATH ended.  -1: path->why.
   Runs at most STEPS instructions, and gives -1 with TIME after that.  */
int path__run (struct path *path, uint64_t steps, struct path **other);

/* Nothing is known of CPU's flags any more.  */
void cpu__forget_flags (struct sym_cpu *cpu, struct terms *terms);

/* What the conditional move or set that PATH is at asks, 1 bit; NULL where it is at none.  */
const struct term *path__condition (struct path *path);

/* Goes the WAY that path->asked is answered, in a path that is `only` one.  */
void path__go (struct path *path, bool way);

enum { IMAGE_NUMBER = -2 };

/* What a program finds at its entry, and what it has to leave.  */
struct pointer
{
  const struct term *term;   /* its value */
  const struct term *variable; /* the input in it */
  int number;                /* as in alias pairs; IMAGE_NUMBER - 2 * side - part for a side's own code and constants */
  bool is_restrict;
  unsigned low;              /* bits that alignment fixes, where NUMBER is an image's */
};

struct problem
{
  struct arena *arena;
  struct terms *terms;
  struct solver *solver;
  const struct region *region;
  const struct layout *layout;
  struct program *program[SIDES];
  double started, deadline;
  struct proof_options options;
  struct proof *proof;

  /* Inputs.  */
  const struct term *stack;        /* rsp at entry */
  const struct term *stack_base;   /* … without its constant, */
  int64_t stack_constant;          /* which is this */
  const struct term *return_address;
  struct sym_cpu entry[SIDES];
  unsigned n_pointers;
  struct pointer pointer[POINTERS_MAX];
  const struct term **global;      /* address of each */
  const struct term *image[SIDES][2]; /* of each side's code, and constants: numbers below -1 among the pointers */
  unsigned stack_bytes;            /* of stack arguments */
  const struct term *stack_byte[STACK_ARGUMENT_BYTES];
  struct facts assumed;

  unsigned n_bases;
  struct base *base;
  uint32_t *base_of;               /* term id -> base + 1 */
  unsigned base_of_size;
  uint64_t *support;               /* term id -> support, with bit 62 where known */
  unsigned support_size;
  struct meeting { const struct term *term; uint32_t a, b; int64_t distance; } *meeting; /* MEETINGS, hashed */
  struct replacement               /* facts.c */
  {
    const struct condition *last;
    unsigned n_pairs, n_known, n, room;
    const struct term **from, **to;
  } replacement[REPLACEMENTS];
  unsigned next_replacement;
  const struct memory *valid;      /* whose sure accesses are at user addresses: the original's on this path */

  /* Outcome so far.  */
  bool used_solver;
  bool roughly;                    /* nobody wants a counterexample: questions may be rough */
};

/* prove.c: sets PROBLEM up but for its programs and inputs; 0, or -1 and *WHY.  */
int problem__open (struct problem *problem, struct arena *arena, const struct region *region,
                   const struct layout *layout, struct why *why);
void problem__close (struct problem *problem);
/* The same with IMAGE as SIDE, alone, and its inputs, and SECONDS (0: PROOF_SECONDS) from now.  In ARENA, to be closed; or NULL.  */
struct problem *problem__open_one (struct arena *arena, const struct region *region, const struct layout *layout,
                                   const struct image *image, const struct object *object, unsigned side, double seconds);
/* input.c: fills PROBLEM's inputs.  0, or -1 and *WHY.  */
int problem__inputs (struct problem *problem, struct why *why);
/* Adds to what is assumed at the entry that the parameters in SIZES are below 2^46, and if there are any all pointers below 2^47.  */
void problem__assume_sizes (struct problem *problem, uint32_t sizes);
/* ADDRESS as linked, as a term.  */
const struct term *problem__symbol (struct problem *problem, const struct program *program,
                                    uint64_t address);
bool problem__out_of_time (const struct problem *problem);
double prove__now (void);

/* equivalent.c: do ORIGINAL and CANDIDATE, both ended, come to the same?  CANDIDATE's facts include ORIGINAL's.  */
enum proof_result paths__compare (struct problem *problem, struct path *original,
                                  struct path *candidate, struct why *why);
/* The same for what both have stored and touched so far, on their way.  */
enum proof_result paths__compare_memory (struct problem *problem, struct path *original,
                                         struct path *candidate, struct why *why);

/* model.c */

/* A state, living in ARENA, in which FACTS and BROKEN hold, with the pages that ORIGINAL touches; or NULL.  */
struct state *model__counterexample (struct problem *problem, struct arena *arena, const struct facts *facts,
                                     const struct term *broken, const struct memory *original);
/* Parts of that: what the model says of the registers, and of the bytes that TERMS[N] load.  */
void model__set_registers (struct problem *problem, const struct sym_cpu *entry, struct state *state);
void model__set_loads (struct problem *problem, const struct term *const *terms, unsigned n, struct state *state);
void state__set_byte (struct state *state, uint64_t address, uint8_t byte);

/* prove.c, steer.c, never.c: what isolate.c runs in a process of its own.  */
#define PROOF_SECONDS 5.0
void problem__prove (const struct region *region, const struct layout *layout,
                     const struct image *original, const struct object *original_object,
                     const struct image *candidate, const struct object *candidate_object,
                     const struct proof_options *options, struct proof *proof);
int problem__steer (struct arena *arena, const struct region *region, const struct layout *layout,
                    const struct image *image, const struct object *object, const struct state *start,
                    unsigned insn, bool taken, double seconds, struct state **state);
bool problem__never (const struct region *region, const struct layout *layout, const struct image *image,
                     const struct object *object, const uint8_t *closed, uint32_t sizes, unsigned insn, bool taken,
                     double seconds);

/* explore.c */
enum proof_result problem__explore (struct problem *problem, struct why *why);

#endif
