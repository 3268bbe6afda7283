/* Running one function on given states in a process of its own that may do nothing else.

   One process a side: the process that runs a candidate never sees what the original answered, so
   no store of a candidate's, however wild, can turn a wrong answer into a right one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SANDBOX_H
#define AIOPT_SANDBOX_H

#include "sandbox/image.h"

/* Machine state at entry.  */
struct machine_state
{
  uint64_t gpr[16];      /* hardware order; rsp is the sandbox's own */
  uint8_t vec[32][64];   /* only what the host has is loaded */
  uint64_t mask[8];
  uint32_t mxcsr;        /* 0x1f80 by default */
  uint64_t rflags;       /* arithmetic flags alone are loaded; DF is clear by the ABI */
};

enum { SPANS_MAX = 48, STACK_ARGUMENT_BYTES = 256, CALL_EVENTS_MAX = 64, PATCHES_MAX = 8 };

enum { PROT_STATE_READ = 1, PROT_STATE_WRITE = 2 };

/* A page-aligned run of the arena that is mapped in this state; the rest faults.  BYTES holds SIZE
   bytes.  Spans don't overlap and are sorted by address.  */
struct span
{
  uint64_t address;
  uint32_t size;       /* page multiple */
  uint32_t protection; /* PROT_STATE_… */
  uint8_t *bytes;
};

/* A change that the stub of the CALL-th call makes to memory (the callee is unknown code).  */
struct patch
{
  uint32_t call;
  uint32_t size;     /* 1..8 */
  uint64_t address;
  uint64_t value;
};

/* One test input.  */
struct state
{
  struct machine_state machine;
  unsigned n_spans;
  struct span span[SPANS_MAX];
  unsigned stack_bytes;                         /* of incoming stack arguments */
  uint8_t stack_argument[STACK_ARGUMENT_BYTES];
  uint64_t seed;                                /* the stubs' answers are a function of seed and call number */
  unsigned n_patches;
  struct patch patch[PATCHES_MAX];
  uint64_t pointer_answer[4];                   /* what stubs return for pointer results, by call number % 4 */
};

enum run_status
{
  RUN_RETURNED,
  RUN_TRAPPED,    /* signal, fault_address, fault_rip */
  RUN_NORETURN,   /* ended in a call that doesn't return: the events tell which */
  RUN_TIMEOUT,
  RUN_DIED,       /* the sandbox process was killed: seccomp, memory limit, … */
  RUN_ESCAPED     /* returned somewhere else, or the stack pointer is off */
};

struct call_event
{
  uint32_t callee;       /* stub number */
  uint64_t gpr[6];       /* rdi rsi rdx rcx r8 r9 */
  uint8_t al;
  uint8_t vec[8][16];
  uint64_t memory_digest;/* over all writable spans, at the call */
};

struct outcome
{
  enum run_status status;
  int signal;
  uint64_t fault_address;
  uint64_t fault_rip;
  bool fault_write;
  struct machine_state machine;    /* at return */
  uint8_t x87[32];                 /* fnstenv image at return (28 bytes) */
  uint8_t st0[16];                 /* top of the x87 stack, where not empty */
  bool upper_dirty;                /* any upper half of ymm0..15 not zero */
  bool caller_frame_changed;       /* bytes above the return address and the stack arguments */
  bool callee_saved_changed;       /* rbx rbp r12..r15 rsp */
  bool misaligned_call;            /* some call was made with a stack not aligned to 16 */
  uint64_t ticks;                  /* time-stamp counter around the run: rough */
  unsigned n_events, n_events_lost;
  struct call_event event[CALL_EVENTS_MAX];
  unsigned n_spans;                /* as in the state */
  uint8_t *span_bytes[SPANS_MAX];  /* final contents; owned by the sandbox, valid until its next run */
};

struct sandbox;

struct sandbox_options
{
  unsigned cpu_seconds;   /* hard limit of the process; 0: 600 */
  size_t memory_bytes;    /* 0: 1 GiB */
};

/* Starts a sandbox process holding IMAGES (1 or 2) and, for recorder stubs, REGION's callees.
   0, or -1 and *WHY (SANDBOX).  */
int sandbox__open (const struct region *region, const struct image *const *images, unsigned n_images,
                   const struct sandbox_options *options, struct sandbox **sandbox, struct why *why);

/* Runs image IMAGE on each of STATES[N] from fresh memory; OUTCOMES[N] tell what came of it.  A run longer
   than TIMEOUT_MS gives RUN_TIMEOUT.  Where the process dies or has to be killed, that state's
   outcome says so and the process is started anew for the next.  Span bytes of all N outcomes stay valid
   until the next call.  0, or -1 and *WHY where the sandbox can't go on.  */
int sandbox__run (struct sandbox *sandbox, unsigned image, const struct state *const *states,
                  struct outcome *outcomes, unsigned n, unsigned timeout_ms, struct why *why);

/* One access to memory outside the function's own frame, merged: ADDRESS..ADDRESS+SIZE.  */
struct footprint
{
  unsigned n_reads, n_writes;
  struct { uint64_t address; uint64_t size; } *read, *write; /* sorted, disjoint; malloc'ed */
};

struct trace
{
  enum run_status status;
  bool complete;                /* every access could be followed and the step limit was not reached */
  struct why why;               /* where not complete */
  uint64_t steps;
  uint32_t *executed;           /* per decoded instruction: how often; malloc'ed */
  uint8_t *branch;              /* per decoded instruction: bit 0 taken, bit 1 fallen through; malloc'ed */
  struct footprint footprint;   /* accesses outside the stack below the return address */
};

/* Single-steps image IMAGE on STATE, at most MAX_STEPS instructions.  0, or -1 and *WHY.
   trace__free frees what TRACE holds, not TRACE.  */
int sandbox__trace (struct sandbox *sandbox, unsigned image, const struct state *state,
                    uint64_t max_steps, struct trace *trace, struct why *why);
void trace__free (struct trace *trace);

/* Times REPEATS runs of IMAGE on STATE, each run of INNER calls: with INNER > 1 memory is not reset in between
   (use it only where the function answers the same again), registers always are.  TICKS[REPEATS] gets
   time-stamp ticks per call with the empty call's cost taken off, at least 0.  0, or -1.  */
int sandbox__time (struct sandbox *sandbox, unsigned image, const struct state *state,
                   unsigned inner, unsigned repeats, double *ticks, struct why *why);

void sandbox__close (struct sandbox *sandbox);

/* Which protections this kernel grants, for `doctor`: a line each, "seccomp: yes" …  Malloc'ed.  */
char *sandbox__doctor (void);

#endif
