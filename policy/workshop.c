/* The workshop's folder: <folder>/<unit>/ holds what a unit was preprocessed and compiled to.  A
   lock file beside each artefact makes the first who wants it make it, whether thread or process, and
   a rename makes it appear whole.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/workshop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ASSEMBLER_TEXT_MAX = 128 << 20, ERRORS_MAX = 1 << 20, COMPILE_SECONDS = 30 };

#define WORKSHOP_PREFIX "aiopt-work-"

struct workshop
{
  char *directory; /* NULL where none could be made */
  int alive;       /* locked while the workshop lives: what isn't locked is a leftover */
  pid_t owner;
  const volatile sig_atomic_t *stop;
};

/* Removes workshops of this user whose owners were killed: nobody holds their lock.  */
static void
workshop__sweep (const char *base)
{
  DIR *directory = opendir (base);
  if (!directory)
    return;
  for (struct dirent *entry; (entry = readdir (directory));)
    {
      if (strncmp (entry->d_name, WORKSHOP_PREFIX, strlen (WORKSHOP_PREFIX)) != 0)
        continue;
      char *path, *lock;
      struct stat info;
      if (asprintf (&path, "%s/%s", base, entry->d_name) < 0)
        continue;
      if (lstat (path, &info) == 0 && S_ISDIR (info.st_mode) && info.st_uid == geteuid ()
          && asprintf (&lock, "%s/alive", path) >= 0)
        {
          int fd = open (lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
          if (fd >= 0)
            {
              if (flock (fd, LOCK_EX | LOCK_NB) == 0)
                directory__remove (path);
              close (fd);
            }
          free (lock);
        }
      free (path);
    }
  closedir (directory);
}

struct workshop *
workshop__new (void)
{
  struct workshop *workshop = calloc (1, sizeof *workshop);
  if (!workshop)
    abort ();
  workshop->owner = getpid ();
  workshop->alive = -1;
  const char *base = getenv ("TMPDIR");
  workshop__sweep (base && base[0] == '/' ? base : "/tmp");
  workshop->directory = directory__temporary (WORKSHOP_PREFIX);
  char *lock;
  if (workshop->directory && asprintf (&lock, "%s/alive", workshop->directory) >= 0)
    {
      /* Locked under another name first, so that no sweep finds it unlocked.  */
      char *early;
      if (asprintf (&early, "%s/early", workshop->directory) >= 0)
        {
          workshop->alive = open (early, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
          if (workshop->alive >= 0 && flock (workshop->alive, LOCK_SH) == 0)
            rename (early, lock);
          free (early);
        }
      free (lock);
    }
  return workshop;
}

void
workshop__free (struct workshop *workshop)
{
  if (!workshop)
    return;
  if (workshop->directory && workshop->owner == getpid ())
    directory__remove (workshop->directory);
  if (workshop->alive >= 0)
    close (workshop->alive);
  free (workshop->directory);
  free (workshop);
}

const char *
workshop__directory (const struct workshop *workshop)
{
  return workshop->directory;
}

void
workshop__stop_on (struct workshop *workshop, const volatile sig_atomic_t *stop)
{
  workshop->stop = stop;
}

const volatile sig_atomic_t *
workshop__stop (const struct workshop *workshop)
{
  return workshop ? workshop->stop : NULL;
}

/* A unit: where its artefacts are, and the pieces of its command lines.  */
struct unit
{
  struct arena *arena;
  struct workshop *workshop;
  const struct region *region;
  struct unit_options options;
  const char *directory;     /* in the workshop */
  const char *clang;         /* "clang-14", or NULL where there is none for this unit */
  const char *keep;          /* the static C function that clang has to be told to keep, or NULL */
  bool keep_static;          /* GCC: emit static functions with their own signature */
  bool frugal;               /* inline no more than -O2 does: calls have to stay the same */
  bool native;
  const char *profile;       /* -fprofile-use=FILE, or NULL */
};

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

static bool
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
  return arena__printf (unit->arena, "%s/%s", unit->workshop->directory, hex);
}

int
unit__open (struct workshop *workshop, const struct region *region, struct unit **result,
            struct why *why)
{
  if (!workshop || !workshop->directory)
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

/* Adds WORDS, separated by spaces, to ARGUMENTS.  */
static void
arguments__add_words (struct arena *arena, struct arguments *arguments, const char *words)
{
  for (;;)
    {
      words += strspn (words, " ");
      size_t length = strcspn (words, " ");
      if (!length)
        return;
      arguments__add (arguments, arena__strndup (arena, words, length));
      words += length;
    }
}

/* The flags of VARIANT for UNIT, placeholders filled in.  False where it is none for this unit.  */
static bool
unit__variant_flags (const struct unit *unit, const struct variant *variant,
                     struct arguments *flags, bool *patterns)
{
  uint64_t allowed = unit->region->isa_allowed;
  struct arguments words = { 0 };
  bool possible = variant->compiler == VARIANT_GCC || unit->clang;
  *patterns = false;
  arguments__add_words (unit->arena, &words, variant->flags);
  for (unsigned i = 0; possible && i < words.n; i++)
    {
      const char *word = words.item[i];
      if (word[0] != '@')
        arguments__add (flags, word);
      else if (strcmp (word, "@native") == 0)
        {
          if (unit->native)
            arguments__add (flags, "-march=native");
        }
      else if (strcmp (word, "@512") == 0)
        {
          possible = (allowed & ISA_BIT (AVX512F)) && (unit->native || (unit->region->isa & ISA_BIT (AVX512F)));
          arguments__add (flags, "-mprefer-vector-width=512");
        }
      else if (strcmp (word, "@256") == 0)
        {
          possible = (allowed & ISA_BIT (AVX2)) && (unit->native || (unit->region->isa & ISA_BIT (AVX2)));
          arguments__add (flags, "-mprefer-vector-width=256");
        }
      else if (strcmp (word, "@profile") == 0)
        {
          possible = unit->profile != NULL;
          if (possible)
            arguments__add (flags, unit->profile);
        }
      else if (strcmp (word, "@patterns") == 0)
        *patterns = true;
    }
  arguments__free (&words);
  return possible;
}

/* Is the last of OPTIONS that begins with PREFIX there?  */
static bool
arguments__mention (const struct arguments *arguments, const char *prefix)
{
  for (unsigned i = 0; i < arguments->n; i++)
    if (strncmp (arguments->item[i], prefix, strlen (prefix)) == 0)
      return true;
  return false;
}

/* What keeps a variant's meaning that of the user's own command, whatever its level: GCC infers some of
   these from -O.  */
static void
options__add_meaning (struct arguments *command, const struct region *region,
                      const struct unit_options *options)
{
  if (options->fast)
    arguments__add (command, "-ffast-math");
  if (!region->strict_aliasing)
    arguments__add (command, "-fno-strict-aliasing");
  if (unit_options__level (options) < 2 && !arguments__mention (&options->gcc, "-ffinite-loops"))
    arguments__add (command, "-fno-finite-loops");
  /* Where the user's own code can't be contracted, ours mustn't be.  */
  if (!(region->isa & ISA_BIT (FMA)) && !(region->fp & FP_FAST))
    arguments__add (command, "-ffp-contract=off");
}

/* GCC: what a text that is to be cut out of its unit needs.  */
static void
gcc__add_isolation (struct arguments *command)
{
  arguments__add (command, "-w");
  arguments__add (command, "-fno-lto");
  arguments__add (command, "-fno-ipa-ra");
  arguments__add (command, "-fno-reorder-blocks-and-partition");
}

/* The GCC command for VARIANT from FROM to TO.  */
static void
unit__gcc_command (const struct unit *unit, const struct arguments *flags, bool patterns,
                   const char *from, const char *to, struct arguments *command)
{
  const struct region *region = unit->region;
  arguments__add (command, region__driver (region));
  arguments__add_all (command, &unit->options.gcc);
  if (!arguments__mention (flags, "-march="))
    arguments__add_all (command, &unit->options.isa);
  if (!arguments__mention (flags, "-march=") && !arguments__mention (flags, "-mtune="))
    arguments__add_all (command, &unit->options.tune);
  arguments__add_all (command, flags);
  options__add_meaning (command, region, &unit->options);
  gcc__add_isolation (command);
  if (!patterns)
    arguments__add (command, "-fno-tree-loop-distribute-patterns");
  if (unit->keep_static)
    arguments__add (command, "-fkeep-static-functions");
  else
    arguments__add (command, "-fno-ipa-cp-clone");
  if (unit->frugal)
    {
      /* GCC 12's values for -O2 (opts.cc, default_options_table).  */
      arguments__add (command, "--param=max-inline-insns-single=70");
      arguments__add (command, "--param=max-inline-insns-auto=15");
      arguments__add (command, "--param=inline-min-speedup=30");
      arguments__add (command, "--param=early-inlining-insns=6");
    }
  arguments__add (command, "-S");
  arguments__add (command, "-o");
  arguments__add (command, to);
  arguments__add (command, "-x");
  arguments__add (command, region__is_cxx (region) ? "c++-cpp-output" : "cpp-output");
  arguments__add (command, from);
}

/* The value of macro NAME in GCC's -dM output TEXT, 0 where it isn't defined.  */
static int
macro__value (const char *text, const char *name)
{
  size_t length = strlen (name);
  for (const char *at = text; at && (at = strstr (at, "#define "));)
    {
      at += 8;
      if (strncmp (at, name, length) == 0 && at[length] == ' ')
        return atoi (at + length);
    }
  return 0;
}

/* The clang command for VARIANT.  MACROS is what GCC predefines under the user's options.  */
static void
unit__clang_common (const struct unit *unit, const char *macros, struct arguments *command)
{
  const struct region *region = unit->region;
  arguments__add (command, unit->clang);
  if (!arguments__mention (&unit->options.clang, "-std=")
      && !arguments__mention (&unit->options.clang, "-ansi"))
    arguments__add (command, region__is_cxx (region) ? "-std=gnu++17" : "-std=gnu17");
  int pie = macro__value (macros, "__PIE__"), pic = macro__value (macros, "__PIC__");
  arguments__add (command, pie == 2   ? "-fPIE"
                           : pie == 1 ? "-fpie"
                           : pic == 2 ? "-fPIC"
                           : pic == 1 ? "-fpic"
                                      : "-fno-pic");
  if (pic && !pie && !arguments__mention (&unit->options.clang, "-fno-semantic-interposition"))
    arguments__add (command, "-fsemantic-interposition");
  if (pie || !pic)
    arguments__add (command, "-fdirect-access-external-data");
  if (region->endbr)
    arguments__add (command, "-fcf-protection=branch");
  for (unsigned i = 0; i < unit->options.clang.n; i++)
    {
      const char *text = unit->options.clang.item[i];
      bool about_pic = strncmp (text, "-fpi", 4) == 0 || strncmp (text, "-fPI", 4) == 0
                       || strncmp (text, "-fno-pi", 7) == 0 || strncmp (text, "-fno-PI", 7) == 0;
      if (!about_pic)
        arguments__add (command, text);
    }
  arguments__add (command, "-w");
  arguments__add (command, "-Qunused-arguments");
  arguments__add (command, "-fno-stack-protector");
  arguments__add (command, "-fno-finite-loops");
  arguments__add (command, "-mllvm");
  arguments__add (command, "-disable-loop-idiom-all");
}

static void
unit__clang_command (const struct unit *unit, const struct arguments *flags, const char *macros,
                     const char *from, const char *to, struct arguments *command)
{
  const struct region *region = unit->region;
  unit__clang_common (unit, macros, command);
  if (!arguments__mention (flags, "-march="))
    arguments__add_all (command, &unit->options.isa);
  arguments__add_all (command, flags);
  options__add_meaning (command, region, &unit->options);
  if ((region->isa & ISA_BIT (FMA)) && !(region->fp & FP_FAST)
      && !arguments__mention (&unit->options.clang, "-ffp-contract="))
    arguments__add (command, "-ffp-contract=fast");
  if (!arguments__mention (&unit->options.clang, "-fno-trapping-math")
      && (region->fp & FP_TRAPPING) && (region->fp & FP_USES))
    arguments__add (command, "-ftrapping-math");
  arguments__add (command, "-S");
  arguments__add (command, "-o");
  arguments__add (command, to);
  arguments__add (command, "-x");
  arguments__add (command, region__is_cxx (region) ? "c++-cpp-output" : "cpp-output");
  arguments__add (command, from);
}

/* Runs COMMAND, which writes TEMPORARY, and renames that to PATH.  On failure, WHY gets the first
   error line.  */
static int
unit__make (const struct unit *unit, const struct arguments *command, const char *temporary,
            const char *path, double limit, struct why *why)
{
  const char *errors = arena__printf (unit->arena, "%s.errors", temporary);
  struct process_options options = { .directory = unit->region->directory,
                                     .errors = errors,
                                     .limit_seconds = limit,
                                     .stop = unit->workshop->stop };
  int result = process__run (command, &options, why);
  if (result < 0 && why && why->reason == REASON_POLICY_FAILED)
    {
      char *text = file__read (errors, ERRORS_MAX, NULL);
      char *line = text ? strstr (text, "error: ") : NULL;
      if (line)
        why__set (why, REASON_SOURCE, "%.60s: %.*s", command->item[0],
                  (int) strcspn (line, "\n") > 150 ? 150 : (int) strcspn (line, "\n"), line);
      free (text);
    }
  unlink (errors);
  if (result == 0 && rename (temporary, path) != 0)
    result = why__set (why, REASON_POLICY_FAILED, "%.120s: %s", path, strerror (errno));
  if (result < 0)
    unlink (temporary);
  return result;
}

/* Takes the lock beside PATH.  The descriptor, or -1 and *WHY.  */
static int
unit__lock (const struct unit *unit, const char *path, double limit, struct why *why)
{
  const char *name = arena__printf (unit->arena, "%s.lock", path);
  int fd = open (name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return why__set (why, REASON_POLICY_FAILED, "%.120s: %s", name, strerror (errno));
  double deadline = clock__now () + limit;
  while (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      bool stop = unit->workshop->stop && *unit->workshop->stop;
      if (stop || clock__now () > deadline)
        {
          close (fd);
          return why__set (why, stop ? REASON_BUDGET : REASON_POLICY_TIMEOUT,
                           "waiting for another worker to compile the unit");
        }
      usleep (3000);
    }
  return fd;
}

/* Makes PATH with COMMAND (which writes PATH.tmp) unless it was made, or failed, before.  */
static int
unit__artefact (const struct unit *unit, const char *path, const struct arguments *command,
                double limit, struct why *why)
{
  if (access (path, R_OK) == 0)
    return 0;
  int lock = unit__lock (unit, path, limit, why);
  if (lock < 0)
    return -1;
  const char *failed = arena__printf (unit->arena, "%s.failed", path);
  char *message = NULL;
  int result;
  if (access (path, R_OK) == 0)
    result = 0;
  else if ((message = file__read (failed, 4096, NULL)))
    result = why__set (why, REASON_SOURCE, "%s", message);
  else
    {
      struct why local;
      const char *temporary = arena__printf (unit->arena, "%s.tmp", path);
      result = unit__make (unit, command, temporary, path, limit, &local);
      if (result < 0 && (local.reason == REASON_POLICY_FAILED || local.reason == REASON_SOURCE))
        file__write (failed, local.detail, strlen (local.detail));
      if (result < 0 && why)
        *why = local;
    }
  free (message);
  close (lock);
  return result;
}

/* Preprocesses the unit with GCC; *PATH is the result.  */
static int
unit__preprocess (const struct unit *unit, double limit, const char **path, struct why *why)
{
  const struct region *region = unit->region;
  *path = arena__printf (unit->arena, "%s/gcc.i", unit->directory);
  struct arguments command = { 0 };
  arguments__add (&command, region__driver (region));
  arguments__add_all (&command, &unit->options.cpp);
  arguments__add_all (&command, &unit->options.gcc);
  arguments__add_all (&command, &unit->options.isa);
  arguments__add (&command, unit->options.level);
  arguments__add (&command, "-w");
  arguments__add (&command, "-E");
  arguments__add (&command, "-o");
  arguments__add (&command, arena__printf (unit->arena, "%s.tmp", *path));
  arguments__add (&command, "-x");
  arguments__add (&command, region->language);
  arguments__add (&command, region->source);
  int result = unit__artefact (unit, *path, &command, limit, why);
  arguments__free (&command);
  return result;
}

/* What GCC predefines under the user's options: malloc'ed text, or NULL and *WHY.  */
static char *
unit__macros (const struct unit *unit, double limit, struct why *why)
{
  const char *path = arena__printf (unit->arena, "%s/macros", unit->directory);
  struct arguments command = { 0 };
  arguments__add (&command, region__driver (unit->region));
  arguments__add_all (&command, &unit->options.gcc);
  arguments__add (&command, "-dM");
  arguments__add (&command, "-E");
  arguments__add (&command, "-o");
  arguments__add (&command, arena__printf (unit->arena, "%s.tmp", path));
  arguments__add (&command, "-x");
  arguments__add (&command, "c");
  arguments__add (&command, "/dev/null");
  int result = unit__artefact (unit, path, &command, limit, why);
  arguments__free (&command);
  char *text = result == 0 ? file__read (path, 16 << 20, NULL) : NULL;
  if (result == 0 && !text)
    why__set (why, REASON_POLICY_FAILED, "%.120s can't be read", path);
  return text;
}

/* clang's input: GCC's preprocessed text where clang understands it, else what clang makes of the source
   with the user's preprocessor options; with a reference to a static function that has to stay.  */
static int
unit__clang_input (const struct unit *unit, const char *macros, double limit, const char **path,
                   struct why *why)
{
  const char *preprocessed;
  if (unit__preprocess (unit, limit, &preprocessed, why) < 0)
    return -1;
  *path = arena__printf (unit->arena, "%s/clang.i", unit->directory);
  if (access (*path, R_OK) == 0)
    return 0;

  struct arguments command = { 0 };
  unit__clang_common (unit, macros, &command);
  arguments__add (&command, "-fsyntax-only");
  arguments__add (&command, "-x");
  arguments__add (&command, region__is_cxx (unit->region) ? "c++-cpp-output" : "cpp-output");
  arguments__add (&command, preprocessed);
  struct process_options options = { .directory = unit->region->directory,
                                     .limit_seconds = limit,
                                     .stop = unit->workshop->stop };
  const char *from = preprocessed;
  int result = process__run (&command, &options, why);
  arguments__free (&command);
  if (result < 0 && why->reason != REASON_POLICY_FAILED)
    return -1;
  if (result < 0)
    {
      from = arena__printf (unit->arena, "%s/clang-own.i", unit->directory);
      unit__clang_common (unit, macros, &command);
      arguments__add_all (&command, &unit->options.cpp);
      arguments__add_all (&command, &unit->options.isa);
      arguments__add (&command, unit->options.level);
      arguments__add (&command, "-E");
      arguments__add (&command, "-o");
      arguments__add (&command, arena__printf (unit->arena, "%s.tmp", from));
      arguments__add (&command, "-x");
      arguments__add (&command, unit->region->language);
      arguments__add (&command, unit->region->source);
      result = unit__artefact (unit, from, &command, limit, why);
      arguments__free (&command);
      if (result < 0)
        return -1;
    }
  size_t length;
  char *text = file__read (from, ASSEMBLER_TEXT_MAX, &length);
  if (!text)
    return why__set (why, REASON_POLICY_FAILED, "%.120s can't be read", from);
  char *whole = NULL;
  int n = unit->keep ? asprintf (&whole, "%s\nvoid *const volatile aiopt_keep_%s = (void *) %s;\n",
                                 text, unit->keep, unit->keep)
                     : asprintf (&whole, "%s", text);
  free (text);
  if (n < 0)
    return why__set (why, REASON_POLICY_FAILED, "out of memory");
  const char *temporary = arena__printf (unit->arena, "%s.%d.%p", *path, (int) getpid (),
                                         (const void *) unit);
  result = 0;
  if (file__write (temporary, whole, (size_t) n) < 0 || rename (temporary, *path) != 0)
    result = why__set (why, REASON_POLICY_FAILED, "%.120s: %s", *path, strerror (errno));
  free (whole);
  return result;
}

char *
unit__describe (const struct unit *unit, const struct variant *variant)
{
  struct arguments flags = { 0 };
  bool patterns;
  char *text = NULL;
  if (unit__variant_flags (unit, variant, &flags, &patterns))
    {
      size_t size;
      FILE *stream = open_memstream (&text, &size);
      const char *driver
        = variant->compiler == VARIANT_GCC ? region__driver (unit->region) : unit->clang;
      const char *base = strrchr (driver, '/');
      fprintf (stream, "%s", base ? base + 1 : driver);
      for (unsigned i = 0; i < flags.n; i++)
        fprintf (stream, " %s",
                 strncmp (flags.item[i], "-fprofile-use", 13) == 0 ? "-fprofile-use" : flags.item[i]);
      fclose (stream);
    }
  arguments__free (&flags);
  return text;
}

int
unit__compile (struct unit *unit, const struct variant *variant, double limit, char **text,
               size_t *length, struct why *why)
{
  if (limit <= 0 || limit > COMPILE_SECONDS)
    limit = COMPILE_SECONDS;
  struct arguments flags = { 0 }, command = { 0 };
  bool patterns;
  if (!unit__variant_flags (unit, variant, &flags, &patterns))
    {
      arguments__free (&flags);
      return 0;
    }
  const char *path = arena__printf (unit->arena, "%s/%u.s", unit->directory,
                                    (unsigned) (variant - variants));
  const char *temporary = arena__printf (unit->arena, "%s.tmp", path);
  const char *from;
  int result;
  if (variant->compiler == VARIANT_GCC)
    {
      result = unit__preprocess (unit, limit, &from, why);
      if (result == 0)
        {
          if (arguments__mention (&flags, "-fprofile-use"))
            arguments__add (&flags, "-Wno-coverage-mismatch");
          unit__gcc_command (unit, &flags, patterns, from, temporary, &command);
        }
    }
  else
    {
      char *macros = unit__macros (unit, limit, why);
      result = macros ? unit__clang_input (unit, macros, limit, &from, why) : -1;
      if (result == 0)
        unit__clang_command (unit, &flags, macros, from, temporary, &command);
      free (macros);
    }
  if (result == 0)
    result = unit__artefact (unit, path, &command, limit, why);
  arguments__free (&flags);
  arguments__free (&command);
  if (result < 0)
    return -1;
  *text = file__read (path, ASSEMBLER_TEXT_MAX, length);
  if (!*text)
    return why__set (why, REASON_POLICY_FAILED, "%.120s can't be read", path);
  return 1;
}

int
source__compile (const struct region *region, const char *source, size_t source_length,
                 const struct arguments *extra, bool inline_all, double limit,
                 const volatile sig_atomic_t *stop, char **text, size_t *length, struct why *why)
{
  char *directory = directory__temporary ("aiopt-source-");
  if (!directory)
    return why__set (why, REASON_POLICY_FAILED, "no temporary folder could be made: %s",
                     strerror (errno));
  struct arena *arena = arena__new ();
  struct unit_options options;
  unit_options__sort (region, &options);
  const char *from = arena__printf (arena, "%s/candidate.%s", directory,
                                    region__is_cxx (region) ? "cc" : "c");
  const char *to = arena__printf (arena, "%s/candidate.s", directory);
  const char *errors = arena__printf (arena, "%s/errors", directory);
  struct arguments command = { 0 };
  arguments__add (&command, region__driver (region));
  arguments__add_all (&command, &options.cpp);
  arguments__add_all (&command, &options.gcc);
  if (region->isa_mode == ISA_MODE_BUILD)
    {
      arguments__add_all (&command, &options.isa);
      arguments__add_all (&command, &options.tune);
    }
  else
    arguments__add (&command, "-march=native");
  arguments__add (&command, "-O3");
  arguments__add (&command, "-ffp-contract=off");
  arguments__add (&command, "-fno-tree-loop-distribute-patterns");
  arguments__add_all (&command, extra);
  const char *slash = region->source ? strrchr (region->source, '/') : NULL;
  if (slash)
    {
      arguments__add (&command, "-iquote");
      arguments__add (&command, arena__strndup (arena, region->source, slash + (slash == region->source)
                                                                       - region->source));
    }
  if (!region->strict_aliasing)
    arguments__add (&command, "-fno-strict-aliasing");
  gcc__add_isolation (&command);
  if (inline_all)
    {
      static const char *const flags[] = {
        "-finline-functions", "-finline-functions-called-once", "-fno-semantic-interposition",
        "--param=max-inline-insns-single=100000", "--param=max-inline-insns-auto=100000",
        "--param=large-function-growth=10000", "--param=large-function-insns=100000",
        "--param=inline-unit-growth=10000", "--param=inline-min-speedup=0",
        "--param=early-inlining-insns=1000",
      };
      for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
        arguments__add (&command, flags[i]);
    }
  arguments__add (&command, "-fkeep-static-functions");
  arguments__add (&command, "-S");
  arguments__add (&command, "-o");
  arguments__add (&command, to);
  arguments__add (&command, "-x");
  arguments__add (&command, region__is_cxx (region) ? "c++" : "c");
  arguments__add (&command, from);
  int result = 0;
  if (file__write (from, source, source_length) < 0)
    result = why__set (why, REASON_POLICY_FAILED, "%.120s: %s", from, strerror (errno));
  /* Relative -I paths are the user's, so run where the user's compiler ran.  */
  struct process_options process = { .directory = region->directory,
                                     .errors = errors,
                                     .limit_seconds = limit,
                                     .stop = stop };
  if (result == 0)
    result = process__run (&command, &process, why);
  if (result < 0 && why && why->reason == REASON_POLICY_FAILED)
    {
      char *messages = file__read (errors, ERRORS_MAX, NULL);
      char *line = messages ? strstr (messages, "error: ") : NULL;
      if (line)
        {
          /* "candidate.c:3:5: error: …", without the folder that is gone when it is read.  */
          char *begin = line;
          while (begin > messages && begin[-1] != '\n' && begin[-1] != '/')
            begin--;
          why__set (why, REASON_COMPILE, "%.*s",
                    (int) (strcspn (begin, "\n") > 200 ? 200 : strcspn (begin, "\n")), begin);
        }
      free (messages);
    }
  if (result == 0)
    {
      *text = file__read (to, ASSEMBLER_TEXT_MAX, length);
      if (!*text)
        result = why__set (why, REASON_POLICY_FAILED, "the compiler left no assembler text");
    }
  arguments__free (&command);
  unit_options__free (&options);
  arena__free (arena);
  directory__remove (directory);
  free (directory);
  return result;
}
