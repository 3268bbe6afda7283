/* One file of settings: opened once, looked at, read whole, then taken apart by inih.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "config/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Far more than anybody writes; what is longer is no file of settings.  */
enum { FILE_MAX = 1 << 20, LINE_MAX_BYTES = 8192 };

struct reading
{
  struct config *config;
  const char *path;
  struct stat status;
  const char *at, *end;           /* what of the text inih hasn't got yet */
  unsigned line;                  /* that inih has got last */
  unsigned line_of[CONFIG_N_ITEMS]; /* where a setting was found, 0: not yet */
  unsigned wrong;                 /* line of the first error, whose reason is WHY; 0: none */
  struct why *why;
};

/* "PATH:LINE", malloc'ed.  */
static char *
place (const struct reading *reading, unsigned line)
{
  char *text;
  if (asprintf (&text, "%s:%u", reading->path, line) < 0)
    abort ();
  return text;
}

/* Says that the line that was read last is wrong: TEXT is said after its place.  Returns 0, which to inih is an error.  */
static int __attribute__ ((format (printf, 2, 3)))
refuse (struct reading *reading, const char *format, ...)
{
  char *where = place (reading, reading->line), *text, buffer[CONFIG_PLACE_MAX];
  va_list arguments;
  va_start (arguments, format);
  if (vasprintf (&text, format, arguments) < 0)
    abort ();
  va_end (arguments);
  reading->wrong = reading->line;
  why__set (reading->why, REASON_CONFIG, "%s: %s", config__place (where, buffer), text);
  free (text);
  free (where);
  return 0;
}

/* May a secret stand in this file?  1, or 0 after refuse.  */
static int
keeps_secrets (struct reading *reading, const struct config_item *item)
{
  uid_t owner = reading->status.st_uid, user = geteuid ();
  unsigned mode = reading->status.st_mode & 07777;
  char buffer[CONFIG_PLACE_MAX];
  if (owner != user && owner != 0)
    return refuse (reading, "%s is in a file that belongs to user %u: expected one of your own (user %u) or root's", item->name,
                   (unsigned) owner, (unsigned) user);
  if (mode & 077)
    return refuse (reading, "%s is in a file that others can use (mode %04o): chmod 600 %s", item->name, mode,
                   config__place (reading->path, buffer));
  return 1;
}

/* inih's handler: NAME = VALUE in SECTION.  1, or 0 where something is wrong with it.  */
static int
handle (void *user, const char *section, const char *name, const char *value)
{
  struct reading *reading = user;
  struct why why = { 0 };
  char *full;
  if (reading->wrong)
    return 0;
  if (asprintf (&full, "%s%s%s", section, *section ? "." : "", name) < 0)
    abort ();
  const struct config_item *item = *section ? config__item (full, &why) : NULL;
  if (!*section && config__item (full, &why))
    why__set (&why, REASON_CONFIG, "'%s' stands before any section: expected '%s' under '[%.*s]'", full, strchr (full, '.') + 1,
              (int) strcspn (full, "."), full);
  free (full);
  if (!item)
    return refuse (reading, "%s", why.detail);
  unsigned *first = &reading->line_of[config_item__index (item)];
  if (*first)
    return refuse (reading, "%s was set in line %u: expected once", item->name, *first);
  *first = reading->line;
  if (item->kind == CONFIG_SECRET && *value && !keeps_secrets (reading, item))
    return 0;
  char *origin = place (reading, reading->line);
  int result = config__assign (reading->config, item, value, CONFIG_FROM_FILE, origin, reading->why);
  free (origin);
  if (result < 0)
    reading->wrong = reading->line;
  return result == 0;
}

/* inih's reader: the next line, as fgets would give it, into LINE[SIZE].  Blanks before it are left out, because inih takes an
   indented line for more of the one before.  NULL at the end, or where a line is too long.  */
static char *
next_line (char *line, int size, void *stream)
{
  struct reading *reading = stream;
  if (reading->at == reading->end)
    return NULL;
  const char *start = reading->at, *newline = memchr (start, '\n', (size_t) (reading->end - start));
  const char *end = newline ? newline + 1 : reading->end;
  reading->at = end;
  reading->line++;
  while (start < end && (*start == ' ' || *start == '\t'))
    start++;
  size_t length = (size_t) (end - start);
  if (length >= (size_t) size)
    {
      if (*start == '#' || *start == ';')
        length = 1;
      else
        {
          if (!reading->wrong)
            refuse (reading, "a line of %zu bytes: expected %d at most", length, size - 1);
          return NULL;
        }
    }
  memcpy (line, start, length);
  line[length] = '\0';
  return line;
}

/* The first word of line NUMBER of TEXT, up to END, where it is the key of a setting: anything else may be a piece of a secret.
   NULL: it isn't.  */
static const char *
word_of_line (const char *text, const char *end, unsigned number)
{
  while (--number)
    text = (const char *) memchr (text, '\n', (size_t) (end - text)) + 1;
  while (text < end && (*text == ' ' || *text == '\t'))
    text++;
  unsigned n;
  const struct config_item *item = config__items (&n);
  for (unsigned i = 0; i < n; i++)
    {
      const char *key = strchr (item[i].name, '.') + 1;
      size_t length = strlen (key);
      if ((size_t) (end - text) >= length && memcmp (text, key, length) == 0
          && (text + length == end || strchr (" \t\r\n", text[length])))
        return key;
    }
  return NULL;
}

/* Takes TEXT[LENGTH] apart.  0, or -1 and *WHY.  */
static int
parse (struct reading *reading, const char *text, size_t length)
{
  reading->at = text;
  reading->end = text + length;
  const char *zero = memchr (text, 0, length);
  if (zero)
    {
      for (const char *p = text; p < zero; p++)
        reading->line += *p == '\n';
      reading->line++;
      refuse (reading, "a byte that is 0: expected text");
      return -1;
    }
  /* The line buffer is on inih's stack, and as long as this variable of the library's says.  */
  ini_max_line = LINE_MAX_BYTES;
  int first = ini_parse_stream (next_line, reading, handle, reading);
  sodium_stackzero (LINE_MAX_BYTES + 4096);
  if (first > 0 && (!reading->wrong || (unsigned) first < reading->wrong))
    {
      const char *word = word_of_line (text, text + length, (unsigned) first);
      reading->line = (unsigned) first;
      refuse (reading, "%s%s%s: expected NAME = VALUE, [SECTION], or # or ; before a comment", word ? "'" : "a line that is none",
              word ? word : "", word ? " ...'" : "");
    }
  return reading->wrong ? -1 : 0;
}

/* Reads FD's text, FILE_MAX bytes at most, into *TEXT, malloc'ed.  Its length, or -1 and errno (EFBIG).  */
static ssize_t
read_all (int fd, char **text)
{
  size_t length = 0;
  char *buffer = malloc (FILE_MAX + 1);
  if (!buffer)
    abort ();
  for (;;)
    {
      ssize_t n = read (fd, buffer + length, FILE_MAX + 1 - length);
      if (n > 0)
        length += (size_t) n;
      if (length > FILE_MAX)
        errno = EFBIG;
      else if (n == 0)
        break;
      else if (n > 0 || errno == EINTR)
        continue;
      sodium_memzero (buffer, length);
      free (buffer);
      return -1;
    }
  *text = buffer;
  return (ssize_t) length;
}

int
config_file__read (struct config *config, const char *path, bool required, struct why *why)
{
  char buffer[CONFIG_PLACE_MAX], *text = NULL;
  const char *shown = config__place (path, buffer);
  struct reading reading = { .config = config, .path = path, .why = why };
  /* A pipe must not be waited for.  */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    {
      if (!required && (errno == ENOENT || errno == ENOTDIR))
        return 0;
      return why__set (why, REASON_CONFIG, "%s: %s%s", shown, strerror (errno), required ? " (AIOPT_CONFIG names it)" : "");
    }
  int result = -1;
  ssize_t length;
  if (fstat (fd, &reading.status) < 0)
    why__set (why, REASON_CONFIG, "%s: %s", shown, strerror (errno));
  else if (!S_ISREG (reading.status.st_mode))
    why__set (why, REASON_CONFIG, "%s: expected a regular file; AIOPT_CONFIG= (empty) reads none", shown);
  /* tune.policy may name a program to run.  */
  else if (reading.status.st_mode & S_IWOTH)
    why__set (why, REASON_CONFIG, "%s: anybody can change it (mode %04o): chmod o-w, or 600", shown,
              (unsigned) reading.status.st_mode & 07777);
  else if ((length = read_all (fd, &text)) < 0)
    {
      if (errno == EFBIG)
        why__set (why, REASON_CONFIG, "%s: more than %d bytes: expected fewer", shown, FILE_MAX);
      else
        why__set (why, REASON_CONFIG, "%s: %s", shown, strerror (errno));
    }
  else
    {
      result = parse (&reading, text, (size_t) length);
      sodium_memzero (text, (size_t) length);
    }
  close (fd);
  free (text);
  return result;
}
