/* Steering: from one state, states that take the other ways of a function's branches, as the CPU confirms.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"

#include "prove/prove.h"

static const char *const sources[] = {
  /* Rare values in registers and in memory.  */
  "sig: u32 (p:u32 p, u32 x)\nflags: -O1 -fno-if-conversion -fno-if-conversion2 -fno-ssa-phiopt\noriginal:\n"
  "unsigned f (unsigned *p, unsigned x)\n{\n  if (x * 7 + 3 == 0x12345679u * 7 + 3)\n    p[0] += 1;\n"
  "  if (p[1] == 0x1234567 && p[2] > x)\n    return 5;\n  p[3] ^= x;\n  return p[3] & 1 ? x : p[1];\n}\n",
  /* A loop's length, and what it meets.  */
  "sig: u64 (p:const-u8 s, u64 n)\nflags: -O1\noriginal:\n"
  "unsigned long f (const unsigned char *s, unsigned long n)\n{\n  unsigned long i, k = 0;\n"
  "  for (i = 0; i < n; i++)\n    {\n      if (s[i] == 0xc3)\n        k += i;\n      if (s[i] == 9 && i > 2)\n"
  "        return i;\n    }\n  return k;\n}\n"
};

static unsigned tests, failures, steered, wanted;

static void
ok (bool well, const char *what)
{
  failures += !well;
  printf ("%sok %u - %s\n", well ? "" : "not ", ++tests, what);
}

static void
steer_all (const char *source)
{
  char message[256], name[] = "steer";
  char *text = strdup (source);
  struct case_unit *unit = case__parse (text, name, NULL, message);
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  struct layout *layout;
  struct image *image;
  struct sandbox *sandbox;
  struct trace trace;
  bool fine = unit && !region__code (unit->region, &code, &why)
              && !object__assemble (arena, code, &object, &why)
              && !object__decode (arena, object, code, &decoded, &why)
              && !layout__new (arena, unit->region, false, &layout, &why)
              && !image__link (arena, unit->region, layout, object, decoded, 0, &image, &why);
  const struct image *images[] = { image };
  ok (fine && !sandbox__open (unit->region, images, 1, NULL, &sandbox, &why), "a function to steer");
  if (!fine)
    return;
  struct state *start = ARENA_NEW (arena, struct state);
  start->machine.mxcsr = 0x1f80;
  start->n_spans = 1;
  start->span[0] = (struct span){ .address = slot__begin (30), .size = 4096, .protection = 3,
                                  .bytes = arena__alloc (arena, 4096) };
  memset (start->span[0].bytes, 0x42, 4096);
  start->machine.gpr[7] = slot__begin (30) + 64;
  start->machine.gpr[6] = 5;
  ok (!sandbox__trace (sandbox, 0, start, 10000, &trace, &why) && trace.complete, "a run to start from");
  for (unsigned i = 0; i < decoded->n_insns; i++)
    for (unsigned taken = 0; taken < 2 && (decoded->insn[i].kind & KIND_BRANCH); taken++)
      {
        struct state *state;
        struct trace after;
        if (!trace.executed[i] || (trace.branch[i] & (taken ? 1 : 2)))
          continue;
        wanted++;
        if (prove__steer (arena, unit->region, layout, image, object, start, i, taken, 2, &state))
          {
            printf ("# no state for way %u of instruction %u\n", taken, i);
            continue;
          }
        if (sandbox__trace (sandbox, 0, state, 10000, &after, &why) == 0)
          {
            bool there = after.branch[i] & (taken ? 1 : 2);
            steered += there;
            if (!there)
              printf ("# way %u of instruction %u isn't taken\n", taken, i);
            trace__free (&after);
          }
      }
  trace__free (&trace);
  sandbox__close (sandbox);
  arena__free (arena);
  case__free (unit);
  free (text);
}

int
main (void)
{
  for (unsigned i = 0; i < sizeof sources / sizeof *sources; i++)
    steer_all (sources[i]);
  printf ("# %u of %u ways reached\n", steered, wanted);
  ok (wanted >= 4 && steered == wanted, "every way that the first run didn't take");
  printf ("1..%u\n", tests);
  return failures != 0;
}
