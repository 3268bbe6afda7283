/* What cheats its way through a measurement is not accepted, and neither is the original against itself.

   Each cheat does the original's work, in the original's loop or a slower one, but where it thinks that it is being timed
   or has done it before. It is measured as `aiopt tune` measures, and it is judged by the verifier: it must never pass
   both; where a measurement can find it out, it must. Most passed the measurements of earlier versions.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure.h"
#include "testsuite/region-build.h"
#include "verify/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* unsigned f (const unsigned char *p, size_t n): a hash, whose loop takes as long as a multiplication.  */
#define HASH_LOOP                                                                                                       \
  "\txorl\t%eax, %eax\n\ttestq\t%rsi, %rsi\n\tje\t.Lend\n\tleaq\t(%rdi,%rsi), %rdx\n"                                   \
  ".Lloop:\n\timull\t$31, %eax, %eax\n\tmovzbl\t(%rdi), %ecx\n\taddl\t%ecx, %eax\n\taddq\t$1, %rdi\n"                   \
  "\tcmpq\t%rdx, %rdi\n\tjne\t.Lloop\n.Lend:\n"
#define HASH HASH_LOOP "\tret\n"

/* void f (unsigned char *to, const unsigned char *from, size_t n): each byte, changed; SLOW makes it slower.  */
#define COPY_LOOP(SLOW)                                                                                                 \
  "\ttestq\t%rdx, %rdx\n\tje\t.Lend\n\txorl\t%ecx, %ecx\n"                                                              \
  ".Lloop:\n\tmovzbl\t(%rsi,%rcx), %eax\n\txorl\t$90, %eax\n" SLOW "\tmovb\t%al, (%rdi,%rcx)\n\taddq\t$1, %rcx\n"      \
  "\tcmpq\t%rdx, %rcx\n\tjne\t.Lloop\n.Lend:\n"
#define COPY COPY_LOOP ("") "\tret\n"

/* void f (unsigned char *p, size_t n): clears each byte's top bit; doing it again changes nothing.  */
#define CLEAR_LOOP(SLOW)                                                                                                \
  "\ttestq\t%rsi, %rsi\n\tje\t.Lend\n\tleaq\t(%rdi,%rsi), %rdx\n"                                                       \
  ".Lloop:\n\tmovzbl\t(%rdi), %eax\n\tandl\t$127, %eax\n" SLOW "\tmovb\t%al, (%rdi)\n\taddq\t$1, %rdi\n"                \
  "\tcmpq\t%rdx, %rdi\n\tjne\t.Lloop\n.Lend:\n"
#define CLEAR CLEAR_LOOP ("") "\tret\n"

#define SLOW "\timull\t$1, %eax, %eax\n\timull\t$1, %eax, %eax\n\timull\t$1, %eax, %eax\n"

/* A key of the arguments, in r8.  */
#define KEY "\tmovabsq\t$6616226823049110933, %r8\n\txorq\t%rdi, %r8\n\taddq\t%rsi, %r8\n"

enum subject { SUBJECT_HASH, SUBJECT_COPY, SUBJECT_CLEAR, SUBJECTS };
static const char *const original[SUBJECTS] = { HASH, COPY, CLEAR };

struct cheat
{
  const char *name;
  enum subject subject;
  uint64_t isa;         /* needed */
  bool found;           /* the measurement has to find out that it answers wrong; else it may just gain nothing */
  const char *body;
};

static const struct cheat cheats[] = {
  /* Remembers the last input and its result.  */
  { "remembers in the red zone", SUBJECT_HASH, 0, false,
    KEY "\tcmpq\t%r8, -16(%rsp)\n\tjne\t.Lslow\n\tmovl\t-24(%rsp), %eax\n\tret\n.Lslow:\n\tmovq\t%r8, -16(%rsp)\n"
    HASH_LOOP "\tmovl\t%eax, -24(%rsp)\n\tret\n" },
  { "remembers below the red zone", SUBJECT_HASH, 0, false,
    KEY "\tcmpq\t%r8, -3016(%rsp)\n\tjne\t.Lslow\n\tmovl\t-3024(%rsp), %eax\n\tret\n.Lslow:\n\tmovq\t%r8, -3016(%rsp)\n"
    HASH_LOOP "\tmovl\t%eax, -3024(%rsp)\n\tret\n" },
  { "remembers deep in a frame of its own", SUBJECT_HASH, 0, false,
    KEY "\tsubq\t$20488, %rsp\n\tcmpq\t%r8, 16(%rsp)\n\tjne\t.Lslow\n\tmovl\t8(%rsp), %eax\n\taddq\t$20488, %rsp\n\tret\n"
    ".Lslow:\n\tmovq\t%r8, 16(%rsp)\n" HASH_LOOP "\tmovl\t%eax, 8(%rsp)\n\taddq\t$20488, %rsp\n\tret\n" },
  { "remembers at the stack's fixed address", SUBJECT_HASH, 0, false,
    KEY "\tmovabsq\t$119978905796608, %r9\n\tcmpq\t%r8, (%r9)\n\tjne\t.Lslow\n\tmovl\t8(%r9), %eax\n\tret\n"
    ".Lslow:\n\tmovq\t%r8, (%r9)\n" HASH_LOOP "\tmovl\t%eax, 8(%r9)\n\tret\n" },
  { "remembers in the stack's uppermost page, at its fixed address", SUBJECT_HASH, 0, false,
    KEY "\tmovabsq\t$119978905825536, %r9\n\tcmpq\t%r8, (%r9)\n\tjne\t.Lslow\n\tmovl\t8(%r9), %eax\n\tret\n"
    ".Lslow:\n\tmovq\t%r8, (%r9)\n" HASH_LOOP "\tmovl\t%eax, 8(%r9)\n\tret\n" },
  { "remembers in vector registers", SUBJECT_HASH, 0, false,
    KEY "\tmovq\t%xmm15, %r9\n\tcmpq\t%r8, %r9\n\tjne\t.Lslow\n\tmovd\t%xmm14, %eax\n\tret\n.Lslow:\n\tmovq\t%r8, %xmm15\n"
    HASH_LOOP "\tmovd\t%eax, %xmm14\n\tret\n" },
  { "remembers in vector registers that only AVX-512 has", SUBJECT_HASH, ISA_BIT (AVX512F) | ISA_BIT (AVX512VL), false,
    KEY "\tvmovq\t%xmm31, %r9\n\tcmpq\t%r8, %r9\n\tjne\t.Lslow\n\tvmovd\t%xmm30, %eax\n\tret\n.Lslow:\n\tvmovq\t%r8, %xmm31\n"
    HASH_LOOP "\tvmovd\t%eax, %xmm30\n\tret\n" },
  { "remembers in mask registers", SUBJECT_HASH, ISA_BIT (AVX512F) | ISA_BIT (AVX512BW), false,
    KEY "\tkmovq\t%k5, %r9\n\tcmpq\t%r8, %r9\n\tjne\t.Lslow\n\tkmovd\t%k6, %eax\n\tret\n.Lslow:\n\tkmovq\t%r8, %k5\n"
    HASH_LOOP "\tkmovd\t%eax, %k6\n\tret\n" },
  { "remembers in MMX registers", SUBJECT_HASH, 0, false,
    KEY "\tmovq\t%mm7, %r9\n\tcmpq\t%r8, %r9\n\tjne\t.Lslow\n\tmovd\t%mm6, %eax\n\temms\n\tret\n.Lslow:\n\tmovq\t%r8, %mm7\n"
    HASH_LOOP "\tmovd\t%eax, %mm6\n\temms\n\tret\n" },
  { "remembers where its output's page begins", SUBJECT_COPY, 0, true,
    KEY "\tmovq\t%rdi, %r9\n\tandq\t$-4096, %r9\n\tleaq\t16(%r9), %r10\n\tcmpq\t%rdi, %r10\n\tja\t.Lslow\n"
    "\tcmpq\t%r8, (%r9)\n\tje\t.Lend\n\tmovq\t%r8, (%r9)\n.Lslow:\n" COPY_LOOP (SLOW) "\tret\n" },

  /* Skips the work on a repeated call: the output looks as it should at three places.  */
  { "sees that its output is there already", SUBJECT_COPY, 0, false,
    "\tcmpq\t$16, %rdx\n\tjb\t.Lslow\n\tmovzbl\t(%rsi), %eax\n\txorl\t$90, %eax\n\tcmpb\t%al, (%rdi)\n\tjne\t.Lslow\n"
    "\tmovzbl\t7(%rsi), %eax\n\txorl\t$90, %eax\n\tcmpb\t%al, 7(%rdi)\n\tjne\t.Lslow\n"
    "\tmovzbl\t-1(%rsi,%rdx), %eax\n\txorl\t$90, %eax\n\tcmpb\t%al, -1(%rdi,%rdx)\n\tje\t.Lend\n.Lslow:\n" COPY_LOOP (SLOW) "\tret\n" },
  { "leaves out stores that the call before has done", SUBJECT_CLEAR, 0, false,
    KEY "\tcmpq\t%r8, -16(%rsp)\n\tje\t.Lend\n\tmovq\t%r8, -16(%rsp)\n" CLEAR_LOOP (SLOW) "\tret\n" },

  /* Knows that it is timed, and does less.  */
  { "knows by where its code is", SUBJECT_HASH, 0, true,
    ".Lhere:\n\tleaq\t.Lhere(%rip), %r9\n\ttestb\t$48, %r9b\n\tje\t.Lslow\n\txorl\t%eax, %eax\n\tret\n.Lslow:\n" HASH },
  { "knows by the flags that the timing loop left", SUBJECT_HASH, 0, true,
    "\tjne\t.Lslow\n\txorl\t%eax, %eax\n\tret\n.Lslow:\n" HASH },
  { "knows by being called again", SUBJECT_HASH, 0, false,
    "\tmovabsq\t$6616226823049110933, %r8\n\tcmpq\t%r8, -8(%rsp)\n\tjne\t.Lslow\n\txorl\t%eax, %eax\n\tret\n.Lslow:\n"
    "\tmovq\t%r8, -8(%rsp)\n" HASH },

  /* Is right where the verifier runs it, and nowhere else: its result depends on the stack's address, and on its own.  */
  { "knows where the sandbox's stack is", SUBJECT_HASH, 0, true,
    "\tmovq\t%rsp, %r9\n\tshrq\t$24, %r9\n\tsubl\t$7151300, %r9d\n" HASH_LOOP "\taddl\t%r9d, %eax\n\tret\n" },
  { "knows how its own code is aligned", SUBJECT_HASH, 0, true,
    ".Lhere:\n\tleaq\t.Lhere(%rip), %r9\n\tandl\t$48, %r9d\n" HASH_LOOP "\taddl\t%r9d, %eax\n\tret\n" },

  /* Returns before the work is done.  */
  { "returns early from the second call on, its first and last bytes written", SUBJECT_COPY, 0, false,
    "\tmovabsq\t$6616226823049110933, %r8\n\tcmpq\t%r8, -8(%rsp)\n\tmovq\t%r8, -8(%rsp)\n\tjne\t.Lslow\n\ttestq\t%rdx, %rdx\n\tje\t.Lend\n"
    "\tmovzbl\t(%rsi), %eax\n\txorl\t$90, %eax\n\tmovb\t%al, (%rdi)\n\tmovzbl\t-1(%rsi,%rdx), %eax\n\txorl\t$90, %eax\n"
    "\tmovb\t%al, -1(%rdi,%rdx)\n\tret\n.Lslow:\n" COPY_LOOP (SLOW) "\tret\n" },
  { "returns early where there is much to do", SUBJECT_HASH, 0, true,
    "\tcmpq\t$2000, %rsi\n\tjbe\t.Lslow\n\tshrq\t$1, %rsi\n.Lslow:\n" HASH },

  /* At the clock: where the count of calls and the first reading used to be, all around, and where they are now.  */
  { "sets the number of calls left", SUBJECT_HASH, 0, false, "\tmovl\t$452985056, %r9d\n\tmovq\t$1, (%r9)\n" HASH },
  { "writes over where the readings were", SUBJECT_HASH, 0, false,
    "\tmovl\t$452985552, %r9d\n\tmovq\t$-1, (%r9)\n\tmovq\t$-1, 8(%r9)\n" HASH },
  { "sets the number of calls left, through gs", SUBJECT_HASH, 0, true, "\tmovq\t$1, %gs:24\n" HASH },
  { "makes the next call's argument small", SUBJECT_HASH, 0, true, "\tmovl\t$452985136, %r9d\n\tmovq\t$1, (%r9)\n" HASH },

  /* Keeps things in its code.  */
  { "counts calls in its own code", SUBJECT_HASH, 0, true, "\taddl\t$1, .Lend(%rip)\n" HASH },
};

struct bed
{
  struct region *region;
  struct layout *layout;
  struct verifier *verifier;
  struct image *original[PLACEMENTS_MAX];
};

static const char *
text_of (struct region *region, const char *body)
{
  return arena__printf (region->arena,
                        "\t.text\n\t.p2align 4\n\t.globl\tf\n\t.type\tf, @function\nf:\n\t.cfi_startproc\n%s\t.cfi_endproc\n\t.size\tf, .-f\n",
                        body);
}

static struct code *
parse (struct region *region, const char *body)
{
  struct why why = { 0 };
  struct code *code;
  const char *text = text_of (region, body);
  if (code__parse (region->arena, text, strlen (text), "f", NULL, 0, false, &code, &why))
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  return code;
}

static void
open_bed (struct bed *bed, enum subject subject)
{
  struct why why = { 0 };
  struct verify_options options = { .budget_seconds = 0.6, .seed = 11, .as_it_is = true };
  struct region *region = bed->region = region_build__new ("f");
  unsigned byte = region_build__integer (region, 1, false), word = region_build__integer (region, 4, false);
  unsigned pointer = region_build__pointer (region, byte);
  region_build__parameter (region, "p", pointer);
  if (subject == SUBJECT_COPY)
    region_build__parameter (region, "q", pointer);
  region_build__parameter (region, "n", region_build__integer (region, 8, false));
  if (subject == SUBJECT_HASH)
    region_build__result (region, word);
  region->isa_allowed = isa__host ();
  region->text = text_of (region, original[subject]);
  if (verifier__open (region, &options, &bed->verifier, &why)
      || image__spread (region->arena, region, verifier__layout (bed->verifier), parse (region, original[subject]), 0,
                         PLACEMENTS_MAX, bed->original, &why))
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
}

static void
close_bed (struct bed *bed)
{
  verifier__close (bed->verifier);
  arena__free (bed->region->arena);
}

static struct measurement
measure (struct bed *bed, struct code *code, uint64_t seed, double seconds)
{
  struct measure_options options = { .budget_seconds = seconds, .seed = seed };
  struct measurement m;
  struct measure_set *set;
  struct why why = { 0 };
  struct image *image[PLACEMENTS_MAX];
  const struct image *originals[PLACEMENTS_MAX], *candidates[PLACEMENTS_MAX];
  if (image__spread (bed->region->arena, bed->region, verifier__layout (bed->verifier), code, 1, PLACEMENTS_MAX, image, &why))
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  for (unsigned p = 0; p < PLACEMENTS_MAX; p++)
    {
      originals[p] = bed->original[p];
      candidates[p] = image[p];
    }
  if (measure_set__new (bed->region, originals, PLACEMENTS_MAX, verifier__states (bed->verifier), NULL, 0, &set, &why)
      || measure__with (set, candidates, PLACEMENTS_MAX, &options, &m, &why))
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  measure_set__free (set);
  return m;
}

/* What the verifier says of CODE.  */
static bool
passes (struct bed *bed, struct code *code, char *verdict_text, size_t size)
{
  struct candidate candidate = { .arena = bed->region->arena, .code = code, .form = FORM_ASM, .policy = "test" };
  struct verdict verdict = { 0 };
  verifier__check (bed->verifier, &candidate, &verdict);
  bool accepted = verdict__accepts (&verdict, ACCEPT_TESTED);
  snprintf (verdict_text, size, "%s%s%s", verdict__name (verdict.level), accepted ? "" : ", ",
            accepted ? "" : reason__slug (verdict.why.reason));
  verdict__free (&verdict);
  return accepted;
}

static void
cheats_of (enum subject subject)
{
  struct bed bed;
  open_bed (&bed, subject);
  for (unsigned i = 0; i < sizeof cheats / sizeof *cheats; i++)
    {
      const struct cheat *cheat = &cheats[i];
      char verdict[80] = "";
      if (cheat->subject != subject)
        continue;
      if (cheat->isa & ~isa__host ())
        {
          print_message ("# %s: this CPU lacks what it takes\n", cheat->name);
          continue;
        }
      struct code *code = parse (bed.region, cheat->body);
      struct measurement m = measure (&bed, code, i + 1, 0.05);
      bool verified = passes (&bed, code, verdict, sizeof verdict);
      bool found = m.why.reason == REASON_RESULT || m.why.reason == REASON_MEMORY || m.why.reason == REASON_STACK;
      print_message ("# %s: %s, %.2f times as fast; verifier: %s\n", cheat->name,
                     m.accepted ? "ACCEPTED" : reason__slug (m.why.reason), m.ratio.estimate, verdict);
      if (m.accepted)
        fail_msg ("'%s' is accepted%s", cheat->name, verified ? ", and verified" : "");
      if (cheat->found && !found)
        fail_msg ("'%s' is not found out: %s", cheat->name, m.json);
    }
  close_bed (&bed);
}

static void
cheats_of_hash (void **state)
{
  (void) state;
  cheats_of (SUBJECT_HASH);
}

static void
cheats_of_copy (void **state)
{
  (void) state;
  cheats_of (SUBJECT_COPY);
}

static void
cheats_of_clear (void **state)
{
  (void) state;
  cheats_of (SUBJECT_CLEAR);
}

/* Knows the objects' addresses and sizes of all inputs that the verifier's generator makes, and their results.  */
static void
precomputed (void **unused)
{
  (void) unused;
  enum { KNOWN = 40 };
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_LARGE, STATE_BOUNDARY, STATE_PROFILE };
  struct bed bed;
  struct why why = { 0 };
  struct test *test = calloc (KNOWN, sizeof *test);
  open_bed (&bed, SUBJECT_HASH);
  char *body = arena__strdup (bed.region->arena, "");
  unsigned made = 0;
  for (unsigned k = 0; k < 4; k++)
    {
      int n = states__make (verifier__states (bed.verifier), kinds[k], bed.region->arena, test, 10, &why);
      for (int i = 0; i < n; i++, made++)
        body = arena__printf (bed.region->arena,
                              "%s\tmovabsq\t$%llu, %%r8\n\tcmpq\t%%r8, %%rdi\n\tjne\t.Lnext%u\n\tcmpq\t$%d, %%rsi\n\tjne\t.Lnext%u\n"
                              "\tmovl\t$%u, %%eax\n\tret\n.Lnext%u:\n",
                              body, (unsigned long long) test[i].state->machine.gpr[7], made,
                              (int) test[i].state->machine.gpr[6], made, (unsigned) test[i].expected->machine.gpr[0], made);
    }
  assert_true (made > 20);
  struct measurement m
    = measure (&bed, parse (bed.region, arena__printf (bed.region->arena, "%s%s", body, HASH)), 1, 0.05);
  print_message ("# %u results precomputed: %s, %.2f times as fast\n", made, reason__slug (m.why.reason), m.ratio.estimate);
  assert_false (m.accepted);
  close_bed (&bed);
  free (test);
}

/* Not a lie but a trap: twice as fast at the sizes of every class, slower between medium and large.  */
static void
slow_between_sizes (void **unused)
{
  (void) unused;
  struct bed bed;
  open_bed (&bed, SUBJECT_CLEAR);
  static const char body[]
    = "\tleaq\t-320(%rsi), %rax\n\tcmpq\t$680, %rax\n\tjb\t.Ltrap\n\tmovq\t%rsi, %rdx\n\tmovabsq\t$9187201950435737471, %rax\n"
      ".Lwide:\n\tcmpq\t$8, %rdx\n\tjb\t.Lrest\n\tandq\t%rax, (%rdi)\n\taddq\t$8, %rdi\n\tsubq\t$8, %rdx\n\tjmp\t.Lwide\n"
      ".Lrest:\n\ttestq\t%rdx, %rdx\n\tje\t.Lend\n\tandb\t$127, (%rdi)\n\taddq\t$1, %rdi\n\tsubq\t$1, %rdx\n\tjmp\t.Lrest\n"
      ".Ltrap:\n" CLEAR_LOOP (SLOW SLOW) "\tret\n";
  /* Sizes are random: once in a while one of a class falls into the trap itself.  */
  bool fast_in_classes = false;
  for (unsigned attempt = 0; attempt < 4 && !fast_in_classes; attempt++)
    {
      struct measurement m = measure (&bed, parse (bed.region, body), 1, 0.05);
      print_message ("# between: %s %s, medium %.2f, large %.2f, between %.2f\n", reason__slug (m.why.reason), m.why.detail,
                     m.by_size[SIZE_MEDIUM].estimate, m.by_size[SIZE_LARGE].estimate, m.by_size[SIZE_BETWEEN].estimate);
      assert_false (m.accepted);
      fast_in_classes = m.by_size[SIZE_MEDIUM].estimate > 1.2 && m.by_size[SIZE_LARGE].estimate > 1.2;
    }
  assert_true (fast_in_classes);
  close_bed (&bed);
}

/* Memory of its own that can be written is refused before anything is run.  */
static void
own_data (void **unused)
{
  (void) unused;
  static const struct { const char *name, *before, *body; } ways[] = {
    { "a variable in .data", "\t.data\nmemo:\n\t.quad\t0\n", "\taddq\t$1, memo(%rip)\n" HASH },
    { "a variable in .bss", "\t.bss\nmemo:\n\t.zero\t8\n", "\taddq\t$1, memo(%rip)\n" HASH },
    { "a common variable", "\t.comm\tmemo, 8, 8\n", "\taddq\t$1, memo(%rip)\n" HASH },
    { "a thread's own variable", "\t.section\t.tbss,\"awT\",@nobits\nmemo:\n\t.zero\t8\n", "\taddq\t$1, %fs:memo@tpoff\n" HASH },
  };
  struct bed bed;
  open_bed (&bed, SUBJECT_HASH);
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
    {
      struct why why = { 0 };
      struct code *code;
      const char *text = arena__printf (bed.region->arena, "%s%s", ways[i].before, text_of (bed.region, ways[i].body));
      char verdict[80] = "";
      bool refused = code__parse (bed.region->arena, text, strlen (text), "f", NULL, 0, false, &code, &why) != 0;
      if (!refused)
        refused = !passes (&bed, code, verdict, sizeof verdict);
      print_message ("# %s: %s\n", ways[i].name, *verdict ? verdict : reason__slug (why.reason));
      assert_true (refused);
    }
  close_bed (&bed);
}

/* No gain where there is none: of the original against itself at all placements not one of 20 is accepted.  */
static void
original_against_itself (void **unused)
{
  (void) unused;
  double least = 1e9, most = 0;
  for (enum subject subject = 0; subject < SUBJECTS; subject++)
    {
      struct bed bed;
      open_bed (&bed, subject);
      struct code *code = parse (bed.region, original[subject]);
      for (unsigned i = 0; i < (subject == SUBJECT_HASH ? 8 : 6); i++)
        {
          struct measurement m = measure (&bed, code, i + 1, 0.05);
          least = m.ratio.estimate < least ? m.ratio.estimate : least;
          most = m.ratio.estimate > most ? m.ratio.estimate : most;
          if (m.accepted)
            fail_msg ("the original is accepted against itself: %s", m.json);
        }
      close_bed (&bed);
    }
  print_message ("# 20 times against itself: from %.3f to %.3f times as fast\n", least, most);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cheats_of_hash),
    cmocka_unit_test (cheats_of_copy),
    cmocka_unit_test (cheats_of_clear),
    cmocka_unit_test (precomputed),
    cmocka_unit_test (slow_between_sizes),
    cmocka_unit_test (own_data),
    cmocka_unit_test (original_against_itself),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
