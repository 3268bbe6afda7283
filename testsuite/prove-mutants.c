/* The proof against mutants: each right pair of testsuite/prove/ with one instruction of its candidate changed, against the
   original and against the candidate as it was (so that both sides' loops are alike).

   What the proof says of a mutant is checked by running: a mutant that is proved must do as the original on every test that
   the generator makes; one that is proved to a bound, on every test whose loops stay within it.  Most mutants are wrong, so
   that this is where a hole in the proof would show.
       prove-mutants [-n MUTANTS] [-s SECONDS] [-r SEED] [FILE...]
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"
#include "testsuite/side-code.h"

#include "prove/prove.h"
#include "states/states.h"
#include "verify/compare.h"
#include <limits.h>
#include <time.h>

enum { FILES_MAX = 64, CASES_MAX = 256, TESTS_PER_KIND = 24, LINES_MAX = 4096 };

static struct
{
  unsigned mutants, proved, bounded, unknown, different, near, unbuilt, wrong, runs;
  uint64_t random;
  double seconds, until;
} tally;

static uint64_t
draw (uint64_t below)
{
  tally.random ^= tally.random << 13;
  tally.random ^= tally.random >> 7;
  tally.random ^= tally.random << 17;
  return tally.random % below;
}

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Words of which one may stand for the other.  */
static const char *const siblings[][2] = {
  { "add", "sub" }, { "and", "or" }, { "xor", "or" }, { "shl", "shr" }, { "sal", "sar" }, { "shr", "sar" },
  { "jl", "jle" }, { "jg", "jge" }, { "ja", "jae" }, { "jb", "jbe" }, { "je", "jne" }, { "jl", "jb" }, { "jg", "ja" },
  { "sete", "setne" }, { "setl", "setb" }, { "cmovl", "cmovb" }, { "cmovg", "cmovge" }, { "cmove", "cmovne" },
  { "movz", "movs" }, { "movl", "movq" }, { "cmpl", "cmpq" }, { "addl", "addq" }, { "paddd", "psubd" },
  { "paddd", "paddq" }, { "pminsd", "pminud" }, { "pmaxsd", "pmaxud" }, { "pand", "pandn" }, { "psrld", "psrad" },
  { "pcmpgtd", "pcmpeqd" }, { "punpckl", "punpckh" }, { "mul", "imul" }, { "div", "idiv" }, { "inc", "dec" },
  { "rol", "ror" }, { "bsf", "bsr" }, { "lea", "mov" }, { "vmovdqu", "vmovdqa" }, { "neg", "not" },
  { "%eax", "%ecx" }, { "%rax", "%rdx" }, { "%edi", "%esi" }, { "%rdi", "%rsi" }, { "%edx", "%ecx" }, { "%rcx", "%rax" },
  { "xmm0", "xmm1" }, { "ymm0", "ymm1" }, { "ymm1", "ymm2" }, { "zmm0", "zmm1" }, { "xmm2", "xmm1" }, { "k1", "k2" },
  { "%al", "%ah" }, { "%edi", "%dil" }, { "ymm", "xmm" }, { ",4)", ",8)" }, { ",8)", ",4)" }, { "$0", "$1" }, { "$1", "$2" },
  { "$4", "$8" }, { "$31", "$30" }, { "$7", "$6" }, { "$3", "$4" }, { "{z}", "" }
};

/* LINE changed in one place, in ROOM bytes; false where nothing was found to change.  */
static bool
mutate_line (const char *line, char *to, size_t room)
{
  unsigned way = (unsigned) draw (8);
  const char *at;
  if (line[0] != '\t' || line[1] == '.')
    return false;
  if (way == 0)
    {
      snprintf (to, room, "\tnop");
      return true;
    }
  if (way <= 2)
    {
      /* A displacement or immediate.  */
      for (at = line; *at && !((*at == '$' || *at == '(' || *at == '-') ); at++)
        ;
      bool immediate = *at == '$';
      static const int steps[] = { 1, -1, 4, -4, 8, 16, 32, -32, 64 };
      int step = steps[draw (sizeof steps / sizeof *steps)];
      if (!*at || strstr (line, "rip"))
        return false;
      if (immediate)
        {
          char *end;
          long value = strtol (at + 1, &end, 0);
          if (end == at + 1)
            return false;
          snprintf (to, room, "%.*s$%ld%s", (int) (at - line), line, value + step, end);
          return true;
        }
      const char *open = strchr (line, '('), *begin = open;
      if (!open)
        return false;
      while (begin > line && (begin[-1] == '-' || (begin[-1] >= '0' && begin[-1] <= '9')))
        begin--;
      snprintf (to, room, "%.*s%ld%s", (int) (begin - line), line, strtol (begin, NULL, 10) + step, open);
      return true;
    }
  for (unsigned tries = 0; tries < 200; tries++)
    {
      unsigned which = (unsigned) draw (sizeof siblings / sizeof *siblings), side = (unsigned) draw (2);
      const char *from = siblings[which][side], *other = siblings[which][!side];
      if (!*from || !(at = strstr (line, from)))
        continue;
      /* Sometimes its second place.  */
      const char *next = strstr (at + 1, from);
      if (next && draw (2))
        at = next;
      snprintf (to, room, "%.*s%s%s", (int) (at - line), line, other, at + strlen (from));
      return true;
    }
  return false;
}

/* TEXT with one line changed, malloc'ed, and the change in *WHAT[200]; NULL where it didn't work out.  */
static char *
mutate (const char *text, char what[200])
{
  const char *lines[LINES_MAX];
  unsigned n = 0;
  for (const char *p = text; p && *p && n < LINES_MAX; p = strchr (p, '\n'), p = p ? p + 1 : NULL)
    lines[n++] = p;
  for (unsigned tries = 0; tries < 100 && n; tries++)
    {
      const char *line = lines[draw (n)];
      size_t length = strcspn (line, "\n");
      char old[256], changed[256];
      if (length >= sizeof old)
        continue;
      snprintf (old, sizeof old, "%.*s", (int) length, line);
      if (!mutate_line (old, changed, sizeof changed) || strcmp (old, changed) == 0)
        continue;
      snprintf (what, 200, "%.90s => %.90s", old + 1, changed + 1);
      for (char *p = what; *p; p++)
        if (*p == '\t')
          *p = ' ';
      char *result;
      if (asprintf (&result, "%.*s%s%s", (int) (line - text), text, changed, line + length) < 0)
        return NULL;
      return result;
    }
  return NULL;
}

struct bench
{
  const struct region *region;
  struct layout *layout;
  struct side_code original;
  struct sandbox *sandbox;
  struct states *states;
  unsigned n_tests;
  struct test test[STATE_KINDS * TESTS_PER_KIND];
  bool traced[STATE_KINDS * TESTS_PER_KIND];
  struct trace trace[STATE_KINDS * TESTS_PER_KIND];
};

/* The most that a branch of the original's was run on test T.  */
static unsigned
rounds_of (struct bench *bench, unsigned t)
{
  unsigned most = 0;
  struct why why;
  if (!bench->traced[t])
    bench->traced[t] = sandbox__trace (bench->sandbox, 0, bench->test[t].state, 100000, &bench->trace[t], &why) == 0;
  if (!bench->traced[t] || !bench->trace[t].complete)
    return UINT_MAX;
  for (unsigned i = 0; i < bench->original.decoded->n_insns; i++)
    if (bench->trace[t].executed[i] > most)
      most = bench->trace[t].executed[i];
  return most;
}

/* Does the mutant, which is said to be the original to BOUND (0: always), do otherwise on some test?  */
static bool
refuted (struct bench *bench, const struct side_code *mutant, unsigned bound, char *how, size_t room)
{
  struct sandbox *sandbox = NULL;
  struct outcome *outcome = calloc (1, sizeof *outcome);
  struct why why = { 0 };
  bool found = false;
  const struct image *image = mutant->image;
  if (outcome && sandbox__open (bench->region, &image, 1, NULL, &sandbox, &why) == 0)
    for (unsigned t = 0; t < bench->n_tests && !found; t++)
      {
        struct difference difference;
        const struct state *state = bench->test[t].state;
        if (bench->test[t].expected->status != RUN_RETURNED
            || sandbox__run (sandbox, 0, &state, outcome, 1, 200, &why))
          continue;
        tally.runs++;
        bool differs = compare__outcome (bench->region, state, bench->test[t].expected, outcome, &difference)
                       == COMPARE_DIFFERENT;
        struct trace trace;
        if (!differs && t % 4 == 0 && outcome->status == RUN_RETURNED && rounds_of (bench, t) != UINT_MAX
            && sandbox__trace (sandbox, 0, state, 100000, &trace, &why) == 0)
          {
            differs = trace.complete
                      && compare__footprint (&bench->trace[t].footprint, &trace.footprint, image->base,
                                             image->base + image->size, &difference)
                         == COMPARE_DIFFERENT;
            trace__free (&trace);
          }
        if (differs && bound && rounds_of (bench, t) > bound)
          continue;
        if (differs)
          {
            snprintf (how, room, "%s: %s", reason__slug (difference.why.reason), difference.why.detail);
            found = true;
          }
      }
  if (sandbox)
    sandbox__close (sandbox);
  free (outcome);
  return found;
}

/* MUTANT against BASE, of which it was made.  */
static void
try_near (struct bench *bench, const struct case_unit *unit, const char *name, const char *what, const struct side_code *base,
          const struct side_code *mutant)
{
  struct proof_options options = { .seconds = tally.seconds };
  struct proof proof;
  char how[420] = "";
  prove__equivalent (unit->region, bench->layout, base->image, base->object, mutant->image, mutant->object, &options, &proof);
  if (proof.result == PROOF_PROVED)
    {
      tally.near++;
      if (refuted (bench, mutant, 0, how, sizeof how))
        {
          tally.wrong++;
          printf ("# WRONG %s %s: %s, proved the same as before by %s, but %s\n", unit->name, name, what, proof.method, how);
        }
    }
  proof__free (&proof);
}

static void
try_mutant (struct bench *bench, const struct case_unit *unit, const char *name, const char *text,
            const struct side_code *base)
{
  struct arena *arena = arena__new ();
  struct side_code mutant;
  struct code *code;
  struct why why = { 0 };
  struct proof proof;
  char what[200], how[420] = "";
  char *changed = mutate (text, what);
  struct proof_options options = { .seconds = tally.seconds };
  if (!changed)
    {
      arena__free (arena);
      return;
    }
  if (code__parse (arena, changed, strlen (changed), unit->region->function, NULL, 0, false, &code, &why)
      || side_code__make (arena, unit->region, bench->layout, code, 1, &mutant, &why))
    tally.unbuilt++;
  else
    {
      tally.mutants++;
      prove__equivalent (unit->region, bench->layout, bench->original.image, bench->original.object, mutant.image,
                         mutant.object, &options, &proof);
      tally.proved += proof.result == PROOF_PROVED;
      tally.bounded += proof.result == PROOF_BOUNDED;
      tally.unknown += proof.result == PROOF_UNKNOWN;
      tally.different += proof.result == PROOF_DIFFERENT;
      if ((proof.result == PROOF_PROVED || proof.result == PROOF_BOUNDED)
          && refuted (bench, &mutant, proof.bound, how, sizeof how))
        {
          tally.wrong++;
          printf ("# WRONG %s %s: %s, %s to %u, but %s\n", unit->name, name, what,
                  proof.result == PROOF_PROVED ? "proved" : "bounded", proof.bound, how);
        }
      else if (proof.result == PROOF_PROVED)
        printf ("# the same: %s %s: %s\n", unit->name, name, what);
      proof__free (&proof);
      if (base)
        try_near (bench, unit, name, what, base, &mutant);
      fflush (stdout);
    }
  free (changed);
  arena__free (arena);
}

/* COUNT mutants of each right candidate of the case.  */
static void
run_case (char *text, const char *name, unsigned count)
{
  char message[256];
  struct case_unit *unit = case__parse (text, name, NULL, message);
  struct arena *arena = arena__new ();
  struct bench *bench = ARENA_NEW (arena, struct bench);
  struct why why = { 0 };
  struct code *code;
  struct states_options options = { .seed = 7 };
  bool fine = unit && !region__code (unit->region, &code, &why)
              && !layout__new (arena, unit->region, false, &bench->layout, &why)
              && !side_code__make (arena, unit->region, bench->layout, code, 0, &bench->original, &why);
  const struct image *image = fine ? bench->original.image : NULL;
  if (fine)
    bench->region = unit->region;
  fine = fine && !sandbox__open (unit->region, &image, 1, NULL, &bench->sandbox, &why)
         && !states__open (unit->region, bench->layout, bench->sandbox, &options, &bench->states, &why);
  for (unsigned kind = 0; fine && kind < STATE_KINDS; kind++)
    {
      int n = states__make (bench->states, (enum state_kind) kind, arena, bench->test + bench->n_tests,
                            TESTS_PER_KIND, &why);
      bench->n_tests += n > 0 ? (unsigned) n : 0;
    }
  for (unsigned i = 0; fine && i < unit->n_candidates; i++)
    {
      const struct case_candidate *entry = &unit->candidate[i];
      struct region scratch = { .arena = arena };
      const char *assembly = NULL;
      if (entry->expect != EXPECT_RIGHT)
        continue;
      if (strcmp (entry->form, "asm") == 0)
        assembly = arena__printf (arena, "\t.text\n\t.globl f\n\t.type f, @function\nf:\n%s\n\t.size f, .-f\n",
                                  entry->text);
      else if (strcmp (entry->form, "c") == 0)
        {
          bool blank = !entry->text || entry->text[strspn (entry->text, " \n\t")] == '\0';
          const char *source = arena__printf (arena, "%s%s", unit->prelude, blank ? unit->original : entry->text);
          if (region_build__compile (&scratch, source, entry->flags))
            assembly = scratch.text;
        }
      struct side_code base;
      struct code *own;
      bool built = assembly && code__parse (arena, assembly, strlen (assembly), unit->region->function, NULL, 0, false, &own, &why) == 0
                   && side_code__make (arena, unit->region, bench->layout, own, 0, &base, &why) == 0;
      for (unsigned m = 0; assembly && m < count && now () < tally.until; m++)
        try_mutant (bench, unit, entry->name, assembly, built ? &base : NULL);
    }
  for (unsigned t = 0; t < bench->n_tests; t++)
    if (bench->traced[t])
      trace__free (&bench->trace[t]);
  if (bench->states)
    states__close (bench->states);
  if (bench->sandbox)
    sandbox__close (bench->sandbox);
  arena__free (arena);
  if (unit)
    case__free (unit);
}

int
main (int argc, char **argv)
{
  char *files[FILES_MAX];
  unsigned n = 0, count = 6;
  tally.random = 88172645463325252u;
  tally.seconds = 1;
  tally.until = now () + 8;
  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "-n") == 0 && i + 1 < argc)
      count = (unsigned) atoi (argv[++i]);
    else if (strcmp (argv[i], "-s") == 0 && i + 1 < argc)
      tally.until = now () + atof (argv[++i]);
    else if (strcmp (argv[i], "-r") == 0 && i + 1 < argc)
      tally.random ^= strtoull (argv[++i], NULL, 10) * 0x9e3779b97f4a7c15u;
    else if (n < FILES_MAX)
      files[n++] = strdup (argv[i]);
  if (n == 0)
    n = case__files ("testsuite/prove", files, FILES_MAX);
  for (unsigned i = 0; i < n; i++)
    {
      char *text = case__read (files[i]);
      char *texts[CASES_MAX];
      const char *names[CASES_MAX];
      unsigned cases = text ? case__split (text, files[i], texts, names, CASES_MAX) : 0;
      for (unsigned c = 0; c < cases && now () < tally.until; c++)
        run_case (texts[c], names[c], count);
      free (text);
      free (files[i]);
    }
  printf ("# %u mutants: %u proved the same, %u bounded, %u different, %u unknown; %u proved to be what they were made of; %u not"
          " built; %u runs\n",
          tally.mutants, tally.proved, tally.bounded, tally.different, tally.unknown, tally.near, tally.unbuilt, tally.runs);
  printf ("%sok 1 - no mutant is proved that a run refutes\n", tally.wrong ? "not " : "");
  printf ("%sok 2 - enough mutants\n1..2\n", tally.mutants >= 5 ? "" : "not ");
  return tally.wrong || tally.mutants < 5;
}
