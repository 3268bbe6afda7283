/* Evaluating terms on given inputs: the terms of some roots in one list, each once, arguments first.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <stdlib.h>
#include <string.h>

struct node
{
  const struct term *term;
  unsigned value;     /* index of its words */
  unsigned arg;       /* index of its arguments' node numbers */
};

struct term_program
{
  unsigned n, n_args, n_words, n_roots;
  struct node *node;
  unsigned *arg;
  unsigned *root;
  uint64_t *words;
};

/* Numbers of terms, by id; open addressing.  */
struct numbering
{
  unsigned size, n;
  const struct term **term;
  unsigned *number;
};

static unsigned *
numbering__find (struct numbering *numbering, const struct term *term, bool *is_new)
{
  if (2 * numbering->n >= numbering->size)
    {
      struct numbering old = *numbering;
      numbering->size = old.size ? 2 * old.size : 256;
      numbering->term = calloc (numbering->size, sizeof *numbering->term);
      numbering->number = calloc (numbering->size, sizeof *numbering->number);
      if (!numbering->term || !numbering->number)
        abort (); /* as arenas do */
      numbering->n = 0;
      for (unsigned i = 0; i < old.size; i++)
        if (old.term[i])
          *numbering__find (numbering, old.term[i], is_new) = old.number[i];
      free (old.term);
      free (old.number);
    }
  unsigned at = term->id * 2654435769u & (numbering->size - 1);
  while (numbering->term[at] && numbering->term[at] != term)
    at = (at + 1) & (numbering->size - 1);
  *is_new = !numbering->term[at];
  if (*is_new)
    {
      numbering->term[at] = term;
      numbering->n++;
    }
  return &numbering->number[at];
}

static void *
enlarge (void *array, unsigned n, size_t size)
{
  /* To the next power of two, when N has reached one.  */
  if (n & (n - 1))
    return array;
  array = realloc (array, (n ? 2 * (size_t) n : 1) * size);
  if (!array)
    abort ();
  return array;
}

/* Words of A's value; memories have none.  */
static unsigned
words_of (const struct term *a)
{
  return (a->width + 63u) / 64u;
}

static unsigned
add (struct term_program *program, struct numbering *numbering, const struct term *a)
{
  bool is_new;
  unsigned number = *numbering__find (numbering, a, &is_new);
  if (!is_new)
    return number;
  unsigned few[8], *args = few;
  if (a->n_args > sizeof few / sizeof *few)
    {
      args = calloc (a->n_args, sizeof *args);
      if (!args)
        abort ();
    }
  for (unsigned i = 0; i < a->n_args; i++)
    args[i] = add (program, numbering, a->arg[i]);
  number = program->n;
  program->node = enlarge (program->node, program->n, sizeof *program->node);
  program->node[program->n++] = (struct node){ .term = a, .value = program->n_words, .arg = program->n_args };
  program->n_words += words_of (a);
  for (unsigned i = 0; i < a->n_args; i++)
    {
      program->arg = enlarge (program->arg, program->n_args, sizeof *program->arg);
      program->arg[program->n_args++] = args[i];
    }
  if (args != few)
    free (args);
  *numbering__find (numbering, a, &is_new) = number;
  return number;
}

struct term_program *
term_program__new (const struct term *const *roots, unsigned n)
{
  struct term_program *program = calloc (1, sizeof *program);
  struct numbering numbering = { 0 };
  if (!program)
    abort ();
  program->root = calloc (n + 1, sizeof *program->root);
  if (!program->root)
    abort ();
  program->n_roots = n;
  for (unsigned i = 0; i < n; i++)
    program->root[i] = add (program, &numbering, roots[i]);
  free (numbering.term);
  free (numbering.number);
  program->words = calloc (program->n_words + 1, sizeof *program->words);
  if (!program->words)
    abort ();
  for (unsigned i = 0; i < program->n; i++)
    if (program->node[i].term->op == TERM_CONST)
      memcpy (program->words + program->node[i].value, program->node[i].term->words,
              program->node[i].term->n_words * sizeof (uint64_t));
  return program;
}

void
term_program__free (struct term_program *program)
{
  if (!program)
    return;
  free (program->node);
  free (program->arg);
  free (program->root);
  free (program->words);
  free (program);
}

const uint64_t *
term_program__value (const struct term_program *program, unsigned i)
{
  return program->words + program->node[program->root[i]].value;
}

/* The words of argument I of NODE.  */
static uint64_t *
value_of (const struct term_program *program, const struct node *node, unsigned i)
{
  return program->words + program->node[program->arg[node->arg + i]].value;
}

/* TO[] |= the WIDTH bits of FROM[] at bit LOW; the bits of TO above LOW are 0.  */
static void
put_bits (uint64_t *to, unsigned low, const uint64_t *from, unsigned width)
{
  for (unsigned i = 0; i < (width + 63) / 64; i++)
    {
      unsigned at = low + 64 * i, shift = at % 64, left = width - 64 * i;
      uint64_t word = word__cut (from[i], left < 64 ? left : 64);
      to[at / 64] |= word << shift;
      if (shift && left > 64 - shift)
        to[at / 64 + 1] |= word >> (64 - shift);
    }
}

/* TO[] = WIDTH bits of FROM[], of N words, from LOW on.  */
static void
get_bits (uint64_t *to, const uint64_t *from, unsigned n, unsigned low, unsigned width)
{
  unsigned n_to = (width + 63) / 64;
  for (unsigned i = 0; i < n_to; i++)
    {
      unsigned at = low + 64 * i, word = at / 64, shift = at % 64;
      to[i] = from[word] >> shift;
      if (shift && word + 1 < n)
        to[i] |= from[word + 1] << (64 - shift);
    }
  to[n_to - 1] = word__cut (to[n_to - 1], width - 64 * (n_to - 1));
}

/* The amount of a shift, WIDTH where it is that or more.  */
static unsigned
amount_of (const uint64_t *words, unsigned width)
{
  for (unsigned i = 1; i < (width + 63) / 64; i++)
    if (words[i])
      return width;
  return words[0] < width ? (unsigned) words[0] : width;
}

static void
evaluate_shift (enum term_op op, const uint64_t *a, const uint64_t *b, unsigned width, uint64_t *to)
{
  unsigned n = (width + 63) / 64;
  bool sign = op == TERM_ASHR && (a[n - 1] >> ((width - 1) % 64) & 1);
  if (op == TERM_ROL)
    {
      unsigned by = (unsigned) (b[0] % width);
      memset (to, 0, n * sizeof *to);
      uint64_t part[TERM_WORDS_MAX];
      if (by < width)
        {
          get_bits (part, a, n, 0, width - by);
          put_bits (to, by, part, width - by);
        }
      if (by)
        {
          get_bits (part, a, n, width - by, by);
          put_bits (to, 0, part, by);
        }
      return;
    }
  unsigned by = amount_of (b, width);
  memset (to, 0, n * sizeof *to);
  uint64_t part[TERM_WORDS_MAX];
  if (by < width)
    {
      get_bits (part, a, n, op == TERM_SHL ? 0 : by, width - by);
      put_bits (to, op == TERM_SHL ? by : 0, part, width - by);
    }
  if (sign && by)
    {
      memset (part, 0xff, sizeof part);
      put_bits (to, width - by, part, by);
    }
}

static int
compare (const uint64_t *a, const uint64_t *b, unsigned n)
{
  for (unsigned i = n; i-- > 0;)
    if (a[i] != b[i])
      return a[i] < b[i] ? -1 : 1;
  return 0;
}

/* The byte of memory NODE at ADDRESS.  */
static uint64_t
load (const struct term_program *program, const struct node *node, uint64_t address,
      const struct term_inputs *inputs)
{
  for (;;)
    switch (node->term->op)
      {
      case TERM_STORE:
        if ((value_of (program, node, 3)[0] & 1) && value_of (program, node, 1)[0] == address)
          return value_of (program, node, 2)[0];
        node = &program->node[program->arg[node->arg]];
        break;
      case TERM_ITE:
        node = &program->node[program->arg[node->arg + (value_of (program, node, 0)[0] & 1 ? 1 : 2)]];
        break;
      default:
        return inputs->byte (inputs->context, node->term->number, address);
      }
}

static uint64_t
divide (enum term_op op, uint64_t x, uint64_t y, unsigned width)
{
  int64_t s = word__sign (x, width), t = word__sign (y, width);
  switch (op)
    {
    case TERM_UDIV:
      return y ? x / y : UINT64_MAX;
    case TERM_UREM:
      return y ? x % y : x;
    case TERM_SDIV:
      return !t ? (s < 0 ? 1 : UINT64_MAX) : t == -1 ? -(uint64_t) s : (uint64_t) (s / t);
    default:
      return !t ? x : t == -1 ? 0 : (uint64_t) (s % t);
    }
}

/* Division of 128 bits, which is what a 64-bit div needs; wider ones are never made.  */
static void
divide_wide (enum term_op op, const uint64_t *a, const uint64_t *b, uint64_t *to)
{
  unsigned __int128 x = (unsigned __int128) a[1] << 64 | a[0], y = (unsigned __int128) b[1] << 64 | b[0], r;
  __int128 s = (__int128) x, t = (__int128) y;
  switch (op)
    {
    case TERM_UDIV:
      r = y ? x / y : ~(unsigned __int128) 0;
      break;
    case TERM_UREM:
      r = y ? x % y : x;
      break;
    case TERM_SDIV:
      r = !t ? (s < 0 ? 1 : ~(unsigned __int128) 0) : t == -1 ? -x : (unsigned __int128) (s / t);
      break;
    default:
      r = !t ? x : t == -1 ? 0 : (unsigned __int128) (s % t);
    }
  to[0] = (uint64_t) r;
  to[1] = (uint64_t) (r >> 64);
}

static void
evaluate_call (const struct term_program *program, const struct node *node, uint64_t *to)
{
  const uint64_t *arg[16];
  unsigned width[16], n = node->term->n_args < 16 ? node->term->n_args : 16;
  for (unsigned i = 0; i < n; i++)
    {
      arg[i] = value_of (program, node, i);
      width[i] = node->term->arg[i]->width;
    }
  function__compute ((enum term_function) node->term->number, arg, width, n, to);
}

/* Sign-extends the low FROM bits of TO[] to WIDTH; TO holds A's words and zeros.  */
static void
extend (uint64_t *to, unsigned from, unsigned width)
{
  if (!(to[(from - 1) / 64] >> ((from - 1) % 64) & 1))
    return;
  uint64_t ones[TERM_WORDS_MAX];
  memset (ones, 0xff, sizeof ones);
  put_bits (to, from, ones, width - from);
}

static void
evaluate (struct term_program *program, const struct node *node, const struct term_inputs *inputs)
{
  const struct term *term = node->term;
  unsigned width = term->width, n = words_of (term);
  uint64_t *to = program->words + node->value;
  const uint64_t *a = term->n_args ? value_of (program, node, 0) : NULL;
  const uint64_t *b = term->n_args > 1 ? value_of (program, node, 1) : NULL;
  unsigned wide = term->n_args ? words_of (term->arg[0]) : 0;
  switch ((enum term_op) term->op)
    {
    case TERM_CONST:
    case TERM_MEMORY:
    case TERM_STORE:
    case TERM_OPS:
      return;
    case TERM_VAR:
      inputs->variable (inputs->context, term->number, width, to);
      break;
    case TERM_SUM:
      to[0] = term->words[0];
      for (unsigned i = 0; i < term->n_args; i++)
        to[0] += term->words[1 + i] * value_of (program, node, i)[0];
      break;
    case TERM_ADD:
      {
        unsigned __int128 carry = 0;
        for (unsigned i = 0; i < n; i++)
          {
            carry += (unsigned __int128) a[i] + b[i];
            to[i] = (uint64_t) carry;
            carry >>= 64;
          }
        break;
      }
    case TERM_MUL:
      if (n == 1)
        {
          to[0] = a[0];
          for (unsigned i = 1; i < term->n_args; i++)
            to[0] *= value_of (program, node, i)[0];
        }
      else
        {
          uint64_t product[TERM_WORDS_MAX];
          memcpy (product, a, n * sizeof *product);
          for (unsigned f = 1; f < term->n_args; f++)
            {
              const uint64_t *factor = value_of (program, node, f);
              memset (to, 0, n * sizeof *to);
              for (unsigned i = 0; i < n; i++)
                {
                  unsigned __int128 carry = 0;
                  for (unsigned k = 0; i + k < n; k++)
                    {
                      carry += (unsigned __int128) product[i] * factor[k] + to[i + k];
                      to[i + k] = (uint64_t) carry;
                      carry >>= 64;
                    }
                }
              memcpy (product, to, n * sizeof *product);
            }
        }
      break;
    case TERM_UDIV:
    case TERM_UREM:
    case TERM_SDIV:
    case TERM_SREM:
      if (n == 1)
        to[0] = divide ((enum term_op) term->op, a[0], b[0], width);
      else if (width == 128)
        divide_wide ((enum term_op) term->op, a, b, to);
      else
        memset (to, 0, n * sizeof *to);
      break;
    case TERM_AND:
    case TERM_OR:
    case TERM_XOR:
      memcpy (to, a, n * sizeof *to);
      for (unsigned k = 1; k < term->n_args; k++)
        {
          const uint64_t *next = value_of (program, node, k);
          for (unsigned i = 0; i < n; i++)
            to[i] = term->op == TERM_AND  ? to[i] & next[i]
                    : term->op == TERM_OR ? to[i] | next[i]
                                          : to[i] ^ next[i];
        }
      break;
    case TERM_NOT:
      for (unsigned i = 0; i < n; i++)
        to[i] = ~a[i];
      break;
    case TERM_SHL:
    case TERM_LSHR:
    case TERM_ASHR:
    case TERM_ROL:
      evaluate_shift ((enum term_op) term->op, a, b, width, to);
      break;
    case TERM_CONCAT:
      memset (to, 0, n * sizeof *to);
      for (unsigned i = term->n_args, at = 0; i-- > 0; at += term->arg[i]->width)
        put_bits (to, at, value_of (program, node, i), term->arg[i]->width);
      break;
    case TERM_EXTRACT:
      get_bits (to, a, wide, term->number, width);
      break;
    case TERM_SEXT:
      memset (to, 0, n * sizeof *to);
      memcpy (to, a, wide * sizeof *to);
      extend (to, term->arg[0]->width, width);
      break;
    case TERM_EQ:
      to[0] = compare (a, b, wide) == 0;
      break;
    case TERM_ULT:
      to[0] = compare (a, b, wide) < 0;
      break;
    case TERM_SLT:
      {
        unsigned bit = term->arg[0]->width - 1;
        bool s = a[bit / 64] >> (bit % 64) & 1, t = b[bit / 64] >> (bit % 64) & 1;
        to[0] = s != t ? s : compare (a, b, wide) < 0;
        break;
      }
    case TERM_ITE:
      if (n)
        memcpy (to, a[0] & 1 ? b : value_of (program, node, 2), n * sizeof *to);
      return;
    case TERM_POPCOUNT:
    case TERM_CLZ:
    case TERM_CTZ:
      {
        unsigned count = 0, set = 0;
        bool found = false;
        for (unsigned i = 0; i < width; i++)
          {
            unsigned bit = term->op == TERM_CLZ ? width - 1 - i : i;
            bool on = a[bit / 64] >> (bit % 64) & 1;
            set += on;
            found |= on;
            count += !found;
          }
        memset (to, 0, n * sizeof *to);
        to[0] = term->op == TERM_POPCOUNT ? set : count;
        break;
      }
    case TERM_CALL:
      evaluate_call (program, node, to);
      break;
    case TERM_LOAD:
      to[0] = load (program, &program->node[program->arg[node->arg]], b[0], inputs);
      break;
    }
  if (n)
    to[n - 1] = word__cut (to[n - 1], width - 64 * (n - 1));
}

void
term_program__run (struct term_program *program, const struct term_inputs *inputs)
{
  for (unsigned i = 0; i < program->n; i++)
    evaluate (program, &program->node[i], inputs);
}
