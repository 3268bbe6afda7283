/* What GCC knows about a function, written as a C programmer would.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm-facts.h"

#include "machine/runtime.h"
#include "policy/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum
{
  DEPTH_MOST = 8,
  FIELDS_MOST = 200,
  TYPES_MOST = 40,  /* declarations that are printed */
  BYTES_MOST = 4096 /* of a read-only object's contents */
};

struct facts *
facts__new (struct arena *arena, const struct region *region, const char *source)
{
  struct facts *facts = ARENA_NEW (arena, struct facts);
  struct why why;
  facts->arena = arena;
  facts->region = region;
  facts->printed = ARENA_ARRAY (arena, bool, region->n_types + 1);
  if (source && c_tokens__read (arena, source, strlen (source), &facts->source, &why) < 0)
    facts->source.n = 0;
  return facts;
}

/* Does the source say BEFORE and then NAME; NAME alone where BEFORE is NULL?  */
static bool
source__says (const struct facts *facts, const char *before, const char *name)
{
  const struct c_token *token = facts->source.token;
  for (unsigned i = 0; i < facts->source.n; i++)
    if (c_token__is (&token[i], name) && (!before || (i && c_token__is (&token[i - 1], before))))
      return true;
  return false;
}

/* Does the source define type NAME: `struct NAME {`, `} NAME;`, `typedef … NAME;`?  */
static bool
source__defines (const struct facts *facts, const char *name)
{
  const struct c_token *token = facts->source.token;
  bool in_typedef = false;
  unsigned depth = 0;
  for (unsigned i = 0; i + 1 < facts->source.n; i++)
    {
      if (c_token__is (&token[i], "typedef"))
        in_typedef = true;
      depth += c_token__is (&token[i], "{");
      depth -= depth && c_token__is (&token[i], "}");
      if (c_token__is (&token[i], name))
        {
          bool tag = i
                     && (c_token__is (&token[i - 1], "struct") || c_token__is (&token[i - 1], "union")
                         || c_token__is (&token[i - 1], "enum") || c_token__is (&token[i - 1], "class")
                         || c_token__is (&token[i - 1], ")"));
          if ((tag && c_token__is (&token[i + 1], "{")) || (in_typedef && c_token__is (&token[i + 1], ";"))
              || (in_typedef && c_token__is (&token[i + 1], "[")))
            return true;
        }
      in_typedef &= depth || !c_token__is (&token[i], ";");
    }
  return false;
}

/* Is NAME an arithmetic type that every C program knows, or that a standard header defines?  */
static bool
name__is_standard (const char *name)
{
  static const char *const words[]
      = { "char",      "signed",  "unsigned", "short",    "int",      "long",     "float",      "double",
          "_Bool",     "bool",    "void",     "__int128", "_Complex", "complex",  "size_t",     "ssize_t",
          "ptrdiff_t", "wchar_t", "char8_t",  "char16_t", "char32_t", "_Float16", "__float128", NULL };
  size_t length = strlen (name);
  if (length > 2 && strcmp (name + length - 2, "_t") == 0 && (strncmp (name, "int", 3) == 0 || strncmp (name, "uint", 4) == 0))
    return true;
  if (strncmp (name, "__m", 3) == 0)
    return true;
  while (*name)
    {
      size_t word = strcspn (name, " ");
      bool known = false;
      for (unsigned i = 0; words[i] && !known; i++)
        known = strlen (words[i]) == word && strncmp (name, words[i], word) == 0;
      if (!known)
        return false;
      name += word + (name[word] == ' ');
    }
  return true;
}

/* What an arithmetic TYPE is without its name.  */
static const char *
type__plain (struct facts *facts, const struct type *type)
{
  switch (type->kind)
    {
    case TYPE_VOID:
      return "void";
    case TYPE_BOOL:
      return region__is_cxx (facts->region) ? "bool" : "_Bool";
    case TYPE_INTEGER:
      if (type->size == 16)
        return type->is_signed ? "__int128" : "unsigned __int128";
      if (type->size)
        return arena__printf (facts->arena, "%sint%u_t", type->is_signed ? "" : "u", (unsigned)type->size * 8);
      break;
    case TYPE_FLOAT:
      return type->size == 4   ? "float"
             : type->size == 8 ? "double"
             : type->x87       ? "long double"
             : type->size == 2 ? "_Float16"
                               : "__float128";
    default:
      break;
    }
  return arena__printf (facts->arena, "unknown_%u", (unsigned)(type - facts->region->type));
}

/* How struct or union TYPE is called where it is used, and whether that takes its keyword.  */
static const char *
type__aggregate (struct facts *facts, const struct type *type)
{
  const char *keyword = type->kind == TYPE_UNION ? "union" : "struct";
  if (!type->name)
    return arena__printf (facts->arena, "%s anonymous_%u", keyword, (unsigned)(type - facts->region->type));
  if (region__is_cxx (facts->region) || (source__says (facts, NULL, type->name) && !source__says (facts, keyword, type->name)))
    return type->name;
  return arena__printf (facts->arena, "%s %s", keyword, type->name);
}

/* The declaration of DECLARATOR as type NUMBER, in the arena.  */
static const char *
facts__declare (struct facts *facts, unsigned number, const char *declarator, unsigned depth)
{
  const struct type *type = region__type (facts->region, number);
  struct arena *arena = facts->arena;
  if (!type || depth > DEPTH_MOST)
    return arena__printf (arena, "void %s", declarator);
  if (type->kind == TYPE_POINTER)
    {
      const struct type *to = region__type (facts->region, type->element);
      const char *star = arena__printf (arena, "*%s%s%s%s", type->is_const ? "const " : "",
                                        type->is_restrict ? "restrict " : "", type->is_volatile ? "volatile " : "", declarator);
      if (region__is_cxx (facts->region) && type->is_restrict)
        star = arena__printf (arena, "*%s__restrict %s", type->is_const ? "const " : "", declarator);
      if (to && (to->kind == TYPE_FUNCTION || to->kind == TYPE_ARRAY))
        star = arena__printf (arena, "(%s)", star);
      return facts__declare (facts, type->element, star, depth + 1);
    }
  if (type->kind == TYPE_ARRAY && !type->name)
    return facts__declare (facts, type->element,
                           type->count ? arena__printf (arena, "%s[%" PRIu64 "]", declarator, type->count)
                                       : arena__printf (arena, "%s[]", declarator),
                           depth + 1);
  if (type->kind == TYPE_FUNCTION)
    return facts__declare (facts, type->element, arena__printf (arena, "%s ()", declarator), depth + 1);
  const char *name = type->name;
  if (type->kind == TYPE_STRUCT || type->kind == TYPE_UNION)
    name = type__aggregate (facts, type);
  else if (type->kind == TYPE_COMPLEX && !name)
    name = type->size == 8 ? "float _Complex" : "double _Complex";
  else if (!name)
    name = type__plain (facts, type);
  else if (type->kind == TYPE_INTEGER && !name__is_standard (name) && !region__is_cxx (facts->region)
           && source__says (facts, "enum", name))
    /* The constants of one that isn't shown aren't known.  */
    name = source__defines (facts, name) ? arena__printf (arena, "enum %s", name) : type__plain (facts, type);
  return arena__printf (arena, "%s%s%s%s%s", type->is_const ? "const " : "", type->is_volatile ? "volatile " : "", name,
                        *declarator ? " " : "", declarator);
}

const char *
facts__function (const struct facts *facts)
{
  const struct region *region = facts->region;
  const char *name = region->source_name && *region->source_name ? region->source_name : region->function;
  if (!region__is_cxx (region))
    return arena__strndup (facts->arena, name, strcspn (name, ".("));
  return name;
}

const char *
facts__prototype (struct facts *facts, const char *name)
{
  const struct region *region = facts->region;
  char *list;
  size_t size;
  FILE *out = open_memstream (&list, &size);
  if (!out)
    abort ();
  for (unsigned i = 0; i < region->n_parameters; i++)
    {
      const struct value *value = &region->parameter[i];
      const char *spelt = value->name && *value->name ? value->name : arena__printf (facts->arena, "a%u", i);
      fprintf (out, "%s%s", i ? ", " : "",
               facts__declare (facts, value->type, strcmp (spelt, "this") == 0 ? "self" : spelt, 0));
    }
  if (!region->n_parameters)
    fputs ("void", out);
  fclose (out);
  const char *whole = facts__declare (facts, region->result.type, arena__printf (facts->arena, "%s (%s)", name, list), 0);
  free (list);
  return whole;
}

/* Prints what declares type NUMBER, what it needs first.  */
static void
facts__print_type (struct facts *facts, FILE *out, unsigned number, unsigned depth, unsigned *n)
{
  const struct region *region = facts->region;
  const struct type *type = region__type (region, number);
  if (!type || facts->printed[number] || depth > 4 * DEPTH_MOST || *n >= TYPES_MOST)
    return;
  facts->printed[number] = true;
  bool aggregate = type->kind == TYPE_STRUCT || type->kind == TYPE_UNION;
  if (type->kind == TYPE_POINTER || type->kind == TYPE_ARRAY || type->kind == TYPE_COMPLEX || type->kind == TYPE_VECTOR
      || type->kind == TYPE_FUNCTION)
    facts__print_type (facts, out, type->element, depth + 1, n);
  if (aggregate)
    {
      bool defined = type->name && source__defines (facts, type->name);
      /* The qualified and the plain type are two of one name.  */
      for (unsigned i = 0; i < region->n_types && type->name && !defined; i++)
        if (i != number && region->type[i].kind == type->kind && region->type[i].name
            && strcmp (region->type[i].name, type->name) == 0)
          facts->printed[i] = true;
      for (unsigned i = 0; i < type->n_fields; i++)
        facts__print_type (facts, out, type->field[i].type, depth + 1, n);
      if (defined)
        return;
      const char *keyword = type->kind == TYPE_UNION ? "union" : "struct", *name = type__aggregate (facts, type);
      bool is_typedef = type->name && strcmp (name, type->name) == 0 && !region__is_cxx (region);
      (*n)++;
      if (is_typedef)
        {
          fprintf (out, "typedef %s %s %s;\n", keyword, name, name);
          name = arena__printf (facts->arena, "%s %s", keyword, name);
        }
      else if (region__is_cxx (region) && type->name)
        name = arena__printf (facts->arena, "%s %s", keyword, name);
      if (!type->n_fields)
        {
          fprintf (out, "%s;\n", name);
          return;
        }
      fprintf (out, "%s /* %" PRIu64 " bytes, aligned to %u */\n{\n", name, type->size, type->align);
      for (unsigned i = 0; i < type->n_fields && i < FIELDS_MOST; i++)
        {
          const struct field *field = &type->field[i];
          const char *spelt = field->name ? field->name : arena__printf (facts->arena, "unnamed_%u", i);
          if (field->bits)
            fprintf (out, "  %s : %u; /* at byte %" PRIu64 ", bit %u */\n", facts__declare (facts, field->type, spelt, 0),
                     field->bits, field->offset, field->bit);
          else
            fprintf (out, "  %s; /* at %" PRIu64 " */\n", facts__declare (facts, field->type, spelt, 0), field->offset);
        }
      if (type->n_fields > FIELDS_MOST)
        fprintf (out, "  /* %u more fields */\n", type->n_fields - FIELDS_MOST);
      fputs ("};\n", out);
    }
  else if (type->name && (type->kind == TYPE_INTEGER || type->kind == TYPE_FLOAT || type->kind == TYPE_BOOL)
           && !name__is_standard (type->name) && !source__defines (facts, type->name)
           && !source__says (facts, "enum", type->name))
    {
      for (unsigned i = 0; i < region->n_types; i++)
        if (region->type[i].name && strcmp (region->type[i].name, type->name) == 0)
          facts->printed[i] = true;
      (*n)++;
      fprintf (out, "typedef %s %s;\n", type__plain (facts, type), type->name);
    }
}

unsigned
facts__print_types (struct facts *facts, FILE *out)
{
  const struct region *region = facts->region;
  unsigned n = 0;
  for (unsigned i = 0; i < region->n_parameters; i++)
    facts__print_type (facts, out, region->parameter[i].type, 0, &n);
  facts__print_type (facts, out, region->result.type, 0, &n);
  for (unsigned i = 0; i < region->n_globals; i++)
    facts__print_type (facts, out, region->global[i].type, 0, &n);
  return n;
}

/* Parameter or global NUMBER of an alias pair.  */
static const char *
alias__name (const struct facts *facts, unsigned number)
{
  enum
  {
    GLOBALS_FROM = 1000
  };
  const struct region *region = facts->region;
  if (number >= GLOBALS_FROM)
    return number - GLOBALS_FROM < region->n_globals ? region->global[number - GLOBALS_FROM].name : "?";
  if (number >= region->n_parameters)
    return "?";
  const char *name = region->parameter[number].name;
  return name && *name ? name : arena__printf (facts->arena, "a%u", number);
}

/* Is N of an alias pair a parameter that C's `restrict` keeps apart from all others?  */
static bool
is_restrict (const struct region *region, unsigned n)
{
  if (n >= region->n_parameters)
    return false;
  const struct type *type = region__type (region, region->parameter[n].type);
  return region->parameter[n].is_restrict || (type && type->is_restrict);
}

/* Does memory that the function may reach hold pointers?  */
static bool
facts__has_inner_pointers (const struct facts *facts)
{
  const struct region *region = facts->region;
  for (unsigned i = 0; i < region->n_types; i++)
    {
      const struct type *type = &region->type[i];
      const struct type *element = region__type (region, type->element);
      if ((type->kind == TYPE_POINTER || type->kind == TYPE_ARRAY) && element && element->kind == TYPE_POINTER)
        return true;
      for (unsigned f = 0; f < type->n_fields; f++)
        {
          const struct type *field = region__type (region, type->field[f].type);
          if (field && field->kind == TYPE_POINTER)
            return true;
        }
    }
  return false;
}

static void
facts__print_parameters (struct facts *facts, FILE *out)
{
  const struct region *region = facts->region;
  unsigned pointers = 0;
  for (unsigned i = 0; i < region->n_parameters; i++)
    {
      const struct value *value = &region->parameter[i];
      const struct type *type = region__type (region, value->type);
      const struct type *to = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
      if (!type)
        continue;
      if (to)
        {
          pointers++;
          fprintf (out, "- `%s` points to `%s`", alias__name (facts, i), facts__declare (facts, type->element, "", 0));
          if (to->size)
            fprintf (out, " of %" PRIu64 " byte%s, aligned to %u%s", to->size, to->size == 1 ? "" : "s",
                     to->align ? to->align : 1, to->align > 1 ? " and no more" : "");
          fprintf (out, "%s%s.\n", is_restrict (region, i) ? "; restrict, so it overlaps with nothing" : "",
                   value->by_reference ? "; a copy that the caller made" : "");
        }
      else if (type->size < 8 && type->kind == TYPE_INTEGER)
        fprintf (out, "- `%s`: %" PRIu64 "-bit %s integer; the upper bits of its register may hold anything.\n",
                 alias__name (facts, i), type->size * 8, type->is_signed ? "signed" : "unsigned");
    }
  unsigned overlaps = 0;
  for (unsigned i = 0; i < region->n_aliases; i++)
    if (!is_restrict (region, region->alias[i].a) && !is_restrict (region, region->alias[i].b))
      {
        overlaps++;
        fprintf (out, "- `%s` and `%s` may overlap, at any distance.\n", alias__name (facts, region->alias[i].a),
                 alias__name (facts, region->alias[i].b));
      }
  bool inner = pointers && facts__has_inner_pointers (facts);
  if (pointers + region->n_globals > 1)
    fprintf (out, "- %s never overlap%s.\n",
             overlaps ? "All other pairs of what parameters point to and of globals" : "What parameters point to and globals",
             overlaps ? "" : " each other");
  if (inner)
    fputs ("- What is reached by pointers that lie in memory may overlap with anything that its type allows, however the "
           "objects that hold them lie.\n",
           out);
}

/* The contents of GLOBAL, whose elements are ELEMENT bytes.  */
static void
global__print_bytes (FILE *out, const struct global *global, uint64_t element)
{
  uint64_t size = (uint64_t)global->size, shown = size < BYTES_MOST ? size : BYTES_MOST;
  element = (element == 2 || element == 4 || element == 8) && size % element == 0 ? element : 1;
  shown -= shown % element;
  for (uint64_t at = 0; at < shown; at += element)
    {
      uint64_t value = 0;
      for (unsigned i = 0; i < element; i++)
        value |= (uint64_t)global->init[at + i] << 8 * i;
      fprintf (out, "%s%s", at ? "," : "", at && at / element % 16 == 0 ? "\n  " : at ? " " : "");
      if (element == 1)
        fprintf (out, "%" PRIu64, value);
      else
        fprintf (out, "0x%0*" PRIx64, (int)element * 2, value);
    }
  if (shown < size)
    fprintf (out, ", … %" PRIu64 " more bytes", size - shown);
}

static void
facts__print_globals (struct facts *facts, FILE *out)
{
  const struct region *region = facts->region;
  for (unsigned i = 0; i < region->n_globals; i++)
    {
      const struct global *global = &region->global[i];
      const struct type *type = region__type (region, global->type);
      const struct type *element = type && type->kind == TYPE_ARRAY ? region__type (region, type->element) : type;
      if (global->is_function)
        {
          fprintf (out, "- The address of function `%s` is taken.\n", global->name);
          continue;
        }
      fprintf (out, "- Global `%s`: `%s`", global->name, facts__declare (facts, global->type, "", 0));
      if (global->size >= 0)
        fprintf (out, ", %" PRId64 " bytes", global->size);
      fprintf (out, ", aligned to %u, %s.", global->align,
               global->readonly && global->init ? "read-only; use a static const copy of your own"
               : global->readonly               ? "read-only; declare it extern under this name"
                                                : "writable; declare it extern under this name");
      /* Numbers that the source shows needn't be said again.  */
      bool bytes = element && element->size == 1;
      if (global->readonly && global->init && global->size > 0
          && (bytes || !source__says (facts, NULL, arena__strndup (facts->arena, global->name, strcspn (global->name, ".")))))
        {
          fputs (" Its contents: { ", out);
          global__print_bytes (out, global, element ? element->size : 1);
          fputs (" }", out);
        }
      fputc ('\n', out);
    }
}

static void
facts__print_profile (const struct facts *facts, FILE *out)
{
  const struct region *region = facts->region;
  for (unsigned i = 0; i < region->n_callees; i++)
    {
      const struct callee *callee = &region->callee[i];
      if (callee->name && runtime__is (region, callee->name))
        {
          fprintf (out, "- GCC's code calls `%s`. You may call it too, or do the same work without it.\n", callee->name);
          continue;
        }
      fprintf (out, "- It calls %s%s%s%s%s. Calls have to be the same ones%s.\n", callee->name ? "`" : "",
               callee->name ? callee->name : "through a pointer", callee->name ? "`" : "",
               callee->is_noreturn ? ", which never returns" : "",
               callee->is_const  ? ", which depends on its arguments alone"
               : callee->is_pure ? ", which writes nothing"
                                 : "",
               callee->name ? "; declare it extern" : "");
    }
  if (region->calls >= 0)
    {
      fprintf (out, "- Calls in the profiled run: %" PRId64, region->calls);
      if (region->insns_per_call >= 0)
        fprintf (out, ", about %.0f instructions each", region->insns_per_call);
      fputs (".\n", out);
    }
  bool counted = false;
  for (unsigned i = 0; i < region->n_loops; i++)
    {
      const struct loop *loop = &region->loop[i];
      counted |= loop->trips >= 0;
      if (loop->trips < 0)
        continue;
      if (loop->line >= region->line && region->line)
        fprintf (out, "- The loop at line %u (the function's name being on line 1)", loop->line - region->line + 1);
      else
        fputs ("- A loop that was inlined", out);
      fprintf (out, ", depth %u: %.1f rounds on average", loop->depth, loop->trips);
      if (loop->entries >= 0)
        fprintf (out, loop->entries < 100 ? ", entered %.3g times a call" : ", entered %.0f times a call", loop->entries);
      fputs (".\n", out);
    }
  if (!counted && region->calls < 0)
    fputs ("- There is no profile: sizes may be anything from a few elements to millions.\n", out);
}

void
facts__print (struct facts *facts, FILE *out)
{
  const struct region *region = facts->region;
  facts__print_parameters (facts, out);
  facts__print_globals (facts, out);
  facts__print_profile (facts, out);
  if (region->fp & FP_USES)
    {
      fprintf (out, "- Floating point: %s.\n",
               region->fp & FP_FAST
                   ? "-ffast-math or alike was given: results may differ in rounding, but keep close to the original's order"
                   : "results bit for bit, NaN payloads and signed zeros too");
      if (region->fp & FP_TRAPPING)
        fputs ("- -ftrapping-math: the exception flags that it raises count too.\n", out);
      if (region->fp & FP_ROUNDING)
        fputs ("- -frounding-math: any rounding mode may be set.\n", out);
    }
  if (!region->strict_aliasing)
    fputs ("- -fno-strict-aliasing: pointers to different types may lead to the same memory.\n", out);
  if (region->constant_time)
    fputs ("- Constant time is demanded: no branches, table lookups, divisions, gathers or other operations whose time depends "
           "on data, beyond those that the original has.\n",
           out);
}
