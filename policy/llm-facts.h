/* A region's facts as C declarations and sentences.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_LLM_FACTS_H
#define AIOPT_LLM_FACTS_H

#include "machine/region.h"
#include "policy/c-tokens.h"

struct facts
{
  struct arena *arena;
  const struct region *region;
  struct c_tokens source; /* of llm__source's text; none where there is none */
  bool *printed;          /* types that were declared already */
};

/* SOURCE may be NULL.  Lives in ARENA.  */
struct facts *facts__new (struct arena *arena, const struct region *region, const char *source);

/* The function's name in source, as far as C can say it: without a class, "f.constprop.0" without its suffixes.  */
const char *facts__function (const struct facts *facts);

/* "uint32_t NAME (const uint8_t *p, size_t n)", in the arena.  */
const char *facts__prototype (struct facts *facts, const char *name);

/* Declarations, with comments of ours to the lines' ends that name nothing, of the types that the prototype and the source name
 * and nothing shown defines, into OUT; how many.  */
unsigned facts__print_types (struct facts *facts, FILE *out);

/* One fact a line, each beginning with "- "; what the program names, types too, is between backquotes.  */
void facts__print (struct facts *facts, FILE *out);

#endif
