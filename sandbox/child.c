/* The life of a sandbox process: it gives up what it inherited, maps its fixed areas, locks itself in
   and answers commands until its channel closes.

   It is forked, not exec'ed, so it starts with a copy of its parent: everything anonymous that
   it has no use for (heap, stacks, other sandboxes' areas) is unmapped before any candidate runs, so that
   nothing there can leak into an answer.  From then on it calls no allocating function.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum
{
  OWN_STACK = 1 << 20,
  SIGNAL_STACK = 1 << 17,
  MAPS_BUFFER = 1 << 20
};

#define ARENA_SIZE ((size_t) SANDBOX_SLOTS * SANDBOX_SLOT_STRIDE)

/* The process's own mapping.  */
struct own
{
  struct child child;
  uint8_t signal_stack[SIGNAL_STACK] __attribute__ ((aligned (64)));
  char maps[MAPS_BUFFER];
  uint8_t stack[OWN_STACK] __attribute__ ((aligned (4096)));
};

/* Tells the parent what went wrong, and ends.  */
static void __attribute__ ((noreturn))
fail (const char *what)
{
  char text[128] = "E";
  size_t length = 1;
  for (const char *c = what; *c && length < sizeof text - 24; c++)
    text[length++] = *c;
  text[length++] = ':';
  text[length++] = ' ';
  int number = errno;
  char digits[12];
  int n = 0;
  do
    digits[n++] = '0' + number % 10;
  while (number /= 10);
  while (n)
    text[length++] = digits[--n];
  ssize_t ignored = write (CHANNEL_FD, text, length);
  (void) ignored;
  _exit (96);
}

static void *
map_fixed (uint64_t address, size_t size, int protection, int flags, int fd)
{
  void *place = mmap ((void *) (uintptr_t) address, size, protection,
                      flags | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);
  if (place != (void *) (uintptr_t) address)
    fail ("a fixed address is taken");
  return place;
}

/* `movq %rax, STUB_RAX; movl $n, %eax; jmp *STUB_TARGET` for each stub, the return stub and an
   empty function.  */
static void
write_stubs (unsigned n_stubs)
{
  size_t size = STUB_END - SANDBOX_STUB_BASE;
  uint8_t *code = map_fixed (SANDBOX_STUB_BASE, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1);
  memset (code, 0xcc, size);
  for (uint32_t i = 0; i < n_stubs; i++)
    {
      uint32_t rax = CONTEXT_BASE + CONTEXT_STUB_RAX, target = CONTEXT_BASE + CONTEXT_STUB_TARGET;
      uint8_t stub[20] = { 0x48, 0x89, 0x04, 0x25, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0xff, 0x24, 0x25 };
      memcpy (stub + 4, &rax, 4);
      memcpy (stub + 9, &i, 4);
      memcpy (stub + 16, &target, 4);
      memcpy (code + 64 * (size_t) i, stub, sizeof stub);
    }
  uint8_t back[7] = { 0xff, 0x24, 0x25 };
  uint32_t target = CONTEXT_BASE + CONTEXT_RETURN_TARGET;
  memcpy (back + 3, &target, 4);
  memcpy (code + (RETURN_STUB - SANDBOX_STUB_BASE), back, sizeof back);
  code[EMPTY_IMAGE_ENTRY - SANDBOX_STUB_BASE] = 0xc3;
  if (mprotect (code, size, PROT_READ | PROT_EXEC) != 0)
    fail ("mprotect of the stubs");
}

static void
map_images (const struct setup *setup)
{
  for (unsigned i = 0; i < setup->n_images; i++)
    {
      const struct setup_image *image = &setup->image[i];
      uint8_t *code = map_fixed (image->base, image->size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1);
      memcpy (code, image->bytes, image->size);
      if (mprotect (code, image->text_size, PROT_READ | PROT_EXEC) != 0
          || (image->size > image->text_size
              && mprotect (code + image->text_size, image->size - image->text_size, PROT_READ)
                   != 0))
        fail ("mprotect of an image");
    }
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

/* Unmaps what was inherited and isn't needed: every shared mapping but our own areas, and every
   anonymous one but our own, the thread's control block and the .bss behind file mappings.  */
static void
forget_parent (struct own *own)
{
  const struct child *child = &own->child;
  int fd = open ("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    fail ("/proc/self/maps");
  size_t length = 0;
  ssize_t n;
  while (length < MAPS_BUFFER - 1
         && (n = read (fd, own->maps + length, MAPS_BUFFER - 1 - length)) > 0)
    length += n;
  close (fd);
  if (length >= MAPS_BUFFER - 1)
    fail ("too many mappings");
  own->maps[length] = 0;

  const struct range keep[] = {
    { (uintptr_t) own, (uintptr_t) (own + 1) },
    { (uintptr_t) child->setup, (uintptr_t) child->setup + child->setup->block_size },
    { (uintptr_t) child->setup->filter.filter, (uintptr_t) child->setup->filter.filter + 1 },
    { (uintptr_t) child->input, (uintptr_t) child->input + INPUT_SIZE },
    { (uintptr_t) child->output, (uintptr_t) child->output + OUTPUT_SIZE },
    { (uintptr_t) child->arena_alias, (uintptr_t) child->arena_alias + ARENA_SIZE },
  };
  enum { KEEP = sizeof keep / sizeof *keep };
  uint64_t thread = (uintptr_t) __builtin_thread_pointer ();
  uint64_t file_end = 0;
  for (const char *line = own->maps; *line;)
    {
      uint64_t begin = parse_hex (&line);
      line++;
      uint64_t end = parse_hex (&line);
      const char *rights = line + 1;
      const char *name = line;
      for (unsigned spaces = 0; *name && *name != '\n' && spaces < 5; name++)
        spaces += *name == ' ';
      while (*name == ' ')
        name++;
      while (*line && *line != '\n')
        line++;
      if (*line)
        line++;
      bool file = *name == '/';
      bool ours = begin >= SANDBOX_TRACE_BASE && end <= SANDBOX_ARENA_BASE + 0x10000000u;
      ours |= thread >= begin && thread < end;
      bool kernel = *name == '[' && name[1] == 'v';
      bool bss = *name == '\n' && begin == file_end;
      bool shared = rights[3] == 's';
      if (file)
        file_end = end;
      if (ours || kernel || (!shared && (file || bss)))
        continue;
      /* Neighbours may be one mapping to the kernel: all of it but what is kept.  */
      while (begin < end)
        {
          uint64_t hole_end = end, next = end;
          for (unsigned i = 0; i < KEEP; i++)
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
            fail ("munmap");
          begin = next;
        }
    }
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
  if (!SANITIZED)
    forget_parent (own);

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
  if (write (CHANNEL_FD, "R", 1) != 1)
    _exit (95);

  const struct command *command = (const struct command *) child->input;
  volatile uint32_t *progress = &((struct output_header *) child->output)->progress;
  char byte;
  while (read (CHANNEL_FD, &byte, 1) == 1)
    {
      switch (byte)
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
        default:
          _exit (94);
        }
      if (write (CHANNEL_FD, "D", 1) != 1)
        break;
    }
  _exit (0);
}

void
child__main (const struct setup *setup)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  prctl (PR_SET_DUMPABLE, 0);
  struct own *own = mmap (NULL, sizeof *own, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (own == MAP_FAILED)
    fail ("no memory for the process");
  struct child *child = &own->child;
  child->setup = setup;
  take_signals (own->signal_stack);
  detect_vectors (child);

  /* The areas first: their descriptors may have the channel's number to be.  */
  child->input = mmap (NULL, INPUT_SIZE, PROT_READ, MAP_SHARED, setup->input_fd, 0);
  child->output
    = mmap (NULL, OUTPUT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, setup->output_fd, 0);
  if (dup2 (setup->channel, CHANNEL_FD) < 0)
    _exit (93);
  int arena = memfd_create ("aiopt-arena", MFD_CLOEXEC);
  if (child->input == MAP_FAILED || child->output == MAP_FAILED || arena < 0
      || ftruncate (arena, ARENA_SIZE) != 0)
    fail ("the shared areas");
  child->arena_alias = mmap (NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_NORESERVE, arena, 0);
  if (child->arena_alias == MAP_FAILED)
    fail ("the arena");
  map_fixed (SANDBOX_ARENA_BASE, ARENA_SIZE, PROT_NONE, MAP_SHARED, arena);
  map_fixed (SANDBOX_TRACE_BASE, TRACE_AREA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  map_fixed (CONTEXT_BASE, CONTEXT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  map_fixed (SANDBOX_STACK_BASE, SANDBOX_STACK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (mprotect ((void *) (uintptr_t) (STACK_TOP - SANDBOX_PAGE), SANDBOX_PAGE,
                PROT_READ | PROT_WRITE)
      != 0)
    fail ("the stack");
  child->active[child->n_active++] = STACK_PAGES - 1;
  child->is_active[STACK_PAGES - 1] = true;
  CONTEXT->child = child;
  CONTEXT->x87_dirty = 1;
  write_stubs (setup->n_callees + STUBS_EXTRA);
  map_images (setup);
  if (syscall (SYS_close_range, CHANNEL_FD + 1, ~0u, 0) != 0)
    fail ("close_range");
  sandbox_call_on (live, own, own->stack + sizeof own->stack);
}
