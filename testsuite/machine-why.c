/* Every reason has a slug that leads back to it, and says what would help unless it says that a
   candidate is wrong; what it quotes is text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/why.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A difference that was seen: nothing helps but another candidate.  */
static const enum reason wrong[] = {
  REASON_RESULT,         REASON_MEMORY,        REASON_STORE,        REASON_LOAD_FAULT,
  REASON_NO_TRAP,        REASON_CALLEE_SAVED,  REASON_CALLER_FRAME, REASON_CONTROL_STATE,
  REASON_NONTERMINATING, REASON_CALL_SEQUENCE, REASON_STICKY_FLAGS,  REASON_STACK,
};

static void
slugs_lead_back (void **state)
{
  (void)state;
  for (unsigned r = 1; r < REASON_COUNT; r++)
    {
      assert_int_equal (reason__from_slug (reason__slug ((enum reason)r)), r);
      assert_true (strlen (reason__text ((enum reason)r)) > 10);
    }
}

static void
all_say_what_would_help (void **state)
{
  (void)state;
  assert_null (reason__remedy (REASON_NONE));
  assert_null (reason__remedy (REASON_COUNT));
  for (unsigned r = 1; r < REASON_COUNT; r++)
    {
      bool is_wrong = false;
      for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        is_wrong |= wrong[i] == (enum reason)r;
      const char *remedy = reason__remedy ((enum reason)r);
      if (is_wrong ? remedy != NULL : !remedy || strlen (remedy) < 10)
        fail_msg ("%s: %s", reason__slug ((enum reason)r), remedy ? remedy : "nothing would help?");
    }
}

/* Whatever is quoted: one line, UTF-8, no control characters.  */
static void
details_are_text (void **state)
{
  (void)state;
  static const struct { const char *given, *kept; } cases[] = {
    { "a\nb\033[31m\177", "a b [31m " },
    { "h\303\266r \342\200\246 \360\237\231\202", "h\303\266r \342\200\246 \360\237\231\202" },
    { "'\342': cut", "'?': cut" },
    { "\342\200", "??" },
    { "\300\257 \355\240\200 \364\220\200\200 \360\200\200\257", "?? ??? ???? ????" },
    { "\302\233m \377", "  m ?" },
    { "\342\200\256eman \342\201\251 \342\200\250", "   eman        " },
  };
  struct why why;
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      assert_int_equal (why__set (&why, REASON_FORBIDDEN, "%s", cases[i].given), -1);
      assert_string_equal (why.detail, cases[i].kept);
    }
  /* Cut amid its last character.  */
  char text[3 * sizeof why.detail + 1] = "";
  for (unsigned i = 0; i + 3 < sizeof text; i += 3)
    memcpy (text + i, "\342\200\246", 3);
  why__set (&why, REASON_FORBIDDEN, "a%s", text);
  assert_int_equal (strlen (why.detail), sizeof why.detail - 1);
  assert_string_equal (why.detail + sizeof why.detail - 3, (sizeof why.detail - 2) % 3 == 1 ? "\246?" : "??");
}

int
main (void)
{
  const struct CMUnitTest tests[]
      = { cmocka_unit_test (slugs_lead_back), cmocka_unit_test (all_say_what_would_help),
          cmocka_unit_test (details_are_text) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
