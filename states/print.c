/* Tests as text for people and as JSON, and back.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/states.h"
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 64, PRINT_DEPTH = 4, VALUE_BYTES = 256 };

static const struct type *
type_of (const struct region *region, unsigned type)
{
  return type < region->n_types ? &region->type[type] : NULL;
}

/* The span that holds ADDRESS, or NULL.  */
static const struct span *
span_of (const struct state *state, uint64_t address)
{
  for (unsigned i = 0; i < state->n_spans; i++)
    if (address >= state->span[i].address && address - state->span[i].address < state->span[i].size)
      return &state->span[i];
  return NULL;
}

/* The bytes of PARAMETER as they are in registers and on the stack.  */
static void
fetch (const struct state *state, const struct value *parameter, uint8_t bytes[VALUE_BYTES])
{
  memset (bytes, 0, VALUE_BYTES);
  for (unsigned i = 0; i < parameter->n_locations && i < LOCATIONS_MAX; i++)
    {
      const struct location *location = &parameter->location[i];
      const void *from = NULL;
      size_t room = 0;
      if (location->kind == LOCATION_GPR && location->number < 16)
        from = &state->machine.gpr[location->number], room = 8;
      else if (location->kind == LOCATION_VEC && location->number < 32)
        from = state->machine.vec[location->number], room = 64;
      else if (location->kind == LOCATION_STACK && location->number < STACK_ARGUMENT_BYTES)
        from = state->stack_argument + location->number, room = STACK_ARGUMENT_BYTES - location->number;
      if (from && location->size <= room && location->offset + (uint64_t) location->size <= VALUE_BYTES)
        memcpy (bytes + location->offset, from, location->size);
    }
}

static void
print_hex (FILE *out, const uint8_t *bytes, uint64_t n)
{
  for (uint64_t i = 0; i < n && i < SHOWN_BYTES; i++)
    fprintf (out, " %02x", bytes[i]);
  if (n > SHOWN_BYTES)
    fputs (" ...", out);
}

static void print_value (FILE *out, const struct region *region, const struct state *state, unsigned number,
                         const uint8_t *bytes, uint64_t room, unsigned depth);

/* The first elements of type NUMBER.  */
static void
print_elements (FILE *out, const struct region *region, const struct state *state, unsigned number,
                const uint8_t *bytes, uint64_t room, unsigned depth)
{
  const struct type *type = type_of (region, number);
  uint64_t size = type->size, count = room / size;
  bool byte = type->kind == TYPE_INTEGER && size == 1;
  if (byte)
    {
      print_hex (out, bytes, room);
      bool text = room > 0;
      uint64_t length = 0;
      for (; text && length < room && length < SHOWN_BYTES && bytes[length]; length++)
        text = bytes[length] >= 32 && bytes[length] < 127 && bytes[length] != '"'
               && bytes[length] != '\\';
      if (text && length > 1)
        fprintf (out, " \"%.*s\"", (int) length, (const char *) bytes);
      return;
    }
  uint64_t shown = type->kind == TYPE_STRUCT ? 3 : 16;
  for (uint64_t i = 0; i < count && i < shown; i++)
    {
      fputs (i ? ", " : " ", out);
      print_value (out, region, state, number, bytes + i * size, size, depth);
    }
  if (count > shown)
    fputs (", ...", out);
  else if (room % size)
    {
      fputs (count ? " +" : "", out);
      print_hex (out, bytes + count * size, room % size);
    }
}

static void
print_pointer (FILE *out, const struct region *region, const struct state *state, unsigned element,
               uint64_t address, unsigned depth)
{
  const struct span *span = span_of (state, address);
  if (!address)
    fputs ("NULL", out);
  else if (!span)
    fprintf (out, "0x%" PRIx64 " (unmapped)", address);
  else
    {
      uint64_t left = span->address + span->size - address;
      fprintf (out, "0x%" PRIx64 " -> %" PRIu64 " bytes%s", address, left,
               span->protection & PROT_STATE_WRITE ? "" : ", read-only");
      if (depth >= PRINT_DEPTH)
        return;
      fputc (':', out);
      const struct type *type = type_of (region, element);
      const uint8_t *bytes = span->bytes + (address - span->address);
      if (type && type->size && type->kind != TYPE_VOID)
        print_elements (out, region, state, element, bytes, left, depth + 1);
      else
        print_hex (out, bytes, left);
    }
}

static void
print_value (FILE *out, const struct region *region, const struct state *state, unsigned number,
             const uint8_t *bytes, uint64_t room, unsigned depth)
{
  const struct type *type = type_of (region, number);
  if (!type || type->size > room || depth > 2 * PRINT_DEPTH)
    {
      fputs ("{", out);
      print_hex (out, bytes, room);
      fputs (" }", out);
      return;
    }
  uint64_t word = 0;
  memcpy (&word, bytes, type->size < 8 ? type->size : 8);
  switch (type->kind)
    {
    case TYPE_BOOL:
      fputs (word & 0xff ? "true" : "false", out);
      break;
    case TYPE_INTEGER:
      if (type->size > 8 || !type->size)
        print_hex (out, bytes, type->size);
      else if (type->is_signed)
        fprintf (out, "%" PRId64, (int64_t) (word << (64 - 8 * type->size)) >> (64 - 8 * type->size));
      else
        fprintf (out, "%" PRIu64, word);
      break;
    case TYPE_FLOAT:
      if (type->size == 4)
        {
          float value;
          memcpy (&value, bytes, 4);
          fprintf (out, "%.9g (0x%08" PRIx64 ")", (double) value, word);
        }
      else if (type->size == 8)
        {
          double value;
          memcpy (&value, bytes, 8);
          fprintf (out, "%.17g (0x%016" PRIx64 ")", value, word);
        }
      else
        print_hex (out, bytes, type->size);
      break;
    case TYPE_POINTER:
      print_pointer (out, region, state, type->element, word, depth);
      break;
    case TYPE_STRUCT:
      fputs ("{", out);
      for (unsigned i = 0; i < type->n_fields; i++)
        {
          const struct field *field = &type->field[i];
          const struct type *inner = type_of (region, field->type);
          if (!inner || field->bits || !inner->size || field->offset + inner->size > room)
            continue;
          fprintf (out, "%s%s = ", i ? ", " : " ", field->name ? field->name : "?");
          print_value (out, region, state, field->type, bytes + field->offset, inner->size, depth + 1);
        }
      fputs (" }", out);
      break;
    case TYPE_ARRAY:
    case TYPE_VECTOR:
    case TYPE_COMPLEX:
      {
        const struct type *inner = type_of (region, type->element);
        fputs ("{", out);
        if (inner && inner->size)
          print_elements (out, region, state, type->element, bytes, type->size, depth + 1);
        fputs (" }", out);
        break;
      }
    default:
      print_hex (out, bytes, type->size);
    }
}

char *
test__print (const struct region *region, const struct test *test)
{
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream (&text, &length);
  if (!out)
    return NULL;
  const struct state *state = test->state;
  fprintf (out, "# %s input\n", state_kind__name (test->kind));
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *parameter = &region->parameter[p];
      const struct type *type = type_of (region, parameter->type);
      uint8_t bytes[VALUE_BYTES];
      fetch (state, parameter, bytes);
      if (parameter->name && *parameter->name)
        fprintf (out, "%s = ", parameter->name);
      else
        fprintf (out, "argument %u = ", p + 1);
      if (parameter->by_reference && type && type->kind != TYPE_POINTER)
        {
          uint64_t address;
          memcpy (&address, bytes, 8);
          print_pointer (out, region, state, parameter->type, address, 0);
        }
      else
        print_value (out, region, state, parameter->type, bytes, type ? type->size : 0, 0);
      fputc ('\n', out);
    }
  /* Mapped memory that globals lie in comes first in the arena.  */
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      const struct span *span = &state->span[i];
      unsigned slot = (unsigned) ((span->address - SANDBOX_ARENA_BASE) / SANDBOX_SLOT_STRIDE);
      if (slot >= SANDBOX_GLOBAL_SLOTS || slot >= region->n_globals)
        continue;
      fprintf (out, "global %s in 0x%" PRIx64 "..0x%" PRIx64 "%s:",
               region->global[slot].name ? region->global[slot].name : "?", span->address,
               span->address + span->size, span->protection & PROT_STATE_WRITE ? "" : ", read-only");
      print_hex (out, span->bytes, span->size);
      fputc ('\n', out);
    }
  if (state->machine.mxcsr != 0x1f80)
    fprintf (out, "mxcsr = 0x%x\n", (unsigned) state->machine.mxcsr);
  for (unsigned i = 0; i < state->n_patches; i++)
    fprintf (out, "call %u changes %u bytes at 0x%" PRIx64 " to 0x%" PRIx64 "\n", state->patch[i].call,
             state->patch[i].size, state->patch[i].address, state->patch[i].value);
  if (fclose (out))
    {
      free (text);
      return NULL;
    }
  return text;
}

/* Hexadecimal text of BYTES[SIZE] as a JSON string.  */
static cJSON *
hex_json (const uint8_t *bytes, size_t size)
{
  static const char digit[] = "0123456789abcdef";
  char *text = malloc (2 * size + 1);
  if (!text)
    return NULL;
  for (size_t i = 0; i < size; i++)
    {
      text[2 * i] = digit[bytes[i] >> 4];
      text[2 * i + 1] = digit[bytes[i] & 15];
    }
  text[2 * size] = 0;
  cJSON *json = cJSON_CreateString (text);
  free (text);
  return json;
}

static cJSON *
word_json (uint64_t value)
{
  char text[24];
  snprintf (text, sizeof text, "0x%" PRIx64, value);
  return cJSON_CreateString (text);
}

char *
test__to_json (const struct region *region, const struct test *test)
{
  (void) region;
  const struct state *state = test->state;
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "kind", state_kind__name (test->kind));
  cJSON_AddItemToObject (json, "seed", word_json (state->seed));
  cJSON *list = cJSON_AddArrayToObject (json, "gpr");
  for (unsigned i = 0; i < 16; i++)
    cJSON_AddItemToArray (list, word_json (state->machine.gpr[i]));
  list = cJSON_AddArrayToObject (json, "vec");
  for (unsigned i = 0; i < 32; i++)
    cJSON_AddItemToArray (list, hex_json (state->machine.vec[i], 64));
  list = cJSON_AddArrayToObject (json, "mask");
  for (unsigned i = 0; i < 8; i++)
    cJSON_AddItemToArray (list, word_json (state->machine.mask[i]));
  cJSON_AddItemToObject (json, "mxcsr", word_json (state->machine.mxcsr));
  cJSON_AddItemToObject (json, "rflags", word_json (state->machine.rflags));
  cJSON_AddItemToObject (json, "stack", hex_json (state->stack_argument, state->stack_bytes));
  list = cJSON_AddArrayToObject (json, "spans");
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      cJSON *span = cJSON_CreateObject ();
      cJSON_AddItemToObject (span, "address", word_json (state->span[i].address));
      cJSON_AddNumberToObject (span, "protection", state->span[i].protection);
      cJSON_AddItemToObject (span, "bytes", hex_json (state->span[i].bytes, state->span[i].size));
      cJSON_AddItemToArray (list, span);
    }
  list = cJSON_AddArrayToObject (json, "patches");
  for (unsigned i = 0; i < state->n_patches; i++)
    {
      cJSON *patch = cJSON_CreateObject ();
      cJSON_AddNumberToObject (patch, "call", state->patch[i].call);
      cJSON_AddNumberToObject (patch, "size", state->patch[i].size);
      cJSON_AddItemToObject (patch, "address", word_json (state->patch[i].address));
      cJSON_AddItemToObject (patch, "value", word_json (state->patch[i].value));
      cJSON_AddItemToArray (list, patch);
    }
  list = cJSON_AddArrayToObject (json, "answers");
  for (unsigned i = 0; i < 4; i++)
    cJSON_AddItemToArray (list, word_json (state->pointer_answer[i]));
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  return text;
}
