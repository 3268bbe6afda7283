/* A unit: what its artefacts depend on, and what of them can be had.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/unit.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct variant variants[] = {
#define VARIANT(COMPILER, FLAGS) { VARIANT_##COMPILER, FLAGS },
#include "policy/variants.def"
#undef VARIANT
};

const struct variant *
variant__all (unsigned *n)
{
  *n = sizeof variants / sizeof *variants;
  return variants;
}

const char *
region__driver (const struct region *region)
{
  if (region->gcc && region->gcc[0])
    return region->gcc;
#ifdef AIOPT_TARGET_GCC
  return AIOPT_TARGET_GCC;
#else
  return "gcc";
#endif
}

bool
region__is_cxx (const struct region *region)
{
  return region->language && strcmp (region->language, "c++") == 0;
}

/* The first of NAMES that $PATH holds, or NULL.  */
static const char *
program__find (struct arena *arena, const char *const *names)
{
  const char *path = getenv ("PATH");
  for (; *names; names++)
    for (const char *at = path ? path : "/usr/bin"; *at;)
      {
        size_t length = strcspn (at, ":");
        const char *full = arena__printf (arena, "%.*s/%s", (int) length, at, *names);
        if (length && access (full, X_OK) == 0)
          return *names;
        at += length + (at[length] == ':');
      }
  return NULL;
}

/* Is NAME local to its unit, by GCC's own text?  */
static bool
region__is_static (const struct region *region)
{
  static const char *const directives[] = { ".globl", ".global", ".weak" };
  size_t length = strlen (region->function);
  for (unsigned i = 0; region->text && i < 3; i++)
    for (const char *at = region->text; (at = strstr (at, directives[i]));)
      {
        at += strlen (directives[i]);
        at += strspn (at, " \t");
        if (strncmp (at, region->function, length) == 0 && strchr (" \t\r\n;#", at[length]))
          return false;
      }
  return true;
}

/* Is NAME one that C source can refer to?  */
static bool
name__is_identifier (const char *name)
{
  if (!*name || (*name >= '0' && *name <= '9'))
    return false;
  for (; *name; name++)
    if (!(*name == '_' || (*name >= '0' && *name <= '9') || (*name >= 'a' && *name <= 'z')
          || (*name >= 'A' && *name <= 'Z')))
      return false;
  return true;
}

/* The user's profile of this unit as one file: -fprofile-use=FILE, or the .gcda that GCC looks for.  */
static const char *
unit__find_profile (struct unit *unit)
{
  const struct region *region = unit->region;
  if (!unit->options.profile || !region->directory)
    return NULL;
  const char *equals = strchr (unit->options.profile, '=');
  const char *base = strrchr (region->source, '/');
  base = base ? base + 1 : region->source;
  const char *dot = strrchr (base, '.');
  int stem = dot ? (int) (dot - base) : (int) strlen (base);
  const char *mangled = arena__strdup (unit->arena, region->directory);
  for (char *at = (char *) mangled; *at; at++)
    if (*at == '/')
      *at = '#';
  const char *given = equals ? equals + 1 : "";
  const char *folder = *given == '/' ? given
                       : *given     ? arena__printf (unit->arena, "%s/%s", region->directory, given)
                                    : region->directory;
  const char *dump = unit->options.dump_folder ? unit->options.dump_folder : "";
  const char *name = unit->options.dump_base;
  if (!name)
    name = arena__printf (unit->arena, "%.*s", stem, base);
  const char *const places[] = {
    folder,
    arena__printf (unit->arena, "%s%s%s%s.gcda", *dump == '/' ? "" : folder, *dump == '/' ? "" : "/", dump, name),
    arena__printf (unit->arena, "%s/%s.gcda", folder, name),
    arena__printf (unit->arena, "%s/%s#%s.gcda", folder, mangled, name),
  };
  for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
    {
      struct stat info;
      if (stat (places[i], &info) == 0 && S_ISREG (info.st_mode))
        return arena__printf (unit->arena, "-fprofile-use=%s", places[i]);
    }
  return NULL;
}

static void
digest__string (crypto_generichash_state *state, const char *text)
{
  text = text ? text : "";
  crypto_generichash_update (state, (const unsigned char *) text, strlen (text) + 1);
}

/* The unit's folder: named by a digest of all that the artefacts depend on.  */
static const char *
unit__directory (struct unit *unit)
{
  const struct region *region = unit->region;
  crypto_generichash_state state;
  unsigned char digest[16];
  crypto_generichash_init (&state, NULL, 0, sizeof digest);
  digest__string (&state, region__driver (region));
  digest__string (&state, region->directory);
  digest__string (&state, region->source);
  digest__string (&state, region->language);
  for (unsigned i = 0; i < region->n_options; i++)
    digest__string (&state, region->option[i]);
  digest__string (&state, unit->keep);
  bool flags[] = { unit->keep_static, unit->frugal,      unit->native,
                   region->endbr,     region->strict_aliasing };
  crypto_generichash_update (&state, (const unsigned char *) flags, sizeof flags);
  crypto_generichash_update (&state, (const unsigned char *) &region->isa, sizeof region->isa);
  crypto_generichash_update (&state, (const unsigned char *) &region->isa_allowed,
                             sizeof region->isa_allowed);
  crypto_generichash_final (&state, digest, sizeof digest);
  char hex[2 * sizeof digest + 1];
  sodium_bin2hex (hex, sizeof hex, digest, sizeof digest);
  return arena__printf (unit->arena, "%s/%s", workshop__directory (unit->workshop), hex);
}

int
unit__open (struct workshop *workshop, const struct region *region, struct unit **result,
            struct why *why)
{
  if (!workshop || !workshop__directory (workshop))
    return why__set (why, REASON_POLICY_FAILED, "no temporary folder could be made");
  if (!region->source || !region->source[0])
    return why__set (why, REASON_SOURCE, "the source of %s is not known", region->function);
  if (!region->language
      || (strcmp (region->language, "c") != 0 && strcmp (region->language, "c++") != 0))
    return why__set (why, REASON_SOURCE, "language %s can't be compiled again",
                     region->language ? region->language : "unknown");
  struct arena *arena = arena__new ();
  struct unit *unit = ARENA_NEW (arena, struct unit);
  unit->arena = arena;
  unit->workshop = workshop;
  unit->region = region;
  unit_options__sort (region, &unit->options);
  /* Clones made by GCC's interprocedural passes have to be made again: those leave functions alone
     that have to be kept.  */
  bool clone = strchr (region->function, '.') != NULL;
  bool local = region__is_static (region);
  unit->keep_static = local && !clone;
  unit->native = region->isa_mode != ISA_MODE_BUILD;
  for (unsigned i = 0; i < region->n_callees; i++)
    unit->frugal |= region->callee[i].name != NULL;
  unit->frugal &= unit_options__level (&unit->options) < 3;
  bool for_clang = !unit->options.clang_obstacle && !clone;
  if (local && !region__is_cxx (region) && name__is_identifier (region->function))
    unit->keep = region->function;
  else if (local)
    for_clang = false;
  if (for_clang)
    {
      static const char *const names[] = { "clang", "clang-19", "clang-18", "clang-17", "clang-16",
                                           "clang-15", "clang-14", "clang-13", NULL };
      unit->clang = program__find (arena, names);
    }
  unit->profile = unit__find_profile (unit);
  unit->directory = unit__directory (unit);
  if (mkdir (unit->directory, 0700) != 0 && errno != EEXIST)
    {
      why__set (why, REASON_POLICY_FAILED, "%.120s: %s", unit->directory, strerror (errno));
      unit__close (unit);
      return -1;
    }
  *result = unit;
  return 0;
}

void
unit__close (struct unit *unit)
{
  if (!unit)
    return;
  unit_options__free (&unit->options);
  arena__free (unit->arena);
}
