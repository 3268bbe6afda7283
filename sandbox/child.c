/* The life of a sandbox process: it maps its areas, locks itself in and answers commands until its
   channel closes.

   It is forked by the zygote (zygote.c), which long before gave up what it had of the parent: everything
   anonymous (heap, stacks, sandboxes' areas) was unmapped there, so that nothing of it can leak into
   an answer.  Neither calls any allocating function.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum
{
  OWN_STACK = 1 << 20,
  SIGNAL_STACK = 1 << 17
};

/* The process's own mapping.  */
struct own
{
  struct child child;
  uint8_t signal_stack[SIGNAL_STACK] __attribute__ ((aligned (64)));
  uint8_t stack[OWN_STACK] __attribute__ ((aligned (4096)));
};

/* Tells the parent what went wrong, and ends.  */
static void __attribute__ ((noreturn))
fail (const char *what)
{
  struct
  {
    struct word word;
    char text[128];
  } message = { { WORD_ERROR, (uint32_t) errno }, { 0 } };
  for (size_t i = 0; what[i] && i < sizeof message.text - 1; i++)
    message.text[i] = what[i];
  ssize_t ignored = write (CHANNEL_FD, &message, sizeof message);
  (void) ignored;
  _exit (96);
}

static bool
map_fixed (uint64_t address, size_t size, int protection, int flags, int fd, off_t offset)
{
  return mmap ((void *) (uintptr_t) address, size, protection,
               flags | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, offset)
         == (void *) (uintptr_t) address;
}

/* `movq %rax, STUB_RAX; movl $n, %eax; jmp *STUB_TARGET` for each stub, the return stub, an
   empty function and the call that batches make: at HIGH of where layouts that aren't raised have them.  */
static bool
write_stubs (uint64_t high)
{
  size_t size = STUB_END - SANDBOX_STUB_BASE;
  if (!map_fixed (high + SANDBOX_STUB_BASE, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                  0))
    return false;
  uint8_t *code = (uint8_t *) (uintptr_t) (high + SANDBOX_STUB_BASE);
  memset (code, 0xcc, size);
  for (uint32_t i = 0; i < STUBS_MAX; i++)
    {
      uint32_t rax = CONTEXT_BASE + CONTEXT_STUB_RAX, target = CONTEXT_BASE + CONTEXT_STUB_TARGET;
      uint8_t stub[20] = { 0x48, 0x89, 0x04, 0x25, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0xff, 0x24, 0x25 };
      memcpy (stub + 4, &rax, 4);
      memcpy (stub + 9, &i, 4);
      memcpy (stub + 16, &target, 4);
      memcpy (code + 64 * (size_t) i, stub, sizeof stub);
    }
  uint8_t jump[7] = { 0xff, 0x24, 0x25 }, call[7] = { 0xff, 0x14, 0x25 };
  uint32_t target = CONTEXT_BASE + CONTEXT_RETURN_TARGET, entry = CONTEXT_BASE + CONTEXT_ENTRY;
  memcpy (jump + 3, &target, 4);
  memcpy (call + 3, &entry, 4);
  memcpy (code + (RETURN_STUB - SANDBOX_STUB_BASE), jump, sizeof jump);
  memcpy (code + (BATCH_CALL_STUB - SANDBOX_STUB_BASE), call, sizeof call);
  memcpy (code + (BATCH_CALL_STUB - SANDBOX_STUB_BASE) + sizeof call, jump, sizeof jump);
  code[EMPTY_IMAGE_ENTRY - SANDBOX_STUB_BASE] = 0xc3;
  return mprotect (code, size, PROT_READ | PROT_EXEC) == 0;
}

/* A stack at BASE, of which the top page can be used.  */
static bool
map_stack (uint64_t base)
{
  return map_fixed (base, SANDBOX_STACK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
         && mprotect ((void *) (uintptr_t) (base + SANDBOX_STACK_SIZE - SANDBOX_PAGE), SANDBOX_PAGE, PROT_READ | PROT_WRITE)
              == 0;
}

const char *
child__map_common (void)
{
  if (!map_fixed (SANDBOX_TRACE_BASE, TRACE_AREA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      || !map_fixed (CONTEXT_BASE, CONTEXT_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    return "a fixed address is taken";
  if (!map_stack (SANDBOX_STACK_BASE))
    return "the stack";
  return write_stubs (0) && write_stubs (SANDBOX_HIGH) ? NULL : "the stubs";
}

/* The code is only ever written by the parent, through its own mapping of the same memory; here
   it can't be made writable, as the memory is sealed against that.  */
static void
map_images (const struct setup *setup, int fd)
{
  for (unsigned i = 0; i < setup->n_images; i++)
    {
      const struct setup_image *image = &setup->image[i];
      if (!map_fixed (image->base, image->text_size, PROT_READ | PROT_EXEC, MAP_SHARED, fd,
                      (off_t) image->code)
          || (image->size > image->text_size
              && !map_fixed (image->base + image->text_size, image->size - image->text_size,
                             PROT_READ, MAP_SHARED, fd,
                             (off_t) (image->code + image->text_size))))
        fail ("mapping an image");
    }
}

/* The block of what the process is told, its pointers put right.  */
static const struct setup *
take_setup (int fd, size_t size)
{
  struct setup *setup = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (setup == MAP_FAILED)
    fail ("the setup");
  ptrdiff_t moved = (char *) setup - (char *) setup->self;
#define MOVE(POINTER) ((POINTER) = (void *) ((char *) (POINTER) + moved))
  MOVE (setup->callee);
  MOVE (setup->filter.filter);
  for (unsigned i = 0; i < setup->n_images; i++)
    {
      MOVE (setup->image[i].insn);
      MOVE (setup->image[i].index);
    }
#undef MOVE
  if (mprotect (setup, size, PROT_READ) != 0)
    fail ("the setup");
  return setup;
}

/* The page that gs points to, and room for a clean stack: neither's address is anywhere that code run here is told.  */
static void
make_clock (struct child *child)
{
  struct clock *clock = mmap (NULL, sizeof *clock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  child->clean_stack = mmap (NULL, SANDBOX_STACK_SIZE, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (clock == MAP_FAILED || child->clean_stack == MAP_FAILED || syscall (SYS_arch_prctl, ARCH_SET_GS, clock) != 0)
    fail ("the clock");
  clock->self = clock;
  clock->child = child;
}

static void
detect_vectors (struct child *child)
{
  unsigned a, b, c, d;
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512vl") && __builtin_cpu_supports ("avx512dq"))
    child->level = 2;
  else if (__builtin_cpu_supports ("avx"))
    child->level = 1;
  if (child->level >= 1 && __get_cpuid_count (13, 2, &a, &b, &c, &d))
    child->xsave.ymm = b;
  if (child->level == 2)
    {
      if (__get_cpuid_count (13, 5, &a, &b, &c, &d))
        child->xsave.mask = b;
      if (__get_cpuid_count (13, 6, &a, &b, &c, &d))
        child->xsave.hi = b;
      if (__get_cpuid_count (13, 7, &a, &b, &c, &d))
        child->xsave.high16 = b;
    }
}

static void
take_signals (uint8_t *stack)
{
  static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
  stack_t alternate = { .ss_sp = stack, .ss_size = SIGNAL_STACK };
  struct sigaction action = { .sa_sigaction = run__signal,
                              .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
  struct sigaction plain = { .sa_handler = SIG_DFL };
  sigset_t none;
  sigemptyset (&none);
  for (int i = 1; i < 32; i++)
    sigaction (i, &plain, NULL);
  if (sigaltstack (&alternate, NULL) != 0)
    fail ("sigaltstack");
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
    if (sigaction (signals[i], &action, NULL) != 0)
      fail ("sigaction");
  sigprocmask (SIG_SETMASK, &none, NULL);
}

static uint64_t
parse_hex (const char **text)
{
  uint64_t value = 0;
  for (;; (*text)++)
    {
      char c = **text;
      if (c >= '0' && c <= '9')
        value = value * 16 + (c - '0');
      else if (c >= 'a' && c <= 'f')
        value = value * 16 + (c - 'a' + 10);
      else
        return value;
    }
}

const char *
child__forget_parent (char *maps, size_t size, const struct range *keep, unsigned n_keep)
{
  if (SANITIZED)
    return NULL;
  int fd = open ("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return "/proc/self/maps";
  size_t length = 0;
  ssize_t n;
  while (length < size - 1 && (n = read (fd, maps + length, size - 1 - length)) > 0)
    length += n;
  close (fd);
  if (length >= size - 1)
    return "too many mappings";
  maps[length] = 0;

  /* Not by what a mapping is named: the kernel makes one of neighbours, and the thread's control block or some .bss
     may well have become one with the heap.  */
  for (const char *line = maps; *line;)
    {
      uint64_t begin = parse_hex (&line);
      line++;
      uint64_t end = parse_hex (&line);
      const char *name = line;
      for (unsigned spaces = 0; *name && *name != '\n' && spaces < 5; name++)
        spaces += *name == ' ';
      while (*name == ' ')
        name++;
      while (*line && *line != '\n')
        line++;
      if (*line)
        line++;
      /* The vdso and what it reads.  */
      if (*name == '[' && name[1] == 'v')
        continue;
      while (begin < end)
        {
          uint64_t hole_end = end, next = end;
          for (unsigned i = 0; i < n_keep; i++)
            {
              uint64_t first = keep[i].begin & -(uint64_t) SANDBOX_PAGE;
              uint64_t last = (keep[i].end + SANDBOX_PAGE - 1) & -(uint64_t) SANDBOX_PAGE;
              if (last > begin && first < hole_end)
                {
                  hole_end = first > begin ? first : begin;
                  next = last;
                }
            }
          if (hole_end > begin && munmap ((void *) (uintptr_t) begin, hole_end - begin) != 0)
            return "munmap";
          begin = next;
        }
    }  return NULL;
}

static void
set_limit (int which, rlim_t value)
{
  struct rlimit limit = { value, value };
  setrlimit (which, &limit);
}

/* The part of the life that runs on the process's own stack.  */
static void
live (void *data)
{
  struct own *own = data;
  struct child *child = &own->child;
  const struct setup *setup = child->setup;

  set_limit (RLIMIT_CORE, 0);
  set_limit (RLIMIT_FSIZE, 0);
  set_limit (RLIMIT_NPROC, 0);
  set_limit (RLIMIT_NOFILE, 0);
  set_limit (RLIMIT_CPU, setup->cpu_seconds);
  if (!SANITIZED)
    set_limit (RLIMIT_AS, setup->memory_bytes);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    fail ("no_new_privs");
  if (syscall (SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, &setup->filter) != 0)
    fail ("seccomp");
  struct word word = { WORD_READY, 0 };
  if (write (CHANNEL_FD, &word, sizeof word) != sizeof word)
    _exit (95);

  const struct command *command = (const struct command *) child->input;
  volatile uint32_t *progress = &((struct output_header *) child->output)->progress;
  while (read (CHANNEL_FD, &word, sizeof word) == sizeof word)
    {
      if (word.kind != COMMAND_BATCH)
        batch__leave (child);
      switch (word.kind)
        {
        case COMMAND_RUN:
          for (uint32_t i = command->first; i < command->n; i++)
            {
              *progress = i;
              run__one (child, command->image,
                        (const struct wire_state *) (child->input + command->state[i]));
            }
          break;
        case COMMAND_TRACE:
          trace__run (child, command);
          break;
        case COMMAND_FOLLOW:
          record__run (child, command);
          break;
        case COMMAND_TIME:
          clock__run (child, command);
          break;
        case COMMAND_BATCH:
          batch__run (child, command);
          break;
        case COMMAND_CODE:
          sandbox_serialize ();
          break;
        default:
          _exit (94);
        }
      word.kind = WORD_DONE;
      if (write (CHANNEL_FD, &word, sizeof word) != sizeof word)
        break;
    }
  _exit (0);
}

void
child__main (const struct child_start *start)
{
  /* The channel first: what goes wrong is told there.  */
  if (dup2 (start->channel, CHANNEL_FD) < 0)
    _exit (93);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  prctl (PR_SET_DUMPABLE, 0);
  struct own *own = mmap (NULL, sizeof *own, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (own == MAP_FAILED)
    fail ("no memory for the process");
  struct child *child = &own->child;
  const struct setup *setup = child->setup = take_setup (start->setup, start->setup_size);
  make_clock (child);
  take_signals (own->signal_stack);
  detect_vectors (child);

  child->bulk = start->bulk;
  child->input = mmap (NULL, INPUT_SIZE, PROT_READ, MAP_SHARED, start->input, 0);
  child->output
    = mmap (NULL, OUTPUT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, start->output, 0);
  int arena = memfd_create ("aiopt-arena", MFD_CLOEXEC);
  if (child->input == MAP_FAILED || child->output == MAP_FAILED || arena < 0
      || ftruncate (arena, ARENA_SIZE) != 0)
    fail ("the shared areas");
  child->arena_alias = mmap (NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_NORESERVE, arena, 0);
  if (child->arena_alias == MAP_FAILED
      || !map_fixed (SANDBOX_GLOBAL_BASE, SANDBOX_GLOBAL_ROOM, PROT_NONE, MAP_SHARED, arena, 0)
      || !map_fixed (SANDBOX_HIGH + SANDBOX_GLOBAL_BASE, SANDBOX_GLOBAL_ROOM, PROT_NONE, MAP_SHARED, arena, 0)
      || !map_fixed (SANDBOX_OBJECT_BASE, SANDBOX_OBJECT_ROOM, PROT_NONE, MAP_SHARED, arena,
                     (off_t) SANDBOX_GLOBAL_ROOM))
    fail ("the arena");
  /* Then nothing is where it usually is: nobody would put it back.  */
  if (setup->stack_base != SANDBOX_STACK_BASE
      && (!map_stack (setup->stack_base)
          || mprotect ((void *) (uintptr_t) (STACK_TOP - SANDBOX_PAGE), SANDBOX_PAGE, PROT_NONE) != 0))
    fail ("a stack elsewhere");
  child->active[child->n_active++] = STACK_PAGES - 1;
  child->is_active[STACK_PAGES - 1] = true;
  CONTEXT->x87_dirty = 1;
  map_images (setup, start->code);
  if (syscall (SYS_close_range, CHANNEL_FD + 1, ~0u, 0) != 0)
    fail ("close_range");
  sandbox_call_on (live, own, own->stack + sizeof own->stack);
}
