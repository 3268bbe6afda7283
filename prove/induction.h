/* Inside prove/: loops of any number of iterations.

   heads.c finds where loops begin, cut.c runs both sides from cut to cut, relation.c guesses how their registers hang together,
   trips.c says how often loops go round, rest.c looks at known numbers of rounds one by one, and induction.c puts
   the proof together.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_PROVE_INDUCTION_H
#define AIOPT_PROVE_INDUCTION_H

#include "prove/internal.h"

enum
{
  LEAVES_MAX = 160,     /* of one run between cuts */
  QUICK_RUNS_MAX = 2000,/* the same, where nothing is asked */
  CUT_STEPS_MAX = 20000,/* of one path between cuts */
  DEMOTIONS_MAX = 10,   /* registers given up one by one */
  REGISTERS = 57,       /* 16 general, 32 vector, 8 mask, the sticky flags */
  FIRST_VEC = 16,
  FIRST_MASK = 48,
  STICKY = 56,
  SMALL_MAX = 128,
  FIRST_MEMORY = 16     /* number of the first that loops make */
};

/* Seconds for one question about the relation, and for whether a way out is possible.  */
#define RELATION_SECONDS 1.0
#define PRUNE_SECONDS 0.5

/* heads.c.  IS_HEAD marks the instructions where loops begin, N of them; LIVE tells for each instruction which registers
   may be read from there on.  */
struct heads
{
  unsigned n;
  bool *is_head;
  uint64_t *live;
};

/* The registers of SET, bit I for what cut__register numbers I.  */
static inline uint64_t
regset__registers (const struct regset *set)
{
  return set->gpr | (uint64_t) set->vec << FIRST_VEC | (uint64_t) set->mask << FIRST_MASK;
}

struct heads *heads__find (struct arena *arena, const struct region *region, const struct program *program);
/* The instructions on ways from HEAD to itself that don't pass WITHOUT (marked instructions; NULL: none).  */
bool *heads__around (struct arena *arena, const struct program *program, unsigned head, const bool *without);
/* May register I be read from INSN on?  The sticky flags always.  */
bool heads__is_live (const struct heads *heads, unsigned insn, unsigned i);

struct induction
{
  struct problem *problem;
  struct arena *arena;
  struct heads *heads[SIDES];
  unsigned instances, memories;
  const struct term *small;  /* an input whose values below SMALL_MAX have been looked at where SHOWN says so */
  bool shown[SMALL_MAX];
};

/* A register at a head, in round Q.  */
struct relation
{
  const struct term *term;     /* in terms of Q and the unknowns */
  bool checked;                /* has to be found so after a round; else nobody may depend on it */
  const struct term *unknown;  /* the candidate's: what TERM is the extension of, or NULL */
};

/* A pair of heads, any number of rounds on.  */
struct instance
{
  const struct instance *outer;
  unsigned depth;
  int head[SIDES];
  unsigned factor;             /* rounds of the original for one of the candidate */
  const struct term *round;
  const struct term *trips;    /* how many rounds the candidate makes, or NULL */
  const struct term *original_trips; /* the same of the original's own rounds */
  bool last;                   /* the round being run is the last of them, and ROUND is that number */
  struct relation relation[SIDES][REGISTERS];
  struct path *base[SIDES];
  bool junk[SIDES][REGISTERS]; /* found not to keep a relation */
  int failed[2];               /* side and register whose relation failed last, or -1 */
};

struct guess
{
  struct induction *induction;
  struct instance *instance;
  struct path *seen[SIDES][3];          /* at first, after one round, after two */
  unsigned n_unknowns;
  const struct term *unknown[REGISTERS];    /* of the candidate's accumulators, */
  const struct term *found[REGISTERS][2];   /* and what they are at first and after a round */
};

/* cut.c.  Register I of REGISTERS.  */
const struct term *cut__register (const struct sym_cpu *cpu, unsigned i);
void cut__set_register (struct sym_cpu *cpu, unsigned i, const struct term *value);

/* The instruction that PATH is at.  */
int path__head (const struct path *path);

/* Is CONDITION known under FACTS, are A and B known to be equal?  The solver is asked.  */
bool induction__holds (struct induction *induction, const struct facts *facts, const struct term *condition);
bool induction__same (struct induction *induction, const struct facts *facts, const struct term *a,
                      const struct term *b);

/* Frees a list of paths.  */
void paths__free (struct path *list);

/* All that START (which is used up) leads to: ends, and arrivals at STOPS; HEAD (-1: none) is passed until it has been reached
   ARRIVALS times.  0 and *LIST; -1 and *WHY.  */
int induction__run (struct induction *induction, struct path *start, const bool *stops, int head, unsigned arrivals,
                    struct path **list, struct why *why);

/* All that START (which is used up) leads to, possible or not: the solver isn't asked.  0 and *LIST; -1 and *WHY.  */
int cut__leaves (struct path *start, const bool *stops, struct path **list, struct why *why);

/* Cutting at a head without a relation: registers are forgotten, named by bits as cut__register numbers them.

   Those that instructions of PROGRAM write (AMONG: only the marked ones; NULL: all), and the sticky flags.  The stack pointer is
   left out: that it stays is for cut__is_round to say.  */
uint64_t cut__written (const struct program *program, const bool *among);
/* May one of REGISTERS on PATH lead into the frame?  A store through it, once it is forgotten, would look like one to an object.  */
bool cut__leads_to_frame (const struct path *path, uint64_t registers);
/* PATH's flags and objects are unknown from here on, those being memory number MEMORY; the frame is what it was.  */
void cut__forget (struct path *path, uint32_t memory);
/* Is PATH a round of what stood at the head as CPU and MEMORY, all but REGISTERS being kept?  */
bool cut__is_round (const struct path *path, const struct sym_cpu *cpu, const struct memory *memory, uint64_t registers);

/* A copy of PATH that knows FACTS (NULL: what it knew).  */
struct path *path__copy_with (const struct path *path, const struct facts *facts);

/* Both have ended: do they come to the same where FACTS are known?  */
bool induction__compare_ends (struct induction *induction, const struct path *original, const struct path *candidate,
                              const struct facts *facts, struct why *why);

/* Some way that leads from START back to HEAD, ARRIVALS times; NULL where none is found.  Nothing is asked of the solver: what
   is seen here is only what guesses are made from.  */
struct path *induction__dry_run (struct induction *induction, const struct path *start, int head, unsigned arrivals);

/* PATH as it is in any round: registers by RELATION, memory number MEMORY except for the frame, nothing else forgotten.
   AFTER is PATH some rounds later.  */
struct path *cut__generalise (struct induction *induction, const struct path *path, const struct relation *relation,
                              const struct path *after, uint32_t memory, const struct facts *facts);

/* relation.c.  What VALUE[3], of three rounds, is in round ROUND, if it moves by constants in lanes of some width; or NULL.  */
const struct term *relation__linear (struct terms *terms, const struct term *const value[3],
                                     const struct term *round);

/* Guesses the relation of every register, into the instance.  */
void relation__guess (struct guess *guess);

/* trips.c.  Looks for how many rounds the candidate's loop has, and shows that INSTANCE's round stays below it.  */
void trips__find (struct induction *induction, struct instance *instance, const struct facts *entry);

/* How many rounds the original makes from START, at a head, as a term, or NULL; where each of them surely touches memory further
   on, there can't be many if it comes to its end: that is assumed in FACTS.  */
const struct term *trips__of_original (struct induction *induction, struct path *start, struct facts *facts);

/* The inputs in TERM, at most MAX, N so far; looks DEPTH deep.  Their new number.  */
unsigned term__inputs (const struct term *term, const struct term **input, unsigned n, unsigned max, unsigned depth);

/* LEFT, which is less than FACTOR, may be the low bits of an input without being written so: those, or NULL.  */
const struct term *trips__low_part (struct induction *induction, const struct facts *facts, const struct term *left,
                                    unsigned factor);

/* How many rounds are left to PATH, at a head, may follow from what is known without being seen in the conditions: then that is
   noted in FACTS.  */
void trips__pin_rest (struct induction *induction, const struct path *path, struct facts *facts);

/* rest.c.  ORIGINAL is at its first head, the candidate has ended without any loop, under FACTS: where that says that an input
   is small, each of its values is looked at by itself, from the beginning.  False where that isn't so, else *WELL.  */
bool rest__small (struct induction *induction, struct path *original, const struct facts *facts, bool *well,
                  struct why *why);

/* After the last round of INSTANCE, both sides being at START: where the low bits of an input say how many rounds the original has
   left, each of those numbers is looked at by itself.  False where that isn't so, else *WELL.  */
bool rest__after_rounds (struct induction *induction, struct instance *instance, struct path *const start[SIDES],
                         bool *well, struct why *why);

/* lockstep.c.  The same for programs that are nearly the same, heads paired one by one.  */
bool problem__lockstep (struct problem *problem, struct why *why);

/* induction.c.  Proves PROBLEM's programs equal for any number of iterations: true, or false and *WHY.  */
bool problem__induct (struct problem *problem, struct why *why);

#endif
