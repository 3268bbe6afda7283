/* What became of a candidate, for the model that proposed it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm.h"

#include "policy/llm-text.h"

#include <stdlib.h>
#include <string.h>

enum
{
  DETAIL_MOST = 600,
  LINE_MOST = 240, /* of a counterexample */
  LINES_MOST = 40
};

/* What to try after REASON; NULL where nobody knows.  */
static const char *
advice__after (enum reason reason)
{
  static const char *const advice[REASON_COUNT] = {
#define ADVICE(ID, TEXT) [REASON_##ID] = TEXT,
#include "policy/llm-advice.def"
#undef ADVICE
  };
  return (unsigned)reason < REASON_COUNT ? advice[reason] : NULL;
}

/* What kind of end REASON is.  */
enum ending
{
  ENDING_TEXT,
  ENDING_RULE,
  ENDING_RUN,
  ENDING_SPEED,
  ENDING_UNKNOWN
};

static enum ending
ending__of (enum reason reason)
{
  if ((reason >= REASON_SYNTAX && reason <= REASON_ASSEMBLER) || (reason >= REASON_POLICY_FAILED && reason <= REASON_CONFIG))
    return ENDING_TEXT;
  if (reason >= REASON_FORBIDDEN && reason <= REASON_MARKER)
    return ENDING_RULE;
  if (reason >= REASON_RESULT && reason <= REASON_STACK)
    return ENDING_RUN;
  if (reason >= REASON_NOT_FASTER && reason <= REASON_NOISE)
    return ENDING_SPEED;
  return ENDING_UNKNOWN;
}

/* Prints TEXT of several lines as data: each cleaned and cut, no more than LINES_MOST.  */
static void
print_lines (FILE *out, struct llm_names *names, const char *name, const char *text)
{
  char *outward = llm_names__outward (names, text), *lines;
  size_t size;
  FILE *stream = open_memstream (&lines, &size);
  if (!stream)
    abort ();
  unsigned n = 0;
  for (char *at = outward, *next; *at && n < LINES_MOST; at = next, n++)
    {
      size_t length = strcspn (at, "\n"), indent = strspn (at, " ");
      next = at + length + (at[length] == '\n');
      at[length] = 0;
      fprintf (stream, "%*s", (int)(indent < 8 ? indent : 8), "");
      line__print (stream, at, LINE_MOST);
      fputc ('\n', stream);
      if (n + 1 == LINES_MOST && *next)
        fputs ("(more lines follow)\n", stream);
    }
  fclose (stream);
  llm__print_data (out, name, lines);
  free (lines);
  free (outward);
}

/* The reason's sentence and, as data, its detail.  */
static void
print_why (FILE *out, struct llm_names *names, const struct why *why)
{
  fprintf (out, "Reason: %s.\n", reason__text (why->reason));
  if (why->detail[0])
    {
      char *outward = llm_names__outward (names, why->detail), *line = line__clean (outward, DETAIL_MOST);
      llm__print_data (out, "detail", line);
      free (line);
      free (outward);
    }
}

static void
print_ratio (FILE *out, const struct feedback *feedback)
{
  fprintf (out, "%.2f times as fast as GCC's code (95 %% interval %.2f to %.2f)", feedback->ratio, feedback->ratio_low,
           feedback->ratio_high);
}

char *
llm__tell (const struct region *region, struct llm_names *names, const struct feedback *feedback, bool improve)
{
  (void)region;
  char *text;
  size_t size;
  FILE *out = open_memstream (&text, &size);
  if (!out)
    abort ();
  enum reason reason = feedback->why.reason;
  enum ending ending = ending__of (reason);
  bool refuted = (feedback->verdict && strcmp (feedback->verdict, "refuted") == 0) || feedback->counterexample;
  if (improve || (feedback->accepted && reason == REASON_NONE))
    {
      fputs ("Your candidate gives the right results", out);
      if (feedback->verdict && strcmp (feedback->verdict, "unknown") != 0)
        {
          fputs (" (", out);
          line__print (out, feedback->verdict, 20);
          fputc (')', out);
        }
      if (feedback->ratio > 0)
        {
          fputs (" and is ", out);
          print_ratio (out, feedback);
        }
      fputs (
          ". It stands as the best so far. Propose a still faster one: what bounds it now, dependent operations, loads, "
          "shuffles on one port, the remainder, the "
          "small sizes? Wider blocks, more independent chains, another way to do the slowest step. Keep what made it right.\n",
          out);
    }
  else if (refuted || ending == ENDING_RUN)
    {
      fputs ("Your candidate is wrong: on an input it behaves otherwise than the original.\n", out);
      print_why (out, names, &feedback->why);
      if (feedback->counterexample && *feedback->counterexample)
        {
          fputs (
              "The input, made as small as was possible, with what was expected (original) and what was found (candidate):\n",
              out);
          print_lines (out, names, "counterexample", feedback->counterexample);
        }
    }
  else if (ending == ENDING_SPEED || (reason == REASON_NONE && feedback->ratio > 0))
    {
      fputs ("Your candidate showed no wrong result but isn't fast enough", out);
      if (feedback->ratio > 0)
        {
          fputs (": it is ", out);
          print_ratio (out, feedback);
          fputs ("; it has to be at least 1.02 times as fast overall and not slower on small inputs, and faster than the best "
                 "so far",
                 out);
        }
      fputs (".\n", out);
      if (reason != REASON_NONE)
        print_why (out, names, &feedback->why);
    }
  else if (ending == ENDING_TEXT)
    {
      fputs (reason == REASON_SAME            ? "Your candidate is nothing new.\n"
             : reason >= REASON_POLICY_FAILED ? "Your answer can't be used.\n"
                                              : "Your candidate was refused before it ran.\n",
             out);
      print_why (out, names, &feedback->why);
    }
  else if (ending == ENDING_RULE)
    {
      fputs ("Your candidate was refused before it ran: it breaks a rule of the contract.\n", out);
      print_why (out, names, &feedback->why);
    }
  else
    {
      fputs ("No wrong result of your candidate was found, but it couldn't be shown to be right either, which counts as no.", out);
      if (feedback->ratio > 0)
        {
          fputs (" It would be ", out);
          print_ratio (out, feedback);
          fputs (": mend it.", out);
        }
      fputc ('\n', out);
      if (reason != REASON_NONE)
        {
          print_why (out, names, &feedback->why);
          const char *remedy = reason__remedy (reason);
          if (remedy && !advice__after (reason))
            fprintf (out, "What would help: %s.\n", remedy);
        }
    }
  const char *advice = improve ? NULL : advice__after (reason);
  if (advice)
    fprintf (out, "%s\n", advice);
  fclose (out);
  return text;
}
