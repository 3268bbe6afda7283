/* Terms as Z3 knows them: bit vectors, arrays of bytes, uninterpreted functions.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/solver.h"
#include "term/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <z3.h>

/* Z3's own count of work instead of a clock: the same question gets the same answer on a busy machine, and no timer's
   thread can outlive its context.  */
#define RESOURCES_PER_SECOND 4e6

struct solver
{
  struct terms *terms;
  Z3_context context;
  Z3_ast *ast[2];      /* by term id, 0 where not translated yet; [1]: roughly */
  uint32_t *seen;      /* by term id: the question in which it was looked at last */
  unsigned n_ast;
  Z3_tactic tactic;    /* for bit vectors alone, made when first needed */
  bool roughly;        /* loads and functions are any values */
  bool model_roughly;  /* they were so in the model's question */
  Z3_model model;      /* of the last question, or NULL */
  Z3_sort sort[TERM_WIDTH_MAX + 1], array_sort;
  unsigned questions;
  double seconds;
  bool arrays, functions; /* among what was translated since the question began */
};

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

/* Errors leave results of 0, which are looked for; Z3's own handler would end the process.  */
static void
ignore_error (Z3_context context, Z3_error_code code)
{
  (void) context;
  (void) code;
}

struct solver *
solver__new (struct terms *terms)
{
  struct solver *solver = calloc (1, sizeof *solver);
  if (!solver)
    return NULL;
  Z3_config config = Z3_mk_config ();
  Z3_set_param_value (config, "model", "true");
  solver->terms = terms;
  solver->context = Z3_mk_context_rc (config);
  Z3_del_config (config);
  if (!solver->context)
    {
      free (solver);
      return NULL;
    }
  Z3_set_error_handler (solver->context, ignore_error);
  return solver;
}

void
solver__free (struct solver *solver)
{
  if (!solver)
    return;
  if (solver->model)
    Z3_model_dec_ref (solver->context, solver->model);
  if (solver->tactic)
    Z3_tactic_dec_ref (solver->context, solver->tactic);
  Z3_del_context (solver->context);
  free (solver->ast[0]);
  free (solver->ast[1]);
  free (solver->seen);
  free (solver);
}

unsigned
solver__questions (const struct solver *solver)
{
  return solver->questions;
}

double
solver__seconds (const struct solver *solver)
{
  return solver->seconds;
}

const char *
solver__name (void)
{
  return Z3_get_full_version ();
}

/* ARRAY, of OLD elements of SIZE bytes, with room for N, the new ones zero.  */
static void *
enlarge (void *array, unsigned old, unsigned n, size_t size)
{
  char *larger = realloc (array, n * size);
  if (!larger)
    abort (); /* as arenas do */
  memset (larger + old * size, 0, (n - old) * size);
  return larger;
}

/* Makes room for what is kept of each term.  */
static void
reserve (struct solver *solver)
{
  unsigned n = terms__count (solver->terms);
  if (n <= solver->n_ast)
    return;
  n += n / 2 + 1024;
  for (unsigned i = 0; i < 2; i++)
    solver->ast[i] = enlarge (solver->ast[i], solver->n_ast, n, sizeof *solver->ast[i]);
  solver->seen = enlarge (solver->seen, solver->n_ast, n, sizeof *solver->seen);
  solver->n_ast = n;
}

/* Everything that is made is kept until the solver is freed: what isn't referred to may be gone with the next call.  */
static Z3_ast
keep (struct solver *solver, Z3_ast ast)
{
  if (ast)
    Z3_inc_ref (solver->context, ast);
  return ast;
}

static Z3_sort
keep_sort (struct solver *solver, Z3_sort sort)
{
  keep (solver, Z3_sort_to_ast (solver->context, sort));
  return sort;
}

static Z3_sort
bits (struct solver *solver, unsigned width)
{
  if (!solver->sort[width])
    solver->sort[width] = keep_sort (solver, Z3_mk_bv_sort (solver->context, width));
  return solver->sort[width];
}

static Z3_sort
array (struct solver *solver)
{
  if (!solver->array_sort)
    solver->array_sort = keep_sort (solver, Z3_mk_array_sort (solver->context, bits (solver, 64), bits (solver, 8)));
  return solver->array_sort;
}

static Z3_ast
number (struct solver *solver, unsigned width, uint64_t value)
{
  return keep (solver, Z3_mk_unsigned_int64 (solver->context, value, bits (solver, width)));
}

static Z3_ast
constant (struct solver *solver, const struct term *term)
{
  Z3_ast result = NULL;
  for (unsigned i = 0; i < term->n_words; i++)
    {
      unsigned width = term->width - 64 * i < 64 ? term->width - 64 * i : 64;
      Z3_ast part = number (solver, width, term->words[i]);
      result = result ? keep (solver, Z3_mk_concat (solver->context, part, result)) : part;
    }
  return result;
}

/* A condition as a Boolean.  */
static Z3_ast
truth (struct solver *solver, Z3_ast one_bit)
{
  return keep (solver, Z3_mk_eq (solver->context, one_bit, number (solver, 1, 1)));
}

static Z3_ast
one_bit (struct solver *solver, Z3_ast boolean)
{
  return keep (solver, Z3_mk_ite (solver->context, boolean, number (solver, 1, 1), number (solver, 1, 0)));
}

static Z3_ast
name (struct solver *solver, const char *prefix, uint32_t n, Z3_sort sort)
{
  char text[32];
  snprintf (text, sizeof text, "%s%u", prefix, n);
  return keep (solver, Z3_mk_const (solver->context, Z3_mk_string_symbol (solver->context, text), sort));
}

/* Bits set, leading or trailing zeros, of ARG.  */
static Z3_ast
count (struct solver *solver, enum term_op op, Z3_ast arg, unsigned width)
{
  Z3_context context = solver->context;
  Z3_ast result = number (solver, width, op == TERM_POPCOUNT ? 0 : width);
  for (unsigned i = 0; i < width; i++)
    {
      /* The last to be looked at decides for the counts of zeros.  */
      unsigned at = op == TERM_CTZ ? width - 1 - i : i;
      Z3_ast bit = keep (solver, Z3_mk_extract (context, at, at, arg));
      if (op == TERM_POPCOUNT)
        result = keep (solver, Z3_mk_bvadd (context, result, width > 1 ? keep (solver, Z3_mk_zero_ext (context, width - 1, bit)) : bit));
      else
        result = keep (solver, Z3_mk_ite (context, truth (solver, bit),
                            number (solver, width, op == TERM_CTZ ? at : width - 1 - at), result));
    }
  return result;
}

static Z3_ast
call (struct solver *solver, const struct term *term, const Z3_ast *arg)
{
  Z3_sort domain[16];
  char text[96];
  int at = snprintf (text, sizeof text, "%s", function__name ((enum term_function) term->number));
  for (unsigned i = 0; i < term->n_args; i++)
    {
      domain[i] = bits (solver, term->arg[i]->width);
      if (at > 0 && (size_t) at < sizeof text)
        at += snprintf (text + at, sizeof text - (size_t) at, ".%u", term->arg[i]->width);
    }
  Z3_func_decl function
    = Z3_mk_func_decl (solver->context, Z3_mk_string_symbol (solver->context, text), term->n_args, domain,
                       bits (solver, term->width));
  keep (solver, Z3_func_decl_to_ast (solver->context, function));
  return keep (solver, Z3_mk_app (solver->context, function, term->n_args, arg));
}

/* TERM from its translated arguments.  */
static Z3_ast
translate_one (struct solver *solver, const struct term *term, const Z3_ast *arg)
{
  Z3_context c = solver->context;
  Z3_ast result;
  switch ((enum term_op) term->op)
    {
    case TERM_CONST: return constant (solver, term);
    case TERM_VAR: return name (solver, "v", term->number, bits (solver, term->width));
    case TERM_MEMORY: return name (solver, "m", term->number, array (solver));
    case TERM_SUM:
      result = number (solver, term->width, term->words[0]);
      for (unsigned i = 0; i < term->n_args; i++)
        {
          uint64_t coef = term->words[1 + i];
          if (coef == word__cut (UINT64_MAX, term->width))
            result = keep (solver, Z3_mk_bvsub (c, result, arg[i]));
          else
            result = keep (solver, Z3_mk_bvadd (c, result,
                                  coef == 1 ? arg[i] : keep (solver, Z3_mk_bvmul (c, number (solver, term->width, coef), arg[i]))));
        }
      return result;
    case TERM_ADD: return keep (solver, Z3_mk_bvadd (c, arg[0], arg[1]));
    case TERM_UDIV: return keep (solver, Z3_mk_bvudiv (c, arg[0], arg[1]));
    case TERM_UREM: return keep (solver, Z3_mk_bvurem (c, arg[0], arg[1]));
    case TERM_SDIV: return keep (solver, Z3_mk_bvsdiv (c, arg[0], arg[1]));
    case TERM_SREM: return keep (solver, Z3_mk_bvsrem (c, arg[0], arg[1]));
    case TERM_MUL: case TERM_AND: case TERM_OR: case TERM_XOR:
      result = arg[0];
      for (unsigned i = 1; i < term->n_args; i++)
        result = term->op == TERM_MUL   ? keep (solver, Z3_mk_bvmul (c, result, arg[i]))
                 : term->op == TERM_AND ? keep (solver, Z3_mk_bvand (c, result, arg[i]))
                 : term->op == TERM_OR  ? keep (solver, Z3_mk_bvor (c, result, arg[i]))
                                        : keep (solver, Z3_mk_bvxor (c, result, arg[i]));
      return result;
    case TERM_NOT: return keep (solver, Z3_mk_bvnot (c, arg[0]));
    case TERM_SHL: return keep (solver, Z3_mk_bvshl (c, arg[0], arg[1]));
    case TERM_LSHR: return keep (solver, Z3_mk_bvlshr (c, arg[0], arg[1]));
    case TERM_ASHR: return keep (solver, Z3_mk_bvashr (c, arg[0], arg[1]));
    case TERM_ROL: return keep (solver, Z3_mk_ext_rotate_left (c, arg[0], arg[1]));
    case TERM_CONCAT:
      result = arg[0];
      for (unsigned i = 1; i < term->n_args; i++)
        result = keep (solver, Z3_mk_concat (c, result, arg[i]));
      return result;
    case TERM_EXTRACT: return keep (solver, Z3_mk_extract (c, term->number + term->width - 1, term->number, arg[0]));
    case TERM_SEXT: return keep (solver, Z3_mk_sign_ext (c, term->width - term->arg[0]->width, arg[0]));
    case TERM_EQ: return one_bit (solver, keep (solver, Z3_mk_eq (c, arg[0], arg[1])));
    case TERM_ULT: return one_bit (solver, keep (solver, Z3_mk_bvult (c, arg[0], arg[1])));
    case TERM_SLT: return one_bit (solver, keep (solver, Z3_mk_bvslt (c, arg[0], arg[1])));
    case TERM_ITE: return keep (solver, Z3_mk_ite (c, truth (solver, arg[0]), arg[1], arg[2]));
    case TERM_POPCOUNT: case TERM_CLZ: case TERM_CTZ:
      return count (solver, (enum term_op) term->op, arg[0], term->width);
    case TERM_CALL: return call (solver, term, arg);
    case TERM_STORE:
      return keep (solver, Z3_mk_ite (c, truth (solver, arg[3]), keep (solver, Z3_mk_store (c, arg[0], arg[1], arg[2])), arg[0]));
    case TERM_LOAD: return keep (solver, Z3_mk_select (c, arg[0], arg[1]));
    case TERM_OPS: break;
    }
  return NULL;
}

/* A's translation, NULL where there is none.  */
static Z3_ast
translate (struct solver *solver, const struct term *a)
{
  Z3_ast *known = &solver->ast[solver->roughly][a->id];
  if (*known)
    return *known;
  if (solver->roughly && (a->op == TERM_LOAD || a->op == TERM_CALL))
    return *known = name (solver, "r", a->id, bits (solver, a->width));
  Z3_ast few[8], *arg = few;
  if (a->n_args > sizeof few / sizeof *few)
    {
      arg = calloc (a->n_args, sizeof *arg);
      if (!arg)
        abort ();
    }
  bool well = true;
  for (unsigned i = 0; well && i < a->n_args; i++)
    {
      arg[i] = translate (solver, a->arg[i]);
      well = arg[i] != NULL;
    }
  Z3_ast result = well ? translate_one (solver, a, arg) : NULL;
  if (arg != few)
    free (arg);
  return *known = result;
}

/* Notes whether A, or anything in it, holds a memory or a function.  */
static void
look (struct solver *solver, const struct term *a)
{
  if (solver->seen[a->id] == solver->questions)
    return;
  solver->seen[a->id] = solver->questions;
  solver->arrays |= a->op == TERM_LOAD || a->op == TERM_STORE;
  solver->functions |= a->op == TERM_CALL;
  for (unsigned i = 0; i < a->n_args; i++)
    look (solver, a->arg[i]);
}

/* Bit-blasting at once, which is what integer code wants; NULL where Z3 lacks a step.  */
static Z3_tactic
bit_vector_tactic (Z3_context c)
{
  static const char *const steps[] = { "simplify", "propagate-values", "solve-eqs", "bv-size-reduction", "simplify",
                                       "bit-blast", "sat" };
  Z3_tactic all = NULL;
  for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++)
    {
      Z3_tactic step = Z3_mk_tactic (c, steps[i]);
      if (!step)
        return NULL;
      Z3_tactic_inc_ref (c, step);
      Z3_tactic both = all ? Z3_tactic_and_then (c, all, step) : step;
      if (all)
        Z3_tactic_inc_ref (c, both);
      all = both;
    }
  return all;
}

/* Arrays and functions need their theories.  */
static Z3_solver
make_solver (struct solver *solver)
{
  Z3_context c = solver->context;
  if (!solver->roughly && (solver->arrays || solver->functions))
    {
      const char *logic = !solver->arrays ? "QF_UFBV" : "QF_AUFBV";
      return Z3_mk_solver_for_logic (c, Z3_mk_string_symbol (c, logic));
    }
  if (!solver->tactic)
    solver->tactic = bit_vector_tactic (c);
  return solver->tactic ? Z3_mk_solver_from_tactic (c, solver->tactic)
                        : Z3_mk_solver_for_logic (c, Z3_mk_string_symbol (c, "QF_BV"));
}

/* One question, by the theories that solver->roughly asks for.  Leaves the model of SOLVER_SAT.  */
static enum solver_answer
ask (struct solver *solver, const struct term *const *condition, unsigned n, double seconds)
{
  Z3_context c = solver->context;
  Z3_solver z3 = make_solver (solver);
  if (!z3)
    return SOLVER_UNKNOWN;
  Z3_solver_inc_ref (c, z3);
  Z3_params params = Z3_mk_params (c);
  Z3_params_inc_ref (c, params);
  double resources = seconds * RESOURCES_PER_SECOND;
  Z3_params_set_uint (c, params, Z3_mk_string_symbol (c, "rlimit"),
                      resources < 1000 ? 1000 : resources > 4e9 ? 4000000000u : (unsigned) resources);
  Z3_solver_set_params (c, z3, params);
  Z3_params_dec_ref (c, params);
  bool well = true;
  for (unsigned i = 0; well && i < n; i++)
    {
      Z3_ast ast = translate (solver, condition[i]);
      well = ast != NULL;
      if (well)
        Z3_solver_assert (c, z3, truth (solver, ast));
    }
  enum solver_answer answer = SOLVER_UNKNOWN;
  if (well && Z3_get_error_code (c) == Z3_OK)
    switch (Z3_solver_check (c, z3))
      {
      case Z3_L_FALSE:
        answer = SOLVER_UNSAT;
        break;
      case Z3_L_TRUE:
        answer = SOLVER_SAT;
        solver->model = Z3_solver_get_model (c, z3);
        solver->model_roughly = solver->roughly;
        if (solver->model)
          Z3_model_inc_ref (c, solver->model);
        break;
      default:
        break;
      }
  /* An error on the way must not pass for an answer.  */
  if (Z3_get_error_code (c) != Z3_OK)
    answer = SOLVER_UNKNOWN;
  Z3_solver_dec_ref (c, z3);
  return answer;
}

static void
forget_model (struct solver *solver)
{
  if (solver->model)
    Z3_model_dec_ref (solver->context, solver->model);
  solver->model = NULL;
}

static enum solver_answer
check (struct solver *solver, const struct term *const *condition, unsigned n, double seconds, bool roughly)
{
  double began = now ();
  enum solver_answer answer = SOLVER_UNKNOWN;
  forget_model (solver);
  for (unsigned i = 0; i < n; i++)
    if (condition[i] == term__false (solver->terms))
      return SOLVER_UNSAT;
  if (seconds <= 0)
    return SOLVER_UNKNOWN;
  solver->questions++;
  reserve (solver);
  solver->arrays = solver->functions = false;
  for (unsigned i = 0; i < n; i++)
    look (solver, condition[i]);
  bool theories = solver->arrays || solver->functions;
  if (theories)
    {
      /* What has no solution when loads and functions are any values has none.  */
      solver->roughly = true;
      answer = ask (solver, condition, n, seconds);
      solver->roughly = false;
    }
  if (!theories || (!roughly && answer != SOLVER_UNSAT))
    {
      forget_model (solver);
      answer = ask (solver, condition, n, seconds);
    }
  solver->seconds += now () - began;
  return answer;
}

enum solver_answer
solver__check (struct solver *solver, const struct term *const *condition, unsigned n, double seconds)
{
  return check (solver, condition, n, seconds, false);
}

enum solver_answer
solver__check_roughly (struct solver *solver, const struct term *const *condition, unsigned n, double seconds)
{
  return check (solver, condition, n, seconds, true);
}

int
solver__value (struct solver *solver, const struct term *term, uint64_t *words)
{
  Z3_context c = solver->context;
  reserve (solver);
  solver->roughly = solver->model_roughly;
  Z3_ast ast = translate (solver, term);
  solver->roughly = false;
  if (!solver->model || !ast)
    return -1;
  for (unsigned i = 0; i < (term->width + 63u) / 64u; i++)
    {
      unsigned low = 64 * i, high = low + 63 < term->width - 1u ? low + 63 : term->width - 1u;
      Z3_ast part = low == 0 && high == term->width - 1u ? ast : keep (solver, Z3_mk_extract (c, high, low, ast));
      Z3_ast value;
      if (!Z3_model_eval (c, solver->model, part, true, &value)
          || !Z3_get_numeral_uint64 (c, keep (solver, value), &words[i]))
        return -1;
    }
  return 0;
}
