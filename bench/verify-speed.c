/* How many states a second the sandbox tries: both versions run and compared, generation of inputs included.

   All of it on one processor, to which this program and its sandbox processes are bound.  Seconds are those of CPU time that
   they took together, so that what else the machine does counts as little as it can.  Each figure is the median of
   several rounds, the least and the most beside it; what the project is held to is printed with it.  Exit
   status 1 where a figure is below that and --check was given, or where anything doesn't compare equal.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/cpu-model.h"
#include "machine/decode.h"
#include "sandbox/image.h"
#include "sandbox/sandbox.h"
#include "testsuite/sandbox-fixture.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <sched.h>
#include <sys/utsname.h>
#include <time.h>

enum { ROUNDS = 7 };

struct options
{
  bool json, check;
  unsigned only; /* one figure, counted from 1; 0: all */
  double seconds;
};

static const struct argp_option option_table[] = {
  { "json", 'j', NULL, 0, "print JSON", 0 },
  { "check", 'c', NULL, 0, "fail where a figure is missed", 0 },
  { "seconds", 's', "S", 0, "time for each figure (default 1.4)", 0 },
  { "only", 'o', "N", 0, "the N-th figure alone", 0 },
  { 0 },
};

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case 'j':
      options->json = true;
      return 0;
    case 'c':
      options->check = true;
      return 0;
    case 'o':
      options->only = (unsigned)strtoul (argument, NULL, 10);
      return 0;
    case 's':
      options->seconds = strtod (argument, NULL);
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

static double
seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Eight lanes of an xorshift generator (Marsaglia 2003), stepped once a record; its words are a Weyl sequence mixed with
   that.  */
typedef uint64_t lanes __attribute__ ((vector_size (64), may_alias));

struct generator
{
  lanes xorshift, weyl, step;
};

__attribute__ ((target_clones ("avx512f", "avx2", "default"))) static void
fill_random (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step)
{
  struct generator *generator = data;
  lanes x = generator->xorshift, weyl = generator->weyl, add = generator->step;
  (void)first;
  for (unsigned i = 0; i < n; i++)
    {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      for (size_t at = 0; at < step; at += sizeof (lanes))
        {
          weyl += add;
          *(lanes *)(records + i * step + at) = weyl ^ (weyl >> 29) ^ x;
        }
    }
  generator->xorshift = x;
  generator->weyl = weyl;
}

/* The same, but the pointer argument points to the object.  */
static void
fill_pointer (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step)
{
  fill_random (data, first, n, records, step);
  uint64_t pointer = slot__begin (30);
  for (unsigned i = 0; i < n; i++)
    memcpy (records + i * step + 8 * 7, &pointer, 8);
}

/* CPU time of this program and of the sandboxes' processes.  */
static double
cpu_seconds (const struct batch_side side[2])
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  double all = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  for (unsigned i = 0; i < 2; i++)
    if (side[i].sandbox)
      all += sandbox__cpu_seconds (side[i].sandbox);
  return all;
}

struct figure
{
  const char *name;
  double target;
  const char *original, *candidate; /* candidate NULL: one side alone */
  unsigned vectors, width;
  uint32_t object;
  bool all;                         /* every register and flag counts, not those of a function's result */
};

static const struct figure figures[] = {
  { .name = "integer window of 10 instructions",
    .target = 10e6,
    .original = "lea (%rdi,%rsi),%rax\n imul $17,%rdx,%rcx\n add %rcx,%rax\n mov %rax,%r8\n"
                "shr $7,%r8\n xor %r8,%rax\n sub %r9,%rax\n and $0xffff,%ecx\n or %rcx,%rax\n"
                "cmp %rdi,%rax\n ret",
    .candidate = "imul $17,%rdx,%rcx\n lea (%rsi,%rdi),%rax\n add %rcx,%rax\n mov %rax,%r8\n"
                 "shr $7,%r8\n xor %r8,%rax\n movzwl %cx,%ecx\n sub %r9,%rax\n or %rcx,%rax\n"
                 "cmp %rdi,%rax\n ret",
    .all = true },
  { .name = "10 instructions, 16 ymm loaded and compared",
    .target = 5e6,
    .original = "vpaddd %ymm1,%ymm0,%ymm2\n vpxor %ymm3,%ymm2,%ymm4\n vpmulld %ymm5,%ymm4,%ymm6\n"
                "vpsrld $3,%ymm6,%ymm7\n vpor %ymm7,%ymm2,%ymm8\n vpand %ymm9,%ymm8,%ymm10\n"
                "vpsubd %ymm10,%ymm11,%ymm12\n vpshufd $27,%ymm12,%ymm13\n"
                "vpmaxsd %ymm13,%ymm14,%ymm15\n vpaddd %ymm15,%ymm0,%ymm0\n ret",
    .candidate = "vpaddd %ymm0,%ymm1,%ymm2\n vpxor %ymm2,%ymm3,%ymm4\n vpmulld %ymm4,%ymm5,%ymm6\n"
                 "vpsrld $3,%ymm6,%ymm7\n vpor %ymm2,%ymm7,%ymm8\n vpand %ymm8,%ymm9,%ymm10\n"
                 "vpsubd %ymm10,%ymm11,%ymm12\n vpshufd $27,%ymm12,%ymm13\n"
                 "vpmaxsd %ymm14,%ymm13,%ymm15\n vpaddd %ymm0,%ymm15,%ymm0\n ret",
    .vectors = 16,
    .width = 32,
    .all = true },
  { .name = "10 instructions, 16 zmm loaded and compared",
    .target = 0, /* that with ymm registers is the vector state of the project's figure */
    .original = "vpaddd %zmm1,%zmm0,%zmm2\n vpxord %zmm3,%zmm2,%zmm4\n vpmulld %zmm5,%zmm4,%zmm6\n"
                "vpsrld $3,%zmm6,%zmm7\n vpord %zmm7,%zmm2,%zmm8\n vpandd %zmm9,%zmm8,%zmm10\n"
                "vpsubd %zmm10,%zmm11,%zmm12\n vpshufd $27,%zmm12,%zmm13\n"
                "vpmaxsd %zmm13,%zmm14,%zmm15\n vpaddd %zmm15,%zmm0,%zmm0\n ret",
    .candidate = "vpaddd %zmm0,%zmm1,%zmm2\n vpxord %zmm2,%zmm3,%zmm4\n vpmulld %zmm4,%zmm5,%zmm6\n"
                 "vpsrld $3,%zmm6,%zmm7\n vpord %zmm2,%zmm7,%zmm8\n vpandd %zmm8,%zmm9,%zmm10\n"
                 "vpsubd %zmm10,%zmm11,%zmm12\n vpshufd $27,%zmm12,%zmm13\n"
                 "vpmaxsd %zmm14,%zmm13,%zmm15\n vpaddd %zmm0,%zmm15,%zmm0\n ret",
    .vectors = 16,
    .width = 64,
    .all = true },
  { .name = "call: sum of 16 bytes in memory",
    .target = 1e6,
    .original = "xor %eax,%eax\n xor %ecx,%ecx\n1: movzbl (%rdi,%rcx),%edx\n add %edx,%eax\n inc %rcx\n"
                "cmp $16,%rcx\n jne 1b\n ret",
    .candidate = "pxor %xmm0,%xmm0\n movdqu (%rdi),%xmm1\n psadbw %xmm0,%xmm1\n"
                 "movhlps %xmm1,%xmm0\n paddd %xmm1,%xmm0\n movd %xmm0,%eax\n ret",
    .object = 16 },
  { .name = "call: a struct of 24 bytes updated in memory",
    .target = 1e6,
    .original = "mov (%rdi),%eax\n add %esi,%eax\n mov %eax,(%rdi)\n mov 8(%rdi),%rcx\n"
                "lea 1(%rcx),%rcx\n mov %rcx,8(%rdi)\n movsbl 16(%rdi),%eax\n ret",
    .candidate = "add %esi,(%rdi)\n incq 8(%rdi)\n movsbl 16(%rdi),%eax\n ret",
    .object = 24 },
  { .name = "bare trampoline, one side: all general registers and flags loaded and stored",
    .target = 50e6,
    .original = "ret",
    .all = true },
};

/* BODY as the verifier would have it: printed, assembled, decoded, linked into slot INDEX.  NULL and *WHY.  */
static struct image *
make_image (struct arena *arena, const char *body, unsigned index, struct why *why)
{
  static struct region region = { .function = "f" };
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  struct layout *layout;
  struct image *image;
  char *text = arena__printf (arena, "\t.text\n\t.globl\tf\n\t.type\tf, @function\nf:\n\t%s\n\t.size\tf, .-f\n", body);
  region.arena = arena;
  if (code__parse (arena, text, strlen (text), "f", NULL, 0, false, &code, why)
      || object__assemble (arena, code, &object, why)
      || object__decode (arena, object, code, &decoded, why)
      || layout__new (arena, &region, false, &layout, why)
      || image__link (arena, &region, layout, object, decoded, index, &image, why))
    return NULL;
  return image;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Fills RATES[ROUNDS], sorted.  0, -1 failed, 1 this host can't.  */
static int
measure (const struct figure *figure, double limit, double *rates)
{
  if ((figure->width == 64 && !__builtin_cpu_supports ("avx512vl"))
      || (figure->width == 32 && !__builtin_cpu_supports ("avx2")))
    return 1;
  struct why why = { 0 };
  struct arena *arena = arena__new ();
  struct image *image[2] = { 0 };
  struct batch_side side[2] = { 0 };
  struct state *base = state__make ();
  struct batch_shape shape = { .base = base,
                               .vectors_in = figure->vectors,
                               .width_in = figure->width,
                               .vectors_out = figure->vectors,
                               .width_out = figure->width };
  if (figure->object)
    {
      shape.n_objects = 1;
      shape.object[0] = (struct batch_object){ slot__begin (30), figure->object };
    }
  else
    {
      free (base->span[0].bytes);
      base->n_spans = 0;
    }
  int status = -1;
  uint8_t *mask = calloc (1, batch__result_size (&shape));
  batch__mask (&shape, mask);
  if (figure->all)
    memset (mask, 0xff, batch__result_size (&shape));
  else
    memset (mask, 0xff, 4); /* eax */
  for (unsigned i = 0; i < (figure->candidate ? 2 : 1); i++)
    {
      image[i] = make_image (arena, i ? figure->candidate : figure->original, i, &why);
      if (!image[i]
          || sandbox__open (NULL, (const struct image *const *)&image[i], 1, NULL, &side[i].sandbox, &why))
        goto done;
    }
  struct generator generator;
  for (unsigned i = 0; i < 8; i++)
    {
      generator.xorshift[i] = 0x9e3779b97f4a7c15u * (i + 1);
      generator.weyl[i] = 0xbf58476d1ce4e5b9u * (i + 1);
      generator.step[i] = 0x94d049bb133111ebu * (2 * i + 1);
    }
  batch_fill *fill = figure->object ? fill_pointer : fill_random;
  struct batch_result result;
  uint64_t n = 20000;
  for (unsigned round = 0; round <= ROUNDS; round++)
    {
      double begin = cpu_seconds (side);
      if (sandbox__batch (side, &shape, mask, fill, &generator, 0, n, 1000, &result, &why))
        goto done;
      double took = cpu_seconds (side) - begin;
      if (result.end != BATCH_SAME)
        {
          why__set (&why, REASON_RESULT, "record %llu: %s", (unsigned long long)result.index,
                    result.end == BATCH_DIFFERENT ? "different" : "stopped");
          free ((void *)result.record);
          goto done;
        }
      if (round > 0)
        rates[round - 1] = (double)n / took;
      n = (uint64_t)((double)n / took * limit / ROUNDS) + 1; /* the first round only tells how many */
    }
  qsort (rates, ROUNDS, sizeof *rates, compare);
  status = 0;
done:
  if (status)
    fprintf (stderr, "%s: %s\n", figure->name, why.detail);
  for (unsigned i = 0; i < 2; i++)
    if (side[i].sandbox)
      sandbox__close (side[i].sandbox);
  state__drop (base);
  arena__free (arena);
  free (mask);
  return status;
}

/* How long it takes to open a sandbox: median of N, in seconds, with MIB of memory in this program.  */
static double
opening (size_t mib)
{
  enum { N = 101 };
  double took[N];
  struct why why;
  struct image *image = image__make ("ret", 0);
  char *memory = malloc (mib << 20);
  if (memory)
    memset (memory, 1, mib << 20);
  __asm__ volatile ("" : : "r"(memory) : "memory");
  for (unsigned i = 0; i < N; i++)
    {
      struct sandbox *sandbox;
      double begin = seconds ();
      if (sandbox__open (NULL, (const struct image *const *)&image, 1, NULL, &sandbox, &why))
        return -1;
      took[i] = seconds () - begin;
      sandbox__close (sandbox);
    }
  free (memory);
  image__drop (image);
  qsort (took, N, sizeof *took, compare);
  return took[N / 2];
}

int
main (int argc, char **argv)
{
  static const struct argp argp
      = { option_table, parse, "", "States a second of the differential sandbox, on one processor.", NULL, NULL, NULL };
  struct options options = { .seconds = 1.4 };
  if (argp_parse (&argp, argc, argv, 0, NULL, &options))
    return 64;
  cpu_set_t set;
  CPU_ZERO (&set);
  CPU_SET (sched_getcpu (), &set);
  if (sched_setaffinity (0, sizeof set, &set))
    perror ("sched_setaffinity");
  char cpu[200];
  if (!cpu__model (cpu, sizeof cpu))
    snprintf (cpu, sizeof cpu, "?");
  cJSON *json = cJSON_CreateObject (), *list = cJSON_AddArrayToObject (json, "figures");
  cJSON_AddStringToObject (json, "cpu", cpu);
  if (!options.json)
    printf ("%s, one processor\n", cpu);
  int status = 0;
  for (unsigned i = 0; i < sizeof figures / sizeof *figures; i++)
    {
      double rates[ROUNDS];
      if (options.only && options.only != i + 1)
        continue;
      int got = measure (&figures[i], options.seconds, rates);
      if (got < 0)
        status = 1;
      if (got)
        continue;
      double median = rates[ROUNDS / 2];
      if (options.check && median < figures[i].target)
        status = 1;
      if (!options.json)
        {
          char asked[64] = "";
          if (figures[i].target > 0)
            snprintf (asked, sizeof asked, ", at least %.0f asked", figures[i].target * 1e-6);
          printf ("%7.2f M/s (%.2f-%.2f%s): %s\n", median * 1e-6, rates[0] * 1e-6,
                  rates[ROUNDS - 1] * 1e-6, asked, figures[i].name);
        }
      cJSON *one = cJSON_CreateObject ();
      cJSON_AddStringToObject (one, "name", figures[i].name);
      cJSON_AddNumberToObject (one, "states_per_second", median);
      cJSON_AddNumberToObject (one, "least", rates[0]);
      cJSON_AddNumberToObject (one, "most", rates[ROUNDS - 1]);
      cJSON_AddNumberToObject (one, "target", figures[i].target);
      cJSON_AddItemToArray (list, one);
    }
  static const size_t sizes[] = { 0, 512 };
  for (unsigned i = 0; i < 2 && !options.only; i++)
    {
      double took = opening (sizes[i]);
      if (!options.json)
        printf ("%7.0f us to open a sandbox, this program holding %zu MiB more\n", took * 1e6, sizes[i]);
      char name[64];
      snprintf (name, sizeof name, "open_seconds_%zu_mib", sizes[i]);
      cJSON_AddNumberToObject (json, name, took);
    }
  if (options.json)
    {
      char *text = cJSON_Print (json);
      puts (text ? text : "null");
      cJSON_free (text);
    }
  cJSON_Delete (json);
  return status;
}
