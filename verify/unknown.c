/* What it would take to know: for each `unknown`, what would help, with what is at hand about this
   one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <stdlib.h>
#include <string.h>

/* The source line that the .loc before line LINE of TEXT names; 0 where there is none (compiled
 * without -g).  */
static unsigned
source_line (const char *text, unsigned line)
{
  unsigned number = 1, found = 0;
  for (const char *at = text; at && *at && number < line; number++)
    {
      unsigned file, of;
      const char *word = at + strspn (at, " \t");
      if (strncmp (word, ".loc", 4) == 0 && sscanf (word + 4, " %u %u", &file, &of) == 2)
        found = of;
      at = strchr (at, '\n');
      at += at != NULL;
    }
  return found;
}

const char *
side__place (struct arena *arena, const struct region *region, const struct side *side,
             bool is_original, int insn)
{
  if (insn < 0 || (unsigned)insn >= side->decoded->n_insns)
    return "?";
  const struct decoded_insn *decoded = &side->decoded->insn[insn];
  if (decoded->item >= side->code->n_items || side->code->item[decoded->item].kind != ITEM_INSN)
    return arena__printf (arena, "'%s' at +%u", decoded->mnemonic, decoded->offset);
  const struct item *item = &side->code->item[decoded->item];
  char *text = NULL;
  size_t length = 0;
  FILE *stream = open_memstream (&text, &length);
  if (!stream)
    return "?";
  insn__print (stream, &item->insn);
  fclose (stream);
  for (char *p = text; p && *p; p++)
    if (*p == '\t')
      *p = ' ';
  unsigned line = is_original && decoded->item < side->own_items && region->text
                      ? source_line (region->text, item->line)
                      : 0;
  const char *base = region->file ? strrchr (region->file, '/') : NULL;
  char *place = line ? arena__printf (arena, "'%.60s' at +%u (%s:%u)", text, decoded->offset,
                                      base           ? base + 1
                                      : region->file ? region->file
                                                     : "line",
                                      line)
                     : arena__printf (arena, "'%.60s' at +%u", text, decoded->offset);
  free (text);
  return place;
}

/* The parameters that nobody can tell what they point to.  */
static const char *
untyped (struct arena *arena, const struct region *region)
{
  char *list = NULL;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      const struct type *to
        = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
      if (!type || type->kind == TYPE_OTHER
          || (type->kind == TYPE_POINTER
              && (!to || to->kind == TYPE_VOID || to->kind == TYPE_OTHER || !to->size)))
        list = arena__printf (arena, "%s%s%s", list ? list : "", list ? ", " : "",
                              value->name && *value->name ? value->name
                                                          : "an argument without a name");
    }
  return list;
}

/* What is particular to this verdict, or NULL.  */
static const char *
particular (struct trial *trial)
{
  struct arena *arena = trial->verdict->arena;
  const struct verdict *verdict = trial->verdict;
  const struct region *region = trial->verifier->region;
  switch (verdict->why.reason)
    {
    case REASON_COVERAGE:
      return trial->missing ? arena__printf (arena, "not reached yet: %s", trial->missing) : NULL;
    case REASON_MUTANTS:
      return verdict->first_survivor ? arena__printf (
                 arena, "the first mutant that no test told apart: %s", verdict->first_survivor)
                                     : NULL;
    case REASON_NO_INPUTS:
      {
        const char *list = untyped (arena, region);
        return list ? arena__printf (arena, "nothing says what these point to: %s", list) : NULL;
      }
    case REASON_TIME:
      {
        double spent = verdict->seconds;
        return verdict->tests && spent > 0 ? arena__printf (arena, "so far %.0f states a second",
                                                            (double)verdict->tests / spent)
                                           : NULL;
      }
    default:
      return NULL;
    }
}

void
unknown__help (struct trial *trial)
{
  struct verdict *verdict = trial->verdict;
  const char *remedy = reason__remedy (verdict->why.reason);
  if (verdict->level != VERDICT_UNKNOWN || !remedy)
    return;
  const char *here = particular (trial);
  verdict->help = here ? arena__printf (verdict->arena, "%s (%s)", remedy, here) : remedy;
}
