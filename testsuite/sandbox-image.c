/* An image linked at its fixed address runs there: constants, jump tables, globals, calls.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct bench
{
  struct arena *arena;
  struct region region;
  struct global global[3];
  struct callee callee[2];
  struct layout *layout;
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  struct image *image;
  struct why why;
};

/* A region with globals "counter" (4 bytes), "table" (unknown size) and "handler" (a function), and
   callees "g" and "f", f being the function itself.  */
static void
bench__open (struct bench *bench, bool flush_end)
{
  *bench = (struct bench){ .arena = arena__new () };
  bench->global[0] = (struct global){ .name = "counter", .size = 4, .align = 4 };
  bench->global[1] = (struct global){ .name = "table", .size = -1, .align = 16 };
  bench->global[2] = (struct global){ .name = "handler", .is_function = true };
  bench->callee[0] = (struct callee){ .name = "g" };
  bench->callee[1] = (struct callee){ .name = "f" };
  bench->region.n_globals = 3;
  bench->region.global = bench->global;
  bench->region.n_callees = 2;
  bench->region.callee = bench->callee;
  if (layout__new (bench->arena, &bench->region, flush_end, &bench->layout, &bench->why) < 0)
    fail_msg ("%s", bench->why.detail);
}

static int
bench__link (struct bench *bench, const char *body, unsigned index)
{
  const char *text = arena__printf (
    bench->arena, "\t.text\n\t.globl\tf\n\t.type\tf, @function\nf:\n%s\n\t.size\tf, .-f\n", body);
  if (code__parse (bench->arena, text, strlen (text), "f", NULL, 0, false, &bench->code,
                   &bench->why)
        < 0
      || object__assemble (bench->arena, bench->code, &bench->object, &bench->why) < 0
      || object__decode (bench->arena, bench->object, bench->code, &bench->decoded, &bench->why)
           < 0)
    fail_msg ("%s: %s", reason__slug (bench->why.reason), bench->why.detail);
  return image__link (bench->arena, &bench->region, bench->layout, bench->object, bench->decoded,
                      index, &bench->image, &bench->why);
}

static void *
map (uint64_t address, size_t size)
{
  return mmap ((void *) address, size, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/* Runs the image on ARGUMENT in a process of its own, global "counter" holding 40, all stubs
   answering 1000 + their number's low byte.  The result's low 16 bits come back through a pipe.  */
static unsigned
bench__run (const struct bench *bench, long argument)
{
  int fds[2];
  assert_int_equal (pipe (fds), 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      const struct image *image = bench->image;
      uint8_t *code = map (image->base, image->size);
      uint8_t *stubs = map (SANDBOX_STUB_BASE, 4096);
      uint8_t *slots = map (slot__begin (0), SANDBOX_SLOT_SIZE);
      uint8_t *table = map (slot__begin (1), SANDBOX_SLOT_SIZE);
      if (code == MAP_FAILED || stubs == MAP_FAILED || slots == MAP_FAILED || table == MAP_FAILED)
        _exit (2);
      memcpy (code, image->bytes, image->size);
      int forty = 40, seven = 7;
      memcpy ((void *) bench->layout->global[0], &forty, 4);
      memcpy ((char *) bench->layout->global[1] + 12, &seven, 4);
      for (unsigned c = 0; c < 64; c++)
        {
          uint8_t answer[] = { 0xb8, 0, 0, 0, 0, 0xc3 }; /* mov $1000 + c, %eax; ret */
          unsigned value = 1000 + c;
          memcpy (answer + 1, &value, 4);
          memcpy (stubs + c * 64, answer, sizeof answer);
        }
      if (mprotect (code, image->text_size, PROT_READ | PROT_EXEC) < 0
          || (image->size > image->text_size
              && mprotect (code + image->text_size, image->size - image->text_size, PROT_READ) < 0)
          || mprotect (stubs, 4096, PROT_READ | PROT_EXEC) < 0)
        _exit (3);
      int (*function) (long) = (int (*) (long)) image->entry;
      unsigned result = (unsigned) function (argument);
      _exit (write (fds[1], &result, sizeof result) == sizeof result ? 0 : 4);
    }
  close (fds[1]);
  unsigned result = 0;
  int status;
  ssize_t n = read (fds[0], &result, sizeof result);
  close (fds[0]);
  waitpid (pid, &status, 0);
  if (n != sizeof result)
    fail_msg ("the child ended with status %x", status);
  return result;
}

static void
constants_and_globals (void **state)
{
  (void) state;
  for (unsigned index = 0; index < 2; index++)
    for (unsigned flush = 0; flush < 2; flush++)
      {
        struct bench bench;
        bench__open (&bench, flush);
        if (bench__link (&bench,
                         "\tmovl\tcounter(%rip), %eax\n\taddl\t.LC0(%rip), %eax\n"
                         "\tmovq\ttable@GOTPCREL(%rip), %rcx\n\taddl\t12(%rcx), %eax\n"
                         "\tmovl\t$table, %edx\n\taddl\t12(%rdx), %eax\n"
                         "\tmovl\t$3, %ecx\n\taddl\ttable(,%rcx,4), %eax\n\tret\n"
                         "\t.section\t.rodata\n\t.align 4\n.LC0:\n\t.long\t2\n\t.text",
                         index)
            < 0)
          fail_msg ("%s: %s", reason__slug (bench.why.reason), bench.why.detail);
        assert_int_equal (bench.image->base, SANDBOX_CODE_BASE + index * SANDBOX_CODE_STRIDE);
        assert_int_equal (bench.image->entry, bench.image->base);
        assert_int_equal (bench.image->size, bench.image->text_size + SANDBOX_PAGE);
        assert_int_equal (bench__run (&bench, 0), 40 + 2 + 7 * 3);
        arena__free (bench.arena);
      }
}

static void
jump_tables (void **state)
{
  (void) state;
  static const char *const bodies[] = {
    /* Relative, as with -fPIC; and absolute.  */
    "\tleaq\t.L4(%rip), %rdx\n\tmovslq\t(%rdx,%rdi,4), %rax\n\taddq\t%rdx, %rax\n\tjmp\t*%rax\n"
    ".L1:\n\tmovl\t$11, %eax\n\tret\n.L2:\n\tmovl\t$22, %eax\n\tret\n"
    "\t.section\t.rodata\n\t.align 4\n.L4:\n\t.long\t.L1-.L4\n\t.long\t.L2-.L4\n\t.text",
    "\tjmp\t*.L4(,%rdi,8)\n"
    ".L1:\n\tmovl\t$11, %eax\n\tret\n.L2:\n\tmovl\t$22, %eax\n\tret\n"
    "\t.section\t.rodata\n\t.align 8\n.L4:\n\t.quad\t.L1\n\t.quad\t.L2\n\t.text",
  };
  for (unsigned i = 0; i < 2; i++)
    {
      struct bench bench;
      bench__open (&bench, false);
      if (bench__link (&bench, bodies[i], 1) < 0)
        fail_msg ("%s: %s", reason__slug (bench.why.reason), bench.why.detail);
      assert_int_equal (bench__run (&bench, 0), 11);
      assert_int_equal (bench__run (&bench, 1), 22);
      for (unsigned k = 0; k < bench.decoded->n_insns; k++)
        assert_int_equal (bench.image->address[k], bench.image->base + bench.decoded->insn[k].offset);
      arena__free (bench.arena);
    }
}

static void
calls_lead_to_stubs (void **state)
{
  (void) state;
  static const struct
  {
    const char *body;
    unsigned result;
  } cases[] = {
    { "\tsubq\t$8, %rsp\n\tcall\tg@PLT\n\taddq\t$8, %rsp\n\tret", 1000 },
    { "\tjmp\tg", 1000 },
    { "\tsubq\t$8, %rsp\n\tcall\tf\n\taddq\t$8, %rsp\n\tret", 1001 }, /* recursion */
    { "\tsubq\t$8, %rsp\n\tcall\t*g@GOTPCREL(%rip)\n\taddq\t$8, %rsp\n\tret", 1000 },
    { "\tmovl\t$handler, %eax\n\tjmp\t*%rax", 1002 }, /* after the callees */
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct bench bench;
      bench__open (&bench, false);
      if (bench__link (&bench, cases[i].body, 0) < 0)
        fail_msg ("%s: %s: %s", cases[i].body, reason__slug (bench.why.reason), bench.why.detail);
      assert_int_equal (bench__run (&bench, 0), cases[i].result);
      arena__free (bench.arena);
    }
}

static void
unknown_symbols_are_refused (void **state)
{
  (void) state;
  struct bench bench;
  bench__open (&bench, false);
  assert_int_equal (bench__link (&bench, "\tmovl\tsecret(%rip), %eax\n\tret", 0), -1);
  assert_int_equal (bench.why.reason, REASON_NEW_SYMBOL);
  assert_string_equal (bench.why.detail, "secret");
  assert_int_equal (bench__link (&bench, "\tjmp\tsystem", 0), -1);
  assert_int_equal (bench.why.reason, REASON_NEW_SYMBOL);
  arena__free (bench.arena);

  /* A relocation out of the 32 bits' range, and one of an unknown type.  */
  bench__open (&bench, false);
  assert_int_equal (bench__link (&bench, "\tmovl\tcounter(%rip), %eax\n\tret", 0), 0);
  bench.object->reloc[0].addend = INT64_C (1) << 33;
  assert_int_equal (image__link (bench.arena, &bench.region, bench.layout, bench.object,
                                 bench.decoded, 0, &bench.image, &bench.why),
                    -1);
  assert_int_equal (bench.why.reason, REASON_RELOCATION);
  bench.object->reloc[0].addend = 0;
  bench.object->reloc[0].type = 37;
  assert_int_equal (image__link (bench.arena, &bench.region, bench.layout, bench.object,
                                 bench.decoded, 0, &bench.image, &bench.why),
                    -1);
  assert_int_equal (bench.why.reason, REASON_RELOCATION);
  arena__free (bench.arena);
}

static void
layouts (void **state)
{
  (void) state;
  struct bench bench;
  bench__open (&bench, false);
  /* Aligned to 4, and not to 8.  */
  assert_int_equal (bench.layout->global[0], slot__begin (0) + 4);
  assert_int_equal (bench.layout->global[1], slot__begin (1));
  assert_int_equal (bench.layout->global_size[1], SANDBOX_SLOT_SIZE);
  assert_int_equal (bench.layout->global[2], 0);
  arena__free (bench.arena);

  bench__open (&bench, true);
  assert_int_equal (bench.layout->global[0], slot__begin (0) + SANDBOX_SLOT_SIZE - 4);
  bench.global[0].size = 13;
  bench.global[0].align = 8;
  struct layout *layout;
  assert_int_equal (layout__new (bench.arena, &bench.region, true, &layout, &bench.why), 0);
  assert_int_equal (layout->global[0], slot__begin (0) + SANDBOX_SLOT_SIZE - 16);
  assert_int_equal (layout->global_size[0], 13);
  bench.global[0].size = SANDBOX_SLOT_SIZE + 1;
  assert_int_equal (layout__new (bench.arena, &bench.region, true, &layout, &bench.why), -1);
  assert_int_equal (bench.why.reason, REASON_GLOBAL_SIZE);
  bench.region.n_globals = SANDBOX_GLOBAL_SLOTS + 1;
  assert_int_equal (layout__new (bench.arena, &bench.region, true, &layout, &bench.why), -1);
  arena__free (bench.arena);
}

/* Raised, the same code reaches the same things far above 4 GiB, and nothing can be named in 32 bits.  */
static void
layouts_are_raised (void **state)
{
  (void) state;
  struct bench bench;
  bench__open (&bench, false);
  assert_int_equal (bench__link (&bench, "\tmovl\t$counter, %eax\n\tret", 0), 0);
  assert_true (object__is_absolute (bench.object));
  layout__raise (bench.layout);
  assert_int_equal (bench.layout->global[0], SANDBOX_HIGH + slot__begin (0) + 4);
  assert_int_equal (bench.layout->global[2], 0);
  assert_int_equal (slot__of (bench.layout->global[1]), 1);
  assert_true (slot__holds (bench.layout->global[1], SANDBOX_SLOT_SIZE));
  assert_false (slot__holds (bench.layout->global[1], SANDBOX_SLOT_SIZE + 1));
  assert_int_equal (bench__link (&bench, "\tmovl\t$counter, %eax\n\tret", 0), -1);
  assert_int_equal (bench.why.reason, REASON_RELOCATION);
  assert_int_equal (bench__link (&bench, "\tmovl\tcounter(,%rdi,4), %eax\n\tret", 0), -1);
  assert_int_equal (bench.why.reason, REASON_RELOCATION);
  assert_int_equal (bench__link (&bench, "\tcall\tg@PLT\n\tmovl\tcounter(%rip), %eax\n\tmovq\ttable@GOTPCREL(%rip), %rax\n\tret", 1), 0);
  assert_false (object__is_absolute (bench.object));
  assert_int_equal (bench.image->base, SANDBOX_HIGH + SANDBOX_CODE_BASE + SANDBOX_CODE_STRIDE);
  arena__free (bench.arena);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (constants_and_globals),
    cmocka_unit_test (jump_tables),
    cmocka_unit_test (calls_lead_to_stubs),
    cmocka_unit_test (unknown_symbols_are_refused),
    cmocka_unit_test (layouts),
    cmocka_unit_test (layouts_are_raised),
  };
  return cmocka_run_group_tests_name ("sandbox-image", tests, NULL, NULL);
}
