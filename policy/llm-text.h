/* Text from outside on its way to a model or a terminal: what may stand in it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_LLM_TEXT_H
#define AIOPT_LLM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Makes everything in TEXT that isn't printable UTF-8 a '?': control characters but newline and tab, invalid bytes, and what hides or
   reorders text (utf8__is_hidden).  */
void text__clean (char *text);

/* Prints TEXT between lines that nothing in it can be, named NAME (llm-prompt.c).  */
void llm__print_data (FILE *out, const char *name, const char *text);

/* Prints TEXT as one line without newline, cleaned, line ends and tabs as blanks, at most MOST bytes of it.  */
void line__print (FILE *out, const char *text, size_t most);

/* The same as a malloc'ed string.  */
char *line__clean (const char *text, size_t most);

#endif
