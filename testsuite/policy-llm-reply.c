/* A model's answer is used whole or not at all: good ones are read, and what is none, however it is made, is refused with a
   reason and leaves nothing behind. SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/llm.h"
#include <stdlib.h>
#include <string.h>

#define CANDIDATE "{\"form\":\"c\",\"code\":\"int f (void) { return 1; }\",\"flags\":[],\"note\":\"n\"}"

static void
refused (const char *text, const char *part)
{
  struct llm_proposal proposal[LLM_PROPOSALS_MAX];
  unsigned n = 77;
  struct why why = { 0 };
  if (llm_reply__parse (text, proposal, &n, &why) != -1)
    fail_msg ("accepted: %.200s", text);
  assert_int_equal (why.reason, REASON_POLICY_REPLY);
  assert_int_equal (n, 0);
  assert_true (why.detail[0] != 0);
  for (const char *p = why.detail; *p; p++)
    assert_true ((unsigned char)*p >= ' ');
  if (!strstr (why.detail, part))
    fail_msg ("'%s' doesn't say '%s': %.100s", why.detail, part, text);
}

static unsigned
accepted (const char *text, struct llm_proposal proposal[LLM_PROPOSALS_MAX])
{
  unsigned n = 77;
  struct why why = { 0 };
  if (llm_reply__parse (text, proposal, &n, &why) != 0)
    fail_msg ("%s: %.200s", why.detail, text);
  return n;
}

static void
free_all (struct llm_proposal *proposal, unsigned n)
{
  while (n--)
    llm_proposal__free (&proposal[n]);
}

static void
good_answers (void **state)
{
  (void)state;
  struct llm_proposal proposal[LLM_PROPOSALS_MAX];
  assert_int_equal (accepted ("{\"candidates\":[]}", proposal), 0);
  unsigned n = accepted ("\n "
                         "{\"candidates\":[{\"note\":\"two\\nlines\\u001b[31m\",\"flags\":[\"-O2\",\"-funroll-loops\"],"
                         "\"code\":\"f:\\n\\tret\\n\",\"form\":\"asm\"}," CANDIDATE "]} \n",
                         proposal);
  assert_int_equal (n, 2);
  assert_int_equal (proposal[0].form, FORM_ASM);
  assert_string_equal (proposal[0].code, "f:\n\tret\n");
  assert_string_equal (proposal[0].note, "two lines?[31m");
  assert_int_equal (proposal[0].n_flags, 2);
  assert_string_equal (proposal[0].flag[1], "-funroll-loops");
  assert_int_equal (proposal[1].form, FORM_C);
  assert_string_equal (proposal[1].code, "int f (void) { return 1; }");
  assert_int_equal (proposal[1].n_flags, 0);
  free_all (proposal, n);
  static const char *const others[] = {
    "```json\n{\"candidates\":[" CANDIDATE "]}\n```",
    "```\n{\"candidates\":[" CANDIDATE "]}\n```\n",
    "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\"}]}",
    "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"note\":null}]}",
    "{\"candidates\":[{\"form\":\"c\",\"code\":\"\\\\u0000 \\u00e9 \xc3\xa9 \\ud83d\\ude00\"}]}",
  };
  for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
    {
      assert_int_equal (accepted (others[i], proposal), 1);
      free_all (proposal, 1);
    }
  n = accepted ("{\"candidates\":[" CANDIDATE "," CANDIDATE "," CANDIDATE "," CANDIDATE "]}", proposal);
  assert_int_equal (n, LLM_PROPOSALS_MAX);
  free_all (proposal, n);
}

static void
hostile_answers (void **state)
{
  (void)state;
  static const struct
  {
    const char *text, *part;
  } answers[] = {
    { "", "empty" },
    { "   \n", "empty" },
    { "I can't help with that.", "no JSON" },
    { "Here it is: {\"candidates\":[]}", "before" },
    { "{\"candidates\":[]} Hope that helps!", "behind" },
    { "{\"candidates\":[]}{\"candidates\":[]}", "behind" },
    { "```json\n{\"candidates\":[]}\n```\nrm -rf /\n```", "behind" },
    { "```sh\n{\"candidates\":[]}\n```", "another language" },
    { "``````", "another language" },
    { "```\n```", "empty" },
    { "[]", "no JSON object" },
    { "null", "no JSON object" },
    { "{}", "not an array" },
    { "{\"candidates\":{}}", "not an array" },
    { "{\"candidates\":[], \"verdict\":\"proved\"}", "unknown key \"verdict\"" },
    { "{\"candidates\":[],\"candidates\":[" CANDIDATE "]}", "twice" },
    { "{\"Candidates\":[]}", "unknown key" },
    { "{\"candidates\":[1]}", "no object" },
    { "{\"candidates\":[" CANDIDATE "," CANDIDATE "," CANDIDATE "," CANDIDATE "," CANDIDATE "]}", "more than four" },
    { "{\"candidates\":[" CANDIDATE ",{\"form\":\"c\"}]}", "\"code\"" },
    { "{\"candidates\":[{\"form\":\"elf\",\"code\":\"x\"}]}", "\"form\"" },
    { "{\"candidates\":[{\"form\":\"C\",\"code\":\"x\"}]}", "\"form\"" },
    { "{\"candidates\":[{\"form\":[\"c\"],\"code\":\"x\"}]}", "\"form\"" },
    { "{\"candidates\":[{\"code\":\"x\"}]}", "\"form\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"\"}]}", "\"code\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":[\"x\"]}]}", "\"code\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"code\":\"y\"}]}", "twice" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"file\":\"../../etc/cron.d/x\"}]}", "unknown key \"file\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"\\u001b[2J\":1}]}", "unknown key \"?[2J\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"a\\u0000b\"}]}", "u0000" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"a\",\"not\\u0000e\":1}]}", "u0000" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"a\xff\"}]}", "UTF-8" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"a\xc0\x80\"}]}", "UTF-8" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"\xed\xa0\x80\"}]}", "UTF-8" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"\\ud800\"}]}", "breaks off" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"a\nb\"}]}", "control" },
    { "{\"candidates\":\x01[]}", "control" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"flags\":\"-O2\"}]}", "\"flags\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"flags\":[7]}]}", "\"flags\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"flags\":[\"\"]}]}", "\"flags\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"note\":{}}]}", "\"note\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\"}", "breaks off" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x", "breaks off" },
    { "{\"candidates\":[[[[[]]]]]}", "deep" },
    { "{'candidates':[]}", "breaks off" },
  };
  for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++)
    refused (answers[i].text, answers[i].part);
}

/* TEXT N times between BEFORE and AFTER, malloc'ed.  */
static char *
repeated (const char *before, const char *text, size_t n, const char *after)
{
  size_t length = strlen (text), at = strlen (before);
  char *whole = malloc (at + n * length + strlen (after) + 1);
  assert_non_null (whole);
  strcpy (whole, before);
  for (; n--; at += length)
    memcpy (whole + at, text, length);
  strcpy (whole + at, after);
  return whole;
}

static void
large_answers (void **state)
{
  (void)state;
  static const struct
  {
    const char *before, *text;
    size_t n;
    const char *after, *part;
  } large[] = {
    { "", "[", 1000000, "", "no JSON" },
    { "{\"candidates\":", "[", 1000000, "", "deep" },
    { "{\"candidates\":", "{\"a\":", 200000, "", "deep" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"", "x", LLM_CODE_MAX + 1, "\"}]}", "256 KiB" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"", "x", 50 << 20, "\"}]}", "too large" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"flags\":[\"-O2\"", ",\"-O2\"", 32, "]}]}", "\"flags\"" },
    { "{\"candidates\":[{\"form\":\"c\",\"code\":\"x\",\"flags\":[\"-f", "x", 99, "\"]}]}", "\"flags\"" },
    { "{\"candidates\":[1", ",1", 5000, "]}", "too many" },
    { "{\"candidates\":[{\"", "k", 100000, "\":1}]}", "unknown key" },
  };
  for (unsigned i = 0; i < sizeof large / sizeof *large; i++)
    {
      char *text = repeated (large[i].before, large[i].text, large[i].n, large[i].after);
      refused (text, large[i].part);
      free (text);
    }
  struct llm_proposal proposal[LLM_PROPOSALS_MAX];
  char *text = repeated ("{\"candidates\":[{\"form\":\"c\",\"code\":\"", "x", LLM_CODE_MAX, "\"}]}");
  assert_int_equal (accepted (text, proposal), 1);
  assert_int_equal (strlen (proposal[0].code), LLM_CODE_MAX);
  free_all (proposal, 1);
  free (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (good_answers),
    cmocka_unit_test (hostile_answers),
    cmocka_unit_test (large_answers),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
