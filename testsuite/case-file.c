/* Reading case files.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"

#include <dirent.h>

static const char prelude[]
  = "#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n#include <stdbool.h>\n"
    "typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;\n"
    "typedef int8_t i8; typedef int16_t i16; typedef int32_t i32; typedef int64_t i64;\n"
    "typedef float f32; typedef double f64;\n";

/* Does TEXT use intrinsics?  */
static bool
has_intrinsics (const char *text)
{
  return strstr (text, "_mm") || strstr (text, "_u64 (") || strstr (text, "_u32 (");
}

/* Copies at most N - 1 of LENGTH bytes of TEXT.  */
static void
copy_text (char *to, size_t n, const char *text, size_t length)
{
  snprintf (to, n, "%.*s", (int) length, text);
}

/* The type called NAME, made in REGION; UINT_MAX where unknown.  */
static unsigned
make_type (struct region *region, const char *name)
{
  const char *rest = name;
  if (strncmp (rest, "p:", 2) == 0)
    {
      unsigned element = make_type (region, rest + 2);
      return element == -1u ? -1u : region_build__pointer (region, element);
    }
  bool is_const = strncmp (rest, "const-", 6) == 0;
  if (is_const)
    rest += 6;
  const char *bracket = strchr (rest, '[');
  if (bracket)
    {
      char element_name[64];
      copy_text (element_name, sizeof element_name, rest, (size_t) (bracket - rest));
      unsigned element = make_type (region, element_name);
      return element == -1u ? -1u : region_build__array (region, element, strtoul (bracket + 1, NULL, 10));
    }
  if (strncmp (rest, "s:", 2) == 0)
    {
      for (unsigned i = 0; i < region->n_types; i++)
        if (region->type[i].kind == TYPE_STRUCT && !region->type[i].is_const
            && strcmp (region->type[i].name, rest + 2) == 0)
          {
            if (!is_const)
              return i;
            unsigned copy = region_build__type (region, TYPE_STRUCT, 0, 1);
            region->type[copy] = region->type[i];
            region->type[copy].is_const = true;
            return copy;
          }
      return -1u;
    }
  unsigned bits = (unsigned) atoi (rest + 1), type;
  if (strcmp (rest, "void") == 0)
    return 0;
  if (strcmp (rest, "bool") == 0)
    type = region_build__type (region, TYPE_BOOL, 1, 1);
  else if (strcmp (rest, "char") == 0)
    type = region_build__integer (region, 1, true);
  else if (strcmp (rest, "int") == 0 || strcmp (rest, "unsigned") == 0)
    type = region_build__integer (region, 4, *rest == 'i');
  else if (strcmp (rest, "size_t") == 0)
    type = region_build__integer (region, 8, false);
  else if ((*rest == 'i' || *rest == 'u') && bits >= 8 && bits <= 64)
    type = region_build__integer (region, bits / 8, *rest == 'i');
  else if (*rest == 'f' && bits == 80)
    {
      type = region_build__type (region, TYPE_FLOAT, 16, 16);
      region->type[type].x87 = true;
    }
  else if (*rest == 'f' && (bits == 32 || bits == 64))
    type = region_build__float (region, bits / 8);
  else if (strcmp (rest, "float") == 0 || strcmp (rest, "double") == 0)
    type = region_build__float (region, *rest == 'f' ? 4 : 8);
  else
    return -1u;
  region->type[type].is_const = is_const;
  return type;
}

/* Reads the type at *TEXT, to a space, comma, bracket or end.  */
static unsigned
parse_type (struct region *region, const char **text)
{
  const char *p = *text;
  char name[64];
  while (*p == ' ')
    p++;
  size_t n = strcspn (p, " ,()");
  copy_text (name, sizeof name, p, n);
  *text = p + n;
  return make_type (region, name);
}

/* Reads "(TYPE NAME, …)" at *TEXT, and calls ADD for each.  */
static bool
parse_list (struct region *region, const char *text, unsigned number,
            void (*add) (struct region *, unsigned, const char *, unsigned))
{
  text += strcspn (text, "(");
  while (*text == '(' || *text == ',')
    {
      text++;
      while (*text == ' ')
        text++;
      if (*text == ')')
        break;
      unsigned type = parse_type (region, &text);
      if (type == -1u)
        return false;
      while (*text == ' ')
        text++;
      size_t n = strcspn (text, " ,)");
      if (type != 0)
        add (region, number, arena__strndup (region->arena, text, n), type);
      text += n;
    }
  return *text == ')';
}

static void
add_parameter (struct region *region, unsigned unused, const char *name, unsigned type)
{
  (void) unused;
  region_build__parameter (region, name, type);
}

static void
add_field (struct region *region, unsigned number, const char *name, unsigned type)
{
  region_build__field (region, number, name, type);
}

static bool
parse_signature (struct region *region, const char *text)
{
  unsigned result = parse_type (region, &text);
  if (result == -1u)
    return false;
  if (result)
    region_build__result (region, result);
  return parse_list (region, text, 0, add_parameter);
}

static bool
parse_struct (struct region *region, const char *text)
{
  size_t n = strcspn (text, " (");
  unsigned number = region_build__struct (region, arena__strndup (region->arena, text, n));
  return parse_list (region, text + n, number, add_field);
}

/* A callee is parsed as a region of its own whose types are then copied.  */
static bool
parse_callee (struct region *region, const char *text)
{
  struct callee *callee = &region->callee[region->n_callees++];
  while (*text == ' ')
    text++;
  size_t n = strcspn (text, " ");
  callee->name = n == 1 && *text == '*' ? NULL : arena__strndup (region->arena, text, n);
  text += n;
  unsigned n_parameters = region->n_parameters;
  struct value saved[REGION_BUILD_VALUES], result = region->result;
  memcpy (saved, region->parameter, sizeof saved);
  region->n_parameters = 0;
  memset (&region->result, 0, sizeof region->result);
  memset (region->parameter, 0, sizeof saved);
  bool well = parse_signature (region, text);
  callee->n_arguments = region->n_parameters;
  memcpy (callee->argument, region->parameter, sizeof callee->argument);
  callee->result = region->result;
  callee->type = region_build__type (region, TYPE_FUNCTION, 0, 1);
  region->type[callee->type].element = region->result.type;
  region->n_parameters = n_parameters;
  region->result = result;
  memcpy (region->parameter, saved, sizeof saved);
  callee->is_noreturn = strstr (text, "[noreturn]") != NULL;
  callee->is_pure = strstr (text, "[pure]") != NULL;
  callee->is_const = strstr (text, "[const]") != NULL;
  return well;
}

static bool
parse_global (struct region *region, const char *text)
{
  char name[64], type_name[32];
  unsigned count = 1;
  if (sscanf (text, " %63s %31s %u", name, type_name, &count) < 2)
    return false;
  unsigned type = make_type (region, type_name);
  if (type == -1u)
    return false;
  if (region->type[type].kind != TYPE_STRUCT || count > 1)
    type = region_build__array (region, type, count);
  region_build__global (region, arena__strdup (region->arena, name), type,
                        (int64_t) region->type[type].size, strstr (text, "[ro]") != NULL);
  return true;
}

static void
parse_fp (struct region *region, const char *text)
{
  region->fp |= strstr (text, "uses") ? FP_USES : 0;
  region->fp |= strstr (text, "fast") ? FP_FAST : 0;
  region->fp |= strstr (text, "finite") ? FP_FINITE : 0;
  if (strstr (text, "notrap"))
    region->fp &= ~(uint32_t) FP_TRAPPING;
}

/* A C type with or without a name behind it ("const u8 *restrict p") as a type of ours ("p:const-u8") at TO[N];
   *NAME gets what follows the type.  */
static bool
c_type (const char *text, size_t length, char *to, size_t n, char *name, size_t name_size, bool *is_restrict)
{
  char base[48] = "";
  unsigned stars = 0;
  bool is_const = false, is_struct = false;
  *is_restrict = false;
  *name = '\0';
  for (const char *p = text, *end = text + length; p < end;)
    {
      if (*p == ' ' || *p == '\n')
        p++;
      else if (*p == '*')
        {
          stars++;
          p++;
        }
      else
        {
          size_t word = 0;
          while (p + word < end && (isalnum ((unsigned char) p[word]) || p[word] == '_'))
            word++;
          if (word == 0)
            return false;
          if (word == 5 && memcmp (p, "const", 5) == 0)
            is_const = true;
          else if (word == 6 && memcmp (p, "struct", 6) == 0)
            is_struct = true;
          else if ((word == 6 && memcmp (p, "static", 6) == 0) || (word == 6 && memcmp (p, "inline", 6) == 0))
            ;
          else if (word == 8 && memcmp (p, "restrict", 8) == 0)
            *is_restrict = true;
          else if (!*base)
            copy_text (base, sizeof base, p, word);
          else
            copy_text (name, name_size, p, word);
          p += word;
        }
    }
  char pointers[16] = "";
  for (unsigned i = 0; i < stars && i < 4; i++)
    strcat (pointers, "p:");
  snprintf (to, n, "%s%s%s%s", pointers, is_const && stars ? "const-" : "", is_struct ? "s:" : "",
            strcmp (base, "_Bool") == 0 ? "bool" : base);
  return *base != '\0';
}

/* May an object of type A be accessed as one of type B?  As strict aliasing has it, for the types that cases use.  */
static bool
may_alias (const struct region *region, unsigned a, unsigned b)
{
  const struct type *x = &region->type[a], *y = &region->type[b];
  if (x->size == 1 || y->size == 1 || x->kind == TYPE_STRUCT || y->kind == TYPE_STRUCT)
    return true;
  return x->kind == y->kind && x->size == y->size;
}

/* The signature from the C definition of f in TEXT.  */
static bool
derive_signature (struct region *region, const char *text)
{
  char type_name[80], name[48];
  bool is_restrict;
  const char *at = NULL;
  for (const char *p = text; (p = strstr (p, "f (")); p++)
    if (p > text && (p[-1] == ' ' || p[-1] == '*' || p[-1] == '\n'))
      {
        const char *close = strchr (p, ')'), *after = close ? close + 1 + strspn (close + 1, " \n") : NULL;
        if (after && *after == '{')
          at = p;
      }
  if (!at)
    return false;
  const char *begin = at;
  while (begin > text && begin[-1] != ';' && begin[-1] != '}' && !(begin[-1] == '\n' && begin < at - 1))
    begin--;
  if (!c_type (begin, (size_t) (at - begin), type_name, sizeof type_name, name, sizeof name, &is_restrict))
    return false;
  unsigned result = make_type (region, type_name);
  if (result == -1u)
    return false;
  if (result)
    region_build__result (region, result);
  for (const char *p = strchr (at, '(') + 1; *p && *p != ')';)
    {
      size_t n = strcspn (p, ",)");
      if (!c_type (p, n, type_name, sizeof type_name, name, sizeof name, &is_restrict))
        return false;
      unsigned type = make_type (region, type_name);
      if (type == -1u)
        return false;
      if (type)
        {
          unsigned number = region_build__parameter (region, arena__strdup (region->arena, name), type);
          region->parameter[number].is_restrict = is_restrict;
          region->type[type].is_restrict = is_restrict;
        }
      p += n;
      if (*p == ',')
        p++;
    }
  for (unsigned a = 0; a < region->n_parameters; a++)
    for (unsigned b = a + 1; b < region->n_parameters; b++)
      {
        const struct type *x = &region->type[region->parameter[a].type];
        const struct type *y = &region->type[region->parameter[b].type];
        if (x->kind == TYPE_POINTER && y->kind == TYPE_POINTER && !x->is_restrict && !y->is_restrict
            && may_alias (region, x->element, y->element))
          region_build__alias (region, a, b);
      }
  return true;
}

/* Cuts TEXT at the first line that begins with MARK; what follows the mark, or NULL.  */
static char *
cut (char *text, const char *mark)
{
  size_t n = strlen (mark);
  for (char *p = text; p; p = strchr (p, '\n'), p = p ? p + 1 : NULL)
    if (strncmp (p, mark, n) == 0)
      {
        *p = '\0';
        return p + n;
      }
  return NULL;
}

unsigned
case__split (char *text, const char *name, char **texts, const char **names, unsigned max)
{
  char *next = cut (text, "=== ");
  unsigned n = 0;
  if (!next)
    {
      texts[0] = text;
      names[0] = name;
      return 1;
    }
  while (next && n < max)
    {
      char *end = strchr (next, '\n');
      if (!end)
        break;
      *end = '\0';
      names[n] = next;
      texts[n++] = end + 1;
      next = cut (end + 1, "=== ");
    }
  return n;
}

/* Reads the line behind "== " into ENTRY.  */
static bool
parse_head (struct arena *arena, char *head, struct case_candidate *entry)
{
  char *rest = head, *word = strsep (&rest, " ");
  if (strcmp (word, "right") == 0)
    entry->expect = EXPECT_RIGHT;
  else if (strcmp (word, "wrong") == 0)
    entry->expect = EXPECT_WRONG;
  else if (strcmp (word, "unsure") == 0)
    entry->expect = EXPECT_UNSURE;
  else
    return false;
  if (!(entry->name = strsep (&rest, " ")))
    return false;
  entry->level = VERDICT_TESTED;
  entry->reasons = "any";
  if (entry->expect != EXPECT_RIGHT && !(entry->reasons = strsep (&rest, " ")))
    return false;
  if (!(entry->form = strsep (&rest, " ")))
    return false;
  enum verdict_level level;
  if (entry->expect == EXPECT_RIGHT && verdict__parse (entry->form, &level) == 0)
    {
      entry->level = level;
      if (!(entry->form = strsep (&rest, " ")))
        return false;
    }
  entry->flags = rest && *rest ? rest : "-O2";
  entry->flags = arena__strdup (arena, entry->flags);
  static const char *const forms[] = { "c", "clang", "edit", "asm" };
  for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++)
    if (strcmp (entry->form, forms[i]) == 0)
      return true;
  return false;
}

struct case_unit *
case__parse (char *text, const char *name, const char *flags, char *message)
{
  struct region *region = region_build__new ("f");
  struct case_unit *unit = ARENA_NEW (region->arena, struct case_unit);
  bool well = true, has_signature = false;
  text = arena__strdup (region->arena, text);
  unit->region = region;
  unit->name = arena__strdup (region->arena, name);
  unit->flags = "-O2";
  unit->prelude = "";
  char *body = cut (text, "original:\n");
  char *next = body ? cut (body, "== ") : NULL;
  char *rest = NULL;
  *message = '\0';
  for (char *line = strtok_r (text, "\n", &rest); line && well; line = strtok_r (NULL, "\n", &rest))
    {
      char *value = strchr (line, ':');
      if (!value || *line == '#')
        continue;
      value += 1 + strspn (value + 1, " ");
      if (strncmp (line, "sig:", 4) == 0)
        well = has_signature = parse_signature (region, value);
      else if (strncmp (line, "struct:", 7) == 0)
        well = parse_struct (region, value);
      else if (strncmp (line, "flags:", 6) == 0)
        unit->flags = value;
      else if (strncmp (line, "isa:", 4) == 0)
        region->isa_allowed = isa__host ();
      else if (strncmp (line, "fp:", 3) == 0)
        parse_fp (region, value);
      else if (strncmp (line, "budget:", 7) == 0)
        unit->budget = atof (value);
      else if (strncmp (line, "constant-time:", 14) == 0)
        region->constant_time = true;
      else if (strncmp (line, "endbr:", 6) == 0)
        region->endbr = true;
      else if (strncmp (line, "cfi:", 4) == 0)
        region->needs_cfi = true;
      else if (strncmp (line, "alias:", 6) == 0)
        {
          unsigned a, b;
          well = sscanf (value, "%u %u", &a, &b) == 2;
          if (well)
            region_build__alias (region, a, b);
        }
      else if (strncmp (line, "global:", 7) == 0)
        well = parse_global (region, value);
      else if (strncmp (line, "callee:", 7) == 0)
        well = parse_callee (region, value);
      else
        well = false;
      if (!well)
        snprintf (message, 256, "can't read '%s'", line);
    }
  if (well && !body)
    {
      snprintf (message, 256, "no original");
      well = false;
    }
  if (well && !has_signature)
    {
      unit->prelude = arena__printf (region->arena, "%s%s", prelude,
                                     has_intrinsics (body) ? "#include <immintrin.h>\n" : "");
      well = derive_signature (region, body);
      if (!well)
        snprintf (message, 256, "no definition of f that can be read");
    }
  unit->original = body;
  while (well && next)
    {
      char *head = next, *end = strchr (head, '\n');
      char *candidate_text = end ? end + 1 : head + strlen (head);
      if (end)
        *end = '\0';
      next = cut (candidate_text, "== ");
      struct case_candidate *entry = &unit->candidate[unit->n_candidates];
      well = unit->n_candidates < CASE_CANDIDATES_MAX && parse_head (region->arena, head, entry);
      if (!well)
        snprintf (message, 256, "can't read '== %s'", head);
      entry->text = candidate_text;
      unit->n_candidates++;
    }
  if (flags)
    unit->flags = arena__strdup (region->arena, flags);
  if (well
      && !region_build__compile (region, arena__printf (region->arena, "%s%s", unit->prelude, body), unit->flags))
    {
      snprintf (message, 256, "the original can't be compiled");
      well = false;
    }
  if (well)
    return unit;
  arena__free (region->arena);
  return NULL;
}

void
case__free (struct case_unit *unit)
{
  if (unit)
    arena__free (unit->region->arena);
}

static bool
is_blank (const char *text)
{
  return !text || text[strspn (text, " \n\t")] == '\0';
}

static struct candidate *
new_candidate (const char *name, enum candidate_form form)
{
  struct arena *arena = arena__new ();
  struct candidate *candidate = ARENA_NEW (arena, struct candidate);
  candidate->arena = arena;
  candidate->form = form;
  candidate->policy = strncmp (name, "compiled/", 9) == 0 ? "compilers" : "exec";
  candidate->provenance = arena__strdup (arena, name);
  return candidate;
}

struct candidate *
case__compile (const struct case_unit *unit, const char *name, const char *compiler, const char *flags,
               const char *text, struct why *why)
{
  struct candidate *candidate = new_candidate (name, FORM_C);
  struct arena *arena = candidate->arena;
  struct region scratch = { .arena = arena };
  if (is_blank (text))
    text = unit->original;
  bool vectors = has_intrinsics (text) && !strstr (unit->prelude, "immintrin") && *unit->prelude;
  text = arena__printf (arena, "%s%s%s", unit->prelude, vectors ? "#include <immintrin.h>\n" : "", text);
  if (!region_build__compile_with (&scratch, compiler, text, flags))
    why__set (why, REASON_COMPILE, "%s", name);
  else if (code__parse (arena, scratch.text, strlen (scratch.text), unit->region->function, NULL, 0, false,
                        &candidate->code, why)
           == 0)
    return candidate;
  arena__free (arena);
  return NULL;
}

/* The original's C with the edits of TEXT, in ARENA.  NULL where one doesn't have exactly one place.  */
static const char *
edit (struct arena *arena, const char *source, const char *text)
{
  char *lines = arena__strdup (arena, text), *rest = NULL;
  for (char *line = strtok_r (lines, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest))
    {
      if (is_blank (line))
        continue;
      char *arrow = strstr (line, " =>");
      if (!arrow)
        return NULL;
      *arrow = '\0';
      line += strspn (line, " \t");
      const char *with = arrow[3] ? arrow + 4 : "";
      const char *place = strstr (source, line);
      if (!place || strstr (place + 1, line))
        return NULL;
      source = arena__printf (arena, "%.*s%s%s", (int) (place - source), source, with, place + strlen (line));
    }
  return source;
}

struct candidate *
case__candidate (const struct case_unit *unit, const struct case_candidate *entry, struct why *why)
{
  if (strcmp (entry->form, "c") == 0)
    return case__compile (unit, entry->name, NULL, entry->flags, entry->text, why);
  if (strcmp (entry->form, "clang") == 0)
    {
      char *flags = arena__printf (unit->region->arena,
                                   "-w -fno-pic -fdirect-access-external-data -fno-stack-protector -fno-finite-loops "
                                   "-mllvm -disable-loop-idiom-all %s", entry->flags);
      return case__compile (unit, entry->name, "clang", flags, entry->text, why);
    }
  if (strcmp (entry->form, "edit") == 0)
    {
      const char *text = edit (unit->region->arena, unit->original, entry->text);
      if (text)
        return case__compile (unit, entry->name, NULL, entry->flags, text, why);
      why__set (why, REASON_COMPILE, "%s: an edit that doesn't fit", entry->name);
      return NULL;
    }
  struct candidate *candidate = new_candidate (entry->name, FORM_ASM);
  const char *assembly
    = arena__printf (candidate->arena, "\t.text\n\t.globl f\n\t.type f, @function\nf:\n%s\n\t.size f, .-f\n",
                     entry->text);
  if (code__parse (candidate->arena, assembly, strlen (assembly), unit->region->function, NULL, 0, true,
                   &candidate->code, why)
      == 0)
    return candidate;
  arena__free (candidate->arena);
  return NULL;
}

bool
case__is_beyond_machine (const struct case_unit *unit, const struct case_candidate *entry, const struct why *why)
{
  bool whole = (unit->region->isa_allowed & isa__host ()) == isa__host ();
  return why->reason == REASON_ISA && whole && !(entry->reasons && strstr (entry->reasons, "isa"));
}

bool
case__listed (const char *list, const char *word)
{
  size_t n = strlen (word);
  if (strcmp (list, "any") == 0)
    return true;
  for (const char *p = list; *p; p += strcspn (p, ","), p += *p == ',')
    if (strncmp (p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
      return true;
  return false;
}

char *
case__read (const char *path)
{
  FILE *in = fopen (path, "r");
  char *text = NULL;
  size_t room = 0;
  if (!in)
    return NULL;
  if (getdelim (&text, &room, 0, in) < 0)
    {
      free (text);
      text = NULL;
    }
  fclose (in);
  return text;
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

unsigned
case__files (const char *folder, char **files, unsigned max)
{
  const char *source = getenv ("AIOPT_SOURCE");
  char path[4096];
  unsigned n = 0;
  snprintf (path, sizeof path, "%s/%s", source ? source : ".", folder);
  DIR *directory = opendir (path);
  for (struct dirent *entry; directory && (entry = readdir (directory)) && n < max;)
    {
      size_t length = strlen (entry->d_name);
      if (length > 5 && strcmp (entry->d_name + length - 5, ".case") == 0
          && asprintf (&files[n], "%s/%s", path, entry->d_name) > 0)
        n++;
    }
  if (directory)
    closedir (directory);
  qsort (files, n, sizeof *files, by_name);
  return n;
}
