/* Reading one instruction in AT&T syntax.
   Only the forms that compilers print are read; what is left out (parenthesised and multiplied
   expressions, quoted symbols, absolute addresses) is refused, for what is refused can't be
   misunderstood.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-text.h"

bool
span__number (struct span *span, uint64_t *value)
{
  const char *p = span->p, *end = span->end;
  unsigned base = 10;
  if (p == end || !char__digit (*p))
    return false;
  if (*p == '0' && p + 1 < end && (p[1] == 'x' || p[1] == 'X'))
    {
      base = 16;
      p += 2;
    }
  else if (*p == '0')
    base = 8;
  uint64_t number = 0;
  const char *first = p;
  for (; p < end; p++)
    {
      unsigned digit;
      if (char__digit (*p))
        digit = (unsigned) (*p - '0');
      else if (base == 16 && ((*p | 32) >= 'a' && (*p | 32) <= 'f'))
        digit = (unsigned) ((*p | 32) - 'a') + 10;
      else
        break;
      if (digit >= base || __builtin_mul_overflow (number, (uint64_t) base, &number)
          || __builtin_add_overflow (number, (uint64_t) digit, &number))
        return false;
    }
  if (p == first || (p < end && char__symbol (*p)))
    return false;
  span->p = p;
  *value = number;
  return true;
}

/* Reads "1b" or "1f" into *SYMBOL; false where there is none.  */
static bool
span__numeric_label (struct arena *arena, struct span *span, const struct numeric *numeric,
                     const char **symbol)
{
  const char *p = span->p;
  unsigned number = 0;
  while (p < span->end && char__digit (*p) && p - span->p < 2)
    number = number * 10 + (unsigned) (*p++ - '0');
  if (!numeric || p == span->p || p == span->end || (*p != 'b' && *p != 'f')
      || (p + 1 < span->end && char__symbol (p[1])))
    return false;
  unsigned count = numeric->count[number];
  if (*p == 'b' && count == 0)
    return false;
  *symbol = arena__printf (arena, ".Lnum.%u.%u", number, *p == 'b' ? count : count + 1);
  span->p = p + 1;
  return true;
}

/* Reads the relocation after '@' into EXPR.  */
static int
span__reloc (struct arena *arena, struct span *span, struct expr *expr, struct why *why)
{
  static const char *const thread_local[]
    = { "tpoff", "ntpoff", "gottpoff", "tlsgd", "tlsld", "dtpoff", "tlsdesc", "tlscall" };
  const char *start = span->p;
  while (span->p < span->end && char__symbol (*span->p))
    span->p++;
  char *reloc = arena__strndup (arena, start, (size_t) (span->p - start));
  if (strcmp (reloc, "PLT") == 0)
    expr->reloc = "PLT";
  else if (strcmp (reloc, "GOTPCREL") == 0)
    expr->reloc = "GOTPCREL";
  else
    {
      for (unsigned i = 0; i < sizeof thread_local / sizeof *thread_local; i++)
        if (strcasecmp (reloc, thread_local[i]) == 0)
          return why__set (why, REASON_TLS, "@%s", reloc);
      return why__set (why, REASON_RELOCATION, "@%.80s", reloc);
    }
  return 0;
}

int
span__expr (struct arena *arena, struct span *span, const struct numeric *numeric,
            struct expr *expr, struct why *why)
{
  struct span whole = *span;
  *expr = (struct expr){ 0 };
  uint64_t add = 0; /* modulo 2^64, as the assembler counts */
  for (bool first = true;; first = false)
    {
      span__skip_blanks (span);
      bool negative = false, sign = false;
      if (span->p < span->end && (*span->p == '-' || *span->p == '+'))
        {
          sign = true;
          negative = *span->p++ == '-';
          span__skip_blanks (span);
        }
      if (!first && !sign)
        return 0;
      if (span->p == span->end)
        goto syntax;
      uint64_t number;
      const char *symbol = NULL;
      char c = *span->p;
      if (span__number (span, &number))
        {
          if (negative && number > UINT64_C (1) << 63)
            goto syntax;
          add += negative ? -number : number;
          expr->add = (int64_t) add;
          continue;
        }
      if (char__digit (c))
        {
          if (!span__numeric_label (arena, span, numeric, &symbol))
            goto syntax;
        }
      else
        {
          const char *start = span->p;
          while (span->p < span->end && char__symbol (*span->p))
            span->p++;
          /* "." is where the assembler stands; "$" begins an immediate.  */
          if (span->p == start || c == '$' || (c == '.' && span->p == start + 1))
            goto syntax;
          symbol = arena__strndup (arena, start, (size_t) (span->p - start));
        }
      if (negative)
        {
          if (expr->minus)
            goto syntax;
          expr->minus = symbol;
        }
      else
        {
          if (expr->sym)
            goto syntax;
          expr->sym = symbol;
          if (span->p < span->end && *span->p == '@')
            {
              span->p++;
              if (span__reloc (arena, span, expr, why) < 0)
                return -1;
            }
        }
    }
syntax:
  return why__set (why, REASON_SYNTAX, "expression '%.*s'", (int) (whole.end - whole.p), whole.p);
}

/* Reads a register after '%', "st(1)" included.  NULL where there is none.  */
static const char *
span__register (struct arena *arena, struct span *span)
{
  const char *start = span->p;
  while (span->p < span->end && char__lower (*span->p))
    span->p++;
  size_t length = (size_t) (span->p - start);
  if (length == 2 && memcmp (start, "st", 2) == 0 && span->end - span->p >= 3 && span->p[0] == '('
      && span->p[1] >= '0' && span->p[1] <= '7' && span->p[2] == ')')
    {
      span->p += 3;
      length += 3;
    }
  if (length < 2 || length > 6 || char__digit (*start)
      || (span->p < span->end && char__symbol (*span->p)))
    return NULL;
  return arena__strndup (arena, start, length);
}

/* Reads "%reg" and skips blanks around it; NULL where there is none.  */
static const char *
span__percent_register (struct arena *arena, struct span *span)
{
  span__skip_blanks (span);
  if (span->p == span->end || *span->p != '%')
    return NULL;
  span->p++;
  const char *reg = span__register (arena, span);
  span__skip_blanks (span);
  return reg;
}

/* Reads "(base,index,scale)"; SPAN stands at '('.  False where it is something else.  */
static bool
span__address (struct arena *arena, struct span *span, struct operand *operand)
{
  span->p++;
  operand->base = span__percent_register (arena, span);
  if (span->p < span->end && *span->p == ',')
    {
      span->p++;
      operand->index = span__percent_register (arena, span);
      if (!operand->index)
        return false;
      if (span->p < span->end && *span->p == ',')
        {
          span->p++;
          span__skip_blanks (span);
          uint64_t scale;
          if (!span__number (span, &scale) || scale > 8 || scale == 0
              || (scale & (scale - 1)) != 0)
            return false;
          operand->scale = (uint8_t) scale;
          span__skip_blanks (span);
        }
    }
  else if (!operand->base)
    return false;
  if (span->p == span->end || *span->p != ')')
    return false;
  span->p++;
  return true;
}

/* Reads the braces after an operand: write mask, zeroing, broadcast.  */
static bool
span__decorations (struct arena *arena, struct span *span, struct operand *operand)
{
  for (;;)
    {
      span__skip_blanks (span);
      if (span->p == span->end || *span->p != '{')
        return true;
      span->p++;
      if (span->p < span->end && *span->p == '%')
        {
          span->p++;
          const char *mask = span__register (arena, span);
          if (!mask || operand->mask)
            return false;
          operand->mask = mask;
        }
      else
        {
          const char *start = span->p;
          while (span->p < span->end && char__lower (*span->p))
            span->p++;
          struct span word = { start, span->p };
          if (span__is (word, "z") && !operand->zeroing)
            operand->zeroing = true;
          else if (span__starts (word, "1to") && operand->kind == OPERAND_MEMORY
                   && !operand->broadcast)
            operand->broadcast = arena__strndup (arena, start, (size_t) (span->p - start));
          else
            return false;
        }
      if (span->p == span->end || *span->p != '}')
        return false;
      span->p++;
    }
}

/* Reads one operand.  BRANCH: of a jump or call.  */
static int
span__operand (struct arena *arena, struct span *span, const struct numeric *numeric, bool branch,
               struct operand *operand, struct why *why)
{
  struct span whole = *span;
  span__skip_blanks (span);
  if (span->p == span->end)
    goto syntax;
  if (*span->p == '*')
    {
      if (!branch)
        goto syntax;
      operand->indirect = true;
      span->p++;
      span__skip_blanks (span);
      if (span->p == span->end)
        goto syntax;
    }
  if (*span->p == '$')
    {
      span->p++;
      operand->kind = OPERAND_IMMEDIATE;
      if (operand->indirect || branch)
        goto syntax;
      return span__expr (arena, span, numeric, &operand->expr, why);
    }
  if (*span->p == '{')
    {
      /* A lone rounding operand.  */
      const char *start = ++span->p;
      while (span->p < span->end && (char__lower (*span->p) || *span->p == '-'))
        span->p++;
      size_t length = (size_t) (span->p - start);
      if (length < 3 || length > 6 || memcmp (span->p - 3, "sae", 3) != 0 || span->p == span->end
          || *span->p != '}')
        goto syntax;
      operand->kind = OPERAND_IMMEDIATE;
      operand->broadcast = arena__strndup (arena, start, length);
      span->p++;
      span__skip_blanks (span);
      return 0;
    }
  if (*span->p == '%')
    {
      span->p++;
      const char *reg = span__register (arena, span);
      if (!reg)
        goto syntax;
      span__skip_blanks (span);
      if (span->p == span->end || *span->p != ':')
        {
          operand->kind = OPERAND_REGISTER;
          operand->reg = reg;
          if (branch && !operand->indirect)
            goto syntax;
          if (!span__decorations (arena, span, operand))
            goto syntax;
          return 0;
        }
      if (strlen (reg) != 2 || reg[1] != 's' || !strchr ("cdefgs", reg[0]))
        goto syntax;
      operand->segment = reg;
      span->p++;
      span__skip_blanks (span);
    }
  bool memory = operand->segment != NULL;
  if (span->p == span->end)
    goto syntax;
  if (*span->p != '(')
    {
      if (span__expr (arena, span, numeric, &operand->expr, why) < 0)
        return -1;
      span__skip_blanks (span);
    }
  if (span->p < span->end && *span->p == '(')
    {
      memory = true;
      if (!span__address (arena, span, operand))
        goto syntax;
    }
  if (memory)
    {
      operand->kind = OPERAND_MEMORY;
      if (branch && !operand->indirect)
        goto syntax;
      if (!span__decorations (arena, span, operand))
        goto syntax;
      return 0;
    }
  operand->kind = OPERAND_TARGET;
  if ((!branch || operand->indirect) && span->p < span->end && *span->p != ',')
    goto syntax;
  if (!branch || operand->indirect)
    return why__set (why, REASON_NOT_TARGET, "operand '%.*s': absolute address or Intel syntax",
                     (int) (whole.end - whole.p), whole.p);
  if (!operand->expr.sym || operand->expr.minus)
    goto syntax;
  return 0;
syntax:
  return why__set (why, REASON_SYNTAX, "operand '%.*s'", (int) (whole.end - whole.p), whole.p);
}

static bool
mnemonic__prefix (struct span word)
{
  static const char *const prefixes[]
    = { "rep",   "repe",  "repz", "repne", "repnz", "lock", "notrack",  "bnd",
        "data16", "addr32", "rex64", "xacquire", "xrelease", "{vex}", "{vex2}", "{vex3}", "{evex}" };
  for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (span__is (word, prefixes[i]))
      return true;
  return false;
}

/* clang's spelling of what GCC writes without the suffix; there is one meaning in 64-bit mode.  */
static const char *
mnemonic__plain (struct span word)
{
  static const char *const pairs[][2] = { { "retq", "ret" },
                                          { "callq", "call" },
                                          { "jmpq", "jmp" },
                                          { "leaveq", "leave" } };
  for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (span__is (word, pairs[i][0]))
      return pairs[i][1];
  return NULL;
}

static bool
mnemonic__branch (const char *mnemonic)
{
  return mnemonic[0] == 'j' || strcmp (mnemonic, "call") == 0
         || strncmp (mnemonic, "loop", 4) == 0 || strcmp (mnemonic, "xbegin") == 0;
}

int
span__insn (struct arena *arena, struct span span, const struct numeric *numeric,
            struct insn *insn, struct why *why)
{
  struct span whole = span, word;
  for (;;)
    {
      span__skip_blanks (&span);
      if (span.p == span.end)
        return insn->prefix ? 0 : why__set (why, REASON_SYNTAX, "no instruction");
      word.p = span.p;
      if (*span.p == '{')
        span.p++;
      /* clang writes vcmpeq_uqps.  */
      while (span.p < span.end && (char__lower (*span.p) || *span.p == '_'))
        span.p++;
      if (*word.p == '{' && span.p < span.end && *span.p == '}')
        span.p++;
      word.end = span.p;
      if (word.p == word.end || char__digit (*word.p) || word.end - word.p > 24
          || (span.p < span.end && !char__blank (*span.p)))
        return why__set (why, REASON_SYNTAX, "instruction '%.*s'", (int) (whole.end - whole.p),
                         whole.p);
      if (!mnemonic__prefix (word))
        break;
      char *prefix = arena__strndup (arena, word.p, (size_t) (word.end - word.p));
      insn->prefix = insn->prefix ? arena__printf (arena, "%s %s", insn->prefix, prefix) : prefix;
      if (strlen (insn->prefix) > 40)
        return why__set (why, REASON_SYNTAX, "too many prefixes");
    }
  if (*word.p == '{')
    return why__set (why, REASON_SYNTAX, "prefix '%.*s'", (int) (word.end - word.p), word.p);
  insn->mnemonic = mnemonic__plain (word);
  if (!insn->mnemonic)
    insn->mnemonic = arena__strndup (arena, word.p, (size_t) (word.end - word.p));
  bool branch = mnemonic__branch (insn->mnemonic);
  span__skip_blanks (&span);
  while (span.p < span.end)
    {
      if (insn->n_operands == INSN_OPERANDS_MAX)
        return why__set (why, REASON_SYNTAX, "too many operands: '%.*s'",
                         (int) (whole.end - whole.p), whole.p);
      if (span__operand (arena, &span, numeric, branch, &insn->operand[insn->n_operands++], why)
          < 0)
        return -1;
      span__skip_blanks (&span);
      if (span.p == span.end)
        break;
      if (*span.p != ',' || span.p + 1 == span.end)
        return why__set (why, REASON_SYNTAX, "operands '%.*s'", (int) (whole.end - whole.p),
                         whole.p);
      span.p++;
    }
  return 0;
}
