/* Comparisons, choices by them, absolute values and counts of conditions are rewritten to equal terms: on all values of
   two variables of five bits, against arithmetic on paper; and what different compilers write comes out as one term.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BITS = 5, VALUES = 1 << BITS };

struct pair
{
  uint64_t value[2];
};

static void
pair__variable (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  (void) width;
  *words = ((const struct pair *) context)->value[number];
}

/* A term and what it is on paper, for every pair of values.  */
struct both
{
  const struct term *term;
  uint64_t value[VALUES][VALUES];
};

static int64_t
sign (uint64_t value, unsigned width)
{
  return (int64_t) (value << (64 - width)) >> (64 - width);
}

static uint64_t
cut (uint64_t value, unsigned width)
{
  return value & ((UINT64_C (1) << width) - 1);
}

static void
check (const struct both *both, const char *what)
{
  struct term_program *program = term_program__new (&both->term, 1);
  struct pair pair;
  struct term_inputs inputs = { .context = &pair, .variable = pair__variable };
  for (pair.value[0] = 0; pair.value[0] < VALUES; pair.value[0]++)
    for (pair.value[1] = 0; pair.value[1] < VALUES; pair.value[1]++)
      {
        term_program__run (program, &inputs);
        uint64_t value = *term_program__value (program, 0);
        if (value != both->value[pair.value[0]][pair.value[1]])
          {
            term__print (stdout, both->term);
            fail_msg ("%s: of %u, %u: %u and not %u", what, (unsigned) pair.value[0], (unsigned) pair.value[1],
                      (unsigned) value, (unsigned) both->value[pair.value[0]][pair.value[1]]);
          }
      }
  term_program__free (program);
}

enum { FORMS = 14 };

/* Form F of numbers of X and Y, WIDE bits: extended, constants, differences.  */
static void
form__make (struct terms *terms, struct both *both, unsigned f, unsigned wide, unsigned constant)
{
  const struct term *v[2] = { term__var (terms, BITS, 0), term__var (terms, BITS, 1) };
  const struct term *zx = term__resize (terms, v[0], wide), *zy = term__resize (terms, v[1], wide);
  const struct term *sx = wide < BITS ? zx : term__sext (terms, v[0], wide);
  const struct term *sy = wide < BITS ? zy : term__sext (terms, v[1], wide);
  const struct term *c = term__const (terms, wide, constant);
  const struct term *forms[FORMS]
    = { zx, zy, sx, sy, c, term__sub (terms, zx, zy), term__sub (terms, zy, zx), term__sub (terms, sx, sy),
        term__sub (terms, zx, c), term__sub (terms, c, zx), term__neg (terms, sx), term__add (terms, zx, zy),
        term__const (terms, wide, 0), term__sub (terms, sx, c) };
  both->term = forms[f];
  for (uint64_t a = 0; a < VALUES; a++)
    for (uint64_t b = 0; b < VALUES; b++)
      {
        uint64_t x = (uint64_t) sign (a, BITS), y = (uint64_t) sign (b, BITS);
        uint64_t values[FORMS] = { a, b, x, y, constant, a - b, b - a, x - y, a - constant, constant - a, -x, a + b,
                                   0, x - constant };
        both->value[a][b] = cut (values[f], wide);
      }
}

/* CONDITION of X and Y: 0 unsigned less, 1 signed less, 2 the sign of the difference, 3 of X, 4 equal.  */
static void
condition__make (struct terms *terms, struct both *both, unsigned condition, const struct both *x, const struct both *y)
{
  unsigned width = x->term->width;
  const struct term *difference = term__sub (terms, x->term, y->term);
  both->term = condition == 0   ? term__ult (terms, x->term, y->term)
               : condition == 1 ? term__slt (terms, x->term, y->term)
               : condition == 2 ? term__extract (terms, difference, width - 1, 1)
               : condition == 3 ? term__extract (terms, x->term, width - 1, 1)
                                : term__eq (terms, x->term, y->term);
  for (unsigned a = 0; a < VALUES; a++)
    for (unsigned b = 0; b < VALUES; b++)
      {
        uint64_t p = x->value[a][b], q = y->value[a][b];
        both->value[a][b] = condition == 0   ? p < q
                            : condition == 1 ? sign (p, width) < sign (q, width)
                            : condition == 2 ? cut (p - q, width) >> (width - 1)
                            : condition == 3 ? p >> (width - 1)
                                             : p == q;
      }
}

static struct both x, y, p, q, condition, result;

static void
choices (void **state)
{
  (void) state;
  static const unsigned widths[] = { 5, 6, 8 }, narrow[] = { 3, 5, 8 }, constants[] = { 0, 1, 15, 16, 31 };
  for (unsigned k = 0; k < sizeof constants / sizeof *constants; k++)
    for (unsigned w = 0; w < 3; w++)
      {
        struct terms *terms = terms__new ();
        for (unsigned i = 0; i < FORMS; i++)
          for (unsigned j = 0; j < FORMS; j++)
            {
              form__make (terms, &x, i, widths[w], constants[k]);
              form__make (terms, &y, j, widths[w], constants[k] + 1);
              for (unsigned c = 0; c < 5; c++)
                {
                  condition__make (terms, &condition, c, &x, &y);
                  check (&condition, "condition");
                  /* What it chooses between: what it compares, what is near by, narrower or wider.  */
                  unsigned n = narrow[(i + j + c + k) % 3];
                  unsigned f = (i * 3 + c) % FORMS, g = (j * 5 + k) % FORMS;
                  for (unsigned other = (i + c) % 3; other < 3; other += 2)
                    {
                      form__make (terms, &p, other == 0 ? i : f, n, constants[k]);
                      form__make (terms, &q, other == 1 ? g : j, n, constants[k]);
                      result.term = term__ite (terms, condition.term, p.term, q.term);
                      for (unsigned a = 0; a < VALUES; a++)
                        for (unsigned b = 0; b < VALUES; b++)
                          result.value[a][b] = condition.value[a][b] ? p.value[a][b] : q.value[a][b];
                      check (&result, "choice");
                      p.term = term__neg (terms, q.term);
                      result.term = term__ite (terms, condition.term, p.term, q.term);
                      for (unsigned a = 0; a < VALUES; a++)
                        for (unsigned b = 0; b < VALUES; b++)
                          result.value[a][b] = cut (condition.value[a][b] ? -q.value[a][b] : q.value[a][b], n);
                      check (&result, "choice of a negation");
                    }
                }
            }
        terms__free (terms);
      }
}

/* Fills RESULT's values: CONDITION ? P : Q.  */
static void
choose (struct both *chosen, const struct both *when, const struct both *then, const struct both *otherwise,
        struct terms *terms)
{
  chosen->term = term__ite (terms, when->term, then->term, otherwise->term);
  for (unsigned a = 0; a < VALUES; a++)
    for (unsigned b = 0; b < VALUES; b++)
      chosen->value[a][b] = when->value[a][b] ? then->value[a][b] : otherwise->value[a][b];
}

static struct both limit, bound, inner, outer, zero;

/* Limits within limits, compared with constants; differences that are 0 where there is nothing over.  */
static void
limits (void **state)
{
  (void) state;
  static const unsigned constants[] = { 0, 1, 9, 15, 16, 17, 31 };
  enum { N = sizeof constants / sizeof *constants };
  static const unsigned numbers[] = { 0, 2, 5, 11 };
  for (unsigned w = 5; w <= 8; w += 3)
    for (unsigned f = 0; f < 4; f++)
      {
        struct terms *terms = terms__new ();
        form__make (terms, &zero, 12, w, 0);
        form__make (terms, &x, numbers[f], w, 0);
        for (unsigned i = 0; i < N * N * 16; i++)
          {
            unsigned c = i & 1 ? 1 : 0, order = i >> 1 & 1, inside = i >> 2 & 3;
            form__make (terms, &limit, 4, w, constants[i / 16 % N]);
            form__make (terms, &bound, 4, w, constants[i / 16 / N]);
            /* The lesser or greater of x and a limit; by the sign.  */
            condition__make (terms, &condition, inside == 3 ? 3 : c, &x, &limit);
            if (inside == 3)
              choose (&inner, &condition, &zero, &x, terms);
            else if (order)
              choose (&inner, &condition, &x, &limit, terms);
            else
              choose (&inner, &condition, &limit, &x, terms);
            check (&inner, "limit");
            condition__make (terms, &condition, inside & 1, &inner, &bound);
            check (&condition, "limit compared");
            choose (&outer, &condition, &inner, &bound, terms);
            check (&outer, "limits");
            condition__make (terms, &condition, inside & 1, &x, &bound);
            choose (&outer, &condition, &inner, &bound, terms);
            check (&outer, "limit in a choice");
          }
        for (unsigned g = 0; g < 4; g++)
          for (unsigned i = 0; i < 16; i++)
            {
              form__make (terms, &y, g == f ? 1 : numbers[g], w, 0);
              condition__make (terms, &condition, i & 1, &x, &y);
              p.term = i & 2 ? term__sub (terms, x.term, y.term) : term__sub (terms, y.term, x.term);
              for (unsigned a = 0; a < VALUES; a++)
                for (unsigned b = 0; b < VALUES; b++)
                  p.value[a][b] = cut (i & 2 ? x.value[a][b] - y.value[a][b] : y.value[a][b] - x.value[a][b], w);
              if (i & 4)
                choose (&inner, &condition, &zero, &p, terms);
              else
                choose (&inner, &condition, &p, &zero, terms);
              condition__make (terms, &condition, 4, &inner, &zero);
              check (&condition, "nothing over");
              /* The difference and its negation.  */
              q.term = term__neg (terms, p.term);
              for (unsigned a = 0; a < VALUES; a++)
                for (unsigned b = 0; b < VALUES; b++)
                  q.value[a][b] = cut (-p.value[a][b], w);
              condition__make (terms, &condition, i >> 3, &p, &q);
              check (&condition, "less than its negation");
            }
        terms__free (terms);
      }
}

static void
one_term (void **state)
{
  (void) state;
  struct terms *t = terms__new ();
  const struct term *a = term__var (t, 8, 0), *b = term__var (t, 8, 1), *w = term__var (t, 32, 2), *s = term__var (t, 16, 3);
  const struct term *a32 = term__zext (t, a, 32), *b32 = term__zext (t, b, 32), *d = term__sub (t, a32, b32);
  const struct term *zero = term__const (t, 8, 0), *full = term__const (t, 8, 255);
  /* |a - b|: by sign of the difference either way, by comparison.  */
  const struct term *by_sign = term__ite (t, term__extract (t, d, 31, 1), term__neg (t, d), d);
  const struct term *other_way = term__ite (t, term__extract (t, term__neg (t, d), 31, 1), d, term__neg (t, d));
  const struct term *compared = term__ite (t, term__ult (t, a, b), term__neg (t, d), d);
  assert_ptr_equal (by_sign, other_way);
  assert_ptr_equal (by_sign, compared);
  /* |w|.  */
  const struct term *minus = term__neg (t, w);
  assert_ptr_equal (term__ite (t, term__extract (t, w, 31, 1), minus, w), term__ite (t, term__extract (t, minus, 31, 1), w, minus));
  /* a - b, at least 0.  */
  assert_ptr_equal (term__ite (t, term__ult (t, a, b), zero, term__sub (t, a, b)),
                    term__ite (t, term__ult (t, b, a), term__sub (t, a, b), zero));
  /* a + b, at most 255: in 32 and in 16 bits, signed and unsigned.  */
  const struct term *sum32 = term__add (t, a32, b32), *sum8 = term__add (t, a, b);
  const struct term *sum16 = term__add (t, term__zext (t, a, 16), term__zext (t, b, 16));
  const struct term *saturated = term__ite (t, term__slt (t, term__const (t, 32, 255), sum32), full, sum8);
  assert_ptr_equal (saturated, term__ite (t, term__ult (t, sum16, term__const (t, 16, 255)), sum8, full));
  assert_ptr_equal (saturated, term__ite (t, term__ult (t, sum32, term__const (t, 32, 256)), sum8, full));
  /* s, at most 255, cut to a byte.  */
  const struct term *low = term__extract (t, s, 0, 8);
  assert_ptr_equal (term__ite (t, term__slt (t, s, term__const (t, 16, 256)), low, full),
                    term__ite (t, term__slt (t, s, term__const (t, 16, 255)), low, full));
  /* s between 0 and 255, either limit first; and as an unsigned number once it isn't negative.  */
  const struct term *negative = term__extract (t, s, 15, 1), *top = term__const (t, 16, 255), *none = term__const (t, 16, 0);
  const struct term *at_most = term__ite (t, term__slt (t, s, top), s, top), *at_least = term__ite (t, negative, none, s);
  const struct term *clamped = term__extract (t, term__ite (t, term__slt (t, at_most, none), none, at_most), 0, 8);
  assert_ptr_equal (clamped, term__extract (t, term__ite (t, term__slt (t, top, at_least), top, at_least), 0, 8));
  assert_ptr_equal (clamped, term__extract (t, term__ite (t, term__ult (t, at_least, top), at_least, top), 0, 8));
  /* SSE2's unsigned comparisons.  */
  const struct term *over = term__ite (t, term__ult (t, a, b), zero, term__sub (t, a, b));
  assert_ptr_equal (term__eq (t, over, zero), term__ule (t, a, b));
  assert_ptr_equal (term__slt (t, d, term__neg (t, d)), term__ult (t, a, b));
  /* Conditions counted as bits and one by one.  */
  const struct term *bit[] = { term__ult (t, a, b), term__eq (t, a, b), term__eq (t, b, zero) };
  const struct term *count = term__popcount (t, term__zext (t, term__join (t, bit, 3), 32));
  const struct term *single = term__const (t, 32, 0);
  for (unsigned i = 0; i < 3; i++)
    single = term__add (t, single, term__zext (t, bit[i], 32));
  assert_ptr_equal (count, single);
  terms__free (t);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (choices), cmocka_unit_test (limits), cmocka_unit_test (one_term) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
