/* Which of the sandbox's protections this kernel grants, found by trying.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Does a process under the sandbox's filter die of a system call outside it?  */
static bool
filter_works (struct why *why)
{
  struct sock_fprog program;
  if (seccomp__program (&program, SANDBOX_STACK_BASE, why) != 0)
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

/* What a process is tried with: code, and how a run of it has to end.  */
struct trial
{
  const char *name;
  enum run_status status;
  int signal;                   /* 0: any */
  const char *code;
  size_t size;
};

#define CODE(BYTES) BYTES, sizeof BYTES - 1
static const struct trial trials[] = {
  /* ret */
  { "runs", RUN_RETURNED, 0, CODE ("\xc3") },
  /* mov $57, %eax; syscall; ret */
  { "fork is refused", RUN_DIED, SIGSYS, CODE ("\xb8\x39\0\0\0\x0f\x05\xc3") },
  /* mov $2, %eax; syscall; ret */
  { "open is refused", RUN_DIED, SIGSYS, CODE ("\xb8\x02\0\0\0\x0f\x05\xc3") },
  /* mov $41, %eax; syscall; ret */
  { "socket is refused", RUN_DIED, SIGSYS, CODE ("\xb8\x29\0\0\0\x0f\x05\xc3") },
  /* lea 0(%rip), %rax; movb $0x90, (%rax); ret */
  { "code can't be written", RUN_TRAPPED, SIGSEGV,
    CODE ("\x48\x8d\x05\0\0\0\0\xc6\x00\x90\xc3") },
  /* movl $0xc3c3c3c3, -8(%rsp); lea -8(%rsp), %rax; jmp *%rax */
  { "what is written can't be run", RUN_ESCAPED, SIGSEGV,
    CODE ("\xc7\x44\x24\xf8\xc3\xc3\xc3\xc3\x48\x8d\x44\x24\xf8\xff\xe0") },
  /* mov $10, %eax; mov $0x10000000, %edi; mov $4096, %esi; mov $7, %edx; syscall; ret */
  { "protections can't be lifted", RUN_DIED, SIGSYS,
    CODE ("\xb8\x0a\0\0\0\xbf\0\0\0\x10\xbe\0\x10\0\0\xba\x07\0\0\0\x0f\x05\xc3") },
  /* 1: call 1b */
  { "the stack has an end", RUN_TRAPPED, SIGSEGV, CODE ("\xe8\xfb\xff\xff\xff") },
  /* 1: jmp 1b */
  { "an endless loop is ended", RUN_TIMEOUT, 0, CODE ("\xeb\xfe") },
};
enum { TRIALS = sizeof trials / sizeof *trials };

static double
seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* What running code in sandbox processes showed.  */
struct shown
{
  bool passed[TRIALS];
  bool steps;
  double start;                 /* seconds that it took to start a process, the median */
  double rate;                  /* runs a second in batches, one side */
};

static void
fill_nothing (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step)
{
  (void) data;
  (void) first;
  memset (records, 0, n * step);
}

static int
compare_seconds (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

/* Tries them in SANDBOX, which holds IMAGE, with BYTES of its own.  */
static void
try_all (struct sandbox *sandbox, struct image *image, uint8_t *bytes, struct state *state,
         struct outcome *outcome, struct shown *shown)
{
  const struct state *states[] = { state };
  struct trace trace;
  struct why why;
  double took[TRIALS];
  if (sandbox__trace (sandbox, 0, state, 10, &trace, NULL) == 0)
    {
      shown->steps = trace.complete && trace.steps == 1;
      trace__free (&trace);
    }
  struct batch_side side[2] = { { sandbox, 0 }, { NULL, 0 } };
  struct batch_shape shape = { .base = state };
  struct batch_result result;
  enum { RUNS = 200000 };
  double begin = seconds ();
  if (sandbox__batch (side, &shape, NULL, fill_nothing, NULL, 0, RUNS, 1000, &result, &why) == 0
      && result.end == BATCH_SAME)
    shown->rate = RUNS / (seconds () - begin);
  /* Nobody vouches for what comes now: each has a process of its own.  */
  image->decoded = NULL;
  for (unsigned i = 0; i < TRIALS; i++)
    {
      memset (bytes, 0xcc, SANDBOX_PAGE);
      memcpy (bytes, trials[i].code, trials[i].size);
      begin = seconds ();
      if (sandbox__replace (sandbox, 0, image, &why) != 0
          || sandbox__run (sandbox, 0, states, outcome, 1, 50, &why) != 0)
        return;
      took[i] = seconds () - begin;
      shown->passed[i] = outcome->status == trials[i].status
                         && (!trials[i].signal || outcome->signal == trials[i].signal);
    }
  qsort (took, TRIALS, sizeof *took, compare_seconds);
  shown->start = took[TRIALS / 2];
}

/* Opens a sandbox and shows what it does.  */
static bool
process_works (struct shown *shown, struct why *why)
{
  uint8_t bytes[SANDBOX_PAGE];
  memset (bytes, 0xcc, sizeof bytes);
  memcpy (bytes, trials[0].code, trials[0].size);
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
  *shown = (struct shown) { 0 };
  if (sandbox__open (NULL, images, 1, NULL, &sandbox, why) != 0)
    return false;
  struct state *state = calloc (1, sizeof *state);
  struct outcome *outcome = calloc (1, sizeof *outcome);
  if (state && outcome)
    {
      state->machine.mxcsr = 0x1f80;
      try_all (sandbox, &image, bytes, state, outcome, shown);
    }
  free (outcome);
  free (state);
  sandbox__close (sandbox);
  return shown->passed[0];
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
  fprintf (stream, "seccomp: %s%s%s\n", filter ? "yes, with no_new_privs" : "no", filter ? "" : ", ",
           filter ? "" : why.detail);
  fprintf (stream, "sealed memory: %s\n",
           sealing_works () ? "yes" : "no, needs Linux 5.1 or later");
  struct shown shown;
  why = (struct why) { 0 };
  bool process = process_works (&shown, &why);
  if (process)
    fprintf (stream, "sandbox process: yes, from the zygote in %.0f us; %.0f million runs a second in batches\n",
             shown.start * 1e6, shown.rate * 1e-6);
  else
    fprintf (stream, "sandbox process: no, %s\n", why.detail);
  unsigned failed = 0;
  for (unsigned i = 1; process && i < TRIALS; i++)
    if (!shown.passed[i])
      fprintf (stream, "%s%s", failed++ ? "; not true: " : "containment: no, not true: ", trials[i].name);
  if (failed)
    fputc ('\n', stream);
  else if (process)
    {
      fprintf (stream, "containment: yes");
      for (unsigned i = 1; i < TRIALS; i++)
        fprintf (stream, "%s %s", i == 1 ? ":" : ",", trials[i].name);
      fputc ('\n', stream);
    }
  fprintf (stream, "single-stepping: %s\n", shown.steps ? "yes" : "no");
  fclose (stream);
  return text;
}
