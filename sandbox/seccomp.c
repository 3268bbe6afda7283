/* The system calls that a sandbox process may make: talk on its channel, change protections inside its own
   fixed areas (never to executable), return from signals, exit.  Everything else kills it.

   The program is made in the parent with libseccomp, since a forked child of a threaded program may
   not call malloc, and loaded by the child.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Allows mprotect on addresses whose bits under MASK are PLACE, with PROT_READ and PROT_WRITE at most.  */
static int
allow_mprotect (scmp_filter_ctx filter, uint64_t mask, uint64_t place)
{
  return seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mprotect), 3,
                           SCMP_A0 (SCMP_CMP_MASKED_EQ, ~mask, place),
                           SCMP_A1 (SCMP_CMP_MASKED_EQ, ~mask, 0),
                           SCMP_A2 (SCMP_CMP_MASKED_EQ, ~(uint64_t) (PROT_READ | PROT_WRITE), 0));
}

/* The program of FILTER, which is released.  */
static int
export (scmp_filter_ctx filter, struct sock_fprog *program, struct why *why)
{
  int result = -1;
  int fd = memfd_create ("aiopt-filter", MFD_CLOEXEC);
  if (fd < 0 || seccomp_export_bpf (filter, fd) != 0)
    {
      why__set (why, REASON_SANDBOX, "libseccomp: the filter can't be exported: %s",
                strerror (errno));
      goto done;
    }
  off_t size = lseek (fd, 0, SEEK_END);
  if (size <= 0 || size % sizeof (struct sock_filter) || size / sizeof (struct sock_filter) > FILTER_MAX)
    {
      why__set (why, REASON_SANDBOX, "libseccomp: a filter of %ld bytes", (long) size);
      goto done;
    }
  program->filter = malloc (size);
  program->len = size / sizeof (struct sock_filter);
  if (!program->filter || pread (fd, program->filter, size, 0) != size)
    {
      why__set (why, REASON_SANDBOX, "the filter can't be read back");
      free (program->filter);
      program->filter = NULL;
      goto done;
    }
  result = 0;
done:
  if (fd >= 0)
    close (fd);
  seccomp_release (filter);
  return result;
}

/* What starting a sandbox process takes, and no more: no files, no programs, no sockets, no process but a
   plain fork, and nothing that is writable and executable at once.  */
int
seccomp__zygote_program (struct sock_fprog *program, struct why *why)
{
  static const int plain[] = { SCMP_SYS (munmap), SCMP_SYS (dup2), SCMP_SYS (close),
                               SCMP_SYS (close_range), SCMP_SYS (memfd_create),
                               SCMP_SYS (ftruncate), SCMP_SYS (prctl), SCMP_SYS (seccomp),
                               SCMP_SYS (setrlimit), SCMP_SYS (sigaltstack),
                               SCMP_SYS (rt_sigaction), SCMP_SYS (rt_sigprocmask),
                               SCMP_SYS (rt_sigreturn), SCMP_SYS (exit_group) };
  static const int talk[] = { SCMP_SYS (read), SCMP_SYS (write), SCMP_SYS (recvmsg),
                              SCMP_SYS (sendmsg) };
  const uint64_t both = PROT_WRITE | PROT_EXEC;
  *program = (struct sock_fprog) { 0 };
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_KILL_PROCESS);
  if (!filter)
    return why__set (why, REASON_SANDBOX, "libseccomp: no filter");
  int failed = 0;
  for (unsigned i = 0; i < sizeof plain / sizeof *plain; i++)
    failed |= seccomp_rule_add (filter, SCMP_ACT_ALLOW, plain[i], 0);
  for (unsigned i = 0; i < sizeof talk / sizeof *talk; i++)
    failed |= seccomp_rule_add (filter, SCMP_ACT_ALLOW, talk[i], 1,
                                SCMP_A0 (SCMP_CMP_EQ, CHANNEL_FD));
  failed |= seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (clone), 1,
                              SCMP_A0 (SCMP_CMP_EQ, CLONE_PARENT | SIGCHLD));
  failed |= seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (arch_prctl), 1,
                              SCMP_A0 (SCMP_CMP_EQ, ARCH_SET_GS));
  failed |= seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (prlimit64), 1,
                              SCMP_A0 (SCMP_CMP_EQ, 0));
  failed |= seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mprotect), 1,
                              SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  const uint64_t kinds[] = { 0, PROT_WRITE, PROT_EXEC };
  for (unsigned i = 0; i < 3; i++)
    failed |= seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mmap), 1,
                                SCMP_A2 (SCMP_CMP_MASKED_EQ, both, kinds[i]));
  if (failed)
    {
      seccomp_release (filter);
      return why__set (why, REASON_SANDBOX, "libseccomp: a rule was refused");
    }
  return export (filter, program, why);
}

int
seccomp__program (struct sock_fprog *program, uint64_t stack_base, struct why *why)
{
  *program = (struct sock_fprog) { 0 };
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_KILL_PROCESS);
  if (!filter)
    return why__set (why, REASON_SANDBOX, "libseccomp: no filter");
  /* The arena's low part lies in the 128 MiB from 0x20000000, the stack in the 64 MiB from its base.  The high part
     begins in the last 4 MiB before a multiple of 4 GiB and ends in the 256 MiB after it; no span lies in both halves
     but those that begin in the first, which is why its mask allows both.  */
  const uint64_t middle = (SANDBOX_OBJECT_BASE | 0xffffffff) + 1;
  _Static_assert (SANDBOX_GLOBAL_BASE == 0x20000000u && (SANDBOX_HIGH & 0x07ffffff) == 0 && SANDBOX_GLOBAL_ROOM <= 0x08000000,
                  "the filter's masks follow image.h");
  _Static_assert ((SANDBOX_OBJECT_BASE & 0xffc00000) == 0xffc00000 && SANDBOX_OBJECT_ROOM <= 0x10000000,
                  "the filter's masks follow image.h");
  _Static_assert ((SANDBOX_HUGE_BASE & 0x07ffffff) == 0 && SANDBOX_HUGE_SIZE <= 0x08000000,
                  "the filter's masks follow image.h");
  _Static_assert ((SANDBOX_STACK_BASE & 0x03ffffff) == 0, "the filter's masks follow image.h");
  _Static_assert (SANDBOX_TRACE_BASE % TRACE_AREA_SIZE == 0, "a mask has to do");
  if (seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (read), 1,
                        SCMP_A0 (SCMP_CMP_EQ, CHANNEL_FD))
      || seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (write), 1,
                           SCMP_A0 (SCMP_CMP_EQ, CHANNEL_FD))
      || seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (rt_sigreturn), 0)
      || seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (exit_group), 0)
      || allow_mprotect (filter, 0x07ffffff, SANDBOX_GLOBAL_BASE)
      || allow_mprotect (filter, 0x07ffffff, SANDBOX_HIGH + SANDBOX_GLOBAL_BASE)
      || allow_mprotect (filter, 0x07ffffff, SANDBOX_HUGE_BASE)
      || allow_mprotect (filter, 0x003fffff, middle - 0x400000)
      || allow_mprotect (filter, 0x0fffffff, middle)
      || allow_mprotect (filter, 0x03ffffff, stack_base)
      || allow_mprotect (filter, TRACE_AREA_SIZE - 1, SANDBOX_TRACE_BASE))
    {
      seccomp_release (filter);
      return why__set (why, REASON_SANDBOX, "libseccomp: a rule was refused");
    }
  return export (filter, program, why);
}
