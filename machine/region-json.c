/* The region record as JSON.
   One description of the record serves writing and reading, so that they can't drift apart: each
   io__… function writes its field or reads it, as the direction has it.  Reading wants every field;
   the first that is missing or wrong is reported by its path.  Integers beyond 2^53, which JSON's
   doubles can't carry, are decimal strings.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/region.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct io
{
  cJSON *object;
  bool write;
  bool *failed;
  struct arena *arena; /* reading, and for what isa__print gives */
  struct why *why;
  const char *path;    /* "type[3]." */
};

/* Notes that field NAME is wrong; the first one wins.  */
static void
io__fail (struct io *io, const char *name, const char *what)
{
  if (*io->failed)
    return;
  *io->failed = true;
  why__set (io->why, REASON_SYNTAX, "region field '%s%s' %s", io->path, name, what);
}

static void
io__add (struct io *io, const char *name, cJSON *item)
{
  if (!item || !cJSON_AddItemToObject (io->object, name, item))
    {
      cJSON_Delete (item);
      io__fail (io, name, "can't be written");
    }
}

/* The field NAME; NULL (noted) where there is none.  */
static const cJSON *
io__get (struct io *io, const char *name)
{
  if (*io->failed)
    return NULL;
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (io->object, name);
  if (!item)
    io__fail (io, name, "is missing");
  return item;
}

static void
io__bool (struct io *io, const char *name, bool *value)
{
  if (io->write)
    {
      io__add (io, name, cJSON_CreateBool (*value));
      return;
    }
  const cJSON *item = io__get (io, name);
  if (item && !cJSON_IsBool (item))
    io__fail (io, name, "is not true or false");
  else if (item)
    *value = cJSON_IsTrue (item);
}

/* A string or, where NULLABLE, null.  */
static void
io__string (struct io *io, const char *name, const char **value, bool nullable)
{
  if (io->write)
    {
      io__add (io, name, *value ? cJSON_CreateString (*value) : cJSON_CreateNull ());
      return;
    }
  const cJSON *item = io__get (io, name);
  if (!item)
    return;
  if (nullable && cJSON_IsNull (item))
    *value = NULL;
  else if (cJSON_IsString (item))
    *value = arena__strdup (io->arena, item->valuestring);
  else
    io__fail (io, name, "is not a string");
}

/* The largest integer up to which doubles count every one.  */
static const int64_t EXACT = INT64_C (1) << 53;

/* A signed integer from LEAST to MOST.  */
static void
io__i64 (struct io *io, const char *name, int64_t *value, int64_t least, int64_t most)
{
  char text[24];
  if (io->write)
    {
      bool exact = *value >= -EXACT && *value <= EXACT;
      snprintf (text, sizeof text, "%" PRId64, *value);
      io__add (io, name,
               exact ? cJSON_CreateNumber ((double) *value) : cJSON_CreateString (text));
      return;
    }
  const cJSON *item = io__get (io, name);
  if (!item)
    return;
  int64_t number = 0;
  bool good = false;
  if (cJSON_IsNumber (item))
    {
      good = item->valuedouble >= (double) -EXACT && item->valuedouble <= (double) EXACT
             && item->valuedouble == trunc (item->valuedouble);
      if (good)
        number = (int64_t) item->valuedouble;
    }
  else if (cJSON_IsString (item))
    {
      char *end;
      errno = 0;
      number = strtoll (item->valuestring, &end, 10);
      snprintf (text, sizeof text, "%" PRId64, number);
      good = errno == 0 && strcmp (text, item->valuestring) == 0;
    }
  if (!good || number < least || number > most)
    io__fail (io, name, "is not an integer in range");
  else
    *value = number;
}

/* An unsigned integer; the record has none over 2^63.  */
static void
io__u64 (struct io *io, const char *name, uint64_t *value)
{
  int64_t number = *value > INT64_MAX ? INT64_MAX : (int64_t) *value;
  io__i64 (io, name, &number, 0, INT64_MAX);
  if (!io->write)
    *value = (uint64_t) number;
}

static void
io__u32 (struct io *io, const char *name, unsigned *value, unsigned most)
{
  int64_t number = *value;
  io__i64 (io, name, &number, 0, most);
  if (!io->write)
    *value = (unsigned) number;
}

static void
io__double (struct io *io, const char *name, double *value)
{
  if (io->write)
    {
      io__add (io, name, cJSON_CreateNumber (isfinite (*value) ? *value : -1));
      return;
    }
  const cJSON *item = io__get (io, name);
  if (item && (!cJSON_IsNumber (item) || !isfinite (item->valuedouble)))
    io__fail (io, name, "is not a number");
  else if (item)
    *value = item->valuedouble;
}

/* One of NAMES[N] as a string.  */
static unsigned
io__choice (struct io *io, const char *name, unsigned value, const char *const *names, unsigned n)
{
  const char *text = value < n ? names[value] : NULL;
  io__string (io, name, &text, false);
  if (io->write || *io->failed)
    return value;
  for (unsigned i = 0; i < n; i++)
    if (strcmp (names[i], text) == 0)
      return i;
  io__fail (io, name, "is no known word");
  return 0;
}

/* SIZE bytes as hex digits, or null.  Reading gives the size found where *SIZE is NULL-initialised.  */
static void
io__hex (struct io *io, const char *name, const uint8_t **bytes, size_t size)
{
  static const char digits[] = "0123456789abcdef";
  if (io->write)
    {
      const char *text = NULL;
      if (*bytes)
        {
          char *hex = arena__alloc (io->arena, 2 * size + 1);
          for (size_t i = 0; i < size; i++)
            {
              hex[2 * i] = digits[(*bytes)[i] >> 4];
              hex[2 * i + 1] = digits[(*bytes)[i] & 15];
            }
          text = hex;
        }
      io__string (io, name, &text, true);
      return;
    }
  const char *text = NULL;
  io__string (io, name, &text, true);
  *bytes = NULL;
  if (!text)
    return;
  if (strlen (text) % 2 || strlen (text) / 2 != size)
    {
      io__fail (io, name, "has not as many bytes as its size says");
      return;
    }
  uint8_t *read = arena__alloc (io->arena, size + 1);
  for (size_t i = 0; i < 2 * size; i++)
    {
      const char *digit = strchr (digits, text[i]);
      if (!digit)
        {
          io__fail (io, name, "is not in hex digits");
          return;
        }
      read[i / 2] = (uint8_t) (read[i / 2] << 4 | (digit - digits));
    }
  *bytes = read;
}

/* An array of *N objects of SIZE bytes at *ARRAY (of ROOM, or of as many as there are where ROOM
   is 0), each of them given to EACH.  */
static void
io__array (struct io *io, const char *name, unsigned *n, void **array, size_t size, unsigned room,
           void (*each) (struct io *, void *))
{
  enum { ELEMENTS_MOST = 100000 };
  if (io->write)
    {
      cJSON *list = cJSON_CreateArray ();
      for (unsigned i = 0; list && i < *n; i++)
        {
          struct io inner = *io;
          inner.object = cJSON_CreateObject ();
          if (!inner.object || !cJSON_AddItemToArray (list, inner.object))
            {
              cJSON_Delete (inner.object);
              io__fail (io, name, "can't be written");
              break;
            }
          each (&inner, (char *) *array + i * size);
        }
      io__add (io, name, list);
      return;
    }
  const cJSON *list = io__get (io, name);
  if (!list)
    return;
  int count = cJSON_IsArray (list) ? cJSON_GetArraySize (list) : -1;
  if (count < 0 || count > ELEMENTS_MOST || (room && (unsigned) count > room))
    {
      io__fail (io, name, "is not an array of the right size");
      return;
    }
  *n = (unsigned) count;
  if (!room)
    *array = arena__alloc (io->arena, (size_t) count * size);
  unsigned i = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, list)
    {
      struct io inner = *io;
      inner.object = (cJSON *) item;
      inner.path = arena__printf (io->arena, "%s%s[%u].", io->path, name, i);
      if (!cJSON_IsObject (item))
        io__fail (io, inner.path, "is not an object");
      if (*io->failed)
        return;
      each (&inner, (char *) *array + i++ * size);
    }
}

/* Runs EACH on an object of its own.  */
static void
io__object (struct io *io, const char *name, void *value, void (*each) (struct io *, void *))
{
  struct io inner = *io;
  if (io->write)
    {
      inner.object = cJSON_CreateObject ();
      cJSON *object = inner.object;
      io__add (io, name, object);
      if (object && !*io->failed)
        each (&inner, value);
      return;
    }
  inner.object = (cJSON *) io__get (io, name);
  inner.path = arena__printf (io->arena, "%s%s.", io->path, name);
  if (inner.object && !cJSON_IsObject (inner.object))
    io__fail (io, name, "is not an object");
  else if (inner.object)
    each (&inner, value);
}

static void
io__constant (struct io *io, void *value)
{
  struct constant *constant = value;
  io__string (io, "label", &constant->label, false);
  io__u32 (io, "align", &constant->align, 4096);
  int64_t size = (int64_t) constant->size;
  io__i64 (io, "size", &size, 0, 1 << 24);
  constant->size = (size_t) size;
  io__hex (io, "bytes", &constant->bytes, constant->size);
}

static void
io__option (struct io *io, void *value)
{
  io__string (io, "text", value, false);
}

static void
io__field (struct io *io, void *value)
{
  struct field *field = value;
  unsigned bit = field->bit, bits = field->bits;
  io__string (io, "name", &field->name, true);
  io__u32 (io, "type", &field->type, UINT32_MAX);
  io__u64 (io, "offset", &field->offset);
  io__u32 (io, "bit", &bit, 255);
  io__u32 (io, "bits", &bits, 65535);
  field->bit = (uint8_t) bit;
  field->bits = (uint16_t) bits;
}

static void
io__type (struct io *io, void *value)
{
  struct type *type = value;
  const char *names[TYPE_OTHER + 1];
  for (unsigned i = 0; i <= TYPE_OTHER; i++)
    names[i] = type__name ((enum type_kind) i);
  type->kind = (enum type_kind) io__choice (io, "kind", type->kind, names, TYPE_OTHER + 1);
  io__string (io, "name", &type->name, true);
  io__u64 (io, "size", &type->size);
  io__u32 (io, "align", &type->align, UINT32_MAX);
  io__bool (io, "signed", &type->is_signed);
  io__bool (io, "const", &type->is_const);
  io__bool (io, "volatile", &type->is_volatile);
  io__bool (io, "restrict", &type->is_restrict);
  io__bool (io, "x87", &type->x87);
  io__u32 (io, "element", &type->element, UINT32_MAX);
  io__u64 (io, "count", &type->count);
  io__array (io, "fields", &type->n_fields, (void **) &type->field, sizeof *type->field, 0,
             io__field);
}

static void
io__location (struct io *io, void *value)
{
  static const char *const kinds[] = { [LOCATION_GPR] = "gpr",
                                       [LOCATION_VEC] = "vec",
                                       [LOCATION_X87] = "x87",
                                       [LOCATION_STACK] = "stack" };
  struct location *location = value;
  location->kind = (enum location_kind) io__choice (io, "kind", location->kind, kinds, 4);
  unsigned most = location->kind == LOCATION_GPR   ? 15
                  : location->kind == LOCATION_VEC ? 31
                  : location->kind == LOCATION_X87 ? 7
                                                   : 1 << 20;
  io__u32 (io, "number", &location->number, most);
  io__u32 (io, "offset", &location->offset, 1 << 20);
  io__u32 (io, "size", &location->size, 1 << 20);
}

static void
io__value (struct io *io, void *value)
{
  struct value *v = value;
  io__string (io, "name", &v->name, true);
  io__u32 (io, "type", &v->type, UINT32_MAX);
  void *locations = v->location;
  io__array (io, "locations", &v->n_locations, &locations, sizeof *v->location, LOCATIONS_MAX,
             io__location);
  io__bool (io, "restrict", &v->is_restrict);
  io__bool (io, "by_reference", &v->by_reference);
}

static void
io__alias (struct io *io, void *value)
{
  struct alias_pair *alias = value;
  io__u32 (io, "a", &alias->a, UINT32_MAX);
  io__u32 (io, "b", &alias->b, UINT32_MAX);
}

static void
io__global (struct io *io, void *value)
{
  struct global *global = value;
  io__string (io, "name", &global->name, false);
  io__u32 (io, "type", &global->type, UINT32_MAX);
  io__i64 (io, "size", &global->size, -1, INT64_MAX);
  io__u32 (io, "align", &global->align, UINT32_MAX);
  io__bool (io, "readonly", &global->readonly);
  io__bool (io, "function", &global->is_function);
  io__hex (io, "init", &global->init, global->size > 0 ? (size_t) global->size : 0);
}

static void
io__callee (struct io *io, void *value)
{
  struct callee *callee = value;
  io__string (io, "name", &callee->name, true);
  io__u32 (io, "type", &callee->type, UINT32_MAX);
  io__object (io, "result", &callee->result, io__value);
  void *arguments = callee->argument;
  io__array (io, "arguments", &callee->n_arguments, &arguments, sizeof *callee->argument,
             sizeof callee->argument / sizeof *callee->argument, io__value);
  io__bool (io, "noreturn", &callee->is_noreturn);
  io__bool (io, "pure", &callee->is_pure);
  io__bool (io, "is_const", &callee->is_const);
  io__bool (io, "varargs", &callee->is_varargs);
  io__bool (io, "stack_arguments", &callee->has_stack_arguments);
  io__bool (io, "ipa_ra", &callee->is_ipa_ra);
  io__bool (io, "tail", &callee->is_tail);
}

static void
io__loop (struct io *io, void *value)
{
  struct loop *loop = value;
  io__u32 (io, "line", &loop->line, UINT32_MAX);
  io__u32 (io, "depth", &loop->depth, UINT32_MAX);
  io__double (io, "trips", &loop->trips);
  io__double (io, "entries", &loop->entries);
}

/* A set of ISA features as GCC's -m names.  */
static void
io__isa (struct io *io, const char *name, uint64_t *set)
{
  const char *text = io->write ? isa__print (io->arena, *set) : NULL;
  io__string (io, name, &text, false);
  if (!io->write && !*io->failed && isa__parse (text, set) < 0)
    io__fail (io, name, "names an unknown feature");
}

/* The bits of region.fp, each as a member.  */
static void
io__fp (struct io *io, void *value)
{
  static const char *const names[]
    = { "trapping", "fast", "finite", "no_signed_zero", "rounding", "uses" };
  uint32_t *fp = value;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    {
      bool set = *fp >> i & 1;
      io__bool (io, names[i], &set);
      *fp = (*fp & ~(1u << i)) | (unsigned) set << i;
    }
}

/* The whole record.  */
static void
io__region (struct io *io, struct region *region)
{
  static const char *const isa_modes[] = { "build", "native", "dispatch" };
  static const char *const accepts[] = { "tested", "bounded", "proved" };
  unsigned schema = REGION_SCHEMA;
  io__u32 (io, "schema", &schema, UINT32_MAX);
  if (schema != REGION_SCHEMA)
    io__fail (io, "schema", "is of another version");
  const char *key = region->key;
  io__string (io, "key", &key, false);
  if (!io->write && !*io->failed)
    {
      size_t length = strlen (key);
      if ((length != 0 && length != 64) || strspn (key, "0123456789abcdef") != length)
        io__fail (io, "key", "is no digest");
      else
        memcpy (region->key, key, length + 1);
    }
  io__string (io, "function", &region->function, false);
  io__string (io, "source_name", &region->source_name, true);
  io__string (io, "file", &region->file, true);
  io__u32 (io, "line", &region->line, UINT32_MAX);
  io__u32 (io, "last_line", &region->last_line, UINT32_MAX);
  io__string (io, "text", &region->text, false);
  io__array (io, "constants", &region->n_constants, (void **) &region->constant,
             sizeof *region->constant, 0, io__constant);
  io__string (io, "hint", &region->hint, true);
  io__bool (io, "constant_time", &region->constant_time);

  io__string (io, "gcc", &region->gcc, true);
  io__string (io, "gcc_version", &region->gcc_version, true);
  io__string (io, "directory", &region->directory, true);
  io__string (io, "source", &region->source, true);
  io__string (io, "language", &region->language, true);
  io__array (io, "options", &region->n_options, (void **) &region->option,
             sizeof *region->option, 0, io__option);

  io__isa (io, "isa", &region->isa);
  region->isa_mode = (enum isa_mode) io__choice (io, "isa_mode", region->isa_mode, isa_modes, 3);
  io__isa (io, "isa_allowed", &region->isa_allowed);
  io__string (io, "cpu", &region->cpu, true);
  io__object (io, "fp", &region->fp, io__fp);
  io__bool (io, "strict_aliasing", &region->strict_aliasing);
  region->accept = (enum accept) io__choice (io, "accept", region->accept, accepts, 3);

  io__array (io, "types", &region->n_types, (void **) &region->type, sizeof *region->type, 0,
             io__type);
  io__array (io, "parameters", &region->n_parameters, (void **) &region->parameter,
             sizeof *region->parameter, 0, io__value);
  io__object (io, "result", &region->result, io__value);
  io__array (io, "aliases", &region->n_aliases, (void **) &region->alias, sizeof *region->alias, 0,
             io__alias);
  io__array (io, "globals", &region->n_globals, (void **) &region->global,
             sizeof *region->global, 0, io__global);
  io__array (io, "callees", &region->n_callees, (void **) &region->callee,
             sizeof *region->callee, 0, io__callee);
  io__bool (io, "endbr", &region->endbr);
  io__bool (io, "needs_cfi", &region->needs_cfi);
  io__bool (io, "preserves_all", &region->preserves_all);

  io__i64 (io, "calls", &region->calls, -1, INT64_MAX);
  io__double (io, "insns_per_call", &region->insns_per_call);
  io__array (io, "loops", &region->n_loops, (void **) &region->loop, sizeof *region->loop, 0,
             io__loop);
}

char *
region__to_json (const struct region *region)
{
  cJSON *object = cJSON_CreateObject ();
  struct arena *arena = arena__new ();
  bool failed = !object;
  struct region copy = *region; /* writing changes nothing, but takes the same pointers as reading */
  struct io io = { .object = object, .write = true, .failed = &failed, .arena = arena, .path = "" };
  if (object)
    io__region (&io, &copy);
  char *text = NULL;
  if (!failed)
    text = cJSON_PrintUnformatted (object);
  cJSON_Delete (object);
  arena__free (arena);
  return text;
}

/* Is every type index of VALUE one of REGION's types?  */
static bool
value__types_valid (const struct region *region, const struct value *value)
{
  return value->type < region->n_types || (value->type == 0 && region->n_types == 0);
}

/* What the reading of single fields can't see.  */
static int
region__check (const struct region *region, struct why *why)
{
  unsigned n = region->n_types;
  for (unsigned i = 0; i < n; i++)
    {
      const struct type *type = &region->type[i];
      if (type->element >= n)
        return why__set (why, REASON_SYNTAX, "region field 'types[%u].element' is no type", i);
      for (unsigned j = 0; j < type->n_fields; j++)
        if (type->field[j].type >= n)
          return why__set (why, REASON_SYNTAX, "region field 'types[%u].fields[%u].type' is no type",
                           i, j);
    }
  for (unsigned i = 0; i < region->n_parameters; i++)
    if (!value__types_valid (region, &region->parameter[i]))
      return why__set (why, REASON_SYNTAX, "region field 'parameters[%u].type' is no type", i);
  if (!value__types_valid (region, &region->result))
    return why__set (why, REASON_SYNTAX, "region field 'result.type' is no type");
  for (unsigned i = 0; i < region->n_globals; i++)
    if (region->global[i].type >= n && region->global[i].type != 0)
      return why__set (why, REASON_SYNTAX, "region field 'globals[%u].type' is no type", i);
  for (unsigned i = 0; i < region->n_callees; i++)
    {
      const struct callee *callee = &region->callee[i];
      bool valid = callee->type < n || callee->type == 0;
      valid = valid && value__types_valid (region, &callee->result);
      for (unsigned j = 0; j < callee->n_arguments; j++)
        valid = valid && value__types_valid (region, &callee->argument[j]);
      if (!valid)
        return why__set (why, REASON_SYNTAX, "region field 'callees[%u]' has an index that is no type",
                         i);
    }
  enum { FIRST_GLOBAL = 1000 };
  for (unsigned i = 0; i < region->n_aliases; i++)
    for (unsigned side = 0; side < 2; side++)
      {
        unsigned number = side ? region->alias[i].b : region->alias[i].a;
        if (number < FIRST_GLOBAL ? number >= region->n_parameters
                                  : number - FIRST_GLOBAL >= region->n_globals)
          return why__set (why, REASON_SYNTAX,
                           "region field 'aliases[%u]' names no parameter or global", i);
      }
  return 0;
}

int
region__from_json (struct arena *arena, const char *json, struct region **result, struct why *why)
{
  *result = NULL;
  cJSON *object = cJSON_ParseWithOpts (json, NULL, true);
  if (!cJSON_IsObject (object))
    {
      cJSON_Delete (object);
      return why__set (why, REASON_SYNTAX, "the region is not a JSON object");
    }
  bool failed = false;
  struct region *region = ARENA_NEW (arena, struct region);
  region->arena = arena;
  struct io io
    = { .object = object, .failed = &failed, .arena = arena, .why = why, .path = "" };
  io__region (&io, region);
  cJSON_Delete (object);
  if (failed || region__check (region, why) < 0)
    return -1;
  if (region->key[0])
    {
      /* An entry must never be stored under another region's key.  */
      char key[sizeof region->key];
      memcpy (key, region->key, sizeof key);
      if (region__key (region, why) < 0)
        return -1;
      if (strcmp (key, region->key) != 0)
        return why__set (why, REASON_SYNTAX, "region field 'key' is not this region's");
    }
  *result = region;
  return 0;
}
