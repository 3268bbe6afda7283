/* The simplifier never changes a value: random expressions are built through the constructors, and bit by bit beside them
   on a few inputs by arithmetic as one does it on paper; evaluator and, for some, Z3 have to agree.
   Arguments: expressions to build (default 60000), seed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/solver.h"

#include <stdlib.h>
#include <string.h>

enum
{
  INPUTS = 6,     /* assignments that every expression is evaluated on */
  POOL = 96,      /* expressions that the next ones are built from */
  WIDE = 256,     /* the widest */
  VARIABLES = 10,
  RESET = 1500    /* expressions after which everything starts anew */
};

struct value
{
  uint8_t bit[WIDE]; /* 0 or 1, lowest first */
};

struct entry
{
  const struct term *term;
  struct value value[INPUTS];
};

static uint64_t state;

static unsigned
pick (unsigned n)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned) ((state >> 20) % n);
}

static const unsigned widths[] = { 1, 1, 8, 8, 16, 32, 32, 32, 64, 64, 64, 128, 256, 5, 24 };

/* Arithmetic on paper.  */
static struct value
paper_add (const struct value *a, const struct value *b, unsigned width, unsigned carry)
{
  struct value r = { { 0 } };
  for (unsigned i = 0; i < width; i++)
    {
      unsigned sum = a->bit[i] + b->bit[i] + carry;
      r.bit[i] = sum & 1;
      carry = sum >> 1;
    }
  return r;
}

static struct value
paper_not (const struct value *a, unsigned width)
{
  struct value r = { { 0 } };
  for (unsigned i = 0; i < width; i++)
    r.bit[i] = !a->bit[i];
  return r;
}

static struct value
paper_mul (const struct value *a, const struct value *b, unsigned width)
{
  struct value r = { { 0 } };
  for (unsigned i = 0; i < width; i++)
    if (b->bit[i])
      {
        struct value shifted = { { 0 } };
        memcpy (shifted.bit + i, a->bit, width - i);
        r = paper_add (&r, &shifted, width, 0);
      }
  return r;
}

static bool
paper_less (const struct value *a, const struct value *b, unsigned width, bool is_signed)
{
  for (unsigned i = width; i-- > 0;)
    if (a->bit[i] != b->bit[i])
      return (is_signed && i == width - 1) ? a->bit[i] : b->bit[i];
  return false;
}

/* Long division of unsigned numbers.  */
static void
paper_divide (const struct value *a, const struct value *b, unsigned width, struct value *quotient, struct value *rest)
{
  memset (quotient, 0, sizeof *quotient);
  memset (rest, 0, sizeof *rest);
  for (unsigned i = width; i-- > 0;)
    {
      unsigned out = rest->bit[width - 1];
      memmove (rest->bit + 1, rest->bit, width - 1);
      rest->bit[0] = a->bit[i];
      if (out || !paper_less (rest, b, width, false))
        {
          struct value minus = paper_not (b, width);
          *rest = paper_add (rest, &minus, width, 1);
          quotient->bit[i] = 1;
        }
    }
}

static struct value
paper_neg (const struct value *a, unsigned width)
{
  struct value zero = { { 0 } }, minus = paper_not (a, width);
  return paper_add (&zero, &minus, width, 1);
}

static bool
paper_zero (const struct value *a, unsigned width)
{
  for (unsigned i = 0; i < width; i++)
    if (a->bit[i])
      return false;
  return true;
}

static struct value
paper_divide_any (unsigned op, const struct value *a, const struct value *b, unsigned width)
{
  struct value quotient, rest, x = *a, y = *b, one = { { 1 } };
  bool is_signed = op >= 2, s = is_signed && a->bit[width - 1], t = is_signed && b->bit[width - 1];
  if (paper_zero (b, width))
    return op % 2 ? *a : s ? one : paper_not (&(struct value){ { 0 } }, width);
  if (s)
    x = paper_neg (a, width);
  if (t)
    y = paper_neg (b, width);
  paper_divide (&x, &y, width, &quotient, &rest);
  if (op % 2)
    return s ? paper_neg (&rest, width) : rest;
  return s != t ? paper_neg (&quotient, width) : quotient;
}

/* The number that A is, WIDE where it is that or more.  */
static unsigned
paper_number (const struct value *a, unsigned width)
{
  unsigned n = 0;
  for (unsigned i = width; i-- > 0;)
    n = 2 * n + a->bit[i] > WIDE ? WIDE : 2 * n + a->bit[i];
  return n;
}

static uint64_t
paper_modulo (const struct value *a, unsigned width, unsigned modulus)
{
  unsigned n = 0;
  for (unsigned i = width; i-- > 0;)
    n = (2 * n + a->bit[i]) % modulus;
  return n;
}

static struct value
paper_shift (unsigned op, const struct value *a, unsigned by, unsigned width)
{
  struct value r = { { 0 } };
  for (unsigned i = 0; i < width; i++)
    if (op == 0)
      r.bit[i] = i >= by ? a->bit[i - by] : 0;
    else
      r.bit[i] = i + by < width ? a->bit[i + by] : op == 2 ? a->bit[width - 1] : 0;
  return r;
}

static struct entry pool[POOL];
static unsigned n_pool;

/* A random expression of WIDTH bits: from the pool, cut or extended to fit, or a constant.  */
static struct entry
choose (struct terms *terms, unsigned width)
{
  struct entry e = { 0 };
  unsigned kind = pick (16);
  if (kind < 3)
    {
      uint64_t words[4] = { 0 };
      unsigned shape = pick (5);
      for (unsigned i = 0; i < width; i++)
        {
          unsigned bit = shape == 0   ? i < 3 && pick (2)
                         : shape == 1 ? i >= width / 4 && i < width / 2
                         : shape == 2 ? pick (2)
                         : shape == 3 ? 1
                                      : i == width - 1;
          words[i / 64] |= (uint64_t) bit << (i % 64);
          for (unsigned k = 0; k < INPUTS; k++)
            e.value[k].bit[i] = (uint8_t) bit;
        }
      e.term = term__wide (terms, width, words);
      return e;
    }
  for (unsigned tries = 0; tries < 6; tries++)
    {
      e = pool[pick (n_pool)];
      if (e.term->width == width)
        return e;
    }
  unsigned have = e.term->width;
  if (have > width)
    {
      unsigned low = pick (have - width + 1);
      if (pick (2))
        low = 0;
      struct entry r = { .term = term__extract (terms, e.term, low, width) };
      for (unsigned k = 0; k < INPUTS; k++)
        memcpy (r.value[k].bit, e.value[k].bit + low, width);
      return r;
    }
  if (have < width)
    {
      bool sign = pick (2);
      e.term = sign ? term__sext (terms, e.term, width) : term__zext (terms, e.term, width);
      for (unsigned k = 0; k < INPUTS; k++)
        memset (e.value[k].bit + have, sign ? e.value[k].bit[have - 1] : 0, width - have);
    }
  return e;
}

static struct entry
build (struct terms *terms)
{
  unsigned width = widths[pick (sizeof widths / sizeof *widths)];
  struct entry a = choose (terms, width), b = choose (terms, width), c, r = { 0 };
  unsigned op = pick (30);
  switch (op)
    {
    case 0: case 1:
      r.term = term__add (terms, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        r.value[k] = paper_add (&a.value[k], &b.value[k], width, 0);
      break;
    case 2: case 3:
      r.term = term__sub (terms, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        {
          struct value minus = paper_not (&b.value[k], width);
          r.value[k] = paper_add (&a.value[k], &minus, width, 1);
        }
      break;
    case 4:
      r.term = term__neg (terms, a.term);
      for (unsigned k = 0; k < INPUTS; k++)
        r.value[k] = paper_neg (&a.value[k], width);
      break;
    case 5:
      r.term = term__mul (terms, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        r.value[k] = paper_mul (&a.value[k], &b.value[k], width);
      break;
    case 6: case 7: case 8: case 9: case 10: case 11:
      r.term = op < 8    ? term__and (terms, a.term, b.term)
               : op < 10 ? term__or (terms, a.term, b.term)
                         : term__xor (terms, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        for (unsigned i = 0; i < width; i++)
          r.value[k].bit[i] = op < 8    ? a.value[k].bit[i] & b.value[k].bit[i]
                              : op < 10 ? a.value[k].bit[i] | b.value[k].bit[i]
                                        : a.value[k].bit[i] ^ b.value[k].bit[i];
      break;
    case 12:
      r.term = term__not (terms, a.term);
      for (unsigned k = 0; k < INPUTS; k++)
        r.value[k] = paper_not (&a.value[k], width);
      break;
    case 13: case 14:
      {
        unsigned kind = pick (3);
        if (pick (2))
          {
            unsigned by = pick (width + 2);
            r.term = kind == 0   ? term__shl_by (terms, a.term, by)
                     : kind == 1 ? term__lshr_by (terms, a.term, by)
                                 : term__ashr_by (terms, a.term, by);
            for (unsigned k = 0; k < INPUTS; k++)
              r.value[k] = paper_shift (kind, &a.value[k], by, width);
          }
        else
          {
            r.term = kind == 0   ? term__shl (terms, a.term, b.term)
                     : kind == 1 ? term__lshr (terms, a.term, b.term)
                                 : term__ashr (terms, a.term, b.term);
            for (unsigned k = 0; k < INPUTS; k++)
              r.value[k] = paper_shift (kind, &a.value[k], paper_number (&b.value[k], width), width);
          }
        break;
      }
    case 15:
      {
        if (width & (width - 1))
          return a;
        bool right = pick (2);
        r.term = right ? term__ror (terms, a.term, b.term) : term__rol (terms, a.term, b.term);
        for (unsigned k = 0; k < INPUTS; k++)
          {
            unsigned by = (unsigned) paper_modulo (&b.value[k], width, width);
            for (unsigned i = 0; i < width; i++)
              r.value[k].bit[i] = a.value[k].bit[right ? (i + by) % width : (i + width - by) % width];
          }
        break;
      }
    case 16: case 17:
      if (2 * width > WIDE)
        return a;
      r.term = term__concat (terms, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        {
          memcpy (r.value[k].bit, b.value[k].bit, width);
          memcpy (r.value[k].bit + width, a.value[k].bit, width);
        }
      break;
    case 18:
      r.term = term__eq (terms, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        r.value[k].bit[0] = memcmp (a.value[k].bit, b.value[k].bit, width) == 0;
      break;
    case 19: case 20:
      r.term = op == 19 ? term__ult (terms, a.term, b.term) : term__slt (terms, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        r.value[k].bit[0] = paper_less (&a.value[k], &b.value[k], width, op == 20);
      break;
    case 21: case 22: case 23:
      c = choose (terms, 1);
      /* Often a comparison of the two, as in a minimum.  */
      if (pick (2))
        {
          bool is_signed = pick (2);
          c.term = is_signed ? term__slt (terms, a.term, b.term) : term__ule (terms, a.term, b.term);
          for (unsigned k = 0; k < INPUTS; k++)
            c.value[k].bit[0] = is_signed ? paper_less (&a.value[k], &b.value[k], width, true)
                                          : !paper_less (&b.value[k], &a.value[k], width, false);
        }
      r.term = term__ite (terms, c.term, a.term, b.term);
      for (unsigned k = 0; k < INPUTS; k++)
        r.value[k] = c.value[k].bit[0] ? a.value[k] : b.value[k];
      break;
    case 24:
      {
        unsigned kind = pick (3);
        r.term = kind == 0   ? term__popcount (terms, a.term)
                 : kind == 1 ? term__clz (terms, a.term)
                             : term__ctz (terms, a.term);
        for (unsigned k = 0; k < INPUTS; k++)
          {
            unsigned n = 0;
            for (unsigned i = 0; i < width; i++)
              if (kind == 0)
                n += a.value[k].bit[i];
              else if (a.value[k].bit[kind == 1 ? width - 1 - i : i])
                break;
              else
                n++;
            for (unsigned i = 0; i < width; i++)
              r.value[k].bit[i] = i < 16 ? n >> i & 1 : 0;
          }
        break;
      }
    case 25:
      {
        unsigned kind = pick (4);
        if (width > 128 || (width > 64 && width != 128))
          return a;
        r.term = kind == 0   ? term__udiv (terms, a.term, b.term)
                 : kind == 1 ? term__urem (terms, a.term, b.term)
                 : kind == 2 ? term__sdiv (terms, a.term, b.term)
                             : term__srem (terms, a.term, b.term);
        for (unsigned k = 0; k < INPUTS; k++)
          r.value[k] = paper_divide_any (kind, &a.value[k], &b.value[k], width);
        break;
      }
    case 26:
      if (width % 8)
        return a;
      r.term = term__bswap (terms, a.term);
      for (unsigned k = 0; k < INPUTS; k++)
        for (unsigned i = 0; i < width; i++)
          r.value[k].bit[i] = a.value[k].bit[width - 8 - i / 8 * 8 + i % 8];
      break;
    case 27:
      {
        unsigned part = 1 + pick (width), low = pick (width - part + 1);
        struct entry p = choose (terms, part);
        r.term = term__insert (terms, a.term, low, p.term);
        for (unsigned k = 0; k < INPUTS; k++)
          {
            r.value[k] = a.value[k];
            memcpy (r.value[k].bit + low, p.value[k].bit, part);
          }
        break;
      }
    case 28:
      {
        /* Taken apart into bytes and put together again.  */
        if (width % 8)
          return a;
        const struct term *byte[WIDE / 8];
        for (unsigned i = 0; i < width / 8; i++)
          byte[i] = term__extract (terms, a.term, 8 * i, 8);
        r = a;
        r.term = term__join (terms, byte, width / 8);
        break;
      }
    default:
      {
        /* A variable replaced by itself plus and minus something: nothing changes.  */
        const struct term *v = term__var (terms, 32, 3), *w = term__add (terms, v, term__const (terms, 32, 77));
        r = a;
        r.term = term__substitute (terms, term__substitute (terms, a.term, &v, &w, 1), &v,
                                   (const struct term *[]){ term__sub (terms, v, term__const (terms, 32, 77)) }, 1);
        break;
      }
    }
  return r;
}

/* The variables' values on input K.  */
static uint64_t variable[INPUTS][VARIABLES][WIDE / 64];

static void
look_up (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  unsigned k = *(unsigned *) context;
  memcpy (words, variable[k][number], (width + 63) / 64 * sizeof *words);
}

static void
begin (struct terms *terms)
{
  static const unsigned width[VARIABLES] = { 1, 8, 16, 32, 64, 64, 128, 256, 32, 8 };
  n_pool = VARIABLES;
  for (unsigned v = 0; v < VARIABLES; v++)
    {
      pool[v].term = term__var (terms, width[v], v);
      for (unsigned k = 0; k < INPUTS; k++)
        {
          unsigned shape = pick (4);
          memset (variable[k][v], 0, sizeof variable[k][v]);
          for (unsigned i = 0; i < width[v]; i++)
            {
              unsigned bit = shape == 0 ? i < 2 && pick (2) : shape == 1 ? 1 : pick (2);
              pool[v].value[k].bit[i] = (uint8_t) bit;
              variable[k][v][i / 64] |= (uint64_t) bit << (i % 64);
            }
        }
    }
}

static bool
agrees (const struct entry *e)
{
  struct term_program *program = term_program__new (&e->term, 1);
  bool well = true;
  for (unsigned k = 0; k < INPUTS && well; k++)
    {
      struct term_inputs inputs = { .context = &k, .variable = look_up };
      term_program__run (program, &inputs);
      const uint64_t *words = term_program__value (program, 0);
      for (unsigned i = 0; i < e->term->width; i++)
        well &= (words[i / 64] >> (i % 64) & 1) == e->value[k].bit[i];
    }
  term_program__free (program);
  return well;
}

/* Does Z3 know the value on input 0, and no other?  */
static bool
solver_agrees (struct terms *terms, struct solver *solver, const struct entry *e)
{
  static const unsigned width[VARIABLES] = { 1, 8, 16, 32, 64, 64, 128, 256, 32, 8 };
  const struct term *condition[VARIABLES + 1];
  uint64_t words[WIDE / 64] = { 0 };
  for (unsigned v = 0; v < VARIABLES; v++)
    condition[v] = term__eq (terms, term__var (terms, width[v], v), term__wide (terms, width[v], variable[0][v]));
  for (unsigned i = 0; i < e->term->width; i++)
    words[i / 64] |= (uint64_t) e->value[0].bit[i] << (i % 64);
  condition[VARIABLES] = term__ne (terms, e->term, term__wide (terms, e->term->width, words));
  if (solver__check (solver, condition, VARIABLES + 1, 10) == SOLVER_SAT)
    return false;
  condition[VARIABLES] = term__not (terms, condition[VARIABLES]);
  return solver__check (solver, condition, VARIABLES + 1, 10) != SOLVER_UNSAT;
}

int
main (int argc, char **argv)
{
  unsigned n = argc > 1 ? (unsigned) atoi (argv[1]) : 60000, wrong = 0, asked = 0, refused = 0;
  state = argc > 2 ? strtoull (argv[2], NULL, 0) : UINT64_C (0x5eed1234567);
  for (unsigned done = 0; done < n && !wrong;)
    {
      struct terms *terms = terms__new ();
      struct solver *solver = solver__new (terms);
      begin (terms);
      for (unsigned i = 0; i < RESET && done < n && !wrong; i++, done++)
        {
          struct entry e = build (terms);
          if (!agrees (&e))
            {
              wrong++;
              printf ("# expression %u evaluates to something else: ", done);
              term__print (stdout, e.term);
              putchar ('\n');
            }
          else if (done % 200 == 7)
            {
              asked++;
              if (!solver_agrees (terms, solver, &e))
                {
                  refused++;
                  printf ("# Z3 disagrees: ");
                  term__print (stdout, e.term);
                  putchar ('\n');
                }
            }
          if (n_pool < POOL)
            pool[n_pool++] = e;
          else
            pool[VARIABLES + pick (POOL - VARIABLES)] = e;
        }
      solver__free (solver);
      terms__free (terms);
    }
  printf ("%sok 1 - %u random expressions keep their values\n", wrong ? "not " : "", n);
  printf ("%sok 2 - Z3 agrees on %u of them\n", refused || !asked ? "not " : "", asked);
  puts ("1..2");
  return wrong || refused;
}
