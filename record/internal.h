/* What the files of record/ share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_RECORD_INTERNAL_H
#define AIOPT_RECORD_INTERNAL_H

#include "machine/decode.h"
#include "record/record.h"

#include <signal.h>
#include <sys/user.h>

enum
{
  TARGETS_AT_MAX = 8,
  STEP_CACHE = 1024,
  SAMPLE_PAGES_MAX = 512,
  SAMPLE_BYTES_MAX = 256 * 1024
};

/* symbols.c */

struct symbol
{
  const char *name, *file; /* of a local one, the source file that the table names; else NULL */
  uint32_t
      hash; /* of the name: programs have many symbols, and each is looked at for each function */
  uint64_t value, size;
  bool is_function, is_local;
};

/* A place in a table through which another function is called.  */
struct slot
{
  uint64_t address;
  const char *name;
};

struct segment
{
  uint64_t offset, address, size;
};

struct symbols
{
  bool stripped; /* only what is exported has symbols */
  unsigned n_symbols, n_slots, n_segments;
  struct symbol *symbol;
  struct slot *slot;
  struct segment segment[16];
};

/* The symbols of the ELF file at PATH, in ARENA; NULL and *WHY where it is none.  */
struct symbols *symbols__read (struct arena *arena, const char *path, struct why *why);

/* The function symbols that REGION may be: those of its name, of its source file where several have
   it.  Calls VISIT for each.  */
void symbols__each (const struct symbols *symbols, const struct region *region,
                    void (*visit) (void *context, const struct symbol *symbol), void *context);

/* process.c */

/* A function in some file: what is known of it, in whatever process.  */
struct site
{
  struct site *next;
  const char *path; /* of the file */
  const struct symbol *symbol;
  unsigned n_targets;
  struct record_target *target[TARGETS_AT_MAX];
  uint64_t hits, next_hit; /* the hit that is sampled next */
  unsigned tried, skipped; /* hits in a row that weren't sampled */
  bool done;
  double delay, armed_at; /* disarmed until then */
};

struct module
{
  struct module *next;
  const char *path;
  uint64_t bias;
  uint64_t low, high; /* where its code is */
  const struct symbols *symbols;
};

struct breakpoint
{
  struct breakpoint *next;
  uint64_t address;
  uint8_t original; /* known once it was inserted */
  bool inserted, was_inserted;
  bool loader;       /* the dynamic linker tells that libraries have come */
  unsigned returns;  /* samples that wait for a return to here */
  struct site *site; /* NULL where it is no function's entry */
  struct module *module;
};

struct process
{
  struct process *next;
  pid_t pid;
  int memory; /* /proc/PID/mem */
  struct arena *arena;
  struct module *module;
  struct breakpoint *breakpoint;
};

struct thread
{
  struct thread *next;
  pid_t tid, group;
  struct process
      *process; /* NULL: its parent hasn't told of it yet; its parent's own after a vfork */
  struct sample *sample;
  uint64_t pending; /* signals held back while it is stepped, a bit each */
};

struct recorder
{
  const struct record_options *options;
  struct arena *arena;
  unsigned n_targets;
  struct record_target *target;
  struct site *site;
  struct process *process;
  struct thread *thread;
  struct symbols_of
  {
    struct symbols_of *next;
    const char *path;
    const struct symbols *symbols;
  } * file;
  struct decoded_insn *step; /* decoded instructions, STEP_CACHE of them, and where they are */
  uint64_t *step_at;
  pid_t *step_pid;
  pid_t main;
  bool main_ended, stopped;
  struct record_result *result;
};

double recorder__now (void);

/* Opens PID's memory and finds its modules' functions.  NULL where it is gone.  */
struct process *process__new (struct recorder *recorder, pid_t pid, const struct process *parent);
void process__free (struct recorder *recorder, struct process *process);

/* Looks at what is mapped (again).  */
void process__scan (struct recorder *recorder, struct process *process);

size_t process__read (const struct process *process, uint64_t address, void *to, size_t size);
struct breakpoint *process__breakpoint (const struct process *process, uint64_t address);
struct breakpoint *process__add_breakpoint (struct process *process, uint64_t address);
bool breakpoint__insert (const struct process *process, struct breakpoint *breakpoint);
void breakpoint__remove (const struct process *process, struct breakpoint *breakpoint);

/* The module whose code ADDRESS is in, and the function of its, each NULL where there is none.  */
struct module *process__module (const struct process *process, uint64_t address);
const struct symbol *module__function (const struct module *module, uint64_t address);

/* Where NAME is that code of MODULE uses; true, *ADDRESS and *SIZE.  */
bool process__global (const struct process *process, const struct module *module, const char *name,
                      uint64_t *address, uint64_t *size);

/* The name of the function that is called through the stub at ADDRESS, or that is there; NULL where
 * unknown.  */
const char *process__callee (const struct process *process, uint64_t address);

/* sample.c */

/* Starts recording the call that THREAD (stopped at BREAKPOINT, REGISTERS its own) begins, and goes
   on as far as a call or the end.  */
void sample__begin (struct recorder *recorder, struct thread *thread, struct breakpoint *breakpoint,
                    const struct user_regs_struct *registers);

/* THREAD is back from a call, or somewhere else: true where its sample goes on from here.  */
bool sample__returns (const struct thread *thread, const struct user_regs_struct *registers);
void sample__go_on (struct recorder *recorder, struct thread *thread);

/* Throws THREAD's sample away; REASON is noted unless 0.  */
void sample__drop (struct thread *thread, enum reason reason, const char *detail);
uint64_t sample__entry_rsp (const struct thread *thread);
const struct site *sample__site (const struct thread *thread);

/* loop.c */

enum step
{
  STEP_DONE,
  STEP_FAULT,
  STEP_GONE
};

/* Lets THREAD run one instruction, over a breakpoint too.  STEP_FAULT: the instruction raised a
   signal, which is pending.  STEP_GONE: the thread is no more.  */
enum step thread__step (struct recorder *recorder, struct thread *thread, uint64_t rip);

#endif
