/* What of a source file a model may see.  The file is cut into pieces: declarations and definitions at file level, macros,
   conditionals, scopes (namespaces, extern "C").  Wanted are the function asked for, whatever declares a name that a wanted
   piece uses, and the conditionals and scopes around them.  All else stays at home: a comment, a string or a function next door
   may be private, or be written for the model to read. Names are matched by spelling, scopes aside: a local that is called as a
   table of the file brings the table along. SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm.h"

#include "policy/c-pieces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum
{
  FILE_MOST = 16 << 20,
  TABLE_MOST = 16 << 10,  /* bytes of one declaration that are shown */
  SOURCE_MOST = 64 << 10, /* and of all pieces but the function itself */
  OPEN_MOST = 128         /* conditionals and scopes within each other */
};

/* Is NAME a function that REGION calls, so that its body isn't part of REGION's code?  */
static bool
region__calls (const struct region *region, const char *name)
{
  for (unsigned i = 0; i < region->n_callees; i++)
    if (region->callee[i].name && strcmp (region->callee[i].name, name) == 0)
      return true;
  return false;
}

/* Wants piece NUMBER; true where it wasn't wanted yet.  */
static bool
cutter__want (struct cutter *cutter, const struct region *region, unsigned number)
{
  struct piece *piece = &cutter->piece[number];
  if (piece->wanted)
    return false;
  piece->wanted = true;
  if (piece->kind == PIECE_FUNCTION && piece->name < piece->end)
    piece->only_head = region__calls (region, cutter__token (cutter, piece->name)->text);
  return true;
}

/* Wants all that wanted pieces use, breadth first from the function on.  */
static void
cutter__close (struct cutter *cutter, const struct region *region, unsigned from)
{
  unsigned *queue = ARENA_ARRAY (cutter->arena, unsigned, cutter->n), n = 0;
  queue[n++] = from;
  size_t bytes = 0;
  for (unsigned at = 0; at < n; at++)
    {
      const struct piece *piece = &cutter->piece[queue[at]];
      unsigned end = piece->only_head ? piece->body : piece->end;
      for (unsigned t = piece->first; t < end; t++)
        {
          const struct c_token *token = cutter__token (cutter, t);
          if (token->kind != C_IDENTIFIER)
            continue;
          unsigned number = names__find (&cutter->names, token->text, token->length);
          /* A field of that name is no use of it, but a macro's.  */
          bool field = t > piece->first && (cutter__is (cutter, t - 1, ".") || cutter__is (cutter, t - 1, "->"));
          for (unsigned link = number == NAME_NONE ? PIECE_NONE : cutter->first_link[number]; link != PIECE_NONE;
               link = cutter->link[link].next)
            {
              unsigned other = cutter->link[link].piece;
              const struct piece *found = &cutter->piece[other];
              size_t size = 0;
              if (field && found->kind != PIECE_MACRO)
                continue;
              for (unsigned u = found->first; u < found->end && size < TABLE_MOST; u++)
                size += cutter__token (cutter, u)->length + 1;
              if (!found->wanted && bytes + size > SOURCE_MOST)
                continue;
              if (cutter__want (cutter, region, other))
                {
                  bytes += size;
                  queue[n++] = other;
                }
            }
        }
    }
}

static const char *const standard_headers[] = {
#define HEADER(NAME) "<" NAME ">",
#include "policy/llm-headers.def"
#undef HEADER
  NULL
};

/* Wants standard headers, and conditionals and scopes around what is wanted.  */
static void
cutter__surround (struct cutter *cutter)
{
  for (unsigned i = 0; i < cutter->n; i++)
    if (cutter->piece[i].kind == PIECE_INCLUDE)
      cutter->piece[i].wanted = cutter__is_one (cutter, cutter->piece[i].first + 2, standard_headers);
  unsigned open[OPEN_MOST], n = 0;
  /* From the last on: what closes is seen first.  */
  for (unsigned i = cutter->n; i-- > 0;)
    {
      struct piece *piece = &cutter->piece[i];
      if (piece->kind == PIECE_CLOSE && piece->open < i && cutter->piece[piece->open].kind == PIECE_OPEN && n < OPEN_MOST)
        open[n++] = piece->open;
      else if (piece->kind == PIECE_OPEN && n && open[n - 1] == i)
        n--;
      else if (piece->wanted && piece->kind < PIECE_OPEN)
        for (unsigned k = 0; k < n; k++)
          cutter->piece[open[k]].wanted = true;
    }
  for (unsigned i = 0; i < cutter->n; i++)
    if (cutter->piece[i].kind == PIECE_MIDDLE || cutter->piece[i].kind == PIECE_CLOSE)
      cutter->piece[i].wanted = cutter->piece[i].open < cutter->n && cutter->piece[cutter->piece[i].open].wanted;
}

/* The last part of NAME, as C++ prints it, before its parameters ("ns::f<int>(int)": "f"), in ARENA.  */
static const char *
name__base (struct arena *arena, const char *name)
{
  const char *end = name + strcspn (name, "(<[ .");
  const char *begin = end;
  while (begin > name && begin[-1] != ':' && begin[-1] != '~')
    begin--;
  return arena__strndup (arena, begin, (size_t)(end - begin));
}

/* The piece that is REGION's function, or -1 and *WHY.  */
static int
cutter__find (struct cutter *cutter, const struct region *region, unsigned *number, struct why *why)
{
  const char *base = name__base (cutter->arena, region->source_name ? region->source_name : region->function);
  for (unsigned i = 0; i < cutter->n; i++)
    {
      const struct piece *piece = &cutter->piece[i];
      if (piece->first >= piece->end)
        continue;
      unsigned begin = cutter__token (cutter, piece->first)->line, last = cutter__token (cutter, piece->end - 1)->line;
      if (region->line < begin || region->line > last || (piece->kind != PIECE_FUNCTION && piece->kind != PIECE_DECLARATION))
        continue;
      /* A function, or a class that it is defined in.  */
      unsigned end = piece->kind == PIECE_FUNCTION ? piece->body : piece->end;
      bool named = false, braces = piece->kind == PIECE_FUNCTION;
      for (unsigned t = piece->first; t < end; t++)
        {
          named |= cutter__token (cutter, t)->line == region->line && cutter__is (cutter, t, base);
          braces |= cutter__is (cutter, t, "{");
        }
      if (!named || !braces)
        continue;
      if (region->last_line >= region->line
          && (piece->kind == PIECE_FUNCTION ? last != region->last_line : last < region->last_line))
        return why__set (why, REASON_SOURCE, "%.100s ends at line %u of its file and not at %u: the file has changed", base,
                         last, region->last_line);
      *number = i;
      return 0;
    }
  return why__set (why, REASON_SOURCE, "no function %.100s at line %u of its file", base, region->line);
}

/* Prints piece NUMBER.  */
static void
cutter__print (const struct cutter *cutter, FILE *out, unsigned number)
{
  const struct piece *piece = &cutter->piece[number];
  if (piece->only_head)
    {
      c_tokens__print (out, &cutter->tokens, piece->first, piece->body);
      fputs (";\n", out);
      return;
    }
  unsigned end = piece->end;
  size_t bytes = 0;
  if (piece->kind == PIECE_DECLARATION)
    for (end = piece->first; end < piece->end && bytes < TABLE_MOST; end++)
      {
        const struct c_token *token = cutter__token (cutter, end);
        bytes += token->space + (token->kind == C_STRING ? token->contents + 2 : token->length);
      }
  c_tokens__print (out, &cutter->tokens, piece->first, end);
  fputc ('\n', out);
  if (end < piece->end)
    fprintf (out, "/* cut off here: %u more tokens */\n", piece->end - end);
}

/* The text of REGION's file, malloc'ed; NULL and *WHY.  */
static char *
source__read (struct arena *arena, const struct region *region, size_t *length, struct why *why)
{
  const char *path = region->file && *region->file ? region->file : region->source;
  if (!path || !*path)
    {
      why__set (why, REASON_SOURCE, "nobody knows which file the function is from");
      return NULL;
    }
  if (*path != '/' && region->directory)
    path = arena__printf (arena, "%s/%s", region->directory, path);
  /* A plain file alone: #line can name anything.  */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat info;
  char *text = NULL;
  if (fd < 0 || fstat (fd, &info) != 0)
    why__set (why, REASON_SOURCE, "%.200s: %s", path, strerror (errno));
  else if (!S_ISREG (info.st_mode) || info.st_size > FILE_MOST)
    why__set (why, REASON_SOURCE, "%.200s is no plain file of at most %d bytes", path, FILE_MOST);
  else
    {
      size_t size = (size_t)info.st_size, done = 0;
      text = malloc (size + 1);
      if (!text)
        abort ();
      for (ssize_t n; done < size && (n = read (fd, text + done, size - done)) > 0;)
        done += (size_t)n;
      text[done] = 0;
      *length = done;
    }
  if (fd >= 0)
    close (fd);
  return text;
}

char *
llm__source (const struct region *region, struct why *why)
{
  if (!region->line)
    {
      why__set (why, REASON_SOURCE, "nobody knows where in its file %.100s is", region->function);
      return NULL;
    }
  struct arena *arena = arena__new ();
  struct cutter cutter;
  size_t length = 0;
  char *file = source__read (arena, region, &length, why), *text = NULL;
  unsigned number = PIECE_NONE;
  if (file && cutter__read (arena, file, length, &cutter, why) == 0 && cutter__find (&cutter, region, &number, why) == 0)
    {
      size_t size;
      FILE *out = open_memstream (&text, &size);
      if (!out)
        abort ();
      cutter__want (&cutter, region, number);
      cutter.piece[number].only_head = false;
      cutter__close (&cutter, region, number);
      cutter__surround (&cutter);
      bool first = true;
      for (unsigned i = 0; i < cutter.n; i++)
        {
          const struct piece *piece = &cutter.piece[i];
          if (!piece->wanted || (piece->inside != PIECE_NONE && cutter.piece[piece->inside].wanted))
            continue;
          if (!first && piece->kind == PIECE_FUNCTION && !piece->only_head)
            fputc ('\n', out);
          cutter__print (&cutter, out, i);
          first = false;
        }
      fclose (out);
    }
  free (file);
  arena__free (arena);
  return text;
}
