/* Starting, watching and ending the process of a sandbox.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/parent.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds of wall time after which a process that doesn't get the CPU counts as hung all the same,
   as a multiple of the timeout.  */
enum { WALL_FACTOR = 40, START_TIMEOUT_MS = 20000, REPLACE_TIMEOUT_MS = 20 };

static void
reap (struct sandbox *sandbox)
{
  if (!sandbox->pid)
    return;
  int status = 0;
  kill (sandbox->pid, SIGKILL);
  while (waitpid (sandbox->pid, &status, 0) < 0 && errno == EINTR)
    ;
  sandbox->death_signal = WIFSIGNALED (status) ? WTERMSIG (status) : 0;
  close (sandbox->channel);
  sandbox->pid = 0;
  sandbox->channel = -1;
}

/* Waits for the process's first word.  */
static int
greet (struct sandbox *sandbox, struct why *why)
{
  struct
  {
    struct word word;
    char text[160];
  } message = { 0 };
  struct pollfd poll_fd = { .fd = sandbox->channel, .events = POLLIN };
  int ready;
  do
    ready = poll (&poll_fd, 1, START_TIMEOUT_MS);
  while (ready < 0 && errno == EINTR);
  ssize_t n = ready > 0 ? read (sandbox->channel, &message, sizeof message) : 0;
  if (n == sizeof message.word && message.word.kind == WORD_READY)
    return 0;
  reap (sandbox);
  if (n > (ssize_t) sizeof message.word && message.word.kind == WORD_ERROR)
    {
      message.text[sizeof message.text - 1] = 0;
      return why__set (why, REASON_SANDBOX, "the process can't start: %s: %s", message.text,
                       strerror ((int) message.word.number));
    }
  return why__set (why, REASON_SANDBOX, "the process ended at its start (signal %d)",
                   sandbox->death_signal);
}

static int
spawn (struct sandbox *sandbox, struct why *why)
{
  int pair[2];
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return why__set (why, REASON_SANDBOX, "socketpair: %s", strerror (errno));
  pid_t pid = zygote__spawn (pair[1], sandbox->input_fd, sandbox->output_fd, sandbox->code_fd,
                             sandbox->setup_fd, sandbox->setup->block_size, why);
  close (pair[1]);
  if (pid < 0)
    {
      close (pair[0]);
      return -1;
    }
  sandbox->pid = pid;
  sandbox->channel = pair[0];
  sandbox->read_timeout_ms = 0;
  sandbox->suspect = false;
  return greet (sandbox, why);
}

static double
clock_seconds (clockid_t clock)
{
  struct timespec time;
  if (clock_gettime (clock, &time) != 0)
    return -1;
  return time.tv_sec + time.tv_nsec * 1e-9;
}

int
parent__send (struct sandbox *sandbox, enum command_kind kind, unsigned first, struct why *why)
{
  struct output_header *header = (struct output_header *) sandbox->output;
  struct word word;
  if ((sandbox->setup->stack_base != SANDBOX_STACK_BASE || sandbox->setup->stack_shift)
      && (kind == COMMAND_TRACE || kind == COMMAND_FOLLOW || kind == COMMAND_BATCH))
    return why__set (why, REASON_SANDBOX, "with its stack elsewhere a sandbox only runs and times");
  /* A word that nobody asked for: the process isn't to be trusted any more.  (Batches come by the thousand, and
     there such a word only ends the batch, as its number is wrong.)  */
  if (sandbox->pid && kind != COMMAND_BATCH
      && recv (sandbox->channel, &word, sizeof word, MSG_DONTWAIT) >= 0)
    reap (sandbox);
  if (!sandbox->pid && spawn (sandbox, why) != 0)
    return -1;
  header->progress = first;
  sandbox->reached = first;
  sandbox->death_signal = 0;
  word = (struct word) { kind, ++sandbox->number };
  sandbox->sent = send (sandbox->channel, &word, sizeof word, MSG_NOSIGNAL) == sizeof word;
  return 0;
}

/* How much time the process had.  */
struct watch
{
  clockid_t clock;
  bool has_clock;
  double cpu, wall;
};

static void
watch__start (struct watch *watch, const struct sandbox *sandbox)
{
  watch->has_clock = clock_getcpuclockid (sandbox->pid, &watch->clock) == 0;
  watch->cpu = watch->has_clock ? clock_seconds (watch->clock) : -1;
  watch->wall = clock_seconds (CLOCK_MONOTONIC);
}

double
sandbox__cpu_seconds (const struct sandbox *sandbox)
{
  clockid_t clock;
  return sandbox->pid && clock_getcpuclockid (sandbox->pid, &clock) == 0 ? clock_seconds (clock) : 0;
}

/* Makes reads of the channel end after TIMEOUT_MS.  */
static bool
limit_reads (struct sandbox *sandbox, unsigned timeout_ms)
{
  if (sandbox->read_timeout_ms == timeout_ms)
    return true;
  struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
  if (setsockopt (sandbox->channel, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
    return false;
  sandbox->read_timeout_ms = timeout_ms;
  return true;
}

enum channel_result
parent__wait (struct sandbox *sandbox, unsigned first, unsigned n, unsigned timeout_ms, bool exact)
{
  struct output_header *header = (struct output_header *) sandbox->output;
  struct word word;
  enum channel_result result = CHANNEL_DIED;
  if (timeout_ms == 0)
    timeout_ms = 1;
  if (sandbox->sent && limit_reads (sandbox, timeout_ms))
    {
      /* A run is hung when the process used TIMEOUT_MS of CPU time since the last sign of progress;
         waiting for a busy machine doesn't count.  Where that needn't be EXACT, reading clocks is left for
         when no answer came in time.  */
      struct watch then = { .cpu = -1 };
      bool watched = exact;
      uint32_t seen = first;
      if (exact)
        watch__start (&then, sandbox);
      for (;;)
        {
          ssize_t got = recv (sandbox->channel, &word, sizeof word, 0);
          if (got < 0 && errno == EINTR)
            continue;
          if (got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
            {
              /* An answer to an earlier command is one that a run forged then.  */
              if (got == sizeof word && word.kind == WORD_DONE && word.number == sandbox->number)
                return CHANNEL_DONE;
              break;
            }
          uint32_t progress = header->progress;
          struct watch now;
          watch__start (&now, sandbox);
          if (!watched || (progress > seen && progress < n))
            {
              watched = true;
              seen = progress;
              then = now;
              continue;
            }
          double limit = timeout_ms * 1e-3;
          if ((now.cpu >= 0 && then.cpu >= 0 && now.cpu - then.cpu >= limit)
              || now.wall - then.wall >= limit * WALL_FACTOR)
            {
              result = CHANNEL_HUNG;
              break;
            }
        }
    }
  uint32_t reached = header->progress;
  if (reached >= first && reached < n)
    sandbox->reached = reached;
  reap (sandbox);
  return result;
}

void
parent__distrust (struct sandbox *sandbox)
{
  reap (sandbox);
}

enum channel_result
parent__command (struct sandbox *sandbox, enum command_kind kind, unsigned first, unsigned n,
                 unsigned timeout_ms, struct why *why)
{
  if (parent__send (sandbox, kind, first, why) != 0)
    return CHANNEL_FAILED;
  return parent__wait (sandbox, first, n, timeout_ms, true);
}

/* A shared area of SIZE bytes that forked children don't inherit.  */
static uint8_t *
shared_area (const char *name, size_t size, int *fd)
{
  *fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (*fd < 0 || ftruncate (*fd, (off_t) size) != 0)
    return NULL;
  void *area = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
  if (area == MAP_FAILED)
    return NULL;
  if (madvise (area, size, MADV_DONTFORK) != 0)
    {
      munmap (area, size);
      return NULL;
    }
  return area;
}

static enum answer_kind
answer_kind (const struct region *region, const struct value *result, uint32_t *size)
{
  const struct location *location = result->n_locations ? &result->location[0] : NULL;
  *size = 0;
  if (!location)
    return ANSWER_INTEGER;
  *size = location->size;
  if (location->kind == LOCATION_X87)
    return ANSWER_X87;
  if (location->kind == LOCATION_VEC)
    {
      bool is_float = result->type < region->n_types
                      && region->type[result->type].kind == TYPE_FLOAT;
      if (!is_float)
        *size = 0;
      return ANSWER_FLOAT;
    }
  if (result->type < region->n_types)
    {
      if (region->type[result->type].kind == TYPE_POINTER)
        return ANSWER_POINTER;
      if (region->type[result->type].kind == TYPE_BOOL)
        return ANSWER_BOOL;
    }
  return ANSWER_INTEGER;
}

static int
check_image (const struct image *image, struct why *why)
{
  if (address__low (image->base) < SANDBOX_CODE_BASE || image->size == 0 || image->size % SANDBOX_PAGE
      || image->text_size == 0 || image->text_size % SANDBOX_PAGE
      || image->text_size > image->size
      || image->size > SANDBOX_STUB_BASE - SANDBOX_CODE_BASE
      || address__low (image->base) + image->size > SANDBOX_STUB_BASE || image->base % SANDBOX_PAGE
      || image->entry < image->base || image->entry >= image->base + image->text_size)
    return why__set (why, REASON_SANDBOX, "an image of %zu bytes at 0x%llx", image->size,
                     (unsigned long long) image->base);
  return 0;
}

/* What batches have to look at after each run of IMAGE: what none of its instructions can touch is looked at
   once, after the last.  */
static uint32_t
checks_of (const struct image *image)
{
  if (!image->decoded)
    return CHECK_MXCSR | CHECK_UPPER | CHECK_X87;
  uint32_t checks = 0;
  for (unsigned i = 0; i < image->decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &image->decoded->insn[i];
      if (insn->kind & (KIND_SYSTEM | KIND_INDIRECT))
        checks |= CHECK_MXCSR | CHECK_UPPER | CHECK_X87;
      if ((insn->kind & (KIND_FP | KIND_FLAG_CONTROL)) || insn->written.mxcsr)
        checks |= CHECK_MXCSR;
      if (insn->written.vec || (insn->kind & KIND_VZERO))
        checks |= CHECK_UPPER;
      if ((insn->kind & (KIND_X87 | KIND_FLAG_CONTROL)) || insn->written.x87)
        checks |= CHECK_X87;
    }
  return checks;
}

/* A block for all that the process must know, in memory that it gets too.  */
static struct setup *
make_setup (const struct region *region, const struct image *const *images, unsigned n_images,
            const struct sock_fprog *filter, int *fd)
{
  size_t size = sizeof (struct setup) + 64;
  unsigned n_callees = region ? region->n_callees : 0;
  size += n_callees * sizeof (struct setup_callee) + 64;
  size += filter->len * sizeof *filter->filter + 64;
  for (unsigned i = 0; i < n_images; i++)
    size += images[i]->text_size * sizeof (uint32_t)
            + (images[i]->decoded ? images[i]->decoded->n_insns : 0) * sizeof (struct step_insn)
            + 256;
  size = (size + SANDBOX_PAGE - 1) & ~(size_t) (SANDBOX_PAGE - 1);
  uint8_t *block = shared_area ("aiopt-setup", size, fd);
  if (!block)
    return NULL;
  struct setup *setup = (struct setup *) block;
  uint8_t *next = block + ((sizeof *setup + 63) & ~(size_t) 63);
  setup->self = setup;
  setup->block_size = size;
  setup->n_images = n_images;
  setup->n_callees = n_callees;
  setup->callee = (struct setup_callee *) next;
  next += (n_callees * sizeof (struct setup_callee) + 63) & ~(size_t) 63;
  setup->filter = (struct sock_fprog) { filter->len, (struct sock_filter *) next };
  memcpy (next, filter->filter, filter->len * sizeof *filter->filter);
  next += (filter->len * sizeof *filter->filter + 63) & ~(size_t) 63;
  for (unsigned c = 0; c < n_callees; c++)
    {
      setup->callee[c].kind
        = answer_kind (region, &region->callee[c].result, &setup->callee[c].size);
      setup->callee[c].is_noreturn = region->callee[c].is_noreturn;
    }
  for (unsigned i = 0; i < n_images; i++)
    {
      const struct image *from = images[i];
      struct setup_image *to = &setup->image[i];
      unsigned n_insns = from->decoded ? from->decoded->n_insns : 0;
      to->base = from->base;
      to->entry = from->entry;
      to->text_size = from->text_size;
      to->size = from->size;
      to->code = setup->code_size;
      setup->code_size += from->size;
      uint32_t *index = (uint32_t *) next;
      memset (index, 0xff, from->text_size * sizeof *index);
      next += from->text_size * sizeof *index;
      struct step_insn *insn = (struct step_insn *) next;
      for (unsigned k = 0; k < n_insns; k++)
        {
          uint64_t address = from->address[k];
          if (address < from->base || address >= from->base + from->text_size)
            continue;
          index[address - from->base] = k;
          const struct decoded_insn *decoded = &from->decoded->insn[k];
          insn[k] = (struct step_insn) { .address = address,
                                         .kind = decoded->kind,
                                         .length = decoded->length,
                                         .n_memory = decoded->n_memory };
          memcpy (insn[k].memory, decoded->memory, sizeof insn[k].memory);
          size_t at = address - from->base + decoded->symbol_disp;
          for (unsigned m = 0; decoded->symbol_disp && m < decoded->n_memory; m++)
            if (!decoded->memory[m].implicit && at + 4 <= from->size)
              {
                /* As linked.  */
                int32_t disp;
                memcpy (&disp, from->bytes + at, 4);
                insn[k].memory[m].disp = disp;
              }
        }
      next += (n_insns * sizeof *insn + 63) & ~(size_t) 63;
      to->n_insns = n_insns;
      to->index = index;
      to->insn = insn;
    }
  return setup;
}

/* A random place for the stack, where nothing else is: below programs, above what anything maps at low addresses.  */
static int
choose_stack (uint64_t *base, struct why *why)
{
  uint64_t random;
  if (getrandom (&random, sizeof random, 0) != sizeof random)
    return why__set (why, REASON_SANDBOX, "getrandom: %s", strerror (errno));
  *base = UINT64_C (0x300000000000) + (random % (1 << 19) << 26);
  return 0;
}

int
sandbox__open (const struct region *region, const struct image *const *images, unsigned n_images,
               const struct sandbox_options *options, struct sandbox **result, struct why *why)
{
  *result = NULL;
  if (n_images == 0 || n_images > IMAGES_MAX)
    return why__set (why, REASON_SANDBOX, "%u images", n_images);
  if (region && region->n_callees + STUBS_EXTRA > STUBS_MAX)
    return why__set (why, REASON_SANDBOX, "%u callees", region->n_callees);
  for (unsigned i = 0; i < n_images; i++)
    if (check_image (images[i], why) != 0)
      return -1;
  struct sandbox *sandbox = calloc (1, sizeof *sandbox);
  if (!sandbox)
    return why__set (why, REASON_SANDBOX, "no memory");
  sandbox->channel = sandbox->input_fd = sandbox->output_fd = -1;
  sandbox->code_fd = sandbox->setup_fd = -1;
  sandbox->level = __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
                       && __builtin_cpu_supports ("avx512vl")
                       && __builtin_cpu_supports ("avx512dq")
                     ? 2
                   : __builtin_cpu_supports ("avx") ? 1
                                                     : 0;
  sandbox->item = calloc (BATCH_MAX, sizeof *sandbox->item);
  sandbox->input = shared_area ("aiopt-input", INPUT_SIZE, &sandbox->input_fd);
  sandbox->output = shared_area ("aiopt-output", OUTPUT_SIZE, &sandbox->output_fd);
  uint64_t stack_base = SANDBOX_STACK_BASE;
  if (options && options->stack_elsewhere && choose_stack (&stack_base, why) != 0)
    goto fail;
  struct sock_fprog program;
  if (seccomp__program (&program, stack_base, why) != 0)
    goto fail;
  sandbox->setup = make_setup (region, images, n_images, &program, &sandbox->setup_fd);
  free (program.filter);
  if (sandbox->setup)
    sandbox->code = shared_area ("aiopt-code", sandbox->setup->code_size, &sandbox->code_fd);
  if (!sandbox->item || !sandbox->input || !sandbox->output || !sandbox->setup || !sandbox->code)
    {
      why__set (why, REASON_SANDBOX, "no memory for the shared areas: %s", strerror (errno));
      goto fail;
    }
  for (unsigned i = 0; i < n_images; i++)
    {
      memcpy (sandbox->code + sandbox->setup->image[i].code, images[i]->bytes, images[i]->size);
      sandbox->checks[i] = checks_of (images[i]);
      sandbox->is_unknown[i] = !images[i]->decoded;
    }
  sandbox->setup->stack_base = stack_base;
  sandbox->setup->stack_shift = options ? options->stack_shift : 0;
  sandbox->setup->cpu_seconds = options && options->cpu_seconds ? options->cpu_seconds : 600;
  sandbox->setup->memory_bytes
    = options && options->memory_bytes ? options->memory_bytes : (size_t) 1 << 30;
  /* From here on nobody can map inputs or code writable, nor resize an area under the parent.  */
  const int sealed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (fcntl (sandbox->input_fd, F_ADD_SEALS, sealed | F_SEAL_FUTURE_WRITE) != 0
      || fcntl (sandbox->code_fd, F_ADD_SEALS, sealed | F_SEAL_FUTURE_WRITE) != 0
      || fcntl (sandbox->setup_fd, F_ADD_SEALS, sealed | F_SEAL_FUTURE_WRITE) != 0
      || fcntl (sandbox->output_fd, F_ADD_SEALS, sealed) != 0)
    {
      why__set (why, REASON_SANDBOX, "sealing: %s", strerror (errno));
      goto fail;
    }
  if (spawn (sandbox, why) != 0)
    goto fail;
  *result = sandbox;
  return 0;
fail:
  sandbox__close (sandbox);
  return -1;
}

int
sandbox__replace (struct sandbox *sandbox, unsigned index, const struct image *image,
                  struct why *why)
{
  struct setup *setup = sandbox->setup;
  if (index >= setup->n_images || image->base != setup->image[index].base
      || image->entry != setup->image[index].entry || image->size != setup->image[index].size
      || image->text_size != setup->image[index].text_size)
    return why__set (why, REASON_SANDBOX, "an image that doesn't fit the place of image %u", index);
  /* A process that doesn't wait for a command now may be running the old code.  */
  if (sandbox->is_unknown[index] || sandbox->suspect)
    reap (sandbox);
  else if (sandbox->pid
           && parent__command (sandbox, COMMAND_CODE, 0, 1, REPLACE_TIMEOUT_MS, why)
                == CHANNEL_FAILED)
    return -1;
  memcpy (sandbox->code + setup->image[index].code, image->bytes, image->size);
  sandbox->checks[index] = checks_of (image);
  sandbox->is_unknown[index] = !image->decoded;
  setup->image[index].n_insns = 0;
  if (sandbox->pid
      && parent__command (sandbox, COMMAND_CODE, 0, 1, REPLACE_TIMEOUT_MS, why) == CHANNEL_FAILED)
    return -1;
  return 0;
}

void
sandbox__close (struct sandbox *sandbox)
{
  if (!sandbox)
    return;
  reap (sandbox);
  parent__begin (sandbox);
  if (sandbox->code)
    munmap (sandbox->code, sandbox->setup->code_size);
  if (sandbox->setup)
    munmap (sandbox->setup, sandbox->setup->block_size);
  if (sandbox->input)
    munmap (sandbox->input, INPUT_SIZE);
  if (sandbox->output)
    munmap (sandbox->output, OUTPUT_SIZE);
  if (sandbox->input_fd >= 0)
    close (sandbox->input_fd);
  if (sandbox->output_fd >= 0)
    close (sandbox->output_fd);
  if (sandbox->code_fd >= 0)
    close (sandbox->code_fd);
  if (sandbox->setup_fd >= 0)
    close (sandbox->setup_fd);
  free (sandbox->item);
  free (sandbox);
}
