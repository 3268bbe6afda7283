/* The instruction forms that are tested against the CPU: templates written out, then assembled all at once.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TESTSUITE_FORMS_H
#define AIOPT_TESTSUITE_FORMS_H

#include "machine/arena.h"
#include "machine/why.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct form
{
  const char *family;
  const char *text;     /* AT&T; several instructions are separated by "; " */
  uint64_t digest;      /* of the text */
  const uint8_t *bytes; /* NULL: the assembler refuses it */
  size_t size;
};

struct forms
{
  struct arena *arena;
  unsigned n, room;
  struct form *form;
};

/* Adds what the template file PATH (its language is described in forms.c) stands for; a form that is there already is
   not added again.  0, or -1 and *WHY (SYNTAX, naming the line).  */
int forms__read (struct forms *forms, const char *path, struct why *why);

/* Adds one form.  */
void forms__add (struct forms *forms, const char *family, const char *text);

/* Adds N sequences of two or three of the forms of general instructions that are there, drawn by SEED.  */
void forms__add_sequences (struct forms *forms, unsigned n, uint64_t seed);

/* Gives every form its bytes; those that the assembler refuses are left without.  0, or -1 and *WHY.  */
int forms__assemble (struct forms *forms, struct why *why);

#endif
