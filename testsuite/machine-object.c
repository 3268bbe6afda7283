/* Assembling one function alone, and features of the host.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/isa.h"
#include "machine/object.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct code *
parse (struct arena *arena, const char *text)
{
  struct code *code = NULL;
  struct why why = { 0 };
  if (code__parse (arena, text, strlen (text), "f", NULL, 0, false, &code, &why) < 0)
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  return code;
}

static const char with_data[] = "\t.text\n\t.globl\tf\n\t.type\tf, @function\nf:\n"
                                "\tmovsd\t.LC0(%rip), %xmm0\n"
                                "\tcall\tg@PLT\n"
                                "\tmovl\th(%rip), %eax\n"
                                "\tret\n\t.size\tf, .-f\n"
                                "\t.section\t.rodata\n\t.align 8\n.LC0:\n\t.quad\t0x3ff0000000000000\n";

static void
sections_symbols_relocations (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct object *object;
  assert_int_equal (object__assemble (arena, parse (arena, with_data), &object, &why), 0);
  assert_int_equal (object->n_sections, 2);
  assert_string_equal (object->section[0].name, ".text");
  assert_true (object->section[0].executable);
  assert_false (object->section[0].writable);
  assert_string_equal (object->section[1].name, ".rodata");
  assert_false (object->section[1].executable);
  assert_int_equal (object->section[1].size, 8);
  assert_int_equal (object->section[1].bytes[7], 0x3f);
  assert_string_equal (object->symbol[object->entry].name, "f");
  assert_int_equal (object->symbol[object->entry].section, 0);
  assert_int_equal (object->symbol[object->entry].offset, 0);
  assert_int_equal (object->n_relocs, 3);
  assert_int_equal (object->reloc[0].type, R_X86_64_PC32);
  assert_int_equal (object->symbol[object->reloc[0].symbol].section, 1);
  assert_int_equal (object->reloc[1].type, R_X86_64_PLT32);
  assert_string_equal (object->symbol[object->reloc[1].symbol].name, "g");
  assert_int_equal (object->symbol[object->reloc[1].symbol].section, -1);
  assert_int_equal (object->reloc[1].addend, -4);
  arena__free (arena);
}

static void
the_assemblers_error_is_told (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct object *object;
  struct code *code = parse (arena, "\t.text\n\t.type\tf, @function\nf:\n\tfrobnicate\t%eax\n\tret\n"
                                    "\t.size\tf, .-f\n");
  assert_int_equal (object__assemble (arena, code, &object, &why), -1);
  assert_int_equal (why.reason, REASON_ASSEMBLE);
  assert_non_null (strstr (why.detail, "frobnicate"));
  arena__free (arena);
}

/* An assembler that can't be run says nothing about the text.  */
static void
a_missing_assembler_is_told_apart (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct object *object;
  struct code *code = parse (arena, "\t.text\n\t.type\tf, @function\nf:\n\tret\n\t.size\tf, .-f\n");
  char *path = strdup (getenv ("PATH"));
  setenv ("PATH", "/nonexistent", 1);
  assert_int_equal (object__assemble (arena, code, &object, &why), -1);
  assert_int_equal (why.reason, REASON_ASSEMBLER);

  /* One that is killed, or fails without a word about the text.  */
  char folder[] = "/tmp/aiopt-as-XXXXXX", name[64];
  static const char *const script[] = { "#!/bin/sh\nkill -9 $$\n", "#!/bin/sh\necho 'Fatal error: out of memory'; exit 1\n" };
  assert_non_null (mkdtemp (folder));
  snprintf (name, sizeof name, "%s/as", folder);
  setenv ("PATH", folder, 1);
  for (unsigned i = 0; i < 2; i++)
    {
      FILE *file = fopen (name, "w");
      assert_non_null (file);
      fputs (script[i], file);
      fclose (file);
      assert_int_equal (chmod (name, 0700), 0);
      assert_int_equal (object__assemble (arena, code, &object, &why), -1);
      assert_int_equal (why.reason, REASON_ASSEMBLER);
    }
  unlink (name);
  rmdir (folder);
  setenv ("PATH", path, 1);
  free (path);
  assert_int_equal (object__assemble (arena, code, &object, &why), 0);
  arena__free (arena);
}

static void
features_print_and_parse (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  uint64_t set = 0;
  assert_int_equal (isa__parse ("sse2 avx512bw bmi", &set), 0);
  assert_true (set == (ISA_BIT (SSE2) | ISA_BIT (AVX512BW) | ISA_BIT (BMI1)));
  assert_string_equal (isa__print (arena, set), "sse2 bmi avx512bw");
  assert_int_equal (isa__parse ("", &set), 0);
  assert_true (set == 0);
  assert_int_equal (isa__parse ("sse2 sse9", &set), -1);
  assert_int_equal (isa__parse ("sse", &set), 0);
  assert_true (set == ISA_BIT (SSE));
  for (unsigned i = 0; i < ISA_COUNT; i++)
    {
      assert_int_equal (isa__parse (isa__print (arena, UINT64_C (1) << i), &set), 0);
      assert_true (set == UINT64_C (1) << i);
    }
  arena__free (arena);
}

static void
the_host_agrees_with_the_compiler (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  uint64_t host = isa__host ();
  assert_true ((host & ISA_BASELINE) == ISA_BASELINE);
  __builtin_cpu_init ();
  assert_int_equal (!!(host & ISA_BIT (AVX2)), !!__builtin_cpu_supports ("avx2"));
  assert_int_equal (!!(host & ISA_BIT (AVX512F)), !!__builtin_cpu_supports ("avx512f"));
  assert_int_equal (!!(host & ISA_BIT (BMI2)), !!__builtin_cpu_supports ("bmi2"));
  assert_non_null (strchr (isa__host_cpu (arena), '-'));
  arena__free (arena);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sections_symbols_relocations),
    cmocka_unit_test (the_assemblers_error_is_told),
    cmocka_unit_test (a_missing_assembler_is_told_apart),
    cmocka_unit_test (features_print_and_parse),
    cmocka_unit_test (the_host_agrees_with_the_compiler),
  };
  return cmocka_run_group_tests_name ("machine-object", tests, NULL, NULL);
}
