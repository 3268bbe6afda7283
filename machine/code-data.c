/* Reading read-only data: from a label's place in the text to the next label or section.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-unit.h"

enum { DATA_MOST = 1 << 20 }; /* bytes in one datum: no real table is larger */

/* Data being read: bytes gather in BYTES until an expression or the end makes a cell of them.  */
struct reader
{
  struct unit *unit;
  const char *name;
  unsigned n_cells, cell_room;
  struct cell *cell;
  size_t size;
  unsigned pending; /* an alignment that the next data is padded to */
  struct buffer bytes;
};

static int
reader__refuse (struct reader *reader, struct span what)
{
  return why__set (reader->unit->why, REASON_DATA, "%.80s: '%.*s'", reader->name,
                   what.end - what.p > 100 ? 100 : (int) (what.end - what.p), what.p);
}

static void
reader__cell (struct reader *reader, struct cell cell)
{
  if (reader->n_cells == reader->cell_room)
    {
      unsigned room = reader->cell_room ? reader->cell_room * 2 : 8;
      struct cell *larger = ARENA_ARRAY (reader->unit->arena, struct cell, room);
      if (reader->n_cells)
        memcpy (larger, reader->cell, reader->n_cells * sizeof *larger);
      reader->cell = larger;
      reader->cell_room = room;
    }
  reader->cell[reader->n_cells++] = cell;
}

/* Makes a cell of the bytes gathered.  */
static void
reader__flush (struct reader *reader)
{
  struct buffer *bytes = &reader->bytes;
  if (!bytes->length)
    return;
  reader__cell (reader, (struct cell){ .size = (unsigned) bytes->length,
                                       .bytes = arena__memdup (reader->unit->arena, bytes->text,
                                                               bytes->length) });
  bytes->length = 0;
}

static bool
reader__room (struct reader *reader, uint64_t size)
{
  return size <= DATA_MOST && reader->size + size <= DATA_MOST;
}

static void
reader__number (struct reader *reader, uint64_t number, unsigned size)
{
  char bytes[16];
  for (unsigned i = 0; i < size; i++)
    bytes[i] = i < 8 ? (char) (number >> (8 * i)) : 0;
  buffer__add (&reader->bytes, bytes, size);
  reader->size += size;
}

static void
reader__fill (struct reader *reader, uint64_t count, uint64_t fill)
{
  char bytes[256];
  memset (bytes, (int) (fill & 255), sizeof bytes);
  reader->size += count;
  for (; count > sizeof bytes; count -= sizeof bytes)
    buffer__add (&reader->bytes, bytes, sizeof bytes);
  buffer__add (&reader->bytes, bytes, count);
}

/* Integers or expressions of SIZE bytes, separated by commas.  */
static int
reader__integers (struct reader *reader, struct span arguments, unsigned size)
{
  struct unit *unit = reader->unit;
  struct span whole = arguments;
  for (;;)
    {
      struct expr expr;
      span__skip_blanks (&arguments);
      uint64_t number;
      struct span rest = arguments;
      if (!reader__room (reader, size))
        return reader__refuse (reader, whole);
      if (span__number (&rest, &number) && (rest.p == rest.end || *rest.p == ','))
        {
          arguments = rest;
          reader__number (reader, number, size);
        }
      else
        {
          /* Numeric labels are relative to where they are used, which is past.  */
          if (span__expr (unit->arena, &arguments, NULL, &expr, unit->why) < 0)
            return -1;
          if (!expr.sym && !expr.minus && size <= 8)
            reader__number (reader, (uint64_t) expr.add, size);
          else
            {
              /* A model may write tables of its own labels' distances, no addresses.  */
              if (size > 8 || size < 4 || !expr.sym || expr.reloc
                  || (unit->strict
                      && (!expr.minus || !symbol__local (expr.sym) || !symbol__local (expr.minus))))
                return reader__refuse (reader, whole);
              reader__flush (reader);
              reader__cell (reader, (struct cell){ .size = size, .expr = expr });
              reader->size += size;
            }
        }
      span__skip_blanks (&arguments);
      if (arguments.p == arguments.end)
        return 0;
      if (*arguments.p++ != ',')
        return reader__refuse (reader, whole);
    }
}

/* Quoted strings, separated by commas, each followed by a zero byte if ZERO.  */
static int
reader__strings (struct reader *reader, struct span arguments, bool zero)
{
  struct span whole = arguments;
  for (;;)
    {
      span__skip_blanks (&arguments);
      if (arguments.p == arguments.end || *arguments.p++ != '"')
        return reader__refuse (reader, whole);
      for (;;)
        {
          if (arguments.p == arguments.end)
            return reader__refuse (reader, whole);
          unsigned char c = (unsigned char) *arguments.p++;
          if (c == '"')
            break;
          if (c == '\\')
            {
              if (arguments.p == arguments.end)
                return reader__refuse (reader, whole);
              c = (unsigned char) *arguments.p++;
              static const char escapes[][2] = { { 'b', '\b' },  { 'f', '\f' }, { 'n', '\n' },
                                                 { 'r', '\r' },  { 't', '\t' }, { 'v', '\v' },
                                                 { '\\', '\\' }, { '"', '"' } };
              if (c >= '0' && c <= '7')
                {
                  unsigned value = c - (unsigned) '0';
                  for (unsigned n = 1; n < 3 && arguments.p < arguments.end && *arguments.p >= '0'
                                       && *arguments.p <= '7';
                       n++)
                    value = value * 8 + (unsigned) (*arguments.p++ - '0');
                  c = (unsigned char) value;
                }
              else
                {
                  unsigned i = 0, n = sizeof escapes / sizeof *escapes;
                  while (i < n && escapes[i][0] != c)
                    i++;
                  if (i == n)
                    return reader__refuse (reader, whole);
                  c = (unsigned char) escapes[i][1];
                }
            }
          if (!reader__room (reader, 2))
            return reader__refuse (reader, whole);
          reader__number (reader, c, 1);
        }
      if (zero)
        reader__number (reader, 0, 1);
      span__skip_blanks (&arguments);
      if (arguments.p == arguments.end)
        return 0;
      if (*arguments.p++ != ',')
        return reader__refuse (reader, whole);
    }
}

/* ".zero N", ".skip N, FILL".  */
static int
reader__zero (struct reader *reader, struct span arguments)
{
  struct span whole = arguments;
  uint64_t count, fill = 0;
  if (!span__number (&arguments, &count) || !reader__room (reader, count))
    return reader__refuse (reader, whole);
  span__skip_blanks (&arguments);
  if (arguments.p < arguments.end)
    {
      if (*arguments.p++ != ',')
        return reader__refuse (reader, whole);
      span__skip_blanks (&arguments);
      if (!span__number (&arguments, &fill) || arguments.p != arguments.end)
        return reader__refuse (reader, whole);
    }
  reader__fill (reader, count, fill);
  return 0;
}

/* Says nothing of the bytes: may stand between data.  */
static bool
directive__silent (struct span directive)
{
  static const char *const silent[]
    = { ".size", ".type", ".globl", ".global", ".local", ".weak", ".hidden", ".protected",
        ".internal", ".ident", ".file", ".loc", ".set", ".addrsig", ".addrsig_sym", ".comm" };
  for (unsigned i = 0; i < sizeof silent / sizeof *silent; i++)
    if (span__is (directive, silent[i]))
      return true;
  return span__starts (directive, ".cfi_");
}

static bool
directive__switches (struct span directive)
{
  static const char *const switches[] = { ".section", ".text", ".data", ".bss", ".pushsection",
                                          ".popsection", ".previous", ".subsection" };
  for (unsigned i = 0; i < sizeof switches / sizeof *switches; i++)
    if (span__is (directive, switches[i]))
      return true;
  return false;
}

/* Reads one directive of the data.  1 where the data ends before it.  */
static int
reader__directive (struct reader *reader, const struct data *data, struct span body)
{
  static const struct
  {
    const char *name;
    unsigned size;
  } integers[] = { { ".long", 4 },  { ".byte", 1 },  { ".quad", 8 },  { ".value", 2 },
                   { ".short", 2 }, { ".int", 4 },   { ".word", 2 },  { ".hword", 2 },
                   { ".2byte", 2 }, { ".4byte", 4 }, { ".8byte", 8 }, { ".octa", 16 } };
  struct span whole = body, directive = span__word (&body);
  if (reader->pending && !directive__silent (directive) && !directive__switches (directive)
      && !directive__aligns (directive))
    {
      if (reader->pending > data->align)
        return reader__refuse (reader, whole);
      reader__fill (reader, -reader->size & (reader->pending - 1), 0);
      reader->pending = 0;
    }
  for (unsigned i = 0; i < sizeof integers / sizeof *integers; i++)
    if (span__is (directive, integers[i].name))
      return reader__integers (reader, body, integers[i].size);
  if (span__is (directive, ".string") || span__is (directive, ".asciz"))
    return reader__strings (reader, body, true);
  if (span__is (directive, ".ascii"))
    return reader__strings (reader, body, false);
  if (span__is (directive, ".zero") || span__is (directive, ".skip")
      || span__is (directive, ".space"))
    return reader__zero (reader, body);
  if (directive__aligns (directive))
    {
      /* An alignment before the next label is that one's; data that goes on after it is padded.  */
      unsigned align, most;
      if (unit__align (reader->unit, directive, body, &align, &most) < 0)
        return -1;
      if (most)
        return reader__refuse (reader, whole);
      if (reader->size && align > reader->pending)
        reader->pending = align;
      return 0;
    }
  if (directive__switches (directive))
    return 1;
  if (directive__silent (directive))
    return 0;
  return reader__refuse (reader, whole);
}

int
unit__read_data (struct unit *unit, unsigned number)
{
  struct symbol *symbol = &unit->symbol[number];
  struct data *data = &unit->code->data[symbol->data - 1];
  struct reader reader = { .unit = unit, .name = unit->names.name[number].text,
                           .bytes = { .arena = unit->arena } };
  const char *p = symbol->at;
  while (p < unit->end)
    {
      struct statement statement;
      statement__read (p, unit->end, &statement);
      p = statement.next;
      if (statement.label.p)
        {
          /* A second name of the same place goes on; another place is another datum.  */
          if (reader.size == 0)
            continue;
          break;
        }
      if (statement.body.p == statement.body.end)
        continue;
      if (statement.bad || *statement.body.p != '.')
        return reader__refuse (&reader, statement.body);
      int result = reader__directive (&reader, data, statement.body);
      if (result < 0)
        return -1;
      if (result > 0)
        break;
    }
  reader__flush (&reader);
  data->size = reader.size;
  data->n_cells = reader.n_cells;
  data->cell = reader.cell;
  return 0;
}
