/* The prover's process: what comes of it where it has no memory, no time, or is killed; and that it leaves nothing behind.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"

#include "prove/prove.h"

#include <errno.h>
#include <sys/wait.h>

static unsigned tests, failures;

static void
ok (bool well, const char *what)
{
  failures += !well;
  printf ("%sok %u - %s\n", well ? "" : "not ", ++tests, what);
}

struct side_image
{
  struct object *object;
  struct decoded *decoded;
  struct image *image;
};

static bool
make_side (struct arena *arena, const struct case_unit *unit, const struct code *code, const struct layout *layout,
           unsigned slot, struct side_image *side)
{
  struct why why;
  return !object__assemble (arena, code, &side->object, &why)
         && !object__decode (arena, side->object, code, &side->decoded, &why)
         && !image__link (arena, unit->region, layout, side->object, side->decoded, slot, &side->image, &why);
}

/* Proves FIRST and SECOND equal, as far as OPTIONS let it; the result and *WHY.  */
static enum proof_result
prove (const struct case_unit *unit, const struct layout *layout, const struct side_image *first,
       const struct side_image *second, struct proof_options options, struct why *why)
{
  struct proof proof;
  prove__equivalent (unit->region, layout, first->image, first->object, second->image, second->object, &options,
                     &proof);
  enum proof_result result = proof.result;
  *why = proof.why;
  proof__free (&proof);
  return result;
}

int
main (void)
{
  char message[256], name[] = "isolate";
  /* Sums of products in another order: the simplifier does it, Z3 has to be asked for nothing.  */
  char *text = strdup ("sig: u32 (u32 a, u32 b, u32 c)\nflags: -O1\noriginal:\n"
                       "unsigned f (unsigned a, unsigned b, unsigned c)\n{\n  return a * b / 7 + (a ^ c) % 11;\n}\n"
                       "== right otherwise c -O2\n"
                       "unsigned f (unsigned a, unsigned b, unsigned c)\n{\n  unsigned q = b * a / 7;\n"
                       "  return (c ^ a) % 11 + q;\n}\n");
  struct case_unit *unit = case__parse (text, name, NULL, message);
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct code *code = NULL;
  struct layout *layout = NULL;
  struct side_image first, second;
  struct candidate *candidate = unit ? case__candidate (unit, &unit->candidate[0], &why) : NULL;
  bool fine = candidate && !region__code (unit->region, &code, &why)
              && !layout__new (arena, unit->region, false, &layout, &why)
              && make_side (arena, unit, code, layout, 0, &first)
              && make_side (arena, unit, candidate->code, layout, 1, &second);
  ok (fine, "two sides");
  if (fine)
    {
      ok (prove (unit, layout, &first, &second, (struct proof_options) { .seconds = 20 }, &why) == PROOF_PROVED,
          "equal sides are proved equal");
#if defined __SANITIZE_ADDRESS__
      ok (true, "without memory there is no proof # SKIP no limit on memory under ASan");
#else
      ok (prove (unit, layout, &first, &second, (struct proof_options) { .seconds = 20, .memory_bytes = 1 << 16 }, &why)
              == PROOF_UNKNOWN
            && why.reason == REASON_PROOF_FAILED,
          "without memory there is no proof, and a reason");
#endif
      ok (prove (unit, layout, &first, &second, (struct proof_options) { .seconds = 1e-6 }, &why) == PROOF_UNKNOWN
            && why.reason != REASON_NONE,
          "without time there is no proof, and a reason");
      ok (prove (unit, layout, &first, &second, (struct proof_options) { .seconds = 20 }, &why) == PROOF_PROVED,
          "and the next one is proved");
      ok (waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no process is left");
    }
  printf ("1..%u\n", tests);
  candidate__free (candidate);
  case__free (unit);
  arena__free (arena);
  return failures != 0;
}
