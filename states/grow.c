/* Watching the original run: objects grow while it faults next to them, then shrink to the least size on which it
   doesn't, are placed as the test wants them, and are made read-only where nothing is stored to them.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"
#include <signal.h>

/* The object whose stride of the arena holds ADDRESS, or -1.  */
static int
object_near (const struct attempt *attempt, uint64_t address)
{
  unsigned slot = slot__of (address);
  if (slot >= SANDBOX_SLOTS)
    return -1;
  for (unsigned i = 0; i < attempt->n_objects; i++)
    if (attempt->object[i].slot == slot)
      return (int) i;
  return -1;
}

/* Is ADDRESS in O's pages as built?  */
static bool
in_span (const struct object_in_test *o, uint64_t address)
{
  if (!o->page_size)
    return false;
  uint64_t begin = (o->address + (uint64_t) o->lo) / SANDBOX_PAGE * SANDBOX_PAGE;
  return address >= begin && address < begin + o->page_size;
}

/* A store into a read-only object: from now on it is writable.  False where the fault was another.  */
static bool
unprotect (struct states *states, struct attempt *attempt, const struct outcome *outcome)
{
  int number = object_near (attempt, outcome->fault_address);
  if (number < 0)
    return false;
  struct object_in_test *o = &attempt->object[number];
  if (!in_span (o, outcome->fault_address) || o->writable || o->constant)
    return false;
  o->writable = true;
  states->site[o->site].written = true;
  return true;
}

/* Makes the object next to the fault larger.  False where there is none or it may not grow.  */
static bool
grow (struct states *states, struct attempt *attempt, const struct outcome *outcome)
{
  int number = object_near (attempt, outcome->fault_address);
  if (number < 0)
    return false;
  struct object_in_test *o = &attempt->object[number];
  if (!o->growable || in_span (o, outcome->fault_address))
    return false;
  int64_t at = (int64_t) (outcome->fault_address - o->address);
  if (at >= o->hi)
    {
      int64_t need = round_up (at + 1, o->align), room = o->fixed ? o->limit : SANDBOX_SLOT_SIZE + o->lo;
      int64_t most = o->limit < room ? o->limit : room / o->align * o->align;
      if (need > most)
        return false;
      int64_t bad = at / o->align * o->align;
      if (bad > o->bad_hi)
        o->bad_hi = bad;
      int64_t hi = o->hi * 2 > need ? o->hi * 2 : need;
      int64_t usual = states->site[o->site].usual;
      o->usual = o->hi == 0 && usual >= need;
      o->guessed = o->usual;
      if (o->usual)
        hi = usual;
      else if (o->hi == 0 && o->nul >= 0 && (o->nul + 1) * (int64_t) o->element > hi)
        hi = round_up ((o->nul + 1) * (int64_t) o->element, o->align);
      o->hi = hi > most ? most : hi;
      o->exact = o->fixed;
      return true;
    }
  if (at < o->lo && !o->fixed)
    {
      int64_t room = (SANDBOX_SLOT_SIZE - round_up (o->hi, o->align)) / o->align * o->align;
      int64_t need = round_up (-at, o->align), most = o->limit < room ? o->limit : room;
      if (need > most)
        return false;
      o->bad_lo = o->lo;
      int64_t lo = -o->lo * 2 > need ? -o->lo * 2 : need;
      o->lo = -(lo > most ? most : lo);
      return true;
    }
  return false;
}

/* What of O was learned.  */
static void
learn_extent (struct states *states, struct attempt *attempt, struct object_in_test *o)
{
  if (o->fixed || attempt->overlapped || o->nodes)
    return;
  if (o->nul < 0 && o->element == 1 && !attempt->n_features)
    return; /* a string without an end says nothing about those with one */
  int64_t feature[FEATURES_MAX];
  object__features (states, attempt, o, feature);
  struct site *site = &states->site[o->site];
  extent__learn (&site->extent, feature, o->hi);
  if (o->hi)
    {
      site->usual_hits = site->usual == o->hi ? site->usual_hits + 1 : 0;
      site->usual = o->hi;
    }
}

/* The next extent to try for O, whose extent O->hi is known to do.  */
static int64_t
next_trial (const struct attempt *attempt, const struct object_in_test *o)
{
  int64_t good = o->hi, bad = o->bad_hi;
  /* Just under a guess or a string's end first; where nothing is known from below, nothing at all.  */
  bool string = o->nul >= 0 && good == round_up ((o->nul + 1) * (int64_t) o->element, o->align);
  if (attempt->trial_good < 0 && (o->guessed || string) && good > o->align && good - o->align > bad)
    return good - o->align;
  if (bad < 0)
    return 0;
  int64_t middle = (bad + (good - bad) / 2) / o->align * o->align;
  return middle <= bad ? bad + o->align : middle;
}

static bool
is_tight (const struct object_in_test *o)
{
  return o->exact || o->hi == 0 || o->hi - o->bad_hi <= (o->bad_hi < 0 ? 0 : (int64_t) o->align);
}

/* A model that was right many times is not checked every time.  */
static bool
trusted (struct states *states, struct attempt *attempt, const struct object_in_test *o)
{
  const struct site *site = &states->site[o->site];
  unsigned hits = o->usual ? site->usual_hits : site->extent.hits;
  if (!o->guessed || hits < 24 || attempt->overlapped)
    return false;
  unsigned every = o->depth ? 8 : 3;
  return mix2 (attempt->rng.state, o->seed) % every != 0;
}

/* Begins the trial of the next object that may be too large, or goes on to placing.  */
static void
begin_trial (struct states *states, struct attempt *attempt)
{
  for (; attempt->trial < attempt->n_objects; attempt->trial++, attempt->trial_good = -1)
    {
      struct object_in_test *o = &attempt->object[attempt->trial];
      if (o->fixed || is_tight (o) || trusted (states, attempt, o))
        {
          if (!o->fixed && is_tight (o))
            learn_extent (states, attempt, o);
          continue;
        }
      int64_t trial = next_trial (attempt, o);
      attempt->trial_good = o->hi;
      attempt->changed = true;
      o->hi = trial;
      return;
    }
  /* All are exact: place them.  */
  attempt->stage = STAGE_PLACED;
  for (unsigned i = 0; i < attempt->n_objects; i++)
    {
      struct object_in_test *o = &attempt->object[i];
      struct rng rng = { mix2 (o->seed, 'z') };
      if (o->fixed)
        continue;
      attempt->touched |= o->hi > 0 || o->lo < 0;
      /* Pointers that nothing is touched through point just at the unmapped page, or at one element.  */
      if (o->hi == 0 && o->lo == 0 && o->limit > 0 && rng__chance (&rng, 1, 2))
        {
          o->hi = round_up (o->element, o->align);
          attempt->changed = true;
        }
      attempt->changed |= o->placement != o->wish && (o->hi > o->lo || o->wish != PLACE_END);
      o->placement = o->wish;
    }
}

/* The next trial of a low extent, in objects placed at the start of their pages.  */
static void
begin_low_trial (struct states *states, struct attempt *attempt)
{
  for (; attempt->trial < attempt->n_objects; attempt->trial++, attempt->trial_good = -1)
    {
      struct object_in_test *o = &attempt->object[attempt->trial];
      if (o->fixed || o->placement != PLACE_START || o->lo >= 0)
        continue;
      if (o->bad_lo > 0 && attempt->trial_good < 0)
        {
          attempt->trial_good = -o->lo;
          o->lo = 0; /* is it needed at all? */
          return;
        }
      int64_t bad = o->bad_lo > 0 ? 0 : -o->bad_lo, good = -o->lo;
      if (good - bad <= (int64_t) o->align)
        {
          if (o->lo < states->site[o->site].lo)
            states->site[o->site].lo = o->lo;
          continue;
        }
      attempt->trial_good = good;
      int64_t middle = round_up (bad + (good - bad) / 2, o->align);
      o->lo = -(middle >= good ? good - (int64_t) o->align : middle);
      return;
    }
  attempt->stage = STAGE_FINAL;
}

/* Writable objects that the run left as they were are tried read-only.  */
static bool
protect (struct attempt *attempt, const struct outcome *outcome)
{
  bool any = false;
  for (unsigned i = 0; i < attempt->n_objects; i++)
    {
      struct object_in_test *o = &attempt->object[i];
      if (!o->writable || !o->page_size)
        continue;
      bool patched = false;
      for (unsigned k = 0; k < attempt->state.n_patches; k++)
        patched |= in_span (o, attempt->state.patch[k].address);
      for (unsigned s = 0; !patched && s < attempt->state.n_spans; s++)
        if (attempt->state.span[s].bytes == o->page && s < outcome->n_spans
            && !memcmp (outcome->span_bytes[s], o->page, o->page_size))
          {
            o->writable = false;
            any = true;
          }
    }
  return any;
}

static void
finish (struct states *states, struct attempt *attempt)
{
  attempt->stage = STAGE_DONE;
  if (attempt->kind == STATE_TRAP)
    attempt->stage = attempt__poison (states, attempt) ? STAGE_TRAP : STAGE_FAILED;
}

/* The original returned.  */
static void
step_returned (struct states *states, struct attempt *attempt, const struct outcome *outcome)
{
  struct object_in_test *o = &attempt->object[attempt->trial];
  switch (attempt->stage)
    {
    case STAGE_GROW:
      attempt->changed = false;
      attempt->stage = STAGE_SHRINK;
      attempt->trial = 0;
      attempt->trial_good = -1;
      begin_trial (states, attempt);
      if (attempt->stage == STAGE_PLACED && !attempt->changed)
        step_returned (states, attempt, outcome); /* this run was that test already */
      break;
    case STAGE_SHRINK:
      /* The smaller one does too.  */
      o->guessed = false;
      begin_trial (states, attempt);
      break;
    case STAGE_PLACED:
      attempt->stage = STAGE_SHRINK_LOW;
      attempt->trial = 0;
      attempt->trial_good = -1;
      begin_low_trial (states, attempt);
      if (attempt->stage != STAGE_FINAL)
        break;
      if (protect (attempt, outcome))
        attempt->stage = STAGE_READONLY;
      else
        finish (states, attempt);
      break;
    case STAGE_SHRINK_LOW:
      begin_low_trial (states, attempt);
      break;
    case STAGE_FINAL:
      if (protect (attempt, outcome))
        attempt->stage = STAGE_READONLY;
      else
        finish (states, attempt);
      break;
    case STAGE_READONLY:
      finish (states, attempt);
      break;
    default:
      break;
    }
}

/* A fault, of which OUTCOME tells the address.  */
static void
step_fault (struct states *states, struct attempt *attempt, const struct outcome *outcome)
{
  struct object_in_test *o = &attempt->object[attempt->trial];
  if (unprotect (states, attempt, outcome))
    return;
  switch (attempt->stage)
    {
    case STAGE_GROW:
    case STAGE_PLACED:
      if (!grow (states, attempt, outcome))
        attempt->stage = STAGE_FAILED;
      break;
    case STAGE_SHRINK:
      {
        int64_t bad = o->hi;
        o->hi = attempt->trial_good;
        /* Just below a right guess.  */
        o->bad_hi = bad > o->bad_hi ? bad : o->bad_hi;
        begin_trial (states, attempt);
        break;
      }
    case STAGE_SHRINK_LOW:
      o->bad_lo = o->lo;
      o->lo = -attempt->trial_good;
      begin_low_trial (states, attempt);
      break;
    default:
      attempt->stage = STAGE_FAILED;
    }
}

void
attempt__step (struct states *states, struct attempt *attempt, const struct outcome *outcome)
{
  if (++attempt->runs > RUNS_PER_ATTEMPT)
    {
      attempt->stage = STAGE_FAILED;
      return;
    }
  switch (outcome->status)
    {
    case RUN_RETURNED:
    case RUN_NORETURN:
      if (attempt->stage == STAGE_TRAP)
        attempt->stage = STAGE_DONE;
      else
        step_returned (states, attempt, outcome);
      break;
    case RUN_TRAPPED:
      if (attempt->stage == STAGE_TRAP)
        {
          /* A store that only our protection forbids is no trap.  */
          if (outcome->signal != SIGSEGV || !unprotect (states, attempt, outcome))
            attempt->stage = STAGE_DONE;
        }
      else if (outcome->signal == SIGSEGV || outcome->signal == SIGBUS)
        step_fault (states, attempt, outcome);
      else if (attempt->stage == STAGE_GROW && outcome->signal != SIGALRM)
        attempt->stage = STAGE_DONE; /* a clean trap: kept in small numbers */
      else
        attempt->stage = STAGE_FAILED;
      break;
    default:
      attempt->stage = STAGE_FAILED;
    }
}
