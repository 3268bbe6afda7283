/* The prover runs in a process of its own.

   A solver may run away with memory, a simplifier may recurse too deeply or meet a term that takes it minutes: then that
   process ends by its limits, and the verifier goes on with what tests say.  Whatever doesn't come back whole is no proof.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY_BYTES ((size_t) 4 << 30)
#define STACK_BYTES ((rlim_t) 256 << 20)
#define ANSWER_BYTES ((size_t) 64 << 20)
/* A process that waits for a busy machine gets so much wall time for each second of its CPU time, and some more.  */
#define WALL_FACTOR 20
#define WALL_MORE 20

/* What comes back, in memory shared with the process.  */
struct answer
{
  bool done;           /* set last */
  struct proof proof;  /* pointers in it are to this program's own constants, or mean nothing */
  bool has_state;
  struct state state;  /* the bytes of its spans follow, one after the other */
  uint8_t bytes[];
};

static void
put_state (struct answer *answer, const struct state *state)
{
  size_t at = 0, room = ANSWER_BYTES - sizeof *answer;
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      if (state->span[i].size > room - at)
        return;
      memcpy (answer->bytes + at, state->span[i].bytes, state->span[i].size);
      at += state->span[i].size;
    }
  answer->state = *state;
  answer->has_state = true;
}

static struct state *
get_state (const struct answer *answer, struct arena *arena)
{
  if (!answer->has_state)
    return NULL;
  struct state *state = arena__memdup (arena, &answer->state, sizeof *state);
  size_t at = 0;
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      state->span[i].bytes = arena__memdup (arena, answer->bytes + at, state->span[i].size);
      at += state->span[i].size;
    }
  return state;
}

static void
limit (int which, rlim_t value)
{
  struct rlimit now;
  if (getrlimit (which, &now) != 0)
    return;
  if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max)
    value = now.rlim_max;
  now.rlim_cur = value;
  setrlimit (which, &now);
}

/* Bytes of address space in use.  */
static size_t
address_space (void)
{
  FILE *statm = fopen ("/proc/self/statm", "re");
  unsigned long pages = 0;
  if (statm)
    {
      if (fscanf (statm, "%lu", &pages) != 1)
        pages = 0;
      fclose (statm);
    }
  return pages * (size_t) sysconf (_SC_PAGESIZE);
}

static void
confine (double seconds, size_t memory_bytes)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU };
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
    signal (signals[i], SIG_DFL);
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_CPU, (rlim_t) (seconds * 1.5) + 2);
  limit (RLIMIT_STACK, STACK_BYTES);
#if !defined __SANITIZE_ADDRESS__
  limit (RLIMIT_AS, address_space () + (memory_bytes ? memory_bytes : MEMORY_BYTES));
#endif
}

/* The process PID, whose end PIPE tells, within SECONDS of its time.  Its status.  */
static int
wait_for (pid_t pid, int pipe, double seconds)
{
  struct pollfd poll_fd = { .fd = pipe, .events = POLLIN };
  double left = seconds * WALL_FACTOR + WALL_MORE;
  int status = 0, ready;
  do
    ready = poll (&poll_fd, 1, (int) (left * 1e3));
  while (ready < 0 && errno == EINTR);
  if (ready == 0)
    kill (pid, SIGKILL);
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

struct question
{
  void (*work) (const void *arguments, struct answer *answer);
  const void *arguments;
  double seconds;
  size_t memory_bytes;
};

/* The answer, to be unmapped, or NULL and *WHY.  */
static struct answer *
ask (const struct question *question, struct why *why)
{
  int ends[2];
  struct answer *answer = mmap (NULL, ANSWER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                                -1, 0);
  if (answer == MAP_FAILED)
    {
      why__set (why, REASON_PROOF_FAILED, "mmap: %s", strerror (errno));
      return NULL;
    }
  if (pipe2 (ends, O_CLOEXEC) != 0)
    {
      why__set (why, REASON_PROOF_FAILED, "pipe: %s", strerror (errno));
      munmap (answer, ANSWER_BYTES);
      return NULL;
    }
  fflush (NULL);
  pid_t pid = fork ();
  if (pid == 0)
    {
      close (ends[0]);
      confine (question->seconds, question->memory_bytes);
      question->work (question->arguments, answer);
      answer->done = true;
      _exit (0);
    }
  int error = errno, status = -1;
  close (ends[1]);
  if (pid > 0)
    status = wait_for (pid, ends[0], question->seconds);
  close (ends[0]);
  if (pid > 0 && status == 0 && answer->done)
    return answer;
  if (pid < 0)
    why__set (why, REASON_PROOF_FAILED, "fork: %s", strerror (error));
  else if (WIFSIGNALED (status) && (WTERMSIG (status) == SIGXCPU || WTERMSIG (status) == SIGKILL))
    why__set (why, REASON_TIME, "the prover didn't stop in time");
  else
    why__set (why, REASON_PROOF_FAILED, WIFSIGNALED (status) ? "signal %d" : "status %d",
              WIFSIGNALED (status) ? WTERMSIG (status) : status);
  munmap (answer, ANSWER_BYTES);
  return NULL;
}

struct equivalent_arguments
{
  const struct region *region;
  const struct layout *layout;
  const struct image *original, *candidate;
  const struct object *original_object, *candidate_object;
  struct proof_options options;
};

static void
work_equivalent (const void *data, struct answer *answer)
{
  const struct equivalent_arguments *arguments = data;
  struct proof proof;
  problem__prove (arguments->region, arguments->layout, arguments->original, arguments->original_object,
                  arguments->candidate, arguments->candidate_object, &arguments->options, &proof);
  answer->proof = proof;
  if (proof.counterexample)
    put_state (answer, proof.counterexample);
}

void
prove__equivalent (const struct region *region, const struct layout *layout, const struct image *original,
                   const struct object *original_object, const struct image *candidate,
                   const struct object *candidate_object, const struct proof_options *options, struct proof *proof)
{
  struct equivalent_arguments arguments
    = { .region = region, .layout = layout, .original = original, .candidate = candidate,
        .original_object = original_object, .candidate_object = candidate_object };
  if (options)
    arguments.options = *options;
  if (!(arguments.options.seconds > 0))
    arguments.options.seconds = PROOF_SECONDS;
  struct question question = { .work = work_equivalent, .arguments = &arguments,
                               .seconds = arguments.options.seconds,
                               .memory_bytes = arguments.options.memory_bytes };
  struct why why = { 0 };
  struct answer *answer = ask (&question, &why);
  memset (proof, 0, sizeof *proof);
  if (answer)
    *proof = answer->proof;
  else
    proof->why = why;
  proof->arena = arena__new ();
  proof->counterexample = answer ? get_state (answer, proof->arena) : NULL;
  if (answer)
    munmap (answer, ANSWER_BYTES);
}

struct steer_arguments
{
  const struct region *region;
  const struct layout *layout;
  const struct image *image;
  const struct object *object;
  const struct state *start;
  unsigned insn;
  bool taken;
  double seconds;
};

static void
work_steer (const void *data, struct answer *answer)
{
  const struct steer_arguments *arguments = data;
  struct arena *arena = arena__new ();
  struct state *state;
  if (problem__steer (arena, arguments->region, arguments->layout, arguments->image, arguments->object,
                      arguments->start, arguments->insn, arguments->taken, arguments->seconds, &state)
      == 0)
    put_state (answer, state);
}

int
prove__steer (struct arena *arena, const struct region *region, const struct layout *layout, const struct image *image,
              const struct object *object, const struct state *start, unsigned insn, bool taken, double seconds,
              struct state **state)
{
  struct steer_arguments arguments
    = { region, layout, image, object, start, insn, taken, seconds > 0 ? seconds : PROOF_SECONDS };
  struct question question = { .work = work_steer, .arguments = &arguments, .seconds = arguments.seconds };
  struct why why;
  struct answer *answer = ask (&question, &why);
  struct state *found = answer ? get_state (answer, arena) : NULL;
  if (answer)
    munmap (answer, ANSWER_BYTES);
  if (!found)
    return -1;
  *state = found;
  return 0;
}

struct never_arguments
{
  const struct region *region;
  const struct layout *layout;
  const struct image *image;
  const struct object *object;
  const uint8_t *closed;
  uint32_t sizes;
  unsigned insn;
  bool taken;
  double seconds;
};

static void
work_never (const void *data, struct answer *answer)
{
  const struct never_arguments *arguments = data;
  if (problem__never (arguments->region, arguments->layout, arguments->image, arguments->object, arguments->closed,
                      arguments->sizes, arguments->insn, arguments->taken, arguments->seconds))
    answer->proof.result = PROOF_PROVED;
}

bool
prove__never (const struct region *region, const struct layout *layout, const struct image *image,
              const struct object *object, const uint8_t *closed, uint32_t sizes, unsigned insn, bool taken, double seconds)
{
  struct never_arguments arguments
    = { region, layout, image, object, closed, sizes, insn, taken, seconds > 0 ? seconds : PROOF_SECONDS };
  struct question question = { .work = work_never, .arguments = &arguments, .seconds = arguments.seconds };
  struct why why;
  struct answer *answer = ask (&question, &why);
  bool never = answer && answer->proof.result == PROOF_PROVED;
  if (answer)
    munmap (answer, ANSWER_BYTES);
  return never;
}
