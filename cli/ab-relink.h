/* New layouts of a program from its objects, for `aiopt ab --relink`.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_RELINK_H
#define AIOPT_AB_RELINK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relink;

/* Takes apart the two link commands LINE (NULL-terminated, without -o; each has an object file at
   least); the programs will be run with ARGUMENTS (NULL-terminated, or NULL).  Links are given up
   as soon as *STOP is set (STOP may be NULL).  NULL and a message in ERROR[SIZE].  relink__free. */
struct relink *relink__new (char **const line[2], char **arguments,
                            const volatile sig_atomic_t *stop, char *error, size_t size);
void relink__free (struct relink *relink);

/* What runs SIDE (0 A, 1 B): NULL-terminated, valid until relink__free.  The program is there after
 * the first relink__layout.  */
char **relink__argv (struct relink *relink, unsigned side);

/* Links SIDE anew: its objects in an order, and with padding, drawn from SEED.  For
   ab_options.relayout; RELINK is a struct relink.  0, or -1 and what the linker said in
   ERROR[SIZE].  */
int relink__layout (void *relink, unsigned side, uint64_t seed, char *error, size_t size);

/* After a layout: were functions laid out one by one, not just objects, on both sides?  */
bool relink__by_function (const struct relink *relink);

#endif
