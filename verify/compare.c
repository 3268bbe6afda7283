/* Comparing outcomes: the contract's families, line by line.

   Whatever the ABI leaves undefined is not compared (upper bits of a small result, padding of a struct,
   caller-saved registers); all else has to be equal to the bit.  Floating point too: two compilers may
   order the operands of a commutative operation differently, which shows in the payload of a NaN and is
   counted as a difference, because the caller could see it.  -ffast-math allows differences in rounding of a
   scalar result; memory stays bit-identical even then, as the types of its bytes aren't known here.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/compare.h"

#include "machine/runtime.h"
#include "machine/value-mask.h"
#include "prove/prove.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#define RFLAGS_DF (UINT64_C (1) << 10)
#define MXCSR_STICKY 0x3fu
#define MXCSR_CONTROL 0xffc0u

#define IMPOSSIBLE_SIZE (INT64_C (1) << PROVE_SIZE_BITS)

/* -ffast-math: how far a result may be off, relative to its size.  A few units in the last place
   per operation of a small function.  */
#define FAST_RELATIVE_SINGLE 1e-6
#define FAST_RELATIVE_DOUBLE 1e-14

void
compare__value_mask (const struct region *region, const struct value *value, uint8_t *mask,
                     size_t size)
{
  value__mask (region, value, mask, size);
}

/* Bytes of a value that a run gave, location by location.  */
enum { VALUE_BYTES_MAX = 256 };

static const uint8_t *
result_bytes (const struct outcome *outcome, const struct location *location)
{
  switch (location->kind)
    {
    case LOCATION_GPR:
      return (const uint8_t *) &outcome->machine.gpr[location->number];
    case LOCATION_VEC:
      return outcome->machine.vec[location->number];
    case LOCATION_X87:
      return outcome->st0;
    default:
      return NULL;
    }
}

static bool
location_fits (const struct location *location)
{
  if ((uint64_t) location->offset + location->size > VALUE_BYTES_MAX)
    return false;
  switch (location->kind)
    {
    case LOCATION_GPR:
      return location->number < 16 && location->size <= 8;
    case LOCATION_VEC:
      return location->number < 16 && location->size <= 64;
    case LOCATION_X87:
      return location->number == 0 && location->size <= 16;
    case LOCATION_STACK:
      return true;
    }
  return false;
}

int
compare__can (const struct region *region, struct why *why)
{
  const struct value *result = &region->result;
  for (unsigned i = 0; i < result->n_locations && i < LOCATIONS_MAX; i++)
    if (result->location[i].kind == LOCATION_STACK || !location_fits (&result->location[i]))
      return why__set (why, REASON_UNSUPPORTED_TYPE, "the result's location");
  if (result->n_locations > LOCATIONS_MAX)
    return why__set (why, REASON_UNSUPPORTED_TYPE, "the result has %u pieces", result->n_locations);
  if (result->n_locations == 0 && result->type < region->n_types
      && region->type[result->type].kind != TYPE_VOID && region->type[result->type].size != 0)
    return why__set (why, REASON_UNSUPPORTED_TYPE, "a result without a location");
  for (unsigned c = 0; c < region->n_callees; c++)
    {
      const struct callee *callee = &region->callee[c];
      const char *name = callee->name ? callee->name : "a pointer";
      if (runtime__is (region, callee->name))
        continue; /* run, not recorded */
      if (callee->is_varargs)
        return why__set (why, REASON_VARARGS, "call of %s", name);
      if (callee->has_stack_arguments)
        return why__set (why, REASON_STACK_ARGUMENTS, "call of %s", name);
      if (callee->is_ipa_ra)
        return why__set (why, REASON_CALL_IPA_RA, "call of %s", name);
      for (unsigned a = 0; a < callee->n_arguments; a++)
        for (unsigned i = 0; i < callee->argument[a].n_locations; i++)
          {
            const struct location *location = &callee->argument[a].location[i];
            bool known = (location->kind == LOCATION_GPR
                          && (location->number == 7 || location->number == 6 || location->number == 2
                              || location->number == 1 || location->number == 8
                              || location->number == 9) && location->size <= 8)
                         || (location->kind == LOCATION_VEC && location->number < 8
                             && location->size <= 16);
            if (!known)
              return why__set (why, REASON_UNMODELLED, "argument %u of %s", a + 1, name);
          }
    }
  return 0;
}

static void
hex (char *text, size_t room, const uint8_t *bytes, size_t n)
{
  size_t at = 0;
  for (size_t i = n; i-- > 0 && at + 3 < room;)
    at += (size_t) snprintf (text + at, room - at, "%02x", bytes[i]);
}

static enum comparison
different (struct difference *difference, enum reason reason, const char *what)
{
  why__set (&difference->why, reason, "%s", what);
  return COMPARE_DIFFERENT;
}

/* -ffast-math: near enough?  Only for a scalar float or double.  */
static bool
nearly_same (const struct region *region, const uint8_t *a, const uint8_t *b)
{
  const struct type *type = region__type (region, region->result.type);
  double x, y, relative;
  if (!(region->fp & FP_FAST) || !type || type->kind != TYPE_FLOAT || type->x87)
    return false;
  if (type->size == 4)
    {
      float s, t;
      memcpy (&s, a, 4);
      memcpy (&t, b, 4);
      x = s;
      y = t;
      relative = FAST_RELATIVE_SINGLE;
    }
  else if (type->size == 8)
    {
      memcpy (&x, a, 8);
      memcpy (&y, b, 8);
      relative = FAST_RELATIVE_DOUBLE;
    }
  else
    return false;
  if (isnan (x) || isnan (y))
    return isnan (x) && isnan (y);
  if (x == y)
    return true;
  double larger = fabs (x) > fabs (y) ? fabs (x) : fabs (y);
  return isfinite (x) && isfinite (y) && fabs (x - y) <= relative * larger;
}

static enum comparison
compare_result (const struct region *region, const struct outcome *expected,
                const struct outcome *got, struct difference *difference)
{
  const struct value *result = &region->result;
  uint8_t mask[VALUE_BYTES_MAX];
  compare__value_mask (region, result, mask, sizeof mask);
  for (unsigned i = 0; i < result->n_locations; i++)
    {
      const struct location *location = &result->location[i];
      const uint8_t *a = result_bytes (expected, location), *b = result_bytes (got, location);
      size_t size = location->kind == LOCATION_X87 ? 10 : location->size;
      bool same = true;
      for (size_t k = 0; k < size; k++)
        same &= ((a[k] ^ b[k]) & mask[location->offset + k]) == 0;
      if (same || nearly_same (region, a, b))
        continue;
      hex (difference->expected, sizeof difference->expected, a, size);
      hex (difference->got, sizeof difference->got, b, size);
      char what[64];
      static const char *const kind[] = { "general register", "vector register", "x87 register", "stack" };
      snprintf (what, sizeof what, "result in %s %u", kind[location->kind], location->number);
      return different (difference, REASON_RESULT, what);
    }
  return COMPARE_SAME;
}

static enum comparison
compare_memory (const struct state *state, const struct outcome *expected,
                const struct outcome *got, struct difference *difference)
{
  if (expected->n_spans != state->n_spans || got->n_spans != state->n_spans)
    {
      why__set (&difference->why, REASON_SANDBOX, "memory is missing from an outcome");
      return COMPARE_UNKNOWN;
    }
  for (unsigned s = 0; s < state->n_spans; s++)
    {
      const uint8_t *a = expected->span_bytes[s], *b = got->span_bytes[s];
      size_t size = state->span[s].size;
      /* Read-only spans can't have changed; the sandbox may leave them out.  */
      if (!(state->span[s].protection & PROT_STATE_WRITE) && (!a || !b))
        continue;
      if (!a || !b)
        {
          why__set (&difference->why, REASON_SANDBOX, "memory is missing from an outcome");
          return COMPARE_UNKNOWN;
        }
      if (memcmp (a, b, size) == 0)
        continue;
      size_t at = 0;
      while (a[at] == b[at])
        at++;
      size_t n = size - at < 16 ? size - at : 16;
      difference->address = state->span[s].address + at;
      hex (difference->expected, sizeof difference->expected, a + at, n);
      hex (difference->got, sizeof difference->got, b + at, n);
      char what[96];
      bool original_wrote = state->span[s].bytes && state->span[s].bytes[at] != a[at];
      snprintf (what, sizeof what, "memory at 0x%" PRIx64 "%s", difference->address,
                original_wrote ? "" : ", where the original changes nothing");
      return different (difference, REASON_MEMORY, what);
    }
  return COMPARE_SAME;
}

static uint16_t
word (const uint8_t *bytes)
{
  return (uint16_t) (bytes[0] | bytes[1] << 8);
}

/* Which x87 registers are empty, a bit each, from the tag word.  */
static unsigned
x87_empty (const uint8_t *environment)
{
  unsigned tags = word (environment + 8), empty = 0;
  for (unsigned i = 0; i < 8; i++)
    if (((tags >> (2 * i)) & 3) == 3)
      empty |= 1u << i;
  return empty;
}

/* Does STATE begin with dirty upper halves?  Then who cleans them (a callee may) is nobody's business.  */
static bool
begins_dirty (const struct state *state)
{
  for (unsigned i = 0; i < 16; i++)
    for (unsigned k = 16; k < 64; k++)
      if (state->machine.vec[i][k])
        return true;
  return false;
}

static enum comparison
compare_machine (const struct region *region, const struct state *state,
                 const struct outcome *expected, const struct outcome *got,
                 struct difference *difference)
{
  const struct machine_state *a = &expected->machine, *b = &got->machine;
  if (got->callee_saved_changed)
    return different (difference, REASON_CALLEE_SAVED, "changed at return");
  if (got->caller_frame_changed && !expected->caller_frame_changed)
    return different (difference, REASON_CALLER_FRAME, "bytes above the return address changed");
  if (b->rflags & RFLAGS_DF)
    return different (difference, REASON_CONTROL_STATE, "direction flag is set at return");
  if ((a->mxcsr ^ b->mxcsr) & MXCSR_CONTROL)
    {
      snprintf (difference->expected, sizeof difference->expected, "%x", a->mxcsr);
      snprintf (difference->got, sizeof difference->got, "%x", b->mxcsr);
      return different (difference, REASON_CONTROL_STATE, "MXCSR control bits");
    }
  if (word (expected->x87) != word (got->x87))
    return different (difference, REASON_CONTROL_STATE, "x87 control word");
  if (x87_empty (expected->x87) != x87_empty (got->x87))
    return different (difference, REASON_CONTROL_STATE, "x87 register stack");
  if (got->upper_dirty && !expected->upper_dirty && !begins_dirty (state))
    return different (difference, REASON_CONTROL_STATE, "upper halves of vector registers left dirty, vzeroupper is missing");
  if (region->fp & FP_TRAPPING)
    {
      unsigned x = a->mxcsr & MXCSR_STICKY, y = b->mxcsr & MXCSR_STICKY;
      unsigned p = word (expected->x87 + 4) & MXCSR_STICKY, q = word (got->x87 + 4) & MXCSR_STICKY;
      if (x != y || p != q)
        {
          snprintf (difference->expected, sizeof difference->expected, "MXCSR %02x x87 %02x", x, p);
          snprintf (difference->got, sizeof difference->got, "MXCSR %02x x87 %02x", y, q);
          return different (difference, REASON_STICKY_FLAGS, "exception flags at return");
        }
    }
  return COMPARE_SAME;
}

/* The declared callee of stub number C; for calls through pointers the one that is known by no name.  */
static const struct callee *
callee_of (const struct region *region, uint32_t c)
{
  if (c < region->n_callees)
    return &region->callee[c];
  const struct callee *found = NULL;
  for (unsigned i = 0; i < region->n_callees; i++)
    if (!region->callee[i].name
        && (!found || region->callee[i].n_arguments > found->n_arguments))
      found = &region->callee[i];
  return found;
}

static unsigned
argument_slot (unsigned gpr)
{
  static const uint8_t order[] = { 7, 6, 2, 1, 8, 9 };
  for (unsigned i = 0; i < 6; i++)
    if (order[i] == gpr)
      return i;
  return 0;
}

static bool
in_stack (uint64_t address)
{
  return address - SANDBOX_STACK_BASE < SANDBOX_STACK_SIZE;
}

static bool
in_code (uint64_t address)
{
  return address__low (address) - SANDBOX_CODE_BASE < SANDBOX_STUB_BASE - SANDBOX_CODE_BASE;
}

static enum comparison
compare_event (const struct region *region, unsigned number, const struct call_event *a,
               const struct call_event *b, struct difference *difference)
{
  char what[160];
  const struct callee *callee = callee_of (region, a->callee);
  const char *name = callee && callee->name ? callee->name : "a pointer";
  if (a->callee != b->callee)
    {
      snprintf (difference->expected, sizeof difference->expected, "callee %u (%s)", a->callee, name);
      snprintf (difference->got, sizeof difference->got, "callee %u", b->callee);
      snprintf (what, sizeof what, "call %u is of another function", number + 1);
      return different (difference, REASON_CALL_SEQUENCE, what);
    }
  if (!callee)
    {
      why__set (&difference->why, REASON_INDIRECT_CALL, "a call of stub %u, nothing is known of its arguments",
                a->callee);
      return COMPARE_UNKNOWN;
    }
  for (unsigned i = 0; i < callee->n_arguments; i++)
    {
      const struct value *argument = &callee->argument[i];
      uint8_t mask[VALUE_BYTES_MAX];
      compare__value_mask (region, argument, mask, sizeof mask);
      for (unsigned k = 0; k < argument->n_locations; k++)
        {
          const struct location *location = &argument->location[k];
          const uint8_t *x, *y;
          if (location->kind == LOCATION_GPR)
            {
              uint64_t p = a->gpr[argument_slot (location->number)];
              uint64_t q = b->gpr[argument_slot (location->number)];
              if (location->size == 8 && (in_stack (p) || in_stack (q) || in_code (p) || in_code (q)))
                {
                  why__set (&difference->why, REASON_UNMODELLED,
                            "argument %u of %s points to the function's own frame or constants", i + 1, name);
                  return COMPARE_UNKNOWN;
                }
              x = (const uint8_t *) &a->gpr[argument_slot (location->number)];
              y = (const uint8_t *) &b->gpr[argument_slot (location->number)];
            }
          else
            {
              x = a->vec[location->number];
              y = b->vec[location->number];
            }
          for (unsigned n = 0; n < location->size; n++)
            if (location->offset + n < sizeof mask && ((x[n] ^ y[n]) & mask[location->offset + n]))
              {
                hex (difference->expected, sizeof difference->expected, x, location->size);
                hex (difference->got, sizeof difference->got, y, location->size);
                snprintf (what, sizeof what, "argument %u of call %u (%s)", i + 1, number + 1, name);
                return different (difference, REASON_CALL_SEQUENCE, what);
              }
        }
    }
  if (a->memory_digest != b->memory_digest && !(callee->is_const && !callee->is_noreturn))
    {
      snprintf (what, sizeof what, "memory at call %u (%s)", number + 1, name);
      return different (difference, REASON_CALL_SEQUENCE, what);
    }
  return COMPARE_SAME;
}

static enum comparison
compare_events (const struct region *region, const struct outcome *expected,
                const struct outcome *got, struct difference *difference)
{
  char what[96];
  unsigned n = expected->n_events < got->n_events ? expected->n_events : got->n_events;
  for (unsigned i = 0; i < n && i < CALL_EVENTS_MAX; i++)
    {
      enum comparison c = compare_event (region, i, &expected->event[i], &got->event[i], difference);
      if (c != COMPARE_SAME)
        return c;
    }
  uint64_t x = (uint64_t) expected->n_events + expected->n_events_lost;
  uint64_t y = (uint64_t) got->n_events + got->n_events_lost;
  if (x != y)
    {
      snprintf (what, sizeof what, "%" PRIu64 " calls, the original makes %" PRIu64, y, x);
      return different (difference, REASON_CALL_SEQUENCE, what);
    }
  if (expected->n_events_lost)
    {
      why__set (&difference->why, REASON_UNMODELLED, "more than %d calls in one run", CALL_EVENTS_MAX);
      return COMPARE_UNKNOWN;
    }
  return COMPARE_SAME;
}

static enum comparison
compare_returned (const struct region *region, const struct state *state,
                  const struct outcome *expected, const struct outcome *got,
                  struct difference *difference)
{
  enum comparison c = compare_events (region, expected, got, difference);
  if (c == COMPARE_SAME)
    c = compare_machine (region, state, expected, got, difference);
  if (c == COMPARE_SAME)
    c = compare_result (region, expected, got, difference);
  if (c == COMPARE_SAME)
    c = compare_memory (state, expected, got, difference);
  return c;
}

static int
signal_class (int signal)
{
  return signal == SIGBUS ? SIGSEGV : signal;
}

static const char *
status_name (enum run_status status)
{
  static const char *const names[] = { "returned", "trapped", "ended in a call that doesn't return",
                                       "did not end", "killed the sandbox", "returned elsewhere" };
  return (unsigned) status < sizeof names / sizeof *names ? names[status] : "?";
}

bool
compare__is_undefined (const struct region *region, const struct outcome *expected)
{
  for (unsigned i = 0; i < region->n_options; i++)
    if (strcmp (region->option[i], "-fnon-call-exceptions") == 0)
      return false;
  return expected->status == RUN_TRAPPED && signal_class (expected->signal) == SIGSEGV;
}

bool
compare__impossible_size (const struct region *region, const struct state *state)
{
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      int gpr = value__gpr (value);
      if (!type || type->kind != TYPE_INTEGER || type->size != 8 || value->by_reference || gpr < 0)
        continue;
      int64_t number = (int64_t) state->machine.gpr[gpr];
      if (number >= IMPOSSIBLE_SIZE || number <= -IMPOSSIBLE_SIZE)
        return true;
    }
  return false;
}

/* The candidate faults where the original returned, as a sum of an address and a size that no object has went round.  */
static bool
goes_round (const struct region *region, const struct state *state, const struct outcome *expected, const struct outcome *got)
{
  return expected->status == RUN_RETURNED && got->status == RUN_TRAPPED && signal_class (got->signal) == SIGSEGV
         && compare__impossible_size (region, state);
}

/* The original faulted with a size that no object has.  */
static bool
is_impossible (const struct region *region, const struct state *state, const struct outcome *expected)
{
  return compare__is_undefined (region, expected) && compare__impossible_size (region, state);
}

bool
compare__says_nothing (const struct region *region, bool compiled, const struct state *state, const struct outcome *expected,
                       const struct outcome *got)
{
  return (compiled && (compare__is_undefined (region, expected) || goes_round (region, state, expected, got)))
         || is_impossible (region, state, expected);
}

static enum comparison
compare_ends (const struct region *region, const struct state *state, const struct outcome *expected,
              const struct outcome *got, struct difference *difference)
{
  memset (difference, 0, sizeof *difference);
  if (expected->status != RUN_RETURNED && expected->status != RUN_TRAPPED
      && expected->status != RUN_NORETURN)
    {
      why__set (&difference->why, REASON_SANDBOX, "the original %s", status_name (expected->status));
      return COMPARE_UNKNOWN;
    }
  if (got->misaligned_call && !expected->misaligned_call)
    return different (difference, REASON_CALL_SEQUENCE, "a call with a misaligned stack");
  if (expected->status == RUN_RETURNED && got->status == RUN_RETURNED)
    return compare_returned (region, state, expected, got, difference);

  snprintf (difference->expected, sizeof difference->expected, "%s", status_name (expected->status));
  snprintf (difference->got, sizeof difference->got, "%s", status_name (got->status));
  switch (got->status)
    {
    case RUN_TIMEOUT:
      return different (difference, REASON_NONTERMINATING, "still running at the time limit");
    case RUN_DIED:
      if (got->signal == SIGSYS)
        return different (difference, REASON_FORBIDDEN, "a system call");
      return different (difference, REASON_SANDBOX, "the candidate killed its sandbox");
    case RUN_ESCAPED:
      if (got->caller_frame_changed)
        return different (difference, REASON_CALLER_FRAME, "the return address is changed");
      return different (difference, REASON_CALLEE_SAVED, "the stack pointer is off at return");
    case RUN_TRAPPED:
      if (expected->status != RUN_TRAPPED)
        {
          char what[128];
          difference->address = got->fault_address;
          difference->signal = got->signal;
          if (got->signal == SIGSEGV || got->signal == SIGBUS)
            snprintf (what, sizeof what, "signal %d %s 0x%" PRIx64, got->signal,
                      got->fault_write ? "writing" : "reading", got->fault_address);
          else
            snprintf (what, sizeof what, "signal %d", got->signal);
          return different (difference, REASON_LOAD_FAULT, what);
        }
      if (signal_class (expected->signal) != signal_class (got->signal))
        {
          snprintf (difference->expected, sizeof difference->expected, "signal %d", expected->signal);
          snprintf (difference->got, sizeof difference->got, "signal %d", got->signal);
          return different (difference, REASON_NO_TRAP, "another signal");
        }
      return compare_events (region, expected, got, difference);
    case RUN_RETURNED:
      if (expected->status == RUN_TRAPPED)
        {
          snprintf (difference->expected, sizeof difference->expected, "signal %d", expected->signal);
          return different (difference, REASON_NO_TRAP, "returned");
        }
      return different (difference, REASON_CALL_SEQUENCE, "returned");
    case RUN_NORETURN:
      if (expected->status == RUN_TRAPPED)
        return different (difference, REASON_NO_TRAP, "ended in a call");
      if (expected->status == RUN_RETURNED)
        return different (difference, REASON_CALL_SEQUENCE, "ended in a call that doesn't return");
      return compare_events (region, expected, got, difference);
    }
  return different (difference, REASON_SANDBOX, "an unknown status");
}

/* Threads and signal handlers have stacks made for what the original needs.  */
enum { STACK_PAGES_MORE = 16 };

enum comparison
compare__outcome (const struct region *region, const struct state *state,
                  const struct outcome *expected, const struct outcome *got,
                  struct difference *difference)
{
  enum comparison result = compare_ends (region, state, expected, got, difference);
  if (result != COMPARE_SAME || got->stack_pages <= expected->stack_pages + STACK_PAGES_MORE)
    return result;
  snprintf (difference->expected, sizeof difference->expected, "%s%u KiB",
            expected->stack_pages <= STACK_PAGES_FREE ? "at most " : "", expected->stack_pages * (SANDBOX_PAGE / 1024));
  snprintf (difference->got, sizeof difference->got, "%u KiB", got->stack_pages * (SANDBOX_PAGE / 1024));
  return different (difference, REASON_STACK, "stack in use");
}

/* Footprints.  */

/* First byte of ADDRESS..+SIZE that no run of SET[N] (sorted, disjoint) covers; true where there is one.  */
#define FIRST_OUTSIDE(SET, N, ADDRESS, SIZE, FIRST)                                                \
  ({                                                                                               \
    uint64_t at_ = (ADDRESS), end_ = (ADDRESS) + (SIZE);                                           \
    for (unsigned i_ = 0; i_ < (N) && at_ < end_; i_++)                                            \
      if ((SET)[i_].address <= at_ && at_ < (SET)[i_].address + (SET)[i_].size)                    \
        at_ = (SET)[i_].address + (SET)[i_].size;                                                  \
    *(FIRST) = at_;                                                                                \
    at_ < end_;                                                                                    \
  })

static bool
touches_page (const struct footprint *footprint, uint64_t page)
{
  for (unsigned i = 0; i < footprint->n_reads; i++)
    if (footprint->read[i].address < page + SANDBOX_PAGE
        && footprint->read[i].address + footprint->read[i].size > page)
      return true;
  for (unsigned i = 0; i < footprint->n_writes; i++)
    if (footprint->write[i].address < page + SANDBOX_PAGE
        && footprint->write[i].address + footprint->write[i].size > page)
      return true;
  return false;
}

enum comparison
compare__footprint (const struct footprint *original, const struct footprint *candidate,
                    uint64_t own_begin, uint64_t own_end, struct difference *difference)
{
  uint64_t first;
  char what[160];
  memset (difference, 0, sizeof *difference);
  for (unsigned i = 0; i < candidate->n_writes; i++)
    if (FIRST_OUTSIDE (original->write, original->n_writes, candidate->write[i].address,
                       candidate->write[i].size, &first))
      {
        difference->address = first;
        snprintf (what, sizeof what, "at 0x%" PRIx64, first);
        return different (difference, REASON_STORE, what);
      }
  for (unsigned i = 0; i < candidate->n_reads; i++)
    {
      uint64_t begin = candidate->read[i].address, end = begin + candidate->read[i].size;
      if (begin >= own_begin && end <= own_end)
        continue;
      if (in_stack (begin))
        {
          if (!FIRST_OUTSIDE (original->read, original->n_reads, begin, end - begin, &first))
            continue;
          difference->address = first;
          snprintf (what, sizeof what, "reads the caller's frame at 0x%" PRIx64, first);
          return different (difference, REASON_CALLER_FRAME, what);
        }
      for (uint64_t page = begin & -(uint64_t) SANDBOX_PAGE; page < end; page += SANDBOX_PAGE)
        if (!touches_page (original, page))
          {
            difference->address = page < begin ? begin : page;
            snprintf (what, sizeof what, "reads 0x%" PRIx64 ", in a page that the original doesn't touch",
                      difference->address);
            return different (difference, REASON_LOAD_FAULT, what);
          }
    }
  return COMPARE_SAME;
}
