/* The zygote: a process that is forked once from the program, gives up all it has of it, locks itself in and forks
   the sandbox processes.

   Forking a program that has grown to a gigabyte takes tens of milliseconds, and each fork would have to unmap all
   of it; the zygote is forked before the program has grown, or pays that price once.  Its children are made with
   CLONE_PARENT, so that they are the program's children: it waits for them and kills them by their number.
   The zygote never holds an answer of any side, so no sandbox process can find one.

   This is the folder's only state outside of objects, because there is no sense in two zygotes of one process.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_FDS = 5, ZYGOTE_STACK = 1 << 18, MAPS_BUFFER = 1 << 20, KEEP_MAX = 1024 };

static struct
{
  pthread_mutex_t lock, bulk_lock;
  pid_t owner;                  /* the process whose zygote it is: a fork of it has to start its own */
  pid_t pid;                    /* 0: none */
  int socket;
  int bulk_fd;
  uint8_t *bulk;
} the = { .lock = PTHREAD_MUTEX_INITIALIZER, .bulk_lock = PTHREAD_MUTEX_INITIALIZER };

/* The zygote's own mapping, made before it is forked.  */
struct own
{
  int socket, bulk_fd;
  const uint8_t *bulk;
  unsigned n_filter;
  struct sock_filter filter[FILTER_MAX];
  unsigned n_keep;
  struct range keep[KEEP_MAX];  /* of the program's memory */
  char maps[MAPS_BUFFER];
  uint8_t stack[ZYGOTE_STACK] __attribute__ ((aligned (4096)));
};

/* What the zygote says: at its start, and of each process.  */
struct reply
{
  int32_t pid;
  int32_t error;
  char text[64];
};

/* What the zygote is told of a process to start: a size, and descriptors.  It points into itself.  */
struct start_message
{
  size_t setup_size;
  union
  {
    struct cmsghdr header;
    char bytes[CMSG_SPACE (START_FDS * sizeof (int))];
  } control;
  struct iovec data;
  struct msghdr message;
};

static void
start_message__init (struct start_message *start, size_t setup_size)
{
  memset (start, 0, sizeof *start);
  start->setup_size = setup_size;
  start->data = (struct iovec){ &start->setup_size, sizeof start->setup_size };
  start->message.msg_iov = &start->data;
  start->message.msg_iovlen = 1;
  start->message.msg_control = &start->control;
  start->message.msg_controllen = sizeof start->control;
}

static void __attribute__ ((noreturn))
give_up (const char *what)
{
  struct reply reply = { -1, errno, { 0 } };
  for (size_t i = 0; what[i] && i < sizeof reply.text - 1; i++)
    reply.text[i] = what[i];
  ssize_t ignored = write (CHANNEL_FD, &reply, sizeof reply);
  (void) ignored;
  _exit (96);
}

/* Forks a process for each message, of a size and five descriptors.  */
static void
serve (const struct own *own)
{
  for (;;)
    {
      struct start_message start;
      start_message__init (&start, 0);
      ssize_t n = recvmsg (CHANNEL_FD, &start.message, 0);
      if (n < 0 && errno == EINTR)
        continue;
      if (n != sizeof start.setup_size)
        _exit (0);
      struct cmsghdr *header = CMSG_FIRSTHDR (&start.message);
      int fd[START_FDS];
      if (!header || header->cmsg_type != SCM_RIGHTS
          || header->cmsg_len != CMSG_LEN (sizeof fd))
        _exit (95);
      memcpy (fd, CMSG_DATA (header), sizeof fd);
      /* Not fork: glibc's would make it a child of the zygote.  Neither has more than one thread.  */
      long pid = syscall (SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
      if (pid == 0)
        {
          struct child_start child = { fd[0], fd[1], fd[2], fd[3], fd[4], start.setup_size, own->bulk };
          child__main (&child);
        }
      struct reply reply = { (int32_t) pid, pid < 0 ? errno : 0, { 0 } };
      for (unsigned i = 0; i < START_FDS; i++)
        close (fd[i]);
      if (write (CHANNEL_FD, &reply, sizeof reply) != sizeof reply)
        _exit (94);
    }
}

static void
live (void *data)
{
  struct own *own = data;
  const char *failed = NULL;
  if (own->n_keep == KEEP_MAX - 3)
    failed = "too many libraries";
  own->keep[own->n_keep++] = (struct range) { (uintptr_t) own, (uintptr_t) (own + 1) };
  own->keep[own->n_keep++]
    = (struct range) { (uintptr_t) own->bulk, (uintptr_t) own->bulk + BULK_SIZE };
  own->keep[own->n_keep++] = (struct range) { SANDBOX_HUGE_BASE, SANDBOX_HUGE_BASE + SANDBOX_HUGE_SIZE };
  if (!failed)
    failed = child__forget_parent (own->maps, sizeof own->maps, own->keep, own->n_keep);
  if (!failed)
    failed = child__map_common ();
  if (failed)
    give_up (failed);
  struct sock_fprog program = { own->n_filter, own->filter };
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
      || (!SANITIZED && syscall (SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, &program) != 0))
    give_up ("seccomp");
  struct reply reply = { 0, 0, { 0 } };
  if (write (CHANNEL_FD, &reply, sizeof reply) != sizeof reply)
    _exit (95);
  serve (own);
}

/* The shared area again and again at SANDBOX_HUGE_BASE.  The seal keeps it from ever being writable there.  */
static bool
map_huge (int fd)
{
  for (uint64_t at = 0; at < SANDBOX_HUGE_SIZE; at += BULK_SIZE)
    if (mmap ((void *) (uintptr_t) (SANDBOX_HUGE_BASE + at), BULK_SIZE, PROT_NONE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0)
        != (void *) (uintptr_t) (SANDBOX_HUGE_BASE + at))
      return false;
  return true;
}

static void __attribute__ ((noreturn))
be_zygote (struct own *own)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  prctl (PR_SET_DUMPABLE, 0);
  for (int i = 1; i < 32; i++)
    signal (i, i == SIGINT || i == SIGQUIT || i == SIGTERM || i == SIGPIPE ? SIG_IGN : SIG_DFL);
  own->bulk = mmap (NULL, BULK_SIZE, PROT_READ, MAP_SHARED, own->bulk_fd, 0);
  if (dup2 (own->socket, CHANNEL_FD) < 0)
    _exit (93);
  if (own->bulk == MAP_FAILED || !map_huge (own->bulk_fd))
    give_up ("the shared area");
  if (syscall (SYS_close_range, CHANNEL_FD + 1, ~0u, 0) != 0)
    give_up ("close_range");
  sandbox_call_on (live, own, own->stack + sizeof own->stack);
}

static void
end_zygote (void)
{
  if (!the.pid)
    return;
  close (the.socket);
  if (the.owner == getpid ())
    {
      kill (the.pid, SIGKILL);
      while (waitpid (the.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    }
  the.pid = 0;
}

/* The area that all processes get to see: made once.  */
static int
make_bulk (struct why *why)
{
  if (the.owner != getpid ())
    {
      /* What was inherited by a fork: the mapping isn't, the descriptor is.  */
      if (the.bulk)
        close (the.bulk_fd);
      the.bulk = NULL;
    }
  if (the.bulk)
    return 0;
  the.bulk_fd = memfd_create ("aiopt-bulk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (the.bulk_fd < 0)
    return why__set (why, REASON_SANDBOX, "memfd_create: %s", strerror (errno));
  uint8_t *area = MAP_FAILED;
  if (ftruncate (the.bulk_fd, BULK_SIZE) == 0)
    area = mmap (NULL, BULK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, the.bulk_fd, 0);
  if (area == MAP_FAILED || madvise (area, BULK_SIZE, MADV_DONTFORK) != 0
      || fcntl (the.bulk_fd, F_ADD_SEALS,
                F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
           != 0)
    {
      why__set (why, REASON_SANDBOX, "the shared area: %s", strerror (errno));
      if (area != MAP_FAILED)
        munmap (area, BULK_SIZE);
      close (the.bulk_fd);
      return -1;
    }
  the.bulk = area;
  return 0;
}

/* The control block above the thread pointer (struct pthread: 2.3 KB in glibc 2.36), and what alignment may put between the
   modules' variables below it.  */
enum { CONTROL_BLOCK = 4096, TLS_SLACK = 2048 };

/* Adds the segments of a module to what is kept, and up the sizes of the thread-local variables.  */
struct modules
{
  struct own *own;
  uint64_t tls;
};

static int
keep_module (struct dl_phdr_info *info, size_t size, void *data)
{
  (void) size;
  struct modules *modules = data;
  struct own *own = modules->own;
  for (unsigned i = 0; i < info->dlpi_phnum; i++)
    {
      const ElfW (Phdr) *header = &info->dlpi_phdr[i];
      uint64_t begin = info->dlpi_addr + header->p_vaddr;
      if (header->p_type == PT_TLS)
        modules->tls += header->p_memsz + header->p_align;
      if (header->p_type == PT_LOAD && own->n_keep < KEEP_MAX - 3)
        own->keep[own->n_keep++] = (struct range) { begin, begin + header->p_memsz };
    }
  return 0;
}

/* Of the program's memory the zygote needs the code, what belongs to it, and the thread's control block with the
   thread-local variables below it.  */
static void
list_kept (struct own *own)
{
  struct modules modules = { own, 0 };
  dl_iterate_phdr (keep_module, &modules);
  uint64_t thread = (uintptr_t) __builtin_thread_pointer ();
  if (own->n_keep < KEEP_MAX - 3)
    own->keep[own->n_keep++]
      = (struct range) { thread - modules.tls - TLS_SLACK, thread + CONTROL_BLOCK };
}

static int
start_zygote (struct why *why)
{
  if (the.pid && the.owner == getpid ())
    return 0;
  end_zygote ();
  if (make_bulk (why) != 0)
    return -1;
  struct sock_fprog program;
  if (seccomp__zygote_program (&program, why) != 0)
    return -1;
  int pair[2] = { -1, -1 };
  int result = -1;
  struct own *own = mmap (NULL, sizeof *own, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (own == MAP_FAILED || socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    {
      why__set (why, REASON_SANDBOX, "the zygote's socket: %s", strerror (errno));
      goto done;
    }
  own->socket = pair[1];
  own->bulk_fd = the.bulk_fd;
  own->n_filter = program.len;
  memcpy (own->filter, program.filter, program.len * sizeof *program.filter);
  list_kept (own);
  the.owner = getpid ();
  pid_t pid = fork ();
  if (pid < 0)
    {
      why__set (why, REASON_SANDBOX, "fork: %s", strerror (errno));
      goto done;
    }
  if (pid == 0)
    be_zygote (own);
  close (pair[1]);
  pair[1] = -1;
  the.pid = pid;
  the.socket = pair[0];
  pair[0] = -1;
  struct reply reply = { .pid = -1 };
  ssize_t n;
  do
    n = recv (the.socket, &reply, sizeof reply, 0);
  while (n < 0 && errno == EINTR);
  if (n == sizeof reply && reply.pid == 0)
    result = 0;
  else
    {
      reply.text[sizeof reply.text - 1] = 0;
      why__set (why, REASON_SANDBOX, "the zygote can't start: %s: %s",
                n == sizeof reply ? reply.text : "it ended",
                n == sizeof reply ? strerror (reply.error) : "no word from it");
      end_zygote ();
    }
done:
  free (program.filter);
  if (own != MAP_FAILED)
    munmap (own, sizeof *own);
  for (unsigned i = 0; i < 2; i++)
    if (pair[i] >= 0)
      close (pair[i]);
  return result;
}

int
sandbox__prepare (struct why *why)
{
  pthread_mutex_lock (&the.lock);
  int result = start_zygote (why);
  pthread_mutex_unlock (&the.lock);
  return result;
}

/* Sends it the descriptors; its answer in *REPLY.  */
static bool
ask (const int fd[START_FDS], size_t setup_size, struct reply *reply)
{
  struct start_message start;
  start_message__init (&start, setup_size);
  struct cmsghdr *header = CMSG_FIRSTHDR (&start.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (START_FDS * sizeof (int));
  memcpy (CMSG_DATA (header), fd, START_FDS * sizeof (int));
  ssize_t n;
  do
    n = sendmsg (the.socket, &start.message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return false;
  do
    n = recv (the.socket, reply, sizeof *reply, 0);
  while (n < 0 && errno == EINTR);
  return n == sizeof *reply;
}

pid_t
zygote__spawn (int channel, int input, int output, int code, int setup, size_t setup_size,
               struct why *why)
{
  const int fd[START_FDS] = { channel, input, output, code, setup };
  struct reply reply = { .pid = -1 };
  pthread_mutex_lock (&the.lock);
  bool answered = false;
  /* It may have died with the thread that started it: then once more.  */
  for (unsigned attempt = 0; attempt < 2 && !answered; attempt++)
    {
      if (start_zygote (why) != 0)
        break;
      answered = ask (fd, setup_size, &reply);
      if (!answered)
        {
          why__set (why, REASON_SANDBOX, "the zygote is gone");
          end_zygote ();
        }
    }
  pthread_mutex_unlock (&the.lock);
  if (!answered)
    return -1;
  if (reply.pid <= 0)
    return why__set (why, REASON_SANDBOX, "fork: %s", strerror (reply.error));
  return reply.pid;
}

uint8_t *
zygote__bulk (void)
{
  pthread_mutex_lock (&the.bulk_lock);
  /* Without a zygote of this very process there is no process either that could see it.  */
  return the.owner == getpid () ? the.bulk : NULL;
}

void
zygote__bulk_release (void)
{
  pthread_mutex_unlock (&the.bulk_lock);
}
