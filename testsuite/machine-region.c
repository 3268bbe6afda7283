/* Shows that a region survives JSON, that damaged JSON is refused by field, and what the key depends on.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/machine-text.h"

#include "machine/region.h"

#include <cjson/cJSON.h>

/* A region with something in every field.  */
static struct region *
make_region (struct arena *arena)
{
  struct region *region = ARENA_NEW (arena, struct region);
  static const uint8_t bytes[] = { 0, 1, 254, 255 };
  region->arena = arena;
  region->function = "sum";
  region->source_name = "ns::sum(int*)";
  region->file = "a \"b\"\n.c";
  region->line = 7;
  region->last_line = 9;
  region->text = "sum:\n\taddl\t.LC0(%rip), %edi\n\tcall\tputs@PLT\n\tret\n\t.size\tsum, .-sum\n";
  region->n_constants = 1;
  region->constant = ARENA_NEW (arena, struct constant);
  *region->constant = (struct constant){ ".LC0", 4, 4, bytes };
  region->hint = "be quick";
  region->gcc = "gcc";
  region->gcc_version = "12.2.0";
  region->directory = "/tmp";
  region->source = "/tmp/a.c";
  region->language = "c";
  region->n_options = 2;
  region->option = ARENA_ARRAY (arena, const char *, 2);
  region->option[0] = "-O2";
  region->option[1] = "-DX=\"y\"";
  region->isa = ISA_BASELINE;
  region->isa_mode = ISA_MODE_NATIVE;
  region->isa_allowed = ISA_BASELINE | ISA_BIT (AVX2) | ISA_BIT (AVX512VNNI);
  region->cpu = "AuthenticAMD-25-17";
  region->fp = FP_TRAPPING | FP_USES;
  region->strict_aliasing = true;
  region->accept = ACCEPT_BOUNDED;
  region->n_types = 4;
  region->type = ARENA_ARRAY (arena, struct type, 4);
  region->type[0] = (struct type){ .kind = TYPE_VOID, .name = "void" };
  region->type[1] = (struct type){ .kind = TYPE_INTEGER, .name = "int", .size = 4, .align = 4, .is_signed = true };
  region->type[2] = (struct type){ .kind = TYPE_POINTER, .size = 8, .align = 8, .element = 3, .is_restrict = true };
  region->type[3] = (struct type){ .kind = TYPE_STRUCT, .name = "s", .size = UINT64_C (1) << 60, .align = 4, .n_fields = 1,
                                   .field = ARENA_NEW (arena, struct field) };
  *region->type[3].field = (struct field){ "f", 1, 8, 3, 5 };
  region->n_parameters = 1;
  region->parameter = ARENA_NEW (arena, struct value);
  *region->parameter = (struct value){ .name = "p", .type = 2, .n_locations = 1, .location = { { LOCATION_GPR, 7, 0, 8 } } };
  region->result = (struct value){ .type = 1, .n_locations = 1, .location = { { LOCATION_VEC, 0, 0, 4 } }, .by_reference = true };
  region->n_aliases = 1;
  region->alias = ARENA_NEW (arena, struct alias_pair);
  *region->alias = (struct alias_pair){ 0, 1000 };
  region->n_globals = 1;
  region->global = ARENA_NEW (arena, struct global);
  *region->global = (struct global){ "table", 1, 4, 4, true, false, bytes };
  region->n_callees = 1;
  region->callee = ARENA_NEW (arena, struct callee);
  *region->callee = (struct callee){ .name = "puts", .n_arguments = 1, .is_pure = true };
  region->callee->argument[0] = *region->parameter;
  region->needs_cfi = true;
  region->calls = (INT64_C (1) << 60) + 1;
  region->insns_per_call = 12.75;
  region->n_loops = 1;
  region->loop = ARENA_NEW (arena, struct loop);
  *region->loop = (struct loop){ 8, 1, 1e9 / 3, -1 };
  return region;
}

static void
test_round_trip (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  struct region *region = make_region (arena), *again;
  struct why why = { 0 };
  assert_int_equal (region__key (region, &why), 0);
  char *json = region__to_json (region);
  assert_non_null (json);
  assert_null (strchr (json, '\n'));
  if (region__from_json (arena, json, &again, &why) < 0)
    fail_msg ("%s", why.detail);
  char *json_again = region__to_json (again);
  assert_string_equal (json, json_again);
  assert_true (again->calls == region->calls);
  assert_true (again->type[3].size == region->type[3].size);
  assert_true (again->isa_allowed == region->isa_allowed);
  assert_true (again->loop->trips == region->loop->trips);
  assert_memory_equal (again->global->init, region->global->init, 4);
  assert_string_equal (again->file, region->file);
  assert_string_equal (again->key, region->key);
  free (json);
  free (json_again);
  arena__free (arena);
}

/* Every field taken away, or made another type, is noticed.  */
static void
test_damage_is_named (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  struct region *region = make_region (arena), *again;
  struct why why;
  char *json = region__to_json (region);
  cJSON *object = cJSON_Parse (json);
  unsigned fields = 0;
  for (cJSON *item = object->child; item; item = item->next)
    {
      cJSON *copy = cJSON_Duplicate (object, true);
      cJSON_DeleteItemFromObjectCaseSensitive (copy, item->string);
      char *text = cJSON_PrintUnformatted (copy);
      memset (&why, 0, sizeof why);
      if (region__from_json (arena, text, &again, &why) == 0)
        fail_msg ("read without %s", item->string);
      assert_int_equal (why.reason, REASON_SYNTAX);
      assert_non_null (strstr (why.detail, item->string));
      free (text);
      cJSON_AddItemToObject (copy, item->string, cJSON_CreateNumber (-1.5));
      text = cJSON_PrintUnformatted (copy);
      bool is_double = strcmp (item->string, "insns_per_call") == 0;
      assert_int_equal (region__from_json (arena, text, &again, &why), is_double ? 0 : -1);
      free (text);
      cJSON_Delete (copy);
      fields++;
    }
  assert_true (fields > 30);
  cJSON_Delete (object);
  /* Cut anywhere.  */
  size_t length = strlen (json);
  for (size_t i = 0; i < length; i += 7)
    {
      char *cut = strndup (json, i);
      assert_int_equal (region__from_json (arena, cut, &again, &why), -1);
      free (cut);
    }
  static const char *const changes[][2]
    = { { "\"element\":3", "\"element\":4" },       { "\"b\":1000", "\"b\":1001" },
        { "\"number\":7", "\"number\":16" },        { "\"init\":\"0001feff\"", "\"init\":\"0001fe\"" },
        { "\"init\":\"0001feff\"", "\"init\":\"0001fexf\"" }, { "\"kind\":\"struct\"", "\"kind\":\"strukt\"" },
        { "\"schema\":1", "\"schema\":2" },         { "avx2", "avx9" },
        { "\"key\":\"\"", "\"key\":\"00\"" },       { "1152921504606846977", "9999999999999999999" } };
  for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++)
    {
      char *at = strstr (json, changes[i][0]);
      if (!at)
        fail_msg ("no %s in %s", changes[i][0], json);
      char *changed = malloc (length + 64);
      snprintf (changed, length + 64, "%.*s%s%s", (int) (at - json), json, changes[i][1],
                at + strlen (changes[i][0]));
      if (region__from_json (arena, changed, &again, &why) == 0)
        fail_msg ("read with %s", changes[i][1]);
      free (changed);
    }
  free (json);
  arena__free (arena);
}

/* A record can't come with another region's key.  */
static void
test_foreign_key (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  struct region *region = make_region (arena), *again;
  struct why why;
  assert_int_equal (region__key (region, &why), 0);
  region->key[5] = region->key[5] == '0' ? '1' : '0';
  char *json = region__to_json (region);
  assert_int_equal (region__from_json (arena, json, &again, &why), -1);
  assert_non_null (strstr (why.detail, "key"));
  free (json);
  arena__free (arena);
}

/* REGION's key must (SAME) or must not be KEY.  */
static void
check_key (struct region *region, const char *key, bool same, const char *what)
{
  struct why why = { 0 };
  if (region__key (region, &why) < 0)
    fail_msg ("%s: %s", what, why.detail);
  if ((strcmp (region->key, key) == 0) != same)
    fail_msg ("%s %s the key", what, same ? "changes" : "doesn't change");
}

static void
test_what_the_key_depends_on (void **state)
{
  (void) state;
  struct arena *arena = arena__new ();
  struct why why;
  struct region *first = make_region (arena);
  assert_int_equal (region__key (first, &why), 0);
  const char *key = first->key;
  assert_int_equal (strlen (key), 64);
  struct region *r;
#define CHECK(SAME, CHANGE)                                                                         \
  (r = make_region (arena), (void) (CHANGE), check_key (r, key, SAME, #CHANGE))
  CHECK (true, r->line++);
  CHECK (true, r->file = "other.c");
  CHECK (true, r->source_name = "other");
  CHECK (true, r->hint = NULL);
  CHECK (true, r->calls = 1);
  CHECK (true, r->n_loops = 0);
  CHECK (true, r->insns_per_call = 1);
  CHECK (true, r->type[3].name = "t");
  CHECK (true, r->type[3].field->name = "g");
  CHECK (true, r->parameter->name = "q");
  CHECK (true, r->directory = "/");
  CHECK (true, r->n_options = 0);
  CHECK (true, r->text = "sum:\n.LVL0:\n\taddl\t.LC0(%rip), %edi # x\n\t.loc 1 2 3\n\tcall\tputs@PLT\n"
                         "\tret\n\t.size\tsum, .-sum\n");
  CHECK (true, (r->function = "add", r->text = "add:\n\taddl\t.LC0(%rip), %edi\n\tcall\tputs@PLT\n\tret\n"
                                               "\t.size\tadd, .-add\n"));
  CHECK (true, r->constant->bytes = (const uint8_t *) "\0\1\376\377");
  CHECK (false, r->constant->bytes = (const uint8_t *) "\0\1\376\376");
  CHECK (false, r->text = "sum:\n\tsubl\t.LC0(%rip), %edi\n\tcall\tputs@PLT\n\tret\n\t.size\tsum, .-sum\n");
  CHECK (false, r->gcc_version = "12.3.0");
  CHECK (false, r->isa |= ISA_BIT (AVX));
  CHECK (false, r->isa_allowed = ISA_BASELINE);
  CHECK (false, r->isa_mode = ISA_MODE_BUILD);
  CHECK (false, r->cpu = "generic");
  CHECK (false, r->accept = ACCEPT_TESTED);
  CHECK (false, r->fp |= FP_FAST);
  CHECK (false, r->strict_aliasing = false);
  CHECK (false, r->constant_time = true);
  CHECK (false, r->endbr = true);
  CHECK (false, r->needs_cfi = false);
  CHECK (false, r->type[2].is_restrict = false);
  CHECK (false, r->type[3].field->offset = 4);
  CHECK (false, r->type[3].size = 16);
  CHECK (false, r->parameter->is_restrict = true);
  CHECK (false, r->parameter->location[0].number = 6);
  CHECK (false, r->result.location[0].size = 8);
  CHECK (false, r->n_aliases = 0);
  CHECK (false, r->global->size = 3);
  CHECK (false, r->global->readonly = false);
  CHECK (false, r->global->init = NULL);
  CHECK (false, r->global->name = "tables");
  CHECK (false, r->callee->is_noreturn = true);
  CHECK (false, r->callee->n_arguments = 0);
  CHECK (false, r->callee->name = NULL);
#undef CHECK
  arena__free (arena);
}

static void
test_names (void **state)
{
  (void) state;
  enum accept accept;
  enum isa_mode mode;
  assert_int_equal (accept__parse ("bounded", &accept), 0);
  assert_int_equal (accept, ACCEPT_BOUNDED);
  assert_int_equal (accept__parse ("Bounded", &accept), -1);
  assert_int_equal (isa_mode__parse ("dispatch", &mode), 0);
  assert_int_equal (isa_mode__parse (NULL, &mode), -1);
  assert_string_equal (type__name (TYPE_OTHER), "other");
  for (int i = 1; i < REASON_COUNT; i++)
    assert_int_equal (reason__from_slug (reason__slug ((enum reason) i)), i);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_round_trip),
    cmocka_unit_test (test_damage_is_named),
    cmocka_unit_test (test_foreign_key),
    cmocka_unit_test (test_what_the_key_depends_on),
    cmocka_unit_test (test_names),
  };
  return cmocka_run_group_tests_name ("machine-region", tests, NULL, NULL);
}
