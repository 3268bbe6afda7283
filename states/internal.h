/* Inside states/: how one test is built and grown.

   An attempt is a test in the making: objects whose contents are a function of a seed and the offset from the
   pointer to them, references between them, and the parameters' bytes.  From it a state is built for any
   extents; the engine runs the original on it, and moves the extents until each object has
   exactly the bytes that the original touches.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_STATES_INTERNAL_H
#define AIOPT_STATES_INTERNAL_H

#include "states/values.h"
#include <limits.h>

enum
{
  OBJECTS_MAX = SANDBOX_SLOTS,
  PARAMETERS_MAX = 24,
  VALUE_BYTES_MAX = 256,
  LEAVES_MAX = 16,
  SITES_MAX = 512,
  PROFILES_MAX = 16,
  CHOICES_MAX = 48,
  FEATURES_MAX = 8,
  SAMPLES_MAX = 16,
  IN_FLIGHT = 192,     /* at most; */
  FIRST_BATCH = 16,     /* attempts that are run together */
  RUN_MILLISECONDS = 20,
  RUNS_PER_ATTEMPT = 160,
  RECALL_MORE = 8
};

/* Predicts how far an object is touched, from integers known before the run:
   hi = SCALE * x + OFFSET, at least 0, where x is feature[A], feature[A] * feature[B], or for rows with a
   stride (feature[A] - 1) * feature[B] + feature[C].  */
struct extent_model
{
  bool known;
  bool constant;
  int a, b, c;         /* feature numbers; b and c -1 for none */
  double scale, offset;
  unsigned hits;       /* exact predictions in a row */
  unsigned n_samples;  /* ever added */
  struct
  {
    int64_t feature[FEATURES_MAX];
    int64_t hi;
  } sample[SAMPLES_MAX];
};

/* A place where a value or an object is needed: a parameter, a field of what it points to …; what was
   learned about it.  */
struct site
{
  uint64_t key;
  unsigned tries[PROFILES_MAX], wins[PROFILES_MAX];
  bool written;        /* the original stored to such an object once */
  int64_t lo;          /* lowest offset touched so far, 0 or negative */
  int64_t usual;       /* the last extent above 0 */
  unsigned usual_hits; /* how often in a row it was the same */
  struct extent_model extent;
};

/* How the elements of a leaf type inside an object look.  */
struct leaf
{
  uint64_t path;
  uint64_t seed;
  uint8_t profile;
};

enum placement { PLACE_END, PLACE_START, PLACE_GAP };

struct object_in_test
{
  unsigned type;         /* element type; UINT_MAX: bytes */
  uint32_t element;      /* its size, at least 1 */
  uint32_t align;
  uint64_t seed, path;
  int twin;              /* object whose contents this one repeats, or -1 */
  int64_t flip;          /* element in which a twin differs, or -1 */
  int64_t nul;           /* index of a zero element, or -1 */
  bool nonzero;          /* no zero element before NUL */
  int64_t nodes;         /* its elements point to each other, so many of them; 0: they don't */
  int root;              /* parameter number, 1000 + global, or -1 */
  int parent;            /* object that holds the first pointer to this one, or -1 */
  int64_t parent_at;     /* offset of that pointer */
  unsigned depth;
  unsigned site;
  int64_t lo, hi;        /* bytes touched, relative to the pointer; multiples of align */
  int64_t bad_hi;        /* the largest hi known not to do, or -1 */
  int64_t bad_lo;        /* the highest lo known not to do, or 1 */
  int64_t limit;         /* hi can't pass it */
  bool guessed;          /* hi is a prediction */
  bool usual;            /* … namely the site's usual extent */
  bool exact;            /* hi needs no more shrinking */
  bool fixed;            /* a global: its address and extent are given */
  bool growable;
  bool writable;         /* mapped so */
  bool constant;         /* never writable */
  const uint8_t *init;   /* contents given */
  unsigned slot;
  uint64_t address;      /* of a fixed one; for others as last built */
  unsigned n_joined;     /* further pointers into this object: whose sites, at which distance */
  struct { unsigned site; int64_t distance; } joined[2];
  enum placement wish, placement;
  int residue;           /* of its address modulo MODULUS where placed with a gap, or -1 */
  uint32_t modulus;
  uint32_t gap;
  unsigned n_leaves;
  struct leaf leaf[LEAVES_MAX];
  uint8_t *buffer;       /* contents of [buffer_lo, buffer_hi) */
  size_t capacity;
  int64_t buffer_lo, buffer_hi;
  uint8_t *page;         /* the span's bytes */
  size_t page_capacity;
  uint32_t page_size;    /* of the span as last built, 0: none */
  unsigned span;         /* its number in the state */
};

enum { OWNER_ANSWER = -1000 }; /* owner of pointer_answer[offset]; -1 - p is parameter p */

/* At OFFSET of OWNER stands the address of TARGET + DELTA, or where TARGET < 0 DELTA itself.  */
struct reference
{
  int owner;
  int64_t offset;
  int target;
  int64_t delta;
  /* Less so many bytes as SCALE times the integer at INDEX of the owner says, INDEX_SIZE bytes of it; SCALE 0: none.  */
  int64_t index;
  uint32_t index_size, scale;
};

/* May pointers in objects meet?  In pools the nodes of a list or tree are the elements of one object.  */
enum sharing { SHARING_NONE, SHARING_DOWN, SHARING_CYCLES, SHARING_POOL, SHARINGS };

enum stage
{
  STAGE_GROW,      /* until the original returns */
  STAGE_SHRINK,    /* objects to the least size */
  STAGE_PLACED,    /* as the test shall have them */
  STAGE_SHRINK_LOW,
  STAGE_FINAL,
  STAGE_READONLY,
  STAGE_TRAP,
  STAGE_DONE,
  STAGE_FAILED
};

struct choice
{
  uint16_t site;
  uint8_t profile;
};

struct attempt
{
  const struct plan *plan; /* what the test shall have, or NULL */
  unsigned plan_number;
  enum state_kind kind;
  struct rng rng;
  enum stage stage;
  unsigned runs;
  unsigned n_objects, n_slots;
  struct object_in_test object[OBJECTS_MAX];
  unsigned n_references, references_capacity;
  struct reference *reference;
  uint8_t parameter[PARAMETERS_MAX][VALUE_BYTES_MAX];
  unsigned n_features;
  int64_t feature[FEATURES_MAX];
  unsigned n_choices;
  struct choice choice[CHOICES_MAX];
  unsigned n_patches;
  struct { unsigned call, object, size; int64_t offset; uint64_t value; } patch[PATCHES_MAX];
  uint32_t first_slot;   /* slots are handed out up from here or … */
  bool slots_down;       /* … down from the last */
  unsigned trial;        /* the object being shrunk */
  int64_t trial_good;    /* its extent known to do */
  bool overlapped;
  bool touched;          /* something was read or written through a pointer */
  bool hopeless;         /* some object would surely have to be larger than allowed */
  bool changed;          /* the test is no longer the one last run */
  enum sharing sharing;
  int recall;            /* the source of its contents: a recorded call, or of `more`; or -1 */
  uint8_t slack;
  struct state state;
};

struct states
{
  const struct region *region;
  const struct layout *layout;
  struct sandbox *sandbox;
  uint64_t seed;
  uint64_t serial;       /* of the next attempt */
  int64_t max_bytes;
  struct pool pool;
  bool callees_write;    /* some callee may change memory */
  struct site site[SITES_MAX];
  unsigned n_sites;
  unsigned batch;        /* attempts run together so far: few until something is learned */
  struct attempt *attempt; /* IN_FLIGHT of them */
  const struct recorded *const *recorded;
  unsigned n_recorded, next_recorded;
  unsigned n_more;           /* sources of contents that are none of the program's, numbered after those */
  struct recorded more[RECALL_MORE];
  struct recalled *recalled; /* what is in all of them, as it was needed */
};

/* recorded-try.c.  states__make for STATE_RECORDED.  */
int states__recorded (struct states *states, struct arena *arena, struct test *tests, unsigned n, struct why *why);

/* recall.c */

/* Frees what states__recall has found.  */
void states__forget (struct states *states);

/* Decides whether ATTEMPT has contents of a recorded call.  */
void attempt__recall (struct states *states, struct attempt *attempt);

/* Where ATTEMPT has, puts those of object O from byte FROM on to TO, which holds SIZE bytes by chance.  */
void object__recall (struct states *states, const struct attempt *attempt, const struct object_in_test *o, int64_t from,
                     int64_t size, uint8_t *to);

/* Where ATTEMPT has, and by chance: *VALUE is what parameter P, an integer, was.  */
bool attempt__recalled_scalar (const struct states *states, const struct attempt *attempt, unsigned p, uint64_t *value);

/* learn.c */

/* The number of the site with KEY; made where there is none.  */
unsigned site__find (struct states *states, uint64_t key);

/* Picks one of N profiles with PRIOR weights by what has worked at SITE, and notes the choice.  */
unsigned site__choose (struct states *states, struct attempt *attempt, struct rng *rng, unsigned site,
                       const uint8_t *prior, unsigned n);

/* Notes that ATTEMPT came to a worthwhile test, or not; COST is how much it counts.  */
void attempt__credit (struct states *states, struct attempt *attempt, bool valid, unsigned cost);

/* The model's extent for FEATURES, or -1.  */
int64_t extent__predict (const struct extent_model *model, const int64_t *feature);
void extent__learn (struct extent_model *model, const int64_t *feature, int64_t hi);

/* generate.c */

/* Starts ATTEMPT anew: parameters, objects and registers for a test of KIND.  False where there is none
   (nothing to overlap).  */
bool attempt__generate (struct states *states, struct attempt *attempt, enum state_kind kind);

/* A new object of element TYPE (UINT_MAX: bytes), -1 where there is no more room.  */
int attempt__object (struct states *states, struct attempt *attempt, unsigned type, uint64_t path,
                     int root, int parent, int64_t parent_at);
void attempt__reference (struct attempt *attempt, int owner, int64_t offset, int target, int64_t delta);

/* The features that object O's extent may depend on.  */
void object__features (struct states *states, struct attempt *attempt, const struct object_in_test *o,
                       int64_t feature[FEATURES_MAX]);

/* contents.c */

/* Makes the contents of O cover LO..HI, whole elements.  Pointers in new ones make new objects.  */
void object__cover (struct states *states, struct attempt *attempt, unsigned o, int64_t lo, int64_t hi);

/* Writes a value of TYPE to TO; OWNER and OFFSET name the place for pointers in it; INDEX is the element's.
   O gives seeds and leaves, or is -1 for a parameter's value.  */
void value__render (struct states *states, struct attempt *attempt, int o, int owner, unsigned type,
                    uint64_t path, int64_t index, int64_t offset, uint8_t *to, unsigned depth);

/* build.c */

/* Makes attempt->state from the attempt as it stands.  */
void attempt__build (struct states *states, struct attempt *attempt);
uint64_t object__address (const struct object_in_test *o);

/* overlap.c */

/* Is parameter P of REGION a restrict pointer?  */
bool states__is_restrict (const struct region *region, unsigned p);

/* Points parameters into one object.  False where types rule it out or there is no pair.  */
bool attempt__overlap (struct states *states, struct attempt *attempt);

/* Points them as attempt->plan says.  False where types rule it out.  */
bool attempt__overlap_planned (struct states *states, struct attempt *attempt);

/* Turns a valid attempt into one that shall trap.  False where the region has nothing to trap on.  */
bool attempt__poison (struct states *states, struct attempt *attempt);

/* The parameter's bytes as an integer, at most INT64_MAX.  */
int64_t parameter__integer (const struct states *states, const struct attempt *attempt, unsigned p);
bool parameter__is_pointer (const struct region *region, unsigned p);
bool parameter__is_integer (const struct region *region, unsigned p);

/* grow.c */

/* Takes what the original did on ATTEMPT's state and moves it on to its next stage.  */
void attempt__step (struct states *states, struct attempt *attempt, const struct outcome *outcome);

static inline int64_t
round_up (int64_t value, int64_t unit)
{
  return (value + unit - 1) / unit * unit;
}

/* Are types A and B the same but for qualifiers?  */
static inline bool
type__alike (const struct region *region, unsigned a, unsigned b)
{
  const struct type *x = region__type (region, a), *y = region__type (region, b);
  if (a == b || !x || !y)
    return a == b;
  return x->kind == TYPE_STRUCT && y->kind == TYPE_STRUCT && x->size == y->size && x->n_fields == y->n_fields
         && (x->field == y->field || (x->name && y->name && strcmp (x->name, y->name) == 0));
}

#endif
