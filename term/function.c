/* The uninterpreted functions: names, widths, and what they compute.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <string.h>

static const struct
{
  unsigned width;
  const char *name;
} functions[FUNCTION_COUNT + 1] = {
#define FUNCTION(ID, WIDTH, NAME) { WIDTH, NAME },
#include "term/function.def"
#undef FUNCTION
};

unsigned
function__width (enum term_function function)
{
  return functions[function].width;
}

const char *
function__name (enum term_function function)
{
  return functions[function].name;
}

const struct term *
term__call (struct terms *terms, enum term_function function, const struct term *const *args, unsigned n)
{
  return store__term (terms, TERM_CALL, function__width (function), function, args, n, NULL, 0);
}

void
function__compute (enum term_function function, const uint64_t *const *arg, const unsigned *width, unsigned n,
                   uint64_t *result)
{
  (void) n;
  if (function__compute_bits (function, arg, width, result) || function__compute_float (function, arg, result)
      || function__compute_cipher (function, arg, result))
    return;
  memset (result, 0, (function__width (function) + 63) / 64 * sizeof *result);
}
