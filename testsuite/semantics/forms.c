/* Templates of instruction forms, written out.

   A template file has lines of these kinds:
     # comment
     family NAME
     CLASS WIDTHS: TEMPLATE
   A template is AT&T text with
     [a|b|c]       each of them
     <a|b|c>       one of them, the next in the next form of this template
     ~             the width's suffix (b w l q)
     @A @B @C      general registers of the width from the class's sets (some the same register, high bytes, r8 and up);
                   @A.l the same register with another width
     @i            <immediates at the width's limits>; @j <bytes>; @m <addresses>; @c [the sixteen conditions]
     @X @Y @Z      vector registers of the width from the class's sets; @X.x with another width
     @S            source: register X or memory; @S4, @S8: and a broadcast of 4, 8 bytes
     @k @n         write mask, merging or zeroing; merging only
     @K            a mask register that is not a write mask
   Classes: plain (no widths, written "plain -:"), gpr (widths of b w l q), sse (x), vex (of x y), evex (of x y z).
   With sets of registers and masks a class says which combinations are worth a form: all sources with all masks and
   all registers would be ten times as many and show little more.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/semantics/forms.h"
#include "states/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

enum source { SOURCE_REGISTER, SOURCE_MEMORY, SOURCE_BROADCAST };

/* One way to fill in a template's registers.  */
struct choice
{
  const char *widths;       /* for which */
  int a, b, c;              /* general: hardware numbers, 16 to 19: ah ch dh bh; vector: numbers */
  const char *mask, *merge; /* @k, @n */
  enum source source;
};

static const struct choice plain_choices[] = { { "-", 0, 0, 0, "", "", 0 } };

static const struct choice gpr_choices[] = {
  { "bwlq", 6, 7, 8, "", "", 0 }, /* rsi, rdi, r8 */
  { "wlq", 0, 0, 1, "", "", 0 },
  { "bwlq", 9, 14, 9, "", "", 0 },
  { "b", 16, 3, 2, "", "", 0 },   /* ah, bl */
  { "b", 2, 17, 2, "", "", 0 },   /* dl, ch */
  { "b", 18, 2, 2, "", "", 0 },   /* dh, dl: of one register */
};

static const struct choice sse_choices[] = {
  { "x", 1, 2, 0, "", "", SOURCE_REGISTER },
  { "x", 3, 3, 0, "", "", SOURCE_REGISTER },
  { "x", 9, 14, 0, "", "", SOURCE_MEMORY },
};

static const struct choice vex_choices[] = {
  { "xy", 1, 2, 3, "", "", SOURCE_REGISTER },
  { "y", 7, 7, 7, "", "", SOURCE_REGISTER },
  { "xy", 9, 12, 9, "", "", SOURCE_REGISTER },
  { "xy", 4, 8, 5, "", "", SOURCE_MEMORY },
};

static const struct choice evex_choices[] = {
  { "xyz", 1, 2, 3, "", "", SOURCE_REGISTER },
  { "y", 7, 7, 7, "", "", SOURCE_REGISTER },
  { "xz", 17, 30, 21, "{%k1}", "{%k1}", SOURCE_REGISTER },
  { "yz", 4, 9, 4, "{%k3}{z}", "", SOURCE_REGISTER },
  { "y", 18, 5, 18, "{%k2}", "{%k2}", SOURCE_REGISTER },
  { "y", 6, 11, 10, "", "", SOURCE_MEMORY },
  { "xz", 6, 19, 13, "{%k4}", "{%k4}", SOURCE_MEMORY },
  { "xz", 6, 31, 31, "{%k5}{z}", "", SOURCE_MEMORY },
  { "xy", 6, 22, 15, "{%k6}", "{%k6}", SOURCE_BROADCAST },
  { "z", 6, 23, 16, "", "", SOURCE_BROADCAST },
};

#define COUNT(LIST) (sizeof (LIST) / sizeof *(LIST))

static const struct class
{
  const char *name;
  const struct choice *choice;
  size_t n;
} classes[] = {
  { "plain", plain_choices, COUNT (plain_choices) }, { "gpr", gpr_choices, COUNT (gpr_choices) },
  { "sse", sse_choices, COUNT (sse_choices) },       { "vex", vex_choices, COUNT (vex_choices) },
  { "evex", evex_choices, COUNT (evex_choices) },
};

static const char *const conditions = "[o|no|b|ae|e|ne|be|a|s|ns|p|np|l|ge|le|g]";
static const char *const addresses = "<(%rdi)|-24(%r13,%rcx,4)>";
static const char *const byte_immediates = "<0|1|7|8|15|31|37|63|64|85|170|255>";

static const char *
immediates (char width)
{
  return width == 'b'   ? "<1|-128|127>"
         : width == 'w' ? "<5|-32768|0x7fff|-1>"
                        : "<1|-128|0x7fffffff|-0x80000000>";
}

/* Writes register NUMBER (16 to 19 are ah ch dh bh where WIDTH is b) to TEXT.  Gives its length.  */
static int
write_gpr (char *text, int number, char width)
{
  static const char *const high[4] = { "ah", "ch", "dh", "bh" };
  static const char *const low[8] = { "a", "c", "d", "b", "sp", "bp", "si", "di" };
  if (number >= 16)
    {
      if (width == 'b')
        return sprintf (text, "%%%s", high[number - 16]);
      number -= 16;
    }
  if (number >= 8)
    return sprintf (text, "%%r%d%s", number,
                    width == 'b'   ? "b"
                    : width == 'w' ? "w"
                    : width == 'l' ? "d"
                                   : "");
  if (width == 'b')
    return sprintf (text, "%%%sl", low[number]);
  return sprintf (text, "%%%s%s%s", width == 'l' ? "e" : width == 'q' ? "r" : "", low[number],
                  number < 4 ? "x" : "");
}

struct writing
{
  struct forms *forms;
  const char *family;
  char width;
  const struct choice *choice;
};

/* Writes TEMPLATE's operands into TEXT, [a|b] left for later.  False where the choice doesn't fit.  */
static bool
write_operands (const struct writing *writing, const char *template, char *text)
{
  const struct choice *choice = writing->choice;
  char *end = text + TEXT_MAX - 64;
  for (const char *at = template; *at && text < end; at++)
    {
      if (*at == '~')
        {
          *text++ = writing->width;
          continue;
        }
      if (*at != '@')
        {
          *text++ = *at;
          continue;
        }
      char what = *++at;
      char width = writing->width;
      char digit = at[1] == '4' || at[1] == '8' ? at[1] : 0;
      if (what == 'S' && digit)
        at++;
      if (strchr ("ABCXYZS", what) && at[1] == '.')
        {
          width = at[2];
          at += 2;
        }
      int n = 0;
      switch (what)
        {
        case 'A': case 'B': case 'C':
          {
            int number = what == 'A' ? choice->a : what == 'B' ? choice->b : choice->c;
            n = write_gpr (text, number, width);
            break;
          }
        case 'X': case 'Y': case 'Z':
          {
            int number = what == 'X' ? choice->a : what == 'Y' ? choice->b : choice->c;
            n = sprintf (text, "%%%cmm%d", width, number);
            break;
          }
        case 'S':
          if (choice->source == SOURCE_REGISTER)
            n = sprintf (text, "%%%cmm%d", width, choice->a);
          else if (choice->source == SOURCE_MEMORY)
            n = sprintf (text, choice->a & 1 ? "-24(%%r13,%%rcx,4)" : "(%%rdi)");
          else if (!digit)
            return false;
          else
            n = sprintf (text, "(%%rdi){1to%d}",
                         (width == 'x' ? 16 : width == 'y' ? 32 : 64) / (digit - '0'));
          break;
        case 'k':
          n = sprintf (text, "%s", choice->mask);
          break;
        case 'n':
          n = sprintf (text, "%s", choice->merge);
          break;
        case 'K':
          n = sprintf (text, "%%k%d", choice->a % 8);
          break;
        case 'i':
          n = sprintf (text, "$%s", immediates (writing->width));
          break;
        case 'j':
          n = sprintf (text, "$%s", byte_immediates);
          break;
        case 'm':
          n = sprintf (text, "%s", addresses);
          break;
        case 'c':
          n = sprintf (text, "%s", conditions);
          break;
        default:
          return false;
        }
      text += n;
    }
  *text = 0;
  return true;
}

/* Adds TEXT, with the TURN-th alternative of each <…>.  */
static void
write_turns (const struct writing *writing, const char *text, unsigned turn)
{
  char one[TEXT_MAX];
  char *to = one;
  for (const char *at = text; *at; at++)
    {
      const char *close = *at == '<' ? strchr (at, '>') : NULL;
      if (!close)
        {
          *to++ = *at;
          continue;
        }
      unsigned n = 1;
      for (const char *bar = at; bar < close; bar++)
        n += *bar == '|';
      at++;
      for (unsigned skip = turn % n; skip > 0; skip--)
        at += strcspn (at, "|>") + 1;
      size_t length = strcspn (at, "|>");
      memcpy (to, at, length);
      to += length;
      at = close;
      turn = turn * 7 / 3; /* so that two lists don't go in step */
    }
  *to = 0;
  forms__add (writing->forms, writing->family, one);
}

/* Adds TEXT with each alternative of its first bracket, and so on for the rest.  */
static void
write_alternatives (const struct writing *writing, const char *text, unsigned *turn)
{
  const char *open = strchr (text, '[');
  const char *close = open ? strchr (open, ']') : NULL;
  if (!close)
    {
      write_turns (writing, text, (*turn)++);
      return;
    }
  for (const char *at = open + 1; at <= close; at++)
    {
      size_t n = strcspn (at, "|]");
      char one[TEXT_MAX];
      if ((size_t) (open - text) + n + strlen (close + 1) < sizeof one)
        {
          snprintf (one, sizeof one, "%.*s%.*s%s", (int) (open - text), text, (int) n, at,
                    close + 1);
          write_alternatives (writing, one, turn);
        }
      at += n;
    }
}

static int
write_template (struct forms *forms, const char *family, const char *class_name,
                const char *widths, const char *template)
{
  const struct class *class = NULL;
  for (size_t i = 0; i < COUNT (classes); i++)
    if (strcmp (classes[i].name, class_name) == 0)
      class = &classes[i];
  if (!class || strlen (template) > TEXT_MAX - 128)
    return -1;
  unsigned turn = 0;
  bool has_source = strstr (template, "@S") != NULL;
  for (const char *width = widths; *width; width++)
    for (size_t i = 0; i < class->n; i++)
      {
        const struct choice *choice = &class->choice[i];
        if (!strchr (choice->widths, *width) || (!has_source && choice->source != SOURCE_REGISTER))
          continue;
        const struct writing writing = { forms, family, *width, choice };
        char text[TEXT_MAX];
        if (write_operands (&writing, template, text))
          write_alternatives (&writing, text, &turn);
      }
  return 0;
}

int
forms__read (struct forms *forms, const char *path, struct why *why)
{
  FILE *file = fopen (path, "r");
  if (!file)
    return why__set (why, REASON_SYNTAX, "%s: can't be read", path);
  char line[TEXT_MAX], family[32] = "";
  int result = 0;
  for (unsigned number = 1; result == 0 && fgets (line, sizeof line, file); number++)
    {
      char class[16], widths[8];
      int at = 0;
      line[strcspn (line, "\n")] = 0;
      if (!line[0] || line[0] == '#' || sscanf (line, "family %31s", family) == 1)
        continue;
      if (sscanf (line, "%15s %7[a-z-]: %n", class, widths, &at) != 2 || !at
          || write_template (forms, arena__strdup (forms->arena, family), class, widths, line + at)
               != 0)
        result = why__set (why, REASON_SYNTAX, "%s:%u: %.100s", path, number, line);
    }
  fclose (file);
  return result;
}

void
forms__add (struct forms *forms, const char *family, const char *text)
{
  uint64_t digest = 0;
  for (const char *at = text; *at; at++)
    digest = mix2 (digest, (unsigned char) *at);
  for (unsigned i = 0; i < forms->n; i++)
    if (forms->form[i].digest == digest)
      return;
  if (forms->n == forms->room)
    {
      unsigned room = forms->room ? forms->room * 2 : 1024;
      struct form *more = ARENA_ARRAY (forms->arena, struct form, room);
      if (forms->n)
        memcpy (more, forms->form, forms->n * sizeof *more);
      forms->form = more;
      forms->room = room;
    }
  forms->form[forms->n++] = (struct form) { .family = arena__strdup (forms->arena, family),
                                            .text = arena__strdup (forms->arena, text),
                                            .digest = digest };
}

/* May FORM be part of a sequence of which MAY_ACCESS says that pointers are still what they were?  */
static bool
is_part (const struct form *form, bool may_access)
{
  static const char *const families[] = { "alu", "move", "lea", "shift", "multiply", "bits",
                                          "condition", NULL };
  bool known = false;
  for (const char *const *family = families; *family; family++)
    known |= strcmp (form->family, *family) == 0;
  return known && !strchr (form->text, ';')
         && (may_access || !strchr (form->text, '(') || strncmp (form->text, "lea", 3) == 0);
}

void
forms__add_sequences (struct forms *forms, unsigned n, uint64_t seed)
{
  struct rng rng = { seed };
  unsigned n_forms = forms->n;
  for (unsigned i = 0; i < n && n_forms; i++)
    {
      char text[TEXT_MAX] = "";
      size_t length = 0;
      bool may_access = true;
      unsigned left = 2 + (unsigned) rng__below (&rng, 2);
      for (unsigned tries = 0; left > 0 && tries < 1000; tries++)
        {
          const struct form *form = &forms->form[rng__below (&rng, n_forms)];
          if (!is_part (form, may_access))
            continue;
          length += (size_t) snprintf (text + length, sizeof text - length, "%s%s",
                                       length ? "; " : "", form->text);
          /* What is written to memory leaves the pointers alone.  */
          may_access = may_access && text[length - 1] == ')' && !strstr (text, "xchg")
                       && !strstr (text, "xadd");
          left--;
        }
      forms__add (forms, "sequence", text);
    }
}
