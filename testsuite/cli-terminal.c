/* The progress bar keeps to 80 columns, redraws ten times a second at most, and is silent where
   there is no terminal; control characters don't reach the terminal; NO_COLOR is respected.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/terminal.h"
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A pseudo-terminal of 80 columns: a stream to write to, and where to read it.  */
static FILE *
terminal_open (int *reader)
{
  int leader, follower;
  struct winsize size = { .ws_row = 24, .ws_col = 80 };
  assert_int_equal (openpty (&leader, &follower, NULL, NULL, &size), 0);
  fcntl (leader, F_SETFL, O_NONBLOCK);
  *reader = leader;
  return fdopen (follower, "w");
}

static size_t
terminal_read (int reader, char *buffer, size_t size)
{
  size_t used = 0;
  ssize_t n;
  while (used + 1 < size && (n = read (reader, buffer + used, size - 1 - used)) > 0)
    used += (size_t)n;
  buffer[used] = '\0';
  return used;
}

static void
bar_fits_and_is_rare (void **state)
{
  (void)state;
  setenv ("TERM", "xterm", 1);
  unsetenv ("NO_COLOR");
  int reader;
  FILE *tty = terminal_open (&reader);
  struct progress *progress = progress__new (tty, false);
  static char buffer[65536];
  struct timespec begin, t;
  clock_gettime (CLOCK_MONOTONIC, &begin);
  double elapsed = 0;
  while (elapsed < 0.55)
    {
      progress__update (
          progress, elapsed, 0.55,
          "a_function_with_a_very_long_name_that_goes_on_and_on_beyond_the_right_margin\033[2J");
      clock_gettime (CLOCK_MONOTONIC, &t);
      elapsed = (double)(t.tv_sec - begin.tv_sec) + 1e-9 * (double)(t.tv_nsec - begin.tv_nsec);
    }
  progress__finish (progress);
  size_t n = terminal_read (reader, buffer, sizeof buffer);
  assert_true (n > 0);
  unsigned redraws = 0, column = 0, widest = 0;
  for (size_t i = 0; i < n; i++)
    if (buffer[i] == '\r')
      redraws++, column = 0;
    else if (buffer[i] == '\033')
      {
        i++;
        assert_int_equal (buffer[i], '[');
        for (i++; buffer[i] >= '0' && buffer[i] <= '?'; i++)
          ;
        assert_true (buffer[i] == 'K' || buffer[i] == 'm');
      }
    else if (++column > widest)
      widest = column;
  print_message ("# %u redraws, %u columns\n", redraws, widest);
  assert_in_range (redraws, 2, 7);
  assert_in_range (widest, 60, 79);
  /* The line is empty in the end.  */
  assert_string_equal (buffer + n - 4, "\r\033[K");
  fclose (tty);
  close (reader);
}

static void
silent_without_terminal (void **state)
{
  (void)state;
  char *text = NULL;
  FILE *file = tmpfile ();
  struct progress *progress = progress__new (file, false);
  progress__update (progress, 1, 2, "note");
  progress__clear (progress);
  progress__finish (progress);
  fflush (file);
  assert_int_equal (ftell (file), 0);
  assert_string_equal (terminal__sgr (file, COLOUR_RED), "");
  assert_int_equal (terminal__width (file), 80);
  fclose (file);
  free (text);
  int reader;
  FILE *tty = terminal_open (&reader);
  char buffer[256];
  progress = progress__new (tty, true);
  progress__update (progress, 1, 2, "note");
  progress__finish (progress);
  assert_int_equal (terminal_read (reader, buffer, sizeof buffer), 0);
  progress__finish (NULL);
  /* Colour on a terminal, but not where the user says no.  */
  assert_string_not_equal (terminal__sgr (tty, COLOUR_RED), "");
  setenv ("NO_COLOR", "1", 1);
  assert_string_equal (terminal__sgr (tty, COLOUR_RED), "");
  unsetenv ("NO_COLOR");
  setenv ("TERM", "dumb", 1);
  assert_string_equal (terminal__sgr (tty, COLOUR_RED), "");
  setenv ("TERM", "xterm", 1);
  fclose (tty);
  close (reader);
}

static void
control_characters_are_masked (void **state)
{
  (void)state;
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream (&text, &size);
  assert_int_equal (terminal__print (f, "a\033[31mb\x7f\xc2\x9b\tgr\xc3\xbc\xc3\x9f", 0), 14);
  fclose (f);
  assert_string_equal (text, "a?[31mb?? gr\xc3\xbc\xc3\x9f");
  free (text);
  f = open_memstream (&text, &size);
  assert_int_equal (terminal__print (f, "\xc3\xbc\xc3\xbc\xc3\xbc", 2), 2);
  fclose (f);
  assert_string_equal (text, "\xc3\xbc\xc3\xbc");
  free (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (bar_fits_and_is_rare),
    cmocka_unit_test (silent_without_terminal),
    cmocka_unit_test (control_characters_are_masked),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
