/* Typed inputs for a region, from what GCC knows of its parameters and globals and from watching
   the original run: objects of exactly the size the original touches, flush against unmapped pages.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_STATES_H
#define AIOPT_STATES_H

#include "states/recorded.h"

struct states;

struct states_options
{
  uint64_t seed;
  const struct code *candidate; /* its constants are tried as inputs too; may be NULL */
  unsigned max_bytes;           /* largest object, default 64 KiB */
  const struct recorded *const *recorded; /* calls of the user's program: what STATE_RECORDED gives, in turns; what they */
  unsigned n_recorded;                    /* held is in other tests, too; they must outlive the states */
};

/* ORIGINAL is a sandbox holding the original as image 0 (laid out by LAYOUT).  */
int states__open (const struct region *region, const struct layout *layout,
                  struct sandbox *original, const struct states_options *options,
                  struct states **states, struct why *why);
void states__close (struct states *states);

/* Tests made from here on are functions of SEED.  The seed that was in use.  */
uint64_t states__reseed (struct states *states, uint64_t seed);

/* What a test is for.  */
enum state_kind
{
  STATE_TYPICAL,   /* random sizes and contents */
  STATE_BOUNDARY,  /* sizes and values around vector widths, constants, type limits */
  STATE_OVERLAP,   /* pointers into one object where types allow it */
  STATE_TRAP,      /* null and wild pointers, zero divisors */
  STATE_LARGE,     /* sizes past every unrolling */
  STATE_PROFILE,   /* sizes from the profile's trip counts */
  STATE_RECORDED,  /* calls of the user's own program */
  STATE_KINDS
};

struct test
{
  enum state_kind kind;
  struct state *state;      /* in the batch's arena */
  struct outcome *expected; /* the original's outcome, span bytes copied into the batch's arena */
  struct arena *arena;
};

/* Makes up to N tests of KIND (fewer where the region has none of that kind: no pointers to overlap), running
   the original as often as that takes.  Tests on which the original neither returns nor traps
   cleanly are thrown away; outside STATE_TRAP at most one in eight may trap.
   Returns the number made; -1 and *WHY where the sandbox failed; 0 where no valid input was found.
   Tests live in ARENA.  */
int states__make (struct states *states, enum state_kind kind, struct arena *arena,
                  struct test *tests, unsigned n, struct why *why);

/* One recorded call as a test, in ARENA: 1; 0 and *WHY where the original doesn't end cleanly on it or it doesn't fit; -1
   and *WHY where the sandbox failed.  */
int states__try (struct states *states, const struct recorded *recorded, struct arena *arena, struct test *test,
                 struct why *why);

/* What is known besides a test itself when it is shown.  */
struct shown
{
  const struct footprint *touched; /* by the original: how large the objects are; or NULL */
  const struct outcome *got;       /* what another version made of it; or NULL */
  const char *what;                /* what is wrong with that, for people; or NULL */
  uint64_t address;                /* of an access that is wrong, or 0 */
};

/* A test as text for people: the call in C terms where the types allow, what differs, registers and memory.
   Malloc'ed; NULL where memory is short.  */
char *test__show (const struct region *region, const struct test *test, const struct shown *shown);


/* What a test shall have; what is left out is drawn as usual.  Tests that are laid out systematically, not by
   chance, are made of these.  */
enum { PLAN_PARAMETERS = 24, PLAN_ANY = -1 };

struct plan
{
  uint32_t fixed;                      /* bit p: parameter p, an integer, is scalar[p] */
  uint64_t scalar[PLAN_PARAMETERS];
  bool overlap;                        /* parameter `pointer` points `distance` bytes, at least 0, behind what */
  unsigned pointer, host;              /* parameter `host` (or global host - 1000) points to */
  int64_t distance;
  int16_t residue[PLAN_PARAMETERS];    /* of the pointer in parameter p modulo MODULUS, or PLAN_ANY */
  uint16_t modulus;                    /* 64, or a page */
  bool extreme;                        /* integers in memory are their type's limits and -1 */
  bool sorted;                         /* integers of an object ascend */
  bool equal;                          /* all integers of an object are the same */
  bool at_start;                       /* objects begin where their pages do; else they end there, or as residues say */
  bool large;                          /* objects may be as large as a slot */
  unsigned recall;                     /* contents of a recorded call, where there are any: RECALL_RECORDED; of what states__recall
                                          numbered so; 0: by chance */
};

#define RECALL_RECORDED UINT32_MAX

/* What objects hold in STATE, one of STATES' layout, is a source of contents from now on, for plans that ask for its number, above 0; or 0
   where there is no more room.  It is copied.  */
unsigned states__recall (struct states *states, const struct state *state);

/* A plan that asks for nothing.  */
void plan__clear (struct plan *plan);

/* A plan that asks for VALUE in parameter P, an integer, alone.  */
void plan__fix (struct plan *plan, unsigned p, uint64_t value);

/* As states__make, one test for each of PLANS[N]; those that can't be had after a few tries are left out.
   OF[N], where not NULL, tells which plan each test is of.  */
int states__plan (struct states *states, enum state_kind kind, const struct plan *plans, unsigned n,
                  struct arena *arena, struct test *tests, unsigned *of, struct why *why);

/* Can the types of REGION let parameter POINTER point into what HOST (a parameter, or 1000 + a global) points to?
   *UNIT is what distances should be a multiple of.  */
bool states__may_overlap (const struct region *region, unsigned pointer, unsigned host, unsigned *unit);

/* The numbers that STATES thinks special: *N of them, constants of both versions first (*N_BASE of those), then
   what was derived from them.  */
const int64_t *states__constants (const struct states *states, unsigned *n, unsigned *n_base);

/* The same without more being known.  And as JSON (a malloc'ed text) from which states__replay makes the same state again.  */
char *test__print (const struct region *region, const struct test *test);
char *test__to_json (const struct region *region, const struct test *test);

/* The state that test__to_json wrote, in ARENA.  0, or -1 and *WHY (SYNTAX, naming the field).  */
int states__replay (struct arena *arena, const char *json, struct state **state, struct why *why);

/* The integer parameters on which the size of some object was found to depend, bit p for parameter p; 0 where nothing is known.  */
uint32_t states__size_parameters (const struct states *states);

const char *state_kind__name (enum state_kind kind);

#endif
