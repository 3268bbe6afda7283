/* Colour, width and the progress bar.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/terminal.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

bool
terminal__is_tty (FILE *stream)
{
  const char *term = getenv ("TERM");
  return isatty (fileno (stream)) && term && *term && strcmp (term, "dumb") != 0;
}

bool
terminal__colour (FILE *stream)
{
  const char *no = getenv ("NO_COLOR");
  return !(no && *no) && terminal__is_tty (stream);
}

unsigned
terminal__width (FILE *stream)
{
  struct winsize size;
  if (ioctl (fileno (stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *columns = getenv ("COLUMNS");
  long n = columns ? strtol (columns, NULL, 10) : 0;
  return n >= 20 && n <= 1000 ? (unsigned)n : 80;
}

const char *
terminal__sgr (FILE *stream, enum colour colour)
{
  static const char *const sequence[]
      = { "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[36m" };
  return terminal__colour (stream) ? sequence[colour] : "";
}

unsigned
terminal__print (FILE *stream, const char *text, unsigned width)
{
  unsigned columns = 0;
  for (const unsigned char *p = (const unsigned char *)text; *p; p++)
    {
      bool continues = (*p & 0xc0) == 0x80;
      if (!continues && width && columns == width)
        break;
      /* C0, DEL, and C1 as UTF-8 has it (c2 80 … c2 9f).  */
      if (*p < ' ' || *p == 127)
        fputc (*p == '\t' ? ' ' : '?', stream);
      else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
        fputc ('?', stream), p++;
      else
        fputc (*p, stream);
      columns += !continues;
    }
  return columns;
}

struct progress
{
  FILE *stream;
  bool silent;
  bool drawn;
  pthread_mutex_t lock;
  double begun, redrawn; /* seconds */
};

/* Seconds of a clock that only goes forward.  */
static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct progress *
progress__new (FILE *stream, bool quiet)
{
  struct progress *progress = calloc (1, sizeof *progress);
  if (!progress)
    abort ();
  progress->stream = stream;
  progress->silent = quiet || !terminal__is_tty (stream);
  progress->begun = now ();
  progress->redrawn = -1;
  pthread_mutex_init (&progress->lock, NULL);
  return progress;
}

/* "1:05", "2:03:04".  */
static void
time__print (char *buffer, size_t size, double seconds)
{
  unsigned long s = seconds < 3.6e6 ? (unsigned long)(seconds + 0.5) : 3600000;
  if (s >= 3600)
    snprintf (buffer, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
  else
    snprintf (buffer, size, "%lu:%02lu", s / 60, s % 60);
}

void
progress__update (struct progress *progress, double done, double total, const char *note)
{
  if (progress->silent)
    return;
  pthread_mutex_lock (&progress->lock);
  double t = now ();
  if (progress->redrawn < 0 || t - progress->redrawn >= 0.1)
    {
      progress->redrawn = t;
      FILE *f = progress->stream;
      unsigned width = terminal__width (f), used = 0;
      char figures[120], left[48] = "";
      double elapsed = t - progress->begun;
      double share = total > 0 ? done / total : 0;
      share = share < 0 ? 0 : share > 1 ? 1 : share;
      if (total > 0 && share > 0.01 && elapsed > 1)
        {
          char eta[32];
          time__print (eta, sizeof eta, elapsed * (1 - share) / share);
          snprintf (left, sizeof left, " %s left", eta);
        }
      else
        {
          char since[32];
          time__print (since, sizeof since, elapsed);
          snprintf (left, sizeof left, " %s", since);
        }
      if (total > 0)
        snprintf (figures, sizeof figures, " %3.0f %% %.0f/%.0f%s ", 100 * share, done, total,
                  left);
      else
        snprintf (figures, sizeof figures, "%.0f%s ", done, left);
      fputs ("\r\033[K", f);
      if (total > 0)
        {
          unsigned bar = width / 4 > 24 ? 24 : width / 4;
          unsigned full = (unsigned)(share * bar + 0.5);
          fputs (terminal__sgr (f, COLOUR_CYAN), f);
          for (unsigned i = 0; i < bar; i++)
            fputc (i < full ? '#' : '.', f);
          fputs (terminal__sgr (f, COLOUR_NONE), f);
          used += bar;
        }
      /* The last column stays free: some terminals wrap there.  */
      if (used + 1 < width)
        used += terminal__print (f, figures, width - 1 - used);
      if (note && used + 1 < width)
        terminal__print (f, note, width - 1 - used);
      fflush (f);
      progress->drawn = true;
    }
  pthread_mutex_unlock (&progress->lock);
}

void
progress__clear (struct progress *progress)
{
  pthread_mutex_lock (&progress->lock);
  if (progress->drawn)
    {
      fputs ("\r\033[K", progress->stream);
      fflush (progress->stream);
      progress->drawn = false;
      progress->redrawn = -1;
    }
  pthread_mutex_unlock (&progress->lock);
}

void
progress__finish (struct progress *progress)
{
  if (!progress)
    return;
  progress__clear (progress);
  pthread_mutex_destroy (&progress->lock);
  free (progress);
}
