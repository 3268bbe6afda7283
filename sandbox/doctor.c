/* Which of the sandbox's protections this kernel grants, found by trying.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Does a process under the sandbox's filter die of a system call outside it?  */
static bool
filter_works (struct why *why)
{
  struct sock_fprog program;
  if (seccomp__program (&program, why) != 0)
    return false;
  pid_t pid = fork ();
  if (pid == 0)
    {
      if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
          || syscall (SYS_seccomp, 1, 0, &program) != 0)
        _exit (1);
      syscall (SYS_getppid);
      _exit (2);
    }
  int status = 0;
  if (pid > 0)
    while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
      ;
  free (program.filter);
  if (pid > 0 && WIFSIGNALED (status) && WTERMSIG (status) == SIGSYS)
    return true;
  why__set (why, REASON_SANDBOX, "%s",
            pid < 0                                              ? "fork failed"
            : WIFEXITED (status) && WEXITSTATUS (status) == 1 ? "the kernel refuses the filter"
                                                                 : "a forbidden call went through");
  return false;
}

static bool
sealing_works (void)
{
  int fd = memfd_create ("aiopt-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return false;
  bool works = ftruncate (fd, SANDBOX_PAGE) == 0
               && fcntl (fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK) == 0
               && mmap (NULL, SANDBOX_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                    == MAP_FAILED;
  close (fd);
  return works;
}

/* Runs an empty function, then follows it.  */
static bool
process_works (bool *steps, struct why *why)
{
  static const uint8_t code[] = { 0xc3 };
  uint8_t bytes[SANDBOX_PAGE];
  memset (bytes, 0xcc, sizeof bytes);
  memcpy (bytes, code, sizeof code);
  struct decoded_insn insn = { .length = 1, .kind = KIND_RETURN };
  struct decoded decoded = { 1, &insn };
  uint64_t address = SANDBOX_CODE_BASE;
  struct image image = { .base = SANDBOX_CODE_BASE,
                         .entry = SANDBOX_CODE_BASE,
                         .text_size = sizeof bytes,
                         .size = sizeof bytes,
                         .bytes = bytes,
                         .decoded = &decoded,
                         .address = &address };
  const struct image *images[] = { &image };
  struct sandbox *sandbox;
  *steps = false;
  if (sandbox__open (NULL, images, 1, NULL, &sandbox, why) != 0)
    return false;
  struct state *state = calloc (1, sizeof *state);
  struct outcome *outcome = calloc (1, sizeof *outcome);
  bool works = false;
  if (state && outcome)
    {
      state->machine.mxcsr = 0x1f80;
      const struct state *states[] = { state };
      works = sandbox__run (sandbox, 0, states, outcome, 1, 5000, why) == 0
              && outcome->status == RUN_RETURNED;
      struct trace trace;
      if (works && sandbox__trace (sandbox, 0, state, 10, &trace, NULL) == 0)
        {
          *steps = trace.complete && trace.steps == 1;
          trace__free (&trace);
        }
    }
  free (outcome);
  free (state);
  sandbox__close (sandbox);
  return works;
}

char *
sandbox__doctor (void)
{
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream (&text, &size);
  if (!stream)
    return NULL;
  struct why why = { 0 };
  bool filter = filter_works (&why);
  fprintf (stream, "seccomp: %s%s%s\n", filter ? "yes" : "no", filter ? "" : ", ",
           filter ? "" : why.detail);
  fprintf (stream, "sealed memory: %s\n",
           sealing_works () ? "yes" : "no, needs Linux 5.1 or later");
  bool steps;
  why = (struct why) { 0 };
  bool process = process_works (&steps, &why);
  fprintf (stream, "sandbox process: %s%s%s\n", process ? "yes" : "no", process ? "" : ", ",
           process ? "" : why.detail);
  fprintf (stream, "single-stepping: %s\n", steps ? "yes" : "no");
  fclose (stream);
  return text;
}
