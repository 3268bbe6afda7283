/* What a benchmark kernel is: one hot function, its data, and a run that returns a checksum.
   Each kernel file defines one `struct kernel KERNEL_SYMBOL`; bench/run compiles the file once per build (compiler and
   flags), under a symbol of its own each time, and links all builds into one program.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_KERNEL_H
#define AIOPT_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef KERNEL_SYMBOL
#define KERNEL_SYMBOL kernel
#endif

/* The function that aiopt may rewrite.  clang has no noclone.  */
#ifdef __clang__
#define HOT __attribute__ ((hot, noinline))
#else
#define HOT __attribute__ ((hot, noinline, noclone))
#endif

/* Work space: three areas, A and B filled with data, C for results.  A kernel uses at most BYTES × SIZE + 4096 bytes
   of an area, and never more than AREA.  */
struct work
{
  size_t size; /* elements to work on */
  void *a, *b, *c;
};

enum
{
  AREA = (4 << 20) + 4096,
  PAST_L2 = 3 << 20 /* bytes of all areas together at the largest size */
};

enum data
{
  DATA_RANDOM, /* all bits random */
  DATA_SMALL,  /* 16-bit numbers of at most 10 bits */
  DATA_TEXT,   /* words and lines, letters as frequent as in English */
  DATA_PIXELS, /* bytes that change slowly, with a little noise */
  DATA_FLOAT,  /* floats in A, B and the results: other compilers' results may be rounded differently */
  DATA_DOUBLE  /* doubles, likewise */
};

struct kernel
{
  const char *name, *field;
  enum data data;
  unsigned bytes;                      /* of all areas, per element of work->size */
  void (*prepare) (struct work *work); /* or NULL: makes special data out of the filled areas */
  uint64_t (*run) (struct work *work); /* checksum over results; of DATA_FLOAT and DATA_DOUBLE: `bits_of` a sum */
};

#define KERNEL(NAME, FIELD, DATA, BYTES, RUN)                                                      \
  const struct kernel KERNEL_SYMBOL = { NAME, FIELD, DATA, BYTES, NULL, RUN }
#define PREPARED_KERNEL(NAME, FIELD, DATA, BYTES, PREPARE, RUN)                                    \
  const struct kernel KERNEL_SYMBOL = { NAME, FIELD, DATA, BYTES, PREPARE, RUN }

/* A checksum over a few of N elements spread over P: the runner compares all memory, once; this keeps every timed
   run's result alive.  */
static inline uint64_t
spread_sum (const void *p, size_t n_bytes)
{
  const uint8_t *q = p;
  uint64_t sum = 0;
  for (size_t i = 0; i < n_bytes; i += n_bytes / 4 + 1)
    sum = sum * 31 + q[i];
  return sum;
}

static inline uint64_t
bits_of (double x)
{
  uint64_t bits;
  memcpy (&bits, &x, sizeof bits);
  return bits;
}

#endif
