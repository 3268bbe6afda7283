/* What depends on standard output or error being a terminal: colour, width, a progress bar.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TERMINAL_H
#define AIOPT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum colour
{
  COLOUR_NONE,
  COLOUR_BOLD,
  COLOUR_DIM,
  COLOUR_RED,
  COLOUR_GREEN,
  COLOUR_YELLOW,
  COLOUR_CYAN
};

/* Is STREAM a terminal that can be redrawn (TERM is set and not "dumb")?  */
bool terminal__is_tty (FILE *stream);

/* Is colour wanted on STREAM: a terminal, and NO_COLOR unset or empty (https://no-color.org)?  */
bool terminal__colour (FILE *stream);

/* Columns of STREAM's terminal; 80 where there is none or it doesn't say.  */
unsigned terminal__width (FILE *stream);

/* The escape sequence that begins COLOUR on STREAM ("" where colour isn't wanted); COLOUR_NONE ends
 * it.  */
const char *terminal__sgr (FILE *stream, enum colour colour);

/* Prints TEXT with control characters (escape sequences of untrusted origin) as '?', at most WIDTH
   columns (0: all; UTF-8 counts a column a code point).  Returns the columns printed.  */
unsigned terminal__print (FILE *stream, const char *text, unsigned width);

/* A progress bar on one line of STREAM, redrawn at most ten times a second, with the time left.
   Silent where STREAM is no terminal or QUIET.  Its functions may be called from several threads.
 */
struct progress;

struct progress *progress__new (FILE *stream, bool quiet);

/* DONE of TOTAL (fractions are welcome; TOTAL 0: unknown) and a short NOTE, may be NULL.  */
void progress__update (struct progress *progress, double done, double total, const char *note);

/* Takes the bar off the line, so that a message can be printed; the next update draws it again.  */
void progress__clear (struct progress *progress);

/* Takes the bar off and frees PROGRESS.  NULL is allowed.  */
void progress__finish (struct progress *progress);

#endif
