/* Right and wrong rewrites, and the verdict each must get: every .case file of testsuite/verify/.

   A case file is an original in C and candidates for it:
       sig: u32 (p:u8 a, p:const-u8 b, u64 n)      types: void bool i8 u8 … i64 u64 f32 f64 f80, p:TYPE, p:const-TYPE
       flags: -O2                                  for the original
       isa: native                                 what candidates may use; default: build
       fp: uses,fast,finite                        more bits than the trapping default
       alias: 0 1                                  parameters that may overlap
       global: name u32 256 [ro]
       callee: name void (p:i32, i32) [noreturn|pure|const]
       original:
       …C…
       == right NAME c FLAGS                       C, compiled; no text: the original's own
       == wrong NAME REASON[,REASON] c FLAGS       must be refuted, for one of the reasons
       == unsure NAME REASON asm                   must be unknown
   The function is called f.  `asm` candidates are AT&T text, with labels in .L.  A candidate called
   compiled/… has the `compilers` policy's provenance.  Arguments name the case files to run; default all.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/region-build.h"
#include "verify/verify.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <time.h>

struct tally
{
  unsigned tests, failures;
  FILE *json;
};

static void
report (struct tally *tally, bool well, const char *file, const char *name, const char *detail)
{
  tally->tests++;
  tally->failures += !well;
  printf ("%sok %u - %s: %s%s%s\n", well ? "" : "not ", tally->tests, file, name,
          detail && *detail ? " # " : "", detail ? detail : "");
  fflush (stdout);
}

/* Reads the type at *TEXT (to a space, comma, bracket or end), makes it in REGION.  UINT_MAX where unknown.  */
static unsigned
parse_type (struct region *region, const char **text)
{
  const char *p = *text;
  while (*p == ' ')
    p++;
  size_t n = strcspn (p, " ,()");
  char name[64];
  snprintf (name, sizeof name, "%.*s", (int) n, p);
  *text = p + n;
  const char *rest = name;
  if (strncmp (rest, "p:", 2) == 0)
    {
      rest += 2;
      unsigned element = parse_type (region, &rest);
      return element == -1u ? -1u : region_build__pointer (region, element);
    }
  bool is_const = strncmp (rest, "const-", 6) == 0;
  if (is_const)
    rest += 6;
  unsigned bits = (unsigned) atoi (rest + 1), type;
  if (strcmp (rest, "void") == 0)
    return 0;
  if (strcmp (rest, "bool") == 0)
    type = region_build__type (region, TYPE_BOOL, 1, 1);
  else if (*rest == 'i' || *rest == 'u')
    type = region_build__integer (region, bits / 8, *rest == 'i');
  else if (*rest == 'f' && bits == 80)
    {
      type = region_build__type (region, TYPE_FLOAT, 16, 16);
      region->type[type].x87 = true;
    }
  else if (*rest == 'f')
    type = region_build__float (region, bits / 8);
  else
    return -1u;
  region->type[type].is_const = is_const;
  return type;
}

static bool
parse_signature (struct region *region, const char *text)
{
  unsigned result = parse_type (region, &text);
  if (result == -1u)
    return false;
  if (result)
    region_build__result (region, result);
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
        region_build__parameter (region, arena__strndup (region->arena, text, n), type);
      text += n;
    }
  return true;
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
  const char *p = type_name;
  unsigned type = parse_type (region, &p);
  if (type == -1u)
    return false;
  unsigned array = region_build__array (region, type, count);
  region_build__global (region, arena__strdup (region->arena, name), array,
                        (int64_t) region->type[array].size, strstr (text, "[ro]") != NULL);
  return true;
}

struct context
{
  struct tally *tally;
  const char *file;
  struct region *region;
  const char *original;   /* C source */
  struct verifier *verifier;
  double budget;
};

static struct candidate *
make_candidate (struct context *context, const char *name, const char *form, const char *flags,
                const char *text, struct why *why)
{
  struct region *region = context->region;
  struct arena *arena = arena__new ();
  struct candidate *candidate = ARENA_NEW (arena, struct candidate);
  candidate->arena = arena;
  candidate->form = strcmp (form, "c") == 0 ? FORM_C : FORM_ASM;
  candidate->policy = strncmp (name, "compiled/", 9) == 0 ? "compilers" : "exec";
  candidate->provenance = name;
  const char *assembly;
  if (candidate->form == FORM_C)
    {
      struct region scratch = { .arena = arena };
      bool blank = text[strspn (text, " \n\t")] == '\0';
      if (!region_build__compile (&scratch, blank ? context->original : text, flags))
        {
          why__set (why, REASON_COMPILE, "%s", name);
          arena__free (arena);
          return NULL;
        }
      assembly = scratch.text;
    }
  else
    assembly = arena__printf (arena, "\t.text\n\t.globl f\n\t.type f, @function\nf:\n%s\n\t.size f, .-f\n",
                              text);
  if (code__parse (arena, assembly, strlen (assembly), region->function, NULL, 0,
                   candidate->form == FORM_ASM, &candidate->code, why))
    {
      arena__free (arena);
      return NULL;
    }
  return candidate;
}

static bool
listed (const char *list, const char *word)
{
  size_t n = strlen (word);
  for (const char *p = list; *p; p += strcspn (p, ","), p += *p == ',')
    if (strncmp (p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
      return true;
  return false;
}

/* Judges one candidate: HEAD is the line after "== ".  */
static void
check_candidate (struct context *context, const char *head, const char *text)
{
  char expect[16] = "", name[64] = "", reasons[128] = "", form[8] = "", flags[256] = "";
  int at = 0;
  sscanf (head, "%15s %63s %n", expect, name, &at);
  if (strcmp (expect, "right") != 0)
    {
      int more = 0;
      sscanf (head + at, "%127s %n", reasons, &more);
      at += more;
    }
  sscanf (head + at, "%7s %255[^\n]", form, flags);
  struct why why = { 0 };
  struct verdict verdict = { 0 };
  struct candidate *candidate = make_candidate (context, name, form, flags, text, &why);
  if (candidate)
    {
      verifier__check (context->verifier, candidate, &verdict);
      why = verdict.why;
    }
  else
    verdict.level = why.reason == REASON_COMPILE ? VERDICT_UNKNOWN : VERDICT_REFUTED;
  const char *slug = reason__slug (why.reason);
  bool well = strcmp (expect, "right") == 0 ? verdict.level == VERDICT_TESTED
              : strcmp (expect, "wrong") == 0
                ? verdict.level == VERDICT_REFUTED && listed (reasons, slug)
                : verdict.level == VERDICT_UNKNOWN && listed (reasons, slug);
  char detail[512];
  /* On a machine without vectors of 256 bits this says nothing.  */
  if (!well && why.reason == REASON_ISA && !(isa__host () & ISA_BIT (AVX2)))
    {
      well = true;
      snprintf (detail, sizeof detail, "SKIP no AVX2: %s", why.detail);
    }
  else
    snprintf (detail, sizeof detail, "%s %s %s; %llu tests, %.2f s, coverage %.2f, mutants %u/%u",
              verdict__name (verdict.level), slug, why.detail, (unsigned long long) verdict.tests,
              verdict.seconds, verdict.coverage, verdict.mutants_killed, verdict.mutants_total);
  report (context->tally, well, context->file, name, detail);
  if (!well && verdict.counterexample)
    printf ("# %.*s\n", (int) strcspn (verdict.counterexample, "\n"), verdict.counterexample);
  /* Every refutation by a test can be shown.  */
  if (verdict.tests > 0 && verdict.level == VERDICT_REFUTED
      && (!verdict.counterexample || !verdict.counterexample_json))
    report (context->tally, false, context->file, name, "no counterexample");
  char *json = verdict__to_json (&verdict);
  if (!json || !strstr (json, "\"verdict\""))
    report (context->tally, false, context->file, name, "no JSON");
  free (json);
  verdict__free (&verdict);
  if (candidate)
    candidate__free (candidate);
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

static void
run_case (struct tally *tally, const char *file, char *text)
{
  struct region *region = region_build__new ("f");
  struct context context = { .tally = tally, .file = file, .region = region, .budget = 10 };
  struct why why = { 0 };
  char flags[256] = "-O2";
  bool well = true;
  char *body = cut (text, "original:\n");
  char *next = body ? cut (body, "== ") : NULL;
  for (char *line = strtok (text, "\n"); line && well; line = strtok (NULL, "\n"))
    {
      char *value = strchr (line, ':');
      if (!value || *line == '#')
        continue;
      value += 1 + strspn (value + 1, " ");
      if (strncmp (line, "sig:", 4) == 0)
        well = parse_signature (region, value);
      else if (strncmp (line, "flags:", 6) == 0)
        snprintf (flags, sizeof flags, "%s", value);
      else if (strncmp (line, "isa:", 4) == 0)
        region->isa_allowed = isa__host ();
      else if (strncmp (line, "fp:", 3) == 0)
        parse_fp (region, value);
      else if (strncmp (line, "budget:", 7) == 0)
        context.budget = atof (value);
      else if (strncmp (line, "constant-time:", 14) == 0)
        region->constant_time = true;
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
    }
  context.original = body;
  if (!well || !body || !next || !region_build__compile (region, body, flags))
    {
      report (tally, false, file, "case file", "can't be read or compiled");
      arena__free (region->arena);
      return;
    }
  struct verify_options options = { .budget_seconds = context.budget, .seed = 12345 };
  if (verifier__open (region, &options, &context.verifier, &why))
    report (tally, false, file, "original", arena__printf (region->arena, "%s: %s", reason__slug (why.reason),
                                                           why.detail));
  else
    {
      while (next)
        {
          char *head = next, *end = strchr (head, '\n');
          char *candidate_text = end ? end + 1 : head + strlen (head);
          if (end)
            *end = '\0';
          next = cut (candidate_text, "== ");
          check_candidate (&context, head, candidate_text);
        }
      verifier__close (context.verifier);
    }
  arena__free (region->arena);
}

static char *
read_file (const char *path)
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

int
main (int argc, char **argv)
{
  struct tally tally = { 0 };
  char *files[256], folder[4096];
  unsigned n = 0;
  const char *source = getenv ("AIOPT_SOURCE");
  snprintf (folder, sizeof folder, "%s/testsuite/verify", source ? source : ".");
  if (argc > 1)
    for (int i = 1; i < argc && n < 256; i++)
      files[n++] = strdup (argv[i]);
  else
    {
      DIR *directory = opendir (folder);
      for (struct dirent *entry; directory && (entry = readdir (directory)) && n < 256;)
        {
          size_t length = strlen (entry->d_name);
          if (length > 5 && strcmp (entry->d_name + length - 5, ".case") == 0
              && asprintf (&files[n], "%s/%s", folder, entry->d_name) > 0)
            n++;
        }
      if (directory)
        closedir (directory);
    }
  qsort (files, n, sizeof *files, by_name);
  for (unsigned i = 0; i < n; i++)
    {
      char *text = read_file (files[i]);
      const char *base = strrchr (files[i], '/');
      if (text)
        run_case (&tally, base ? base + 1 : files[i], text);
      else
        report (&tally, false, files[i], "case file", "can't be read");
      free (text);
      free (files[i]);
    }
  if (n == 0)
    report (&tally, false, folder, "case files", "none found");
  printf ("1..%u\n", tally.tests);
  return tally.failures != 0;
}
