/* cli-fill DIRECTORY: a cache with a rewrite, a negative entry and a waiting region, for the shell
   tests.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/cache.h"
#include "machine/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[]
    = "\t.globl\tdouble_it\n\t.type\tdouble_it, @function\ndouble_it:\n.LFB0:\n\t.cfi_startproc\n"
      "\timull\t$2, %edi, %eax\n\tret\n\t.cfi_endproc\n.LFE0:\n"
      "\t.size\tdouble_it, .-double_it\n";

int
main (int argc, char **argv)
{
  struct cache *cache;
  struct why why = { 0 };
  if (argc != 2 || cache__open (argv[1], CACHE_WRITE, &cache, &why) != 0)
    return fprintf (stderr, "%s\n", why.detail), 1;
  struct arena *arena = arena__new ();
  struct type type
      = { .kind = TYPE_INTEGER, .name = "int", .size = 4, .align = 4, .is_signed = true };
  struct value value = { .name = "x", .n_locations = 1, .location = { { LOCATION_GPR, 7, 0, 4 } } };
  struct region region
      = { .arena = arena,
          .function = "double_it",
          .source_name = "double_it",
          .file = "/src/double.c",
          .line = 3,
          .last_line = 6,
          .text = text,
          .gcc = "gcc-12",
          .gcc_version = "12.2.0",
          .directory = "/src",
          .source = "/src/double.c",
          .language = "c",
          .isa = ISA_BASELINE,
          .isa_allowed = ISA_BASELINE,
          .cpu = "generic",
          .n_types = 1,
          .type = &type,
          .n_parameters = 1,
          .parameter = &value,
          .result = { .n_locations = 1, .location = { { LOCATION_GPR, 0, 0, 4 } } },
          .calls = 1000,
          .insns_per_call = 2 };
  if (region__key (&region, &why) != 0)
    return fprintf (stderr, "%s: %s\n", reason__slug (why.reason), why.detail), 1;
  char *json = region__to_json (&region), key[65];
  if (!json || queue__put (cache, region.key, "double_it", "/src/double.c", 3, json, 5, &why) != 0)
    return fprintf (stderr, "%s\n", why.detail), 1;
  struct entry rewrite
      = { .kind = ENTRY_REWRITE,
          .function = (char *)"double_it",
          .file = (char *)"/src/double.c",
          .line = 3,
          .code = (char *)"\tleal\t(%rdi,%rdi), %eax\n\tret\n",
          .verdict = (char *)"tested",
          .policy = (char *)"compilers",
          .provenance = (char *)"gcc-12 -O3 \033[31mred",
          .evidence
          = (char *)"{\"tests\":12345,\"seed\":7,\"mutants\":{\"killed\":9,\"total\":10}}",
          .measurement = (char *)"{\"rung\":\"time-stamp counter\"}",
          .ratio = 1.5,
          .ratio_low = 1.4,
          .ratio_high = 1.6,
          .tried = 12,
          .seconds = 1.5 };
  strcpy (rewrite.key, region.key);
  memset (key, 'b', 64);
  key[64] = '\0';
  struct entry negative = { .kind = ENTRY_NEGATIVE,
                            .function = (char *)"already_best",
                            .file = (char *)"/src/best.c",
                            .line = 9,
                            .reason = (char *)"not-faster",
                            .detail = (char *)"best 1.01",
                            .tried = 30 };
  strcpy (negative.key, key);
  if (cache__store (cache, &rewrite, &why) != 0
      || queue__finish (cache, rewrite.key, true, &why) != 0
      || cache__store (cache, &negative, &why) != 0)
    return fprintf (stderr, "%s\n", why.detail), 1;
  memset (key, 'c', 64);
  if (queue__put (cache, key, "not_yet", "/src/yet.c", 1, "{}", 5, &why) != 0)
    return fprintf (stderr, "%s\n", why.detail), 1;
  free (json);
  arena__free (arena);
  cache__close (cache);
  return 0;
}
