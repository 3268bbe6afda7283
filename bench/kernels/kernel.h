/* What a benchmark kernel is: one hot function, its data, and a run that returns a checksum.
   Each kernel file defines one `struct kernel KERNEL_SYMBOL`; the runner links the file twice, as the plain and as
   the rewritten build, into one program and times them interleaved.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_KERNEL_H
#define AIOPT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifndef KERNEL_SYMBOL
#define KERNEL_SYMBOL kernel
#endif

/* The function that aiopt may rewrite.  */
#define HOT __attribute__ ((hot, noinline, noclone))

/* Work space: three areas of at least 8 × SIZE + 64 bytes, A and B filled with data, C for results.  */
struct work
{
  size_t size; /* elements to work on */
  void *a, *b, *c;
};

struct kernel
{
  const char *name, *field;
  enum { DATA_RANDOM, DATA_TEXT, DATA_SMALL, DATA_FLOAT } data;
  uint64_t (*run) (struct work *work);
};

#define KERNEL(NAME, FIELD, DATA, RUN)                                                             \
  const struct kernel KERNEL_SYMBOL = { NAME, FIELD, DATA, RUN }

#endif
