/* Running a compiler: no shell, a limit on its time, nothing left behind.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_PROCESS_H
#define AIOPT_PROCESS_H

#include "machine/why.h"
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A growing, NULL-terminated argument vector; its strings are borrowed.  */
struct arguments
{
  const char **item;
  unsigned n, size;
};

void arguments__add (struct arguments *arguments, const char *text);
void arguments__add_all (struct arguments *arguments, const struct arguments *more);
void arguments__free (struct arguments *arguments);

/* Seconds of a clock that only goes forward.  */
double clock__now (void);

/* What a process and each of its children may take at most; 0: as much as we.  */
struct process_limits
{
  size_t memory; /* bytes of address space */
  size_t file;   /* bytes of a file that it writes */
  unsigned seconds; /* of CPU time */
};

struct process_options
{
  const char *directory;              /* working directory, NULL for ours */
  const char *output;                 /* file for standard output, NULL: /dev/null */
  const char *errors;                 /* file for standard error, NULL: /dev/null */
  double limit_seconds;
  const volatile sig_atomic_t *stop;  /* give up as soon as it is set; may be NULL */
  const struct process_limits *limits;/* NULL: none */
  bool no_user_headers;               /* the environment names no folders of headers */
};

/* Runs ARGUMENTS in a process group of its own, with an environment in which a compiler writes
   no dependency files and speaks English.  0 where it exits with 0; -1 and *WHY (POLICY_FAILED with its
   status, POLICY_TIMEOUT, BUDGET where stopped) otherwise, with the whole group killed.  */
int process__run (const struct arguments *arguments, const struct process_options *options,
                  struct why *why);

/* Initialises ATTRIBUTES for a child that leads a process group of its own and takes signals as programs do.
   The caller destroys them.  */
void process__attributes (posix_spawnattr_t *attributes);

/* The environment process__run gives, malloc'ed (the vector alone); NO_USER_HEADERS as above.  */
char **process__environment (bool no_user_headers);

/* All of file PATH, malloc'ed and zero-terminated; NULL where it can't be read or is longer than MAX.  */
char *file__read (const char *path, size_t max, size_t *length);

/* Writes TEXT[LENGTH] as PATH, a new file.  0 or -1.  */
int file__write (const char *path, const char *text, size_t length);

/* Removes directory PATH and all in it, without following links.  */
void directory__remove (const char *path);

/* A new private directory "PREFIXxxxxxx" in $TMPDIR (or /tmp), malloc'ed path, or NULL.  */
char *directory__temporary (const char *prefix);

#endif
