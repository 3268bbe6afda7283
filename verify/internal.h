/* What the files of verify/ share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_INTERNAL_H
#define AIOPT_VERIFY_INTERNAL_H

#include "prove/prove.h"
#include "sandbox/instrument.h"
#include "verify/allow.h"
#include "verify/compare.h"
#include "verify/coverage.h"
#include "verify/verify.h"

/* Tests kept for all candidates of a region: the first round, and what kills mutants.  */
enum { BANK_PER_KIND = 32 };

/* Tests outside the bank that reached something of the candidate first, or made a comparison come out otherwise: mutants
   have to face them.  */
enum { KEPT_MAX = 128, KEPT_FIRST_MAX = 64 };

/* One layout of the globals, with the original running in it.  */
struct setup
{
  struct layout *layout;
  struct image *original;
  struct sandbox *sandbox; /* the original's */
  struct states *states;
  bool bank_made[STATE_KINDS];
  unsigned n_bank[STATE_KINDS];
  struct test bank[STATE_KINDS][BANK_PER_KIND];
  struct arena *bank_arena;
};

enum { SETUPS_MAX = 2 };

struct verifier
{
  struct arena *arena;
  const struct region *region;
  struct verify_options options;
  struct side written;  /* the original as GCC wrote it: what the allow-list compares with */
  struct side original; /* with the runtime functions it calls (machine/runtime.h): what runs */
  struct instrument *instrument; /* the original's; NULL where it can only be single-stepped */
  unsigned n_setups;
  struct setup setup[SETUPS_MAX];
  bool sizes_found;
  uint32_t sizes; /* sizes__find's, once it was asked */
};

/* How near a branch came to going its other way.  */
struct branch_seen
{
  bool known;
  unsigned comparison;   /* decoded number of what it depends on */
  uint64_t nearest;      /* least distance of the operands */
  uint32_t depends;      /* parameters that they depend on, as far as seen; bit 31: memory */
};

/* What a shift, or a mask that is an immediate, was seen to let through: bits of struct trial's `part`.  */
enum { PART_NONE = 1, PART_SOME = 2 };

/* One candidate being judged.  */
struct trial
{
  bool ended; /* the verdict is filled: refuted or unknown */
  struct verifier *verifier;
  const struct candidate *candidate;
  struct verdict *verdict;
  struct arena *arena;
  struct side side;
  bool compiled;                       /* it came from a compiler of ours */
  bool as_it_is;                       /* a counterexample is shown as it is, not shrunk */
  struct instrument *instrument;       /* NULL where it can only be single-stepped */
  struct image *image[SETUPS_MAX];
  struct sandbox *sandbox[SETUPS_MAX];
  struct states *states[SETUPS_MAX];   /* with the candidate's constants; the setup's own where that failed */
  struct coverage *original_coverage, *candidate_coverage;
  const struct state **first_there;    /* of each instruction of the candidate: a state of setup 0 that runs it, or NULL */
  uint64_t *magnitudes;                /* of each: bit B, a test with a number of B bits came to it */
  double follow_share;                 /* of the budget, for following tests that are made by hand */
  unsigned n_kept;
  struct test kept[KEPT_MAX];          /* of setup 0, in ARENA */
  uint64_t tests[STATE_KINDS];
  unsigned at_setup;                   /* in which tests are being run */
  struct branch_seen *seen[2];         /* per instruction of the original, the candidate; NULL: nobody looked */
  uint8_t *part[2];                    /* the same: PART_ bits of shifts and masks; 0 where nothing was watched */
  uint64_t *masked;                    /* per instruction of the candidate: bits that were set in what an `and` or `test` masked, as far
                                          as watched; NULL: nobody looked */
  unsigned hunted;                     /* kept tests that the last hunt began with */
  uint64_t volume;                     /* tests by volume.c */
  double started, deadline;
  double traced_seconds;
  uint64_t trace_steps;                /* longest run that is single-stepped, for now */
  enum proof_result proof;             /* what the proof came to; PROOF_UNKNOWN before it */
  const char *missing;                 /* the first that the tests don't reach, for people */
};

/* Seconds on the monotonic clock.  */
double verify__now (void);

/* The tests of KIND that SETUP keeps, made on first use.  0, or -1 and *WHY.  */
int setup__bank (struct setup *setup, enum state_kind kind, struct why *why);

/* Runs TESTS[N] on SANDBOX (image 0) and compares by TRIAL's rules: COMPARE_SAME for all, else the first
   other answer, with *WHICH test it was and *DIFFERENCE.  */
enum comparison differential__run (const struct trial *trial, struct sandbox *sandbox,
                                   const struct test *tests, unsigned n, unsigned timeout_ms,
                                   bool confirm, unsigned *which, struct difference *difference);

/* Milliseconds of CPU time after which a run of TRIAL's candidate counts as endless.  */
unsigned differential__timeout (const struct trial *trial);

/* Differential execution, footprints and coverage of TRIAL.  True where the candidate passed; else the verdict is
   filled.  */
bool differential__judge (struct trial *trial);

/* Keeps a copy of TEST (of setup 0) for mutants, while there is room: the copy's state, or NULL.  */
const struct state *trial__keep (struct trial *trial, const struct test *test);

/* follow.c.  Adds TRACE of TEST in setup S to the candidate's coverage, and keeps the test where it is the first to
   reach something.  */
void trial__reached (struct trial *trial, unsigned s, const struct test *test, const struct trace *trace);

/* Can TEST be followed by instrumented runs?  Follows TESTS[N] in setup S on both sides: footprints
   are compared, coverage grows, FOLLOWED[N] is set for those that could be followed to their end.
   False where the verdict is filled.  */
bool follow__can (const struct trial *trial, const struct test *test);
bool follow__tests (struct trial *trial, unsigned s, const struct test *const *tests, unsigned n,
                    bool *followed);

/* Mutants of the candidate against the tests.  Fills the verdict's counts and survivors.  False where a test made for them
   refuted the candidate.  */
bool mutants__run (struct trial *trial);

/* The share of mutants that must die for `tested`.  Set in mutants.c.  */
extern const double mutants__threshold;

/* proof.c.  Tries to prove that both sides are equal: trial->proof says how that went.  False where the state that it came up
   with refuted the candidate.  */
bool proof__judge (struct trial *trial);

/* elsewhere.c.  The kept tests with the stack at another address.  False where the verdict is filled.  */
bool elsewhere__judge (struct trial *trial);

/* leftover.c.  Some tests with other things in registers that carry no argument.  False where the verdict is filled.  */
bool leftover__judge (struct trial *trial);

/* inward.c.  Pointers in structs that lead to the struct's own numbers.  False where the verdict is filled.  */
bool inward__judge (struct trial *trial);

/* wide.c.  Sizes and distances beyond 32 bits.  False where the verdict is filled.  */
bool wide__judge (struct trial *trial);

/* specials.c.  Special numbers together, in arrays, and one among others.  False where the verdict is filled.  */
bool specials__judge (struct trial *trial);

/* ends.c.  Arrays of integers, each all at one end of its range.  False where the verdict is filled.  */
bool ends__judge (struct trial *trial);

/* lone.c.  The same but for one element at the other end.  False where the verdict is filled.  */
bool lone__judge (struct trial *trial);

/* rare.c.  Notes that a test of STATE came to the candidate's instructions that are EXECUTED.  */
void rare__note (struct trial *trial, const struct state *state, const uint32_t *executed);

/* Contents that led where tests of few sizes came, at all sizes.  False where the verdict is filled.  */
bool rare__judge (struct trial *trial);

/* When SHARE of TRIAL's budget is spent, beginning now; not before LEAST seconds.  */
static inline double
trial__until (const struct trial *trial, double share, double least)
{
  double seconds = share * trial->verifier->options.budget_seconds;
  return verify__now () + (seconds > least ? seconds : least);
}

/* Adds SOURCE to LIST[*N]: false where it stands there already.  */
static inline bool
sources__add (const struct state **list, unsigned *n, const struct state *source)
{
  for (unsigned i = 0; i < *n; i++)
    if (list[i] == source)
      return false;
  list[(*n)++] = source;
  return true;
}

/* The different states in which TRIAL's tests came first to an instruction of the candidate, at most MOST of them, in LIST: their
   number.  */
static inline unsigned
sources__first_there (const struct trial *trial, const struct state **list, unsigned most)
{
  unsigned n = 0;
  for (unsigned i = 0; i < trial->side.decoded->n_insns && n < most; i++)
    if (trial->first_there[i])
      sources__add (list, &n, trial->first_there[i]);
  return n;
}

/* The same from states that come to a branch one of whose ways no test took, for at most SECONDS.  */
bool ends__reach (struct trial *trial, double seconds);

/* edges.c.  The last numbers before and the first after what a quotient or remainder steps over, from the ends of an integer's
   range.  False where the verdict is filled.  */
bool edges__judge (struct trial *trial);

/* huge.c.  Objects of more than 16 MiB, where they are only read.  */
bool huge__judge (struct trial *trial);

/* Runs TESTS[N] of KIND in setup S on the candidate and follows them while following has taken less than
   SHARE of the budget.  Tests whose calls were not all recorded are left out.  False where the verdict is filled.  */
bool trial__run (struct trial *trial, unsigned s, enum state_kind kind, struct test *tests, unsigned n, double share);

/* Runs STATES[N], made by hand, on the original of setup S and what returns or traps on the candidate as well.
   False where the verdict is filled.  */
bool trial__try (struct trial *trial, unsigned s, const struct state *const *states, unsigned n);

/* The same in setup 0, only compared: not followed, nor kept for mutants.  */
bool trial__glance (struct trial *trial, const struct state *const *states, unsigned n);

/* sweep.c.  One large array in many sizes.  False where the verdict is filled.  */
bool sweep__judge (struct trial *trial);

/* systematic.c.  Sizes, overlaps and alignments laid out by the code's own steps, special numbers one at a time.  False
   where the verdict is filled.  */
bool systematic__judge (struct trial *trial);

/* hunt.c.  Inputs that make comparisons come out otherwise, for at most SECONDS.  False where the verdict is filled.  */
bool hunt__judge (struct trial *trial, double seconds);

/* steer.c.  Asks the solver for states that take missing branch ways, for at most SECONDS.  False where the verdict is
   filled.  */
bool steer__judge (struct trial *trial, double seconds);

/* sizes.c.  The parameters (bits) that are sizes, for which the original faults beyond 2^46.  For compilers' candidates.  */
uint32_t sizes__find (struct verifier *verifier);

/* masks.c.  Masks that do to bits which no test has set what nobody would mean.  False where the verdict is filled.  */
bool masks__judge (struct trial *trial);

/* lanes.c.  Sums of loops that go on in lanes of another width.  False where the verdict is filled.  */
bool lanes__judge (struct trial *trial);

/* excuse.c.  Asks the prover about the candidate's branch ways that no test took.  True where some were excused.  */
bool excuse__ways (struct trial *trial);

/* Very many tests, in batches, where the region allows them.  False where the verdict is filled.  */
bool volume__judge (struct trial *trial);

/* Acts on what a comparison of TEST gave: true where all is well so far, else the verdict is filled.  */
bool trial__settle (struct trial *trial, enum comparison comparison, const struct test *test,
                    const struct difference *difference);

/* counterexample.c.  Refutes TRIAL with TEST, of setup trial->at_setup: shrunk, and printed for people and as
   JSON.  */
void counterexample__refute (struct trial *trial, const struct test *test, const struct difference *difference);

/* shrink.c.  Makes TEST simpler while both sides differ on it in the same way: *SMALLER in TRIAL's arena, with *DIFFERENCE of
   it.  Takes a moment at most.  */
void shrink__test (struct trial *trial, const struct test *test, const struct difference *difference,
                   struct test *smaller, struct difference *smaller_difference);

/* verify.c.  Assembles, links and starts the candidate of TRIAL; false and *WHY where it isn't one.  */
bool trial__prepare (struct trial *trial, struct why *why);
void trial__close (struct trial *trial);
bool reason__is_refutation (enum reason reason);

/* unknown.c.  Instruction INSN of SIDE for people: its text, its offset, and its source line where the original has that.  And what
   would help, into a verdict of `unknown`.  */
const char *side__place (struct arena *arena, const struct region *region, const struct side *side, bool is_original,
                         int insn);
void unknown__help (struct trial *trial);

/* evidence.c.  What the verdict was built on, into it: enough to run it again.  */
void evidence__write (struct trial *trial);

/* Fills the verdict.  */
void trial__refute (struct trial *trial, const struct why *why);
void trial__unknown (struct trial *trial, const struct why *why);

#endif
