/* The key: a digest over everything on which it depends whether a rewrite is right and good.
   What is digested is a text in which every item is named and every string carries its length, so
   that no two records give the same text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-text.h"
#include "machine/region.h"

#include <sodium.h>

static void
put__number (struct buffer *buffer, const char *name, int64_t number)
{
  buffer__str (buffer, name);
  buffer__add (buffer, "=", 1);
  buffer__number (buffer, number);
  buffer__add (buffer, "\n", 1);
}

static void
put__bytes (struct buffer *buffer, const char *name, const void *bytes, size_t size)
{
  put__number (buffer, name, bytes ? (int64_t) size : -1);
  if (bytes)
    buffer__add (buffer, bytes, size);
  buffer__add (buffer, "\n", 1);
}

static void
put__string (struct buffer *buffer, const char *name, const char *text)
{
  put__bytes (buffer, name, text, text ? strlen (text) : 0);
}

static void
put__value (struct buffer *buffer, const struct value *value)
{
  put__number (buffer, "value", value->type);
  put__number (buffer, "restrict", value->is_restrict);
  put__number (buffer, "reference", value->by_reference);
  put__number (buffer, "locations", value->n_locations);
  for (unsigned i = 0; i < value->n_locations; i++)
    {
      const struct location *location = &value->location[i];
      put__number (buffer, "kind", location->kind);
      put__number (buffer, "number", location->number);
      put__number (buffer, "offset", location->offset);
      put__number (buffer, "size", location->size);
    }
}

static void
put__type (struct buffer *buffer, const struct type *type)
{
  put__number (buffer, "type", type->kind);
  put__number (buffer, "size", (int64_t) type->size);
  put__number (buffer, "align", type->align);
  put__number (buffer, "is",
               type->is_signed | type->is_const << 1 | type->is_volatile << 2
                 | type->is_restrict << 3 | type->x87 << 4);
  put__number (buffer, "element", type->element);
  put__number (buffer, "count", (int64_t) type->count);
  put__number (buffer, "fields", type->n_fields);
  for (unsigned i = 0; i < type->n_fields; i++)
    {
      const struct field *field = &type->field[i];
      put__number (buffer, "of", field->type);
      put__number (buffer, "at", (int64_t) field->offset);
      put__number (buffer, "bit", field->bit);
      put__number (buffer, "bits", field->bits);
    }
}

static void
put__callee (struct buffer *buffer, const struct callee *callee)
{
  put__string (buffer, "callee", callee->name);
  put__number (buffer, "type", callee->type);
  put__number (buffer, "is",
               callee->is_noreturn | callee->is_pure << 1 | callee->is_const << 2
                 | callee->is_varargs << 3 | callee->has_stack_arguments << 4
                 | callee->is_ipa_ra << 5 | callee->is_tail << 6);
  put__value (buffer, &callee->result);
  put__number (buffer, "arguments", callee->n_arguments);
  for (unsigned i = 0; i < callee->n_arguments; i++)
    put__value (buffer, &callee->argument[i]);
}

static void
put__contract (struct buffer *buffer, const struct region *region)
{
  put__number (buffer, "types", region->n_types);
  for (unsigned i = 0; i < region->n_types; i++)
    put__type (buffer, &region->type[i]);
  put__number (buffer, "parameters", region->n_parameters);
  for (unsigned i = 0; i < region->n_parameters; i++)
    put__value (buffer, &region->parameter[i]);
  put__value (buffer, &region->result);
  put__number (buffer, "aliases", region->n_aliases);
  for (unsigned i = 0; i < region->n_aliases; i++)
    {
      put__number (buffer, "a", region->alias[i].a);
      put__number (buffer, "b", region->alias[i].b);
    }
  put__number (buffer, "globals", region->n_globals);
  for (unsigned i = 0; i < region->n_globals; i++)
    {
      const struct global *global = &region->global[i];
      put__string (buffer, "global", global->name);
      put__number (buffer, "type", global->type);
      put__number (buffer, "size", global->size);
      put__number (buffer, "align", global->align);
      put__number (buffer, "is", global->readonly | global->is_function << 1);
      put__bytes (buffer, "init", global->init, global->size > 0 ? (size_t) global->size : 0);
    }
  put__number (buffer, "callees", region->n_callees);
  for (unsigned i = 0; i < region->n_callees; i++)
    put__callee (buffer, &region->callee[i]);
  put__number (buffer, "flags",
               region->endbr | region->needs_cfi << 1 | region->preserves_all << 2
                 | region->constant_time << 3 | region->strict_aliasing << 4);
  put__number (buffer, "fp", region->fp);
}

int
region__key (struct region *region, struct why *why)
{
  region->key[0] = '\0';
  struct code *code;
  if (region__code (region, &code, why) < 0)
    return -1;
  struct buffer buffer = { .arena = arena__new () };
  put__number (&buffer, "schema", REGION_SCHEMA);
  put__string (&buffer, "verifier", VERIFIER_VERSION);
  put__string (&buffer, "gcc", region->gcc_version);
  put__string (&buffer, "isa", isa__print (buffer.arena, region->isa));
  put__string (&buffer, "allowed", isa__print (buffer.arena, region->isa_allowed));
  put__string (&buffer, "mode", isa_mode__name (region->isa_mode));
  put__string (&buffer, "cpu", region->cpu);
  put__string (&buffer, "accept", accept__name (region->accept));
  put__contract (&buffer, region);
  put__string (&buffer, "code", code__canonical (code));

  uint8_t digest[32];
  char key[2 * sizeof digest + 1];
  bool hashed = sodium_init () >= 0
                && crypto_generichash (digest, sizeof digest, (const uint8_t *) buffer.text,
                                       buffer.length, NULL, 0)
                     == 0;
  arena__free (buffer.arena);
  if (!hashed)
    return why__set (why, REASON_CACHE, "libsodium can't digest");
  sodium_bin2hex (key, sizeof key, digest, sizeof digest);
  memcpy (region->key, key, sizeof key);
  return 0;
}
