/* Tests as text for people: a call in C terms as far as the types go, then what differs, then registers and memory.

   What a pointer points to is shown where it is first met; met again, it is &that[i].  Of an object as much is
   shown as the original touches, where that is known.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/states.h"
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_ELEMENTS = 16, SHOWN_BYTES = 64, SHOWN_SPANS = 8, PRINT_DEPTH = 4, VALUE_BYTES = 256, NAMED_MAX = 32 };

/* An object that has been shown, and what it is called.  */
struct named
{
  uint64_t begin, end;
  unsigned type;    /* of its elements */
  uint64_t size;    /* of one */
  char *name;
};

struct printer
{
  FILE *out;
  const struct region *region;
  const struct state *state;
  const struct shown *shown;
  unsigned n_named;
  struct named named[NAMED_MAX];
};

/* The bytes of VALUE as they are in MACHINE's registers, and on the stack where STATE is given.  */
static void
fetch (const struct machine_state *machine, const struct state *state, const struct value *value,
       uint8_t bytes[VALUE_BYTES])
{
  memset (bytes, 0, VALUE_BYTES);
  for (unsigned i = 0; i < value->n_locations && i < LOCATIONS_MAX; i++)
    {
      const struct location *location = &value->location[i];
      const void *from = NULL;
      size_t room = 0;
      if (location->kind == LOCATION_GPR && location->number < 16)
        from = &machine->gpr[location->number], room = 8;
      else if (location->kind == LOCATION_VEC && location->number < 32)
        from = machine->vec[location->number], room = 64;
      else if (state && location->kind == LOCATION_STACK && location->number < STACK_ARGUMENT_BYTES)
        from = state->stack_argument + location->number, room = STACK_ARGUMENT_BYTES - location->number;
      if (from && location->size <= room && location->offset + (uint64_t) location->size <= VALUE_BYTES)
        memcpy (bytes + location->offset, from, location->size);
    }
}

static void
print_hex (FILE *out, const uint8_t *bytes, uint64_t n)
{
  for (uint64_t i = 0; i < n && i < SHOWN_BYTES; i++)
    fprintf (out, "%s%02x", i ? " " : "", bytes[i]);
  if (n > SHOWN_BYTES)
    fputs (" ...", out);
}

/* The C spelling of TYPE, or what is like it.  */
static void
print_type (FILE *out, const struct region *region, const struct type *type)
{
  if (!type)
    fputs ("unsigned char", out);
  else if (type->name && *type->name)
    fputs (type->name, out);
  else if (type->kind == TYPE_POINTER)
    {
      const struct type *to = region__type (region, type->element);
      if (to && to->kind != TYPE_POINTER && to->kind != TYPE_FUNCTION)
        print_type (out, region, to);
      else
        fputs ("void", out);
      fputs (" *", out);
    }
  else if (type->kind == TYPE_INTEGER)
    fprintf (out, "%sint%u_t", type->is_signed ? "" : "u", (unsigned) (8 * type->size));
  else
    fputs (type__name (type->kind), out);
}

static void
print_double (FILE *out, double value, uint64_t bits, unsigned size)
{
  if (isnan (value))
    fprintf (out, "%snan (0x%0*" PRIx64 ")", signbit (value) ? "-" : "", (int) (2 * size), bits);
  else if (isinf (value))
    fputs (value < 0 ? "-inf" : "inf", out);
  else if (value == (double) (int64_t) value && fabs (value) < 1e15)
    fprintf (out, "%s%.1f", signbit (value) && value == 0 ? "-" : "", value == 0 ? 0.0 : value);
  else
    fprintf (out, "%.*g (0x%0*" PRIx64 ")", size == 4 ? 9 : 17, value, (int) (2 * size), bits);
}

static bool
is_char (const struct type *type)
{
  return type && type->kind == TYPE_INTEGER && type->size == 1;
}

/* BYTES[N] as a C string where they look like text: printable up to a zero, or all.  */
static bool
print_text (FILE *out, const uint8_t *bytes, uint64_t n)
{
  uint64_t length = 0;
  while (length < n && (isprint (bytes[length]) || bytes[length] == '\n' || bytes[length] == '\t'))
    length++;
  bool ends = length < n && bytes[length] == 0;
  if (!length || (length < n && !ends))
    return false;
  fputc ('"', out);
  for (uint64_t i = 0; i < length && i < SHOWN_BYTES; i++)
    switch (bytes[i])
      {
      case '\n': fputs ("\\n", out); break;
      case '\t': fputs ("\\t", out); break;
      case '"': case '\\': fputc ('\\', out); /* fall through */
      default: fputc (bytes[i], out);
      }
  fputc ('"', out);
  if (length > SHOWN_BYTES)
    fprintf (out, "... (%" PRIu64 " characters)", length);
  if (!ends)
    fputs (" without an end", out);
  else if (length + 1 < n)
    {
      fputs (" and then ", out);
      print_hex (out, bytes + length + 1, n - length - 1);
    }
  return true;
}

/* What ADDRESS is in terms of objects that were shown; false where of none.  */
static bool
print_place (struct printer *printer, uint64_t address, bool of_pointer)
{
  const struct named *best = NULL;
  for (unsigned i = 0; i < printer->n_named; i++)
    {
      const struct named *named = &printer->named[i];
      /* An address just beyond an object is best called by its name, too.  */
      if (address >= named->begin && address - named->begin < SANDBOX_SLOT_SIZE
          && (address <= named->end || (!of_pointer && address - named->end < SANDBOX_PAGE))
          && (!best || named->begin > best->begin))
        best = named;
    }
  if (!best)
    return false;
  uint64_t offset = address - best->begin, index = offset / best->size, rest = offset % best->size;
  const struct type *type = region__type (printer->region, best->type);
  if (of_pointer)
    {
      if (!offset)
        fprintf (printer->out, "%s", best->name);
      else if (!rest)
        fprintf (printer->out, "&%s[%" PRIu64 "]", best->name, index);
      else
        fprintf (printer->out, "(char *) %s + %" PRIu64, best->name, offset);
      return true;
    }
  fprintf (printer->out, "%s[%" PRIu64 "]", best->name, index);
  for (unsigned depth = 0; type && type->kind == TYPE_STRUCT && depth < PRINT_DEPTH; depth++)
    {
      const struct field *in = NULL;
      for (unsigned i = 0; i < type->n_fields; i++)
        {
          const struct type *inner = region__type (printer->region, type->field[i].type);
          if (inner && rest >= type->field[i].offset && rest - type->field[i].offset < inner->size)
            in = &type->field[i];
        }
      if (!in)
        break;
      fprintf (printer->out, ".%s", in->name ? in->name : "?");
      rest -= in->offset;
      type = region__type (printer->region, in->type);
    }
  if (rest)
    fprintf (printer->out, " (byte %" PRIu64 ")", rest);
  return true;
}

/* Where what is touched of the object at ADDRESS ends, within its span.  */
static uint64_t
object_end (const struct printer *printer, const struct span *span, uint64_t address)
{
  const struct footprint *touched = printer->shown ? printer->shown->touched : NULL;
  uint64_t limit = span->address + span->size, end = address;
  if (!touched)
    return limit;
  /* Another pointer argument into the span begins an object of its own only to the reader: no cut there.  */
  for (unsigned i = 0; i < touched->n_reads; i++)
    {
      uint64_t last = touched->read[i].address + touched->read[i].size;
      if (last > address && touched->read[i].address < limit && last > end)
        end = last;
    }
  for (unsigned i = 0; i < touched->n_writes; i++)
    {
      uint64_t last = touched->write[i].address + touched->write[i].size;
      if (last > address && touched->write[i].address < limit && last > end)
        end = last;
    }
  return end < limit ? end : limit;
}

static void print_value (struct printer *printer, unsigned number, const uint8_t *bytes, uint64_t room,
                         const char *name, unsigned depth);
static void print_fields (struct printer *printer, const struct type *type, const uint8_t *bytes, uint64_t room,
                          const char *name, unsigned depth);

/* The elements of type NUMBER at BYTES[ROOM].  */
static void
print_elements (struct printer *printer, unsigned number, const uint8_t *bytes, uint64_t room, const char *name,
                unsigned depth)
{
  const struct type *type = region__type (printer->region, number);
  uint64_t size = type && type->size ? type->size : 1, count = room / size;
  if ((!type || is_char (type) || type->kind == TYPE_VOID) && print_text (printer->out, bytes, room))
    return;
  uint64_t most = type && type->kind == TYPE_STRUCT ? 4 : SHOWN_ELEMENTS;
  fputc ('{', printer->out);
  for (uint64_t i = 0; i < count && i < most; i++)
    {
      char inner[200];
      snprintf (inner, sizeof inner, "%.150s[%" PRIu64 "]", name, i);
      fputs (i ? ", " : "", printer->out);
      if (!type || type->kind == TYPE_VOID)
        fprintf (printer->out, "0x%02x", bytes[i]);
      else
        print_value (printer, number, bytes + i * size, size, inner, depth + 1);
    }
  if (count > most)
    fputs (", ...", printer->out);
  if (room % size && type && type->kind == TYPE_STRUCT && count < most)
    {
      /* Of the last one only some fields are touched.  */
      char inner[200];
      snprintf (inner, sizeof inner, "%.150s[%" PRIu64 "]", name, count);
      fputs (count ? ", " : "", printer->out);
      print_fields (printer, type, bytes + count * size, room % size, inner, depth + 1);
    }
  else if (room % size && count < most)
    {
      fputs (count ? ", bytes " : "bytes ", printer->out);
      print_hex (printer->out, bytes + count * size, room % size);
    }
  fputc ('}', printer->out);
}

/* What a pointer called NAME to elements of type ELEMENT is.  */
static void
print_pointer (struct printer *printer, unsigned element, uint64_t address, const char *name, unsigned depth)
{
  const struct state *state = printer->state;
  FILE *out = printer->out;
  const struct type *type = region__type (printer->region, element);
  int number = state__span_of (state, address);
  if (!address)
    {
      fputs ("NULL", out);
      return;
    }
  if (type && type->kind == TYPE_FUNCTION && number < 0)
    {
      fprintf (out, "a function (0x%" PRIx64 ")", address);
      return;
    }
  if (print_place (printer, address, true))
    return;
  if (number < 0 && state->huge.mapped && address - SANDBOX_HUGE_BASE < SANDBOX_HUGE_SIZE)
    {
      fprintf (out, "0x%" PRIx64 " (%" PRIu64 " bytes up to an unmapped page, read-only, ", address,
               SANDBOX_HUGE_BASE + SANDBOX_HUGE_SIZE - address);
      if (state->huge.random)
        fprintf (out, "words mix (i) & 0x%016" PRIx64 " | 0x%016" PRIx64 ")", state->huge.random, state->huge.fixed);
      else if (state->huge.turned)
        fprintf (out, "words 0x%016" PRIx64 " and, in every other %u MiB, 0x%016" PRIx64 ")", state->huge.fixed,
                 SANDBOX_HUGE_BLOCK >> 21, state->huge.fixed ^ state->huge.turned);
      else
        {
          fprintf (out, "words 0x%016" PRIx64, state->huge.fixed);
          if (state->huge.first)
            fprintf (out, " but for 0x%016" PRIx64 " at 0x%" PRIx64 " and each %u MiB further on", state->huge.first,
                     (uint64_t) SANDBOX_HUGE_BASE, SANDBOX_HUGE_BLOCK >> 20);
          fprintf (out, ")");
        }
      return;
    }
  if (number < 0)
    {
      /* The end of an object is no place in it.  */
      fprintf (out, "0x%" PRIx64 " (unmapped)", address);
      return;
    }
  const struct span *span = &state->span[number];
  uint64_t end = object_end (printer, span, address), size = type && type->size ? type->size : 1;
  if (depth >= PRINT_DEPTH || printer->n_named == NAMED_MAX)
    {
      fprintf (out, "0x%" PRIx64, address);
      return;
    }
  printer->named[printer->n_named++]
    = (struct named) { .begin = address, .end = end, .type = element, .size = size, .name = strdup (name) };
  uint64_t count = (end - address + size - 1) / size;
  if (end == address)
    fprintf (out, "0x%" PRIx64 " (nothing there is touched", address);
  else
    {
      print_elements (printer, element, span->bytes + (address - span->address), end - address, name, depth);
      fputs (" (", out);
      print_type (out, printer->region, type && type->kind != TYPE_VOID ? type : NULL);
      fprintf (out, "[%" PRIu64 "]", count);
    }
  if (end == span->address + span->size)
    fputs (", ends at an unmapped page", out);
  if (address == span->address)
    fputs (", begins at an unmapped page", out);
  if (!(span->protection & PROT_STATE_WRITE))
    fputs (", read-only", out);
  fputc (')', out);
}

static void
print_fields (struct printer *printer, const struct type *type, const uint8_t *bytes, uint64_t room, const char *name,
              unsigned depth)
{
  const char *comma = "";
  bool partly = false;
  fputc ('{', printer->out);
  for (unsigned i = 0; i < type->n_fields; i++)
    {
      const struct field *field = &type->field[i];
      const struct type *inner = region__type (printer->region, field->type);
      char full[200];
      if (!inner || !inner->size || field->offset + inner->size > room)
        {
          partly |= inner && inner->size;
          continue;
        }
      fprintf (printer->out, "%s.%s = ", comma, field->name ? field->name : "?");
      comma = ", ";
      if (field->bits && field->bits < 64)
        {
          uint64_t word = 0;
          uint64_t left = room - field->offset;
          memcpy (&word, bytes + field->offset, left < 8 ? left : 8);
          fprintf (printer->out, "%" PRIu64, word >> field->bit & ((UINT64_C (1) << field->bits) - 1));
          continue;
        }
      snprintf (full, sizeof full, "%.120s.%.60s", name, field->name ? field->name : "?");
      print_value (printer, field->type, bytes + field->offset, inner->size, full, depth + 1);
    }
  fprintf (printer->out, "%s}", !partly ? "" : *comma ? ", ..." : "...");
}

static void
print_integer (FILE *out, const struct type *type, uint64_t word)
{
  unsigned shift = 64 - 8 * (unsigned) type->size;
  uint64_t magnitude = word;
  if (type->is_signed)
    {
      int64_t value = (int64_t) (word << shift) >> shift;
      fprintf (out, "%" PRId64, value);
      magnitude = value < 0 ? -(uint64_t) value : (uint64_t) value;
    }
  else
    fprintf (out, "%" PRIu64, word);
  if (type->size == 1 && isprint ((int) (word & 0xff)) && word)
    fprintf (out, " '%c'", (int) (word & 0xff));
  else if (magnitude > 65535)
    fprintf (out, " (0x%" PRIx64 ")", word);
}

static void
print_value (struct printer *printer, unsigned number, const uint8_t *bytes, uint64_t room, const char *name,
             unsigned depth)
{
  FILE *out = printer->out;
  const struct type *type = region__type (printer->region, number);
  if (!type || type->size > room || depth > 2 * PRINT_DEPTH)
    {
      fputs ("bytes ", out);
      print_hex (out, bytes, room);
      return;
    }
  uint64_t word = 0;
  memcpy (&word, bytes, type->size < 8 ? type->size : 8);
  switch (type->kind)
    {
    case TYPE_BOOL:
      if ((word & 0xff) > 1)
        fprintf (out, "true (0x%02x)", (unsigned) (word & 0xff));
      else
        fputs (word & 0xff ? "true" : "false", out);
      return;
    case TYPE_INTEGER:
      if (type->size && type->size <= 8)
        {
          print_integer (out, type, word);
          return;
        }
      break;
    case TYPE_FLOAT:
      if (type->size == 4)
        {
          float value;
          memcpy (&value, bytes, 4);
          print_double (out, (double) value, word, 4);
          return;
        }
      if (type->size == 8)
        {
          double value;
          memcpy (&value, bytes, 8);
          print_double (out, value, word, 8);
          return;
        }
      break;
    case TYPE_POINTER:
      print_pointer (printer, type->element, word, name, depth);
      return;
    case TYPE_STRUCT:
      print_fields (printer, type, bytes, room, name, depth);
      return;
    case TYPE_ARRAY:
    case TYPE_VECTOR:
    case TYPE_COMPLEX:
      print_elements (printer, type->element, bytes, type->size, name, depth);
      return;
    default:
      break;
    }
  fputs ("bytes ", out);
  print_hex (out, bytes, type->size ? type->size : room);
}

static void
parameter_name (const struct region *region, unsigned p, char name[64])
{
  const char *given = region->parameter[p].name;
  if (given && *given)
    snprintf (name, 64, "%.60s", given);
  else
    snprintf (name, 64, "argument %u", p + 1);
}

/* f (a = 1, p = {…}).  */
static void
print_call (struct printer *printer)
{
  const struct region *region = printer->region;
  fprintf (printer->out, "%s (",
           region->source_name && !strchr (region->source_name, '(') ? region->source_name : region->function);
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *parameter = &region->parameter[p];
      const struct type *type = region__type (region, parameter->type);
      uint8_t bytes[VALUE_BYTES];
      char name[64];
      parameter_name (region, p, name);
      fetch (&printer->state->machine, printer->state, parameter, bytes);
      fprintf (printer->out, "%s%s = ", p ? ", " : "", name);
      if (parameter->by_reference && type && type->kind != TYPE_POINTER)
        {
          uint64_t address;
          memcpy (&address, bytes, 8);
          print_pointer (printer, parameter->type, address, name, 0);
        }
      else
        print_value (printer, parameter->type, bytes, type ? type->size : 0, name, 0);
    }
  fputs (")\n", printer->out);
}

/* Globals lie in the first slots; those that are mapped and touched are shown.  */
static void
print_globals (struct printer *printer)
{
  const struct state *state = printer->state;
  const struct region *region = printer->region;
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      const struct span *span = &state->span[i];
      unsigned slot = slot__of (span->address);
      if (slot >= SANDBOX_GLOBAL_SLOTS || slot >= region->n_globals)
        continue;
      const struct global *global = &region->global[slot];
      uint64_t size = global->size > 0 && (uint64_t) global->size < span->size ? (uint64_t) global->size : span->size;
      uint64_t begin = global__place (global, slot, address__low (span->address) != slot__begin (slot))
                       + (span->address - address__low (span->address));
      if (begin < span->address || begin + size > span->address + span->size)
        begin = span->address;
      const char *name = global->name ? global->name : "?";
      const struct type *type = region__type (region, global->type);
      unsigned element = type && type->kind == TYPE_ARRAY ? type->element : global->type;
      fprintf (printer->out, "  global %s = ", name);
      print_pointer (printer, element, begin, name, 1);
      fputc ('\n', printer->out);
    }
}

/* The results of both sides, where they differ.  */
static void
print_results (struct printer *printer, const struct outcome *expected, const struct outcome *got)
{
  const struct value *result = &printer->region->result;
  const struct type *type = region__type (printer->region, result->type);
  uint8_t bytes[2][VALUE_BYTES];
  if (!type || !type->size || !result->n_locations || result->by_reference || expected->status != RUN_RETURNED
      || got->status != RUN_RETURNED || type->x87)
    return;
  fetch (&expected->machine, NULL, result, bytes[0]);
  fetch (&got->machine, NULL, result, bytes[1]);
  if (memcmp (bytes[0], bytes[1], type->size < VALUE_BYTES ? type->size : VALUE_BYTES) == 0)
    return;
  fputs ("  returns: expected ", printer->out);
  print_value (printer, result->type, bytes[0], type->size, "*result", PRINT_DEPTH);
  fputs (", found ", printer->out);
  print_value (printer, result->type, bytes[1], type->size, "*result", PRINT_DEPTH);
  fputc ('\n', printer->out);
}

/* The scalar of whatever type that ADDRESS is in, inside the object NAMED: its type, and *BEGIN.  */
static unsigned
scalar_at (const struct printer *printer, const struct named *named, uint64_t address, uint64_t *begin)
{
  unsigned number = named->type;
  *begin = address - (address - named->begin) % named->size;
  for (unsigned depth = 0; depth < 2 * PRINT_DEPTH; depth++)
    {
      const struct type *type = region__type (printer->region, number);
      const struct field *in = NULL;
      if (type && type->kind == TYPE_STRUCT)
        for (unsigned i = 0; i < type->n_fields; i++)
          {
            const struct type *inner = region__type (printer->region, type->field[i].type);
            if (inner && address >= *begin + type->field[i].offset
                && address - *begin - type->field[i].offset < inner->size)
              in = &type->field[i];
          }
      if (in)
        {
          *begin += in->offset;
          number = in->type;
          continue;
        }
      const struct type *element = type && type->kind == TYPE_ARRAY ? region__type (printer->region, type->element) : NULL;
      if (!element || !element->size)
        return number;
      *begin += (address - *begin) / element->size * element->size;
      number = type->element;
    }
  return number;
}

/* The elements of memory that differ, by their names.  */
static void
print_memory_differences (struct printer *printer, const struct outcome *expected, const struct outcome *got)
{
  enum { DIFFERENCES_SHOWN = 4 };
  const struct state *state = printer->state;
  unsigned n = 0;
  for (unsigned s = 0; s < state->n_spans; s++)
    {
      const struct span *span = &state->span[s];
      if (s >= expected->n_spans || s >= got->n_spans || !expected->span_bytes[s] || !got->span_bytes[s])
        continue;
      for (uint64_t at = 0; at < span->size;)
        {
          if (expected->span_bytes[s][at] == got->span_bytes[s][at])
            {
              at++;
              continue;
            }
          uint64_t address = span->address + at, begin = address;
          const struct named *in = NULL;
          for (unsigned i = 0; i < printer->n_named; i++)
            if (address >= printer->named[i].begin && address < printer->named[i].end
                && (!in || printer->named[i].begin > in->begin))
              in = &printer->named[i];
          unsigned number = in ? scalar_at (printer, in, address, &begin) : UINT32_MAX;
          const struct type *type = region__type (printer->region, number);
          uint64_t size = type && type->size && type->kind != TYPE_VOID ? type->size : 1;
          if (begin < span->address || begin + size > span->address + span->size || !type || type->kind == TYPE_VOID)
            begin = address, size = 1, type = NULL;
          if (n++ < DIFFERENCES_SHOWN)
            {
              fputs ("  ", printer->out);
              if (!print_place (printer, begin, false))
                fprintf (printer->out, "memory at 0x%" PRIx64, begin);
              const uint8_t *bytes[] = { expected->span_bytes[s] + (begin - span->address),
                                         got->span_bytes[s] + (begin - span->address) };
              for (unsigned side = 0; side < 2; side++)
                {
                  fputs (side ? ", found " : ": expected ", printer->out);
                  if (type)
                    print_value (printer, number, bytes[side], size, "*memory", PRINT_DEPTH);
                  else
                    fprintf (printer->out, "0x%02x", *bytes[side]);
                }
              if (expected->span_bytes[s][at] == span->bytes[at])
                fputs (" (the original leaves it)", printer->out);
              fputc ('\n', printer->out);
            }
          at = begin + size - span->address;
        }
    }
  if (n > DIFFERENCES_SHOWN)
    fprintf (printer->out, "  and %u more\n", n - DIFFERENCES_SHOWN);
}

/* Registers that carry arguments, and the memory.  */
static void
print_machine (struct printer *printer)
{
  static const char *const name[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };
  const struct region *region = printer->region;
  const struct state *state = printer->state;
  bool any = false;
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned i = 0; i < region->parameter[p].n_locations && i < LOCATIONS_MAX; i++)
      {
        const struct location *location = &region->parameter[p].location[i];
        const char *comma = any ? ", " : "  registers: ";
        if (location->kind == LOCATION_GPR && location->number < 16)
          fprintf (printer->out, "%s%s = 0x%" PRIx64, comma, name[location->number], state->machine.gpr[location->number]);
        else if (location->kind == LOCATION_VEC && location->number < 32)
          {
            uint64_t low, high;
            memcpy (&low, state->machine.vec[location->number], 8);
            memcpy (&high, state->machine.vec[location->number] + 8, 8);
            fprintf (printer->out, "%sxmm%u = 0x%016" PRIx64 "%016" PRIx64, comma, location->number, high, low);
          }
        else
          continue;
        any = true;
      }
  if (any)
    fputc ('\n', printer->out);
  if (state->stack_bytes)
    {
      fputs ("  stack arguments: ", printer->out);
      print_hex (printer->out, state->stack_argument, state->stack_bytes);
      fputc ('\n', printer->out);
    }
  for (unsigned i = 0; i < state->n_spans && i < SHOWN_SPANS; i++)
    {
      const struct span *span = &state->span[i];
      uint64_t limit = span->address + span->size, from = limit, to = span->address;
      for (unsigned k = 0; k < printer->n_named; k++)
        if (printer->named[k].begin >= span->address && printer->named[k].begin < limit)
          {
            from = printer->named[k].begin < from ? printer->named[k].begin : from;
            to = printer->named[k].end > to ? printer->named[k].end : to;
          }
      if (from >= to)
        from = span->address, to = limit;
      fprintf (printer->out, "  memory: 0x%" PRIx64 "..0x%" PRIx64 "%s; from 0x%" PRIx64 ": ", span->address, limit,
               span->protection & PROT_STATE_WRITE ? "" : ", read-only", from);
      print_hex (printer->out, span->bytes + (from - span->address), to - from);
      fputc ('\n', printer->out);
    }
  if (state->n_spans > SHOWN_SPANS)
    fprintf (printer->out, "  and %u more pieces of memory\n", state->n_spans - SHOWN_SPANS);
  if (state->machine.mxcsr != 0x1f80)
    fprintf (printer->out, "  mxcsr = 0x%x\n", (unsigned) state->machine.mxcsr);
  for (unsigned i = 0; i < state->n_patches; i++)
    fprintf (printer->out, "  call %u changes %u bytes at 0x%" PRIx64 " to 0x%" PRIx64 "\n", state->patch[i].call,
             state->patch[i].size, state->patch[i].address, state->patch[i].value);
}

char *
test__show (const struct region *region, const struct test *test, const struct shown *shown)
{
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream (&text, &length);
  if (!out)
    return NULL;
  struct printer printer = { .out = out, .region = region, .state = test->state, .shown = shown };
  print_call (&printer);
  print_globals (&printer);
  if (shown && shown->what && *shown->what)
    fprintf (out, "  %s\n", shown->what);
  if (shown && shown->got && test->expected)
    {
      print_results (&printer, test->expected, shown->got);
      print_memory_differences (&printer, test->expected, shown->got);
    }
  if (shown && shown->address && state__span_of (test->state, shown->address) < 0 && printer.n_named)
    {
      fputs ("  at ", out);
      if (!print_place (&printer, shown->address, false))
        fprintf (out, "0x%" PRIx64, shown->address);
      fputs (", which is not mapped\n", out);
    }
  else if (shown && shown->address && !shown->got && printer.n_named)
    {
      fputs ("  at ", out);
      if (!print_place (&printer, shown->address, false))
        fprintf (out, "0x%" PRIx64, shown->address);
      fputc ('\n', out);
    }
  print_machine (&printer);
  for (unsigned i = 0; i < printer.n_named; i++)
    free (printer.named[i].name);
  if (fclose (out))
    {
      free (text);
      return NULL;
    }
  return text;
}

char *
test__print (const struct region *region, const struct test *test)
{
  return test__show (region, test, NULL);
}
