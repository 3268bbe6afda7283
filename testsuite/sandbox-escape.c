/* What code in the sandbox may try to get out, to stay alive, or to spoil its parent, and that nothing comes of it.

   The images are made from bytes and run without the verifier's allow-list, which would let through next to none of
   this. After each attempt the parent is as it was, an honest function gives the right answer in the same sandbox
   object, no process is left over, no descriptor, and a file outside is untouched.

   Arguments: the number of random byte sequences (default 2000; `make check-escape` runs 10000).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/parent.h"
#include "testsuite/sandbox-fixture.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { RANDOM_DEFAULT = 2000, TIMEOUT_MS = 20, LENGTH = 4096 };

/* Where an attempt finds what it needs: rdi points to the state's page, rsi is a number or an address that the
   test gives, the context page's fields are at fixed places.  */
#define CONTEXT_AT(FIELD) "0x1b000000+" XSTR (CONTEXT_##FIELD)
#define XSTR(X) STR (X)
#define STR(X) #X

enum want
{
  WANT_ANY,     /* whatever, as long as it is contained */
  WANT_NO_RETURN,
  WANT_DIED,    /* the kernel killed it */
  WANT_TRAPPED
};

struct attempt
{
  const char *name;
  enum want want;
  const char *text;
};

/* Named in the texts below.  */
_Static_assert (SANDBOX_HUGE_BASE == 0x155d38000000 && SANDBOX_STACK_BASE == 0x6d1ec4000000, "as written there");

static const struct attempt attempts[] = {
  /* System calls by every road.  */
  { "syscall: write to the channel what nobody asked for", WANT_ANY,
    "mov $1,%eax\n xor %edi,%edi\n lea 1f(%rip),%rsi\n mov $8,%edx\n syscall\n ret\n 1: .long 'D', 1" },
  { "syscall: say done, then loop", WANT_NO_RETURN,
    "mov $1,%eax\n xor %edi,%edi\n lea 1f(%rip),%rsi\n mov $8,%edx\n syscall\n 2: jmp 2b\n 1: .long 'D', 1" },
  { "syscall: say done for all the numbers to come, then go on", WANT_ANY,
    "mov $1,%r12d\n 2: mov %r12d,36(%rdi)\n movl $'D',32(%rdi)\n push %rdi\n mov $1,%eax\n lea 32(%rdi),%rsi\n"
    "xor %edi,%edi\n mov $8,%edx\n syscall\n pop %rdi\n inc %r12d\n cmp $60,%r12d\n jb 2b\n ret" },
  { "syscall: read the channel", WANT_ANY, "xor %eax,%eax\n mov %rdi,%rsi\n xor %edi,%edi\n mov $8,%edx\n syscall\n ret" },
  { "syscall: mprotect of its code to writable", WANT_DIED,
    "mov $10,%eax\n mov $0x10000000,%edi\n mov $4096,%esi\n mov $7,%edx\n syscall\n ret" },
  { "syscall: mprotect of the arena to executable, then a jump there", WANT_DIED,
    "movb $0xc3,(%rdi)\n mov %rdi,%rbx\n mov $10,%eax\n mov $4096,%esi\n mov $7,%edx\n syscall\n jmp *%rbx" },
  { "syscall: mprotect across the end of the arena", WANT_ANY,
    "mov $10,%eax\n mov $0x263fe000,%edi\n mov $0x3000,%esi\n mov $3,%edx\n syscall\n ret" },
  { "syscall: mprotect across the end of the arena's other half", WANT_ANY,
    "mov $10,%eax\n mov $0x6a3b09dff000,%rdi\n mov $0x3000,%esi\n mov $3,%edx\n syscall\n ret" },
  { "syscall: mprotect of what huge objects are made of to writable, then a store", WANT_TRAPPED,
    "mov $10,%eax\n mov $0x155d38000000,%rdi\n mov $4096,%esi\n mov $3,%edx\n mov %rdi,%rbx\n syscall\n movb $1,(%rbx)\n ret" },
  { "syscall: mprotect of the context, of the stubs, of the harness", WANT_DIED,
    "mov $10,%eax\n mov $0x1b000000,%edi\n mov $4096,%esi\n mov $0,%edx\n syscall\n ret" },
  { "syscall: mprotect of the stubs", WANT_DIED,
    "mov $10,%eax\n mov $0x18000000,%edi\n mov $4096,%esi\n mov $3,%edx\n syscall\n ret" },
  { "syscall: mmap writable and executable", WANT_DIED,
    "mov $9,%eax\n xor %edi,%edi\n mov $4096,%esi\n mov $7,%edx\n mov $0x22,%r10d\n mov $-1,%r8\n xor %r9d,%r9d\n syscall\n ret" },
  { "sysenter", WANT_NO_RETURN, "mov $20,%eax\n mov %rsp,%rbp\n sysenter\n ret" },
  { "int 0x80: fork", WANT_NO_RETURN, "mov $2,%eax\n int $0x80\n ret" },
  { "int 0x80: execve", WANT_NO_RETURN, "mov $11,%eax\n mov %edi,%ebx\n xor %ecx,%ecx\n xor %edx,%edx\n int $0x80\n ret" },
  { "int 0x80: write to the channel (write's number is mmap's neighbour)", WANT_NO_RETURN,
    "mov $4,%eax\n xor %ebx,%ebx\n mov %edi,%ecx\n mov $8,%edx\n int $0x80\n ret" },
  { "a far return to 32-bit code, and a call from there", WANT_NO_RETURN,
    "push $0x23\n lea 1f(%rip),%rax\n push %rax\n lretq\n 1: .byte 0xb8,2,0,0,0,0xcd,0x80\n ud2" },
  { "a far jump to 32-bit code, and sysenter from there", WANT_NO_RETURN,
    "lea 1f(%rip),%rax\n mov %eax,(%rdi)\n movl $0x23,4(%rdi)\n ljmp *(%rdi)\n 1: .byte 0xb8,20,0,0,0,0x0f,0x34\n ud2" },
  { "the vsyscall page: gettimeofday", WANT_ANY, "mov $0xffffffffff600000,%rax\n call *%rax\n ret" },
  { "the vsyscall page: time", WANT_ANY, "xor %edi,%edi\n mov $0xffffffffff600400,%rax\n call *%rax\n ret" },
  { "an x32 system call", WANT_DIED, "mov $0x40000027,%eax\n syscall\n ret" },
  { "a system call with a number of 64 bits", WANT_ANY, "mov $0x100000027,%rax\n syscall\n ret" },
  { "exit_group", WANT_NO_RETURN, "mov $231,%eax\n xor %edi,%edi\n syscall\n ret" },

  /* Signals.  */
  { "sigreturn with a frame that blocks all signals, then a fault", WANT_NO_RETURN,
    "sub $2048,%rsp\n mov %rsp,%rbx\n mov %rbx,%rdi\n xor %eax,%eax\n mov $256,%ecx\n rep stosq\n"
    "lea 1f(%rip),%rax\n mov %rax,168(%rbx)\n mov %rbx,160(%rbx)\n movw $0x33,184(%rbx)\n movw $0x2b,190(%rbx)\n movq $0x202,176(%rbx)\n"
    "movq $-1,296(%rbx)\n mov $15,%eax\n syscall\n 1: xor %eax,%eax\n mov (%rax),%rax\n ret" },
  { "sigreturn to the kernel's half", WANT_NO_RETURN,
    "sub $2048,%rsp\n mov %rsp,%rbx\n mov %rbx,%rdi\n mov $-1,%rax\n mov $256,%ecx\n rep stosq\n mov $15,%eax\n syscall\n ret" },
  { "block and change signals", WANT_DIED, "mov $14,%eax\n xor %edi,%edi\n lea 64(%rsp),%rsi\n xor %edx,%edx\n mov $8,%r10d\n syscall\n ret" },
  { "take over a signal", WANT_DIED, "mov $13,%eax\n mov $11,%edi\n mov %rsp,%rsi\n xor %edx,%edx\n mov $8,%r10d\n syscall\n ret" },

  /* Into the harness.  */
  { "jump to the return target", WANT_ANY, "jmp *" CONTEXT_AT (RETURN_TARGET) },
  { "jump to the stub target", WANT_ANY, "jmp *" CONTEXT_AT (STUB_TARGET) },
  { "call a stub that the region doesn't have", WANT_NO_RETURN, "mov $0x1800ff00,%eax\n call *%rax\n ret" },
  { "jump into the middle of a stub", WANT_ANY, "mov $0x18000003,%eax\n jmp *%rax" },
  { "jump to the batch's call stub", WANT_NO_RETURN, "mov $0x18010080,%eax\n jmp *%rax" },
  { "jump to the return stub with a foreign stack", WANT_NO_RETURN, "lea 512(%rdi),%rsp\n mov $0x18010000,%eax\n jmp *%rax" },
  { "jump to an address of the harness", WANT_ANY, "jmp *%rsi" },

  /* Over what it shares with the harness and the parent.  */
  { "write over the context page and return", WANT_ANY,
    "mov $0x1b000000,%edi\n mov $512,%ecx\n mov $-1,%rax\n rep stosq\n ret" },
  { "write over the context page with zeros and return", WANT_ANY,
    "mov $0x1b000000,%edi\n mov $512,%ecx\n xor %eax,%eax\n rep stosq\n ret" },
  { "another entry for the runs to come", WANT_ANY, "movq $0x18010000," CONTEXT_AT (ENTRY) "\n ret" },
  { "another return target: back to itself", WANT_ANY, "lea 1f(%rip),%rax\n mov %rax," CONTEXT_AT (RETURN_TARGET) "\n 1: ret" },
  { "the C stack pointer somewhere else", WANT_ANY, "movq $0x20500000," CONTEXT_AT (C_RSP) "\n ret" },
  { "write over the process's own structures", WANT_ANY, "mov " CONTEXT_AT (REST) ",%rdi\n mov $4096,%ecx\n mov $0x41,%eax\n rep stosq\n ret" },
  { "write over the C stack", WANT_ANY, "mov " CONTEXT_AT (C_RSP) ",%rdi\n mov $64,%ecx\n mov $-1,%rax\n rep stosq\n ret" },
  { "write over the results and around", WANT_ANY,
    "mov " CONTEXT_AT (OUT_VEC) ",%rdi\n sub $4096,%rdi\n mov $8192,%ecx\n mov $-1,%rax\n rep stosq\n ret" },
  { "write over all of the output area", WANT_ANY,
    "mov " CONTEXT_AT (OUT_VEC) ",%rdi\n sub $0x1000000,%rdi\n and $-4096,%rdi\n mov $0x1400000,%ecx\n mov $-1,%rax\n rep stosq\n ret" },
  { "forge a result: returned, with registers it chose", WANT_ANY,
    "mov " CONTEXT_AT (OUT_VEC) ",%rdi\n sub $512,%rdi\n mov $64,%ecx\n xor %eax,%eax\n rep stosq\n 1: jmp 1b" },
  { "write to the input area", WANT_TRAPPED, "mov " CONTEXT_AT (IN_VEC) ",%rdi\n movb $1,(%rdi)\n ret" },
  { "write to the area of batches", WANT_TRAPPED, "mov " CONTEXT_AT (REST) ",%rax\n mov 16(%rax),%rdi\n movb $1,(%rdi)\n ret" },
  { "write to what the process was told at its start", WANT_TRAPPED, "mov " CONTEXT_AT (REST) ",%rax\n mov (%rax),%rdi\n movb $1,(%rdi)\n ret" },
  { "write to the records of instrumented code", WANT_TRAPPED, "mov $0x0c001000,%edi\n movb $1,(%rdi)\n ret" },
  { "write to its own code", WANT_TRAPPED, "lea 1f(%rip),%rdi\n movb $0x90,(%rdi)\n 1: ret" },
  { "write to the stubs", WANT_TRAPPED, "mov $0x18000000,%edi\n movb $0x90,(%rdi)\n ret" },
  { "write to the caller's frame", WANT_ANY, "lea 8(%rsp),%rdi\n mov $96,%ecx\n xor %eax,%eax\n rep stosq\n ret" },
  { "write beyond the stack", WANT_TRAPPED, "mov $0x6d1ec4100000,%rdi\n movb $1,(%rdi)\n ret" },
  { "run what it wrote into the arena", WANT_NO_RETURN, "movb $0xc3,(%rdi)\n jmp *%rdi" },
  { "run what it wrote onto the stack", WANT_NO_RETURN, "movl $0xc3c3c3c3,-8(%rsp)\n lea -8(%rsp),%rax\n jmp *%rax" },
  { "run what it wrote into the other mapping of the arena", WANT_NO_RETURN,
    "mov " CONTEXT_AT (REST) ",%rax\n mov 32(%rax),%rdi\n movb $0xc3,(%rdi)\n jmp *%rdi" },
  { "run what it wrote into the output area", WANT_NO_RETURN,
    "mov " CONTEXT_AT (OUT_VEC) ",%rdi\n movb $0xc3,(%rdi)\n jmp *%rdi" },
  { "read where the parent has something", WANT_TRAPPED, "mov (%rsi),%rax\n ret" },

  /* Exhaustion.  */
  { "an endless loop", WANT_NO_RETURN, "1: jmp 1b" },
  { "an endless loop that rests", WANT_NO_RETURN, "1: pause\n jmp 1b" },
  { "endless recursion", WANT_NO_RETURN, "1: call 1b" },
  { "all of the arena's memory through the other mapping", WANT_ANY,
    "mov " CONTEXT_AT (REST) ",%rax\n mov 32(%rax),%rdi\n mov $0x2000000,%ecx\n mov $1,%eax\n rep stosq\n ret" },
  { "all of the stack", WANT_ANY, "mov $0x6d1ec40ff000,%rdi\n mov $256,%ecx\n 1: movb $1,(%rdi)\n sub $4096,%rdi\n dec %ecx\n jnz 1b\n ret" },
  { "a stack pointer of zero, then a push", WANT_NO_RETURN, "xor %esp,%esp\n push %rax\n ret" },
  { "a stack pointer that isn't canonical", WANT_NO_RETURN, "mov $0x8000000000000000,%rsp\n push %rax\n ret" },
  { "a stack pointer in the context, then a fault", WANT_NO_RETURN, "mov $0x1b000800,%esp\n ud2" },
  { "a stack pointer on the signals' stack, then a fault", WANT_NO_RETURN, "mov " CONTEXT_AT (REST) ",%rsp\n add $0x30000,%rsp\n ud2" },
  { "traps for ever", WANT_NO_RETURN, "lea 1f(%rip),%rax\n mov %rax," CONTEXT_AT (C_RSP) "\n 1: ud2" },

  /* Instructions that aren't for user code, or that change how code runs.  */
  { "int3", WANT_TRAPPED, "int3\n ret" },
  { "int1", WANT_TRAPPED, ".byte 0xf1\n ret" },
  { "into of old, int 4, int 0x20, int 0xff", WANT_NO_RETURN, "int $4\n int $0x20\n int $0xff\n ret" },
  { "hlt", WANT_TRAPPED, "hlt\n ret" },
  { "ud2", WANT_TRAPPED, "ud2\n ret" },
  { "cli", WANT_TRAPPED, "cli\n ret" },
  { "sti", WANT_TRAPPED, "sti\n ret" },
  { "in", WANT_TRAPPED, "in $0x80,%al\n ret" },
  { "out", WANT_TRAPPED, "out %al,$0x80\n ret" },
  { "mov to cr0", WANT_TRAPPED, "mov %rax,%cr0\n ret" },
  { "mov to dr7", WANT_TRAPPED, "mov %rax,%dr7\n ret" },
  { "lgdt", WANT_TRAPPED, "lgdt (%rdi)\n ret" },
  { "lidt", WANT_TRAPPED, "lidt (%rdi)\n ret" },
  { "ltr", WANT_TRAPPED, "xor %eax,%eax\n ltr %ax\n ret" },
  { "rdmsr", WANT_TRAPPED, "xor %ecx,%ecx\n rdmsr\n ret" },
  { "wrmsr", WANT_TRAPPED, "mov $0xc0000082,%ecx\n wrmsr\n ret" },
  { "invlpg", WANT_TRAPPED, "invlpg (%rdi)\n ret" },
  { "wbinvd", WANT_TRAPPED, "wbinvd\n ret" },
  { "clts", WANT_TRAPPED, "clts\n ret" },
  { "swapgs", WANT_TRAPPED, "swapgs\n ret" },
  { "sysret", WANT_TRAPPED, "sysretq\n ret" },
  { "xsetbv", WANT_TRAPPED, "xor %ecx,%ecx\n mov $3,%eax\n xor %edx,%edx\n xsetbv\n ret" },
  { "monitor", WANT_NO_RETURN, "mov %rdi,%rax\n xor %ecx,%ecx\n xor %edx,%edx\n monitor\n ud2" },
  { "vmrun", WANT_NO_RETURN, "mov %rdi,%rax\n vmrun\n ret" },
  { "vmmcall", WANT_ANY, "xor %eax,%eax\n vmmcall\n ret" },
  { "rdpmc", WANT_ANY, "xor %ecx,%ecx\n rdpmc\n ret" },
  { "clflush of its code and of the context", WANT_ANY, "lea 1f(%rip),%rax\n clflush (%rax)\n clflush 0x1b000000\n 1: ret" },
  { "iretq to the kernel's code segment", WANT_NO_RETURN, "push $0x18\n push %rsp\n pushfq\n push $0x10\n lea 1f(%rip),%rax\n push %rax\n iretq\n 1: ret" },
  { "popf with the trap flag", WANT_NO_RETURN, "pushfq\n orl $0x100,(%rsp)\n popfq\n nop\n nop\n ret" },
  { "popf with the alignment flag", WANT_ANY, "pushfq\n orl $0x40000,(%rsp)\n popfq\n ret" },
  { "popf with NT", WANT_ANY, "pushfq\n orl $0x4000,(%rsp)\n popfq\n ret" },
  { "popf with IOPL 3", WANT_ANY, "pushfq\n orl $0x3000,(%rsp)\n popfq\n ret" },
  { "the direction flag", WANT_ANY, "std\n ret" },
  { "segments: null in ds, es, fs, gs", WANT_ANY, "xor %eax,%eax\n mov %eax,%ds\n mov %eax,%es\n mov %eax,%fs\n mov %eax,%gs\n ret" },
  { "segments: null in ss", WANT_NO_RETURN, "xor %eax,%eax\n mov %eax,%ss\n ret" },
  { "segments: fs by wrfsbase", WANT_ANY, "wrfsbase %rdi\n ret" },
  { "segments: gs by wrgsbase", WANT_ANY, "mov $0x1b000000,%eax\n wrgsbase %rax\n ret" },
  { "MXCSR with all exceptions unmasked, left so", WANT_ANY, "push $0\n ldmxcsr (%rsp)\n pop %rax\n ret" },
  { "MXCSR with reserved bits", WANT_TRAPPED, "push $-1\n ldmxcsr (%rsp)\n pop %rax\n ret" },
  { "MXCSR unmasked, and a division by zero", WANT_TRAPPED, "push $0\n ldmxcsr (%rsp)\n pop %rax\n xorps %xmm0,%xmm0\n divss %xmm0,%xmm0\n ret" },
  { "x87 with exceptions unmasked and pending", WANT_ANY, "push $0x340\n fldcw (%rsp)\n pop %rax\n fldz\n fld1\n fdivp\n fdiv %st,%st\n ret" },
  { "an x87 stack that is full", WANT_ANY, "fld1\n fld1\n fld1\n fld1\n fld1\n fld1\n fld1\n fld1\n fld1\n ret" },
  { "MMX without emms", WANT_ANY, "movq %rax,%mm3\n ret" },
  { "fxrstor of what is in the arena", WANT_ANY, "fxrstor64 (%rdi)\n ret" },
  { "fxrstor of a legal image with other controls", WANT_ANY, "fxsave64 512(%rdi)\n movw $0,512(%rdi)\n movl $0,536(%rdi)\n fxrstor64 512(%rdi)\n ret" },
  { "xrstor of all from zeros", WANT_ANY, "sub $8192,%rsp\n and $-64,%rsp\n mov %rsp,%rdi\n mov $1024,%ecx\n xor %eax,%eax\n rep stosq\n mov $-1,%eax\n mov $-1,%edx\n xrstor64 (%rsp)\n mov $0x6d1ec40ffcf8,%rsp\n ret" },
  { "a jump that isn't canonical", WANT_NO_RETURN, "mov $0x8000000000000000,%rax\n jmp *%rax" },
  { "a return to an address that isn't canonical", WANT_NO_RETURN, "mov $0x123456789abcdef0,%rax\n push %rax\n ret" },
  { "a jump into the kernel", WANT_NO_RETURN, "mov $0xffffffff81000000,%rax\n jmp *%rax" },
  { "a load from the kernel", WANT_TRAPPED, "mov $0xffffffff81000000,%rax\n mov (%rax),%rax\n ret" },
  { "a prefetch of everything, and a transaction", WANT_ANY, "prefetchnta 0\n prefetcht0 (%rsp)\n ret" },
  { "protection keys", WANT_ANY, "xor %ecx,%ecx\n xor %edx,%edx\n mov $-1,%eax\n wrpkru\n ret" },
  { "random numbers, time and identity", WANT_ANY, "rdtsc\n rdtscp\n rdrand %rax\n cpuid\n ret" },
};
enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

struct bench
{
  struct sandbox *sandbox;
  struct image *image, *honest;
  struct state *state;
  struct outcome *outcome;
  char canary[64], made[80];
  unsigned n_files;
  unsigned failed, number, contained;
  unsigned by_status[RUN_ESCAPED + 1];
};

static void
result (struct bench *bench, bool well, const char *name, const char *detail)
{
  bench->failed += !well;
  printf ("%sok %u - %s%s%s\n", well ? "" : "not ", ++bench->number, name, *detail ? ": " : "", detail);
}

/* Children of this process, by /proc; open descriptors.  */
static unsigned
count_children (void)
{
  unsigned n = 0;
  DIR *all = opendir ("/proc");
  for (struct dirent *entry; all && (entry = readdir (all));)
    {
      char path[300], line[512];
      if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
        continue;
      snprintf (path, sizeof path, "/proc/%s/stat", entry->d_name);
      int fd = open (path, O_RDONLY);
      ssize_t size = fd >= 0 ? read (fd, line, sizeof line - 1) : -1;
      if (fd >= 0)
        close (fd);
      if (size <= 0)
        continue;
      line[size] = 0;
      char *after = strrchr (line, ')');
      int parent = 0;
      char status = 0;
      if (after && sscanf (after + 2, "%c %d", &status, &parent) == 2 && parent == getpid ())
        n++;
    }
  if (all)
    closedir (all);
  return n;
}

static unsigned
count_files (void)
{
  unsigned n = 0;
  DIR *all = opendir ("/proc/self/fd");
  while (all && readdir (all))
    n++;
  if (all)
    closedir (all);
  return n;
}

static const char canary_text[] = "nobody touches this";

/* Runs the code BYTES[SIZE]; what became of it.  */
static enum run_status
attempt (struct bench *bench, const uint8_t *bytes, size_t size)
{
  struct why why = { 0 };
  memset (bench->image->bytes, 0xcc, bench->image->size);
  memcpy (bench->image->bytes, bytes, size);
  memset (bench->outcome, 0, sizeof *bench->outcome);
  if (sandbox__replace (bench->sandbox, 0, bench->image, &why) != 0
      || sandbox__run (bench->sandbox, 0, (const struct state *const *) &bench->state,
                       bench->outcome, 1, TIMEOUT_MS, &why)
           != 0)
    {
      printf ("# %s\n", why.detail);
      return (enum run_status) -1;
    }
  return bench->outcome->status;
}

/* Is all as it should be after the attempt?  */
static bool
is_well (struct bench *bench, char *detail, size_t size)
{
  struct why why = { 0 };
  struct state *state = state__make ();
  *detail = 0;
  state->machine.gpr[6] = 41;
  const struct state *states[3] = { state, state, state };
  struct outcome *outcome = calloc (3, sizeof *outcome);
  if (sandbox__replace (bench->sandbox, 0, bench->honest, &why) != 0
      || sandbox__run (bench->sandbox, 0, states, outcome, 3, 1000, &why) != 0)
    snprintf (detail, size, "the sandbox can't go on: %.150s", why.detail);
  for (unsigned i = 0; i < 3 && !*detail; i++)
    if (outcome[i].status != RUN_RETURNED || outcome[i].machine.gpr[0] != 42
        || outcome[i].callee_saved_changed || outcome[i].caller_frame_changed
        || outcome[i].upper_dirty || outcome[i].machine.mxcsr != 0x1f80
        || outcome[i].span_bytes[0][0] != (uint8_t) (state->span[0].bytes[0] + 1)
        || memcmp (outcome[i].span_bytes[0] + 1, state->span[0].bytes + 1, SANDBOX_PAGE - 1) != 0)
      snprintf (detail, size, "an honest run after it gave %d, rax %llx", outcome[i].status,
                (unsigned long long) outcome[i].machine.gpr[0]);
  free (outcome);
  state__drop (state);
  char text[64] = { 0 };
  int fd = open (bench->canary, O_RDONLY);
  if (fd < 0 || read (fd, text, sizeof text - 1) != sizeof canary_text - 1
      || memcmp (text, canary_text, sizeof canary_text - 1) != 0)
    snprintf (detail, size, "the canary file");
  if (fd >= 0)
    close (fd);
  if (access (bench->made, F_OK) == 0)
    snprintf (detail, size, "a file was made");
  /* The zygote and one sandbox process.  */
  unsigned children = count_children ();
  if (children > 2)
    snprintf (detail, size, "%u processes", children);
  unsigned files = count_files ();
  if (files != bench->n_files)
    snprintf (detail, size, "%u descriptors, there were %u", files, bench->n_files);
  return !*detail;
}

static const char *const status_names[]
  = { "returned", "trapped", "noreturn", "timeout", "died", "escaped" };

static void
judge (struct bench *bench, const char *name, enum want want, enum run_status status)
{
  char detail[300] = "", all[400];
  bool as_wanted = status <= RUN_ESCAPED;
  if (want == WANT_NO_RETURN)
    as_wanted &= status != RUN_RETURNED;
  if (want == WANT_DIED)
    as_wanted &= status == RUN_DIED;
  if (want == WANT_TRAPPED && !SANITIZED)
    as_wanted &= status == RUN_TRAPPED;
  bool well = is_well (bench, detail, sizeof detail);
  snprintf (all, sizeof all, "%s%s%s%s", status <= RUN_ESCAPED ? status_names[status] : "no outcome",
            as_wanted ? "" : ", which isn't right", *detail ? ", " : "", detail);
  result (bench, well && as_wanted, name, all);
}

/* All texts in one run of the assembler, each in a page of its own.  */
static uint8_t *
assemble_all (size_t *size)
{
  char *text = NULL;
  size_t length;
  FILE *stream = open_memstream (&text, &length);
  for (unsigned i = 0; i < ATTEMPTS; i++)
    fprintf (stream, "%s\n.balign %d, 0xcc\n", attempts[i].text, LENGTH);
  fclose (stream);
  uint8_t *bytes = NULL;
  char folder[] = "/tmp/aiopt-escape-XXXXXX", path[64], command[300];
  if (!mkdtemp (folder))
    return NULL;
  snprintf (path, sizeof path, "%s/a.s", folder);
  FILE *file = fopen (path, "w");
  fwrite (text, 1, length, file);
  fclose (file);
  free (text);
  snprintf (command, sizeof command, "cd %s && as a.s -o a.o && objcopy -O binary -j .text a.o a.bin", folder);
  if (system (command) == 0)
    {
      snprintf (path, sizeof path, "%s/a.bin", folder);
      file = fopen (path, "r");
      bytes = malloc ((size_t) ATTEMPTS * LENGTH);
      *size = fread (bytes, 1, (size_t) ATTEMPTS * LENGTH, file);
      fclose (file);
    }
  snprintf (command, sizeof command, "rm -r %s", folder);
  return system (command) == 0 ? bytes : NULL;
}

static void
named_attempts (struct bench *bench)
{
  size_t size = 0;
  uint8_t *bytes = assemble_all (&size);
  if (!bytes || size != (size_t) ATTEMPTS * LENGTH)
    {
      result (bench, false, "assembling the attempts", "");
      return;
    }
  uint64_t *secret = malloc (64);
  *secret = 0x5ec2e7;
  for (unsigned i = 0; i < ATTEMPTS; i++)
    {
      bench->state->machine.gpr[6] = (uintptr_t) secret;
      judge (bench, attempts[i].name, attempts[i].want, attempt (bench, bytes + (size_t) i * LENGTH, LENGTH));
    }
  free (secret);
  free (bytes);
}

/* rax from r8, the arguments those that make each call most harmful.  */
static void
every_system_call (struct bench *bench)
{
  /* mov %r8,%rax; syscall; ret */
  static const uint8_t code[] = { 0x4c, 0x89, 0xc0, 0x0f, 0x05, 0xc3 };
  char detail[300] = "";
  unsigned died = 0, other = 0;
  bool well = true;
  for (unsigned number = 0; number < 470 && well; number++)
    {
      bench->state->machine.gpr[8] = number;
      /* Allowed: read and write on the channel, mprotect, sigreturn, exit_group.  */
      bool allowed = number == 0 || number == 1 || number == 10 || number == 15 || number == 231;
      enum run_status status = attempt (bench, code, sizeof code);
      bool killed = status == RUN_DIED && bench->outcome->signal == SIGSYS;
      /* uretprobe and uprobe, which newer kernels let pass by any filter: they do nothing but raise SIGILL or
         fail, unless called from the page that the kernel has put there for its probes.  */
      if (number == 335 || number == 336)
        allowed = status == RUN_RETURNED || (status == RUN_TRAPPED && bench->outcome->signal == SIGILL);
      died += killed;
      other += allowed;
      well = killed || allowed;
      if (!well)
        snprintf (detail, sizeof detail, "number %u: %s", number, status <= RUN_ESCAPED ? status_names[status] : "?");
      else if (number % 50 == 0 || allowed)
        well = is_well (bench, detail, sizeof detail);
    }
  if (well)
    {
      well = is_well (bench, detail, sizeof detail);
      if (well)
        snprintf (detail, sizeof detail, "%u killed, %u allowed ones harmless", died, other);
    }
  result (bench, well, "every system call from 0 to 469", detail);
}

/* Jumps to where the harness and the C library are, with arguments that would do harm.  */
static void
jumps_into_code (struct bench *bench)
{
  static const struct { const char *name; } library[]
    = { { "fork" }, { "vfork" }, { "system" }, { "open" }, { "creat" }, { "unlink" }, { "truncate" }, { "kill" },
        { "mmap" }, { "mprotect" }, { "execve" }, { "abort" }, { "exit" }, { "_exit" }, { "raise" }, { "longjmp" },
        { "malloc" }, { "free" }, { "sigaction" }, { "pthread_create" }, { "dlopen" }, { "write" }, { "socket" } };
  const struct { const char *name; void (*address) (void); } harness[] = {
    { "sandbox_enter", sandbox_enter },   { "sandbox_return", sandbox_return },
    { "sandbox_unwind", sandbox_unwind }, { "sandbox_stub", sandbox_stub },
    { "sandbox_time", sandbox_time },     { "sandbox_time_return", sandbox_time_return },
    { "sandbox_batch", sandbox_batch },   { "sandbox_batch_return", sandbox_batch_return },
    { "sandbox_batch_end", sandbox_batch_end }, { "sandbox_batch_stub", sandbox_batch_stub },
    { "sandbox_call_on", (void (*) (void)) sandbox_call_on },
    { "sandbox_serialize", sandbox_serialize },
    { "run__signal", (void (*) (void)) run__signal }, { "run__one", (void (*) (void)) run__one },
    { "run__prepare", (void (*) (void)) run__prepare }, { "child__main", (void (*) (void)) child__main },
    { "batch__run", (void (*) (void)) batch__run }, { "record__run", (void (*) (void)) record__run },
    { "clock__run", (void (*) (void)) clock__run }, { "stub__record", (void (*) (void)) stub__record },
    { "zygote__spawn", (void (*) (void)) zygote__spawn },
  };
  /* jmp *%rax, and the same with 16 bytes of stack first */
  static const uint8_t jump[] = { 0xff, 0xe0 };
  struct machine_state before = bench->state->machine;
  char name[128];
  bench->state->machine.gpr[7] = slot__begin (30) + 1024;
  bench->state->machine.gpr[6] = O_CREAT | O_TRUNC | O_RDWR;
  bench->state->machine.gpr[2] = 0644;
  snprintf ((char *) bench->state->span[0].bytes + 1024, 256, "%s", bench->made);
  for (unsigned i = 0; i < sizeof library / sizeof *library; i++)
    {
      void *address = dlsym (RTLD_DEFAULT, library[i].name);
      if (!address)
        continue;
      bench->state->machine.gpr[0] = (uintptr_t) address;
      if (strcmp (library[i].name, "system") == 0)
        snprintf ((char *) bench->state->span[0].bytes + 1024, 256, "touch %s", bench->made);
      else if (strcmp (library[i].name, "unlink") == 0 || strcmp (library[i].name, "truncate") == 0)
        snprintf ((char *) bench->state->span[0].bytes + 1024, 256, "%s", bench->canary);
      else
        snprintf ((char *) bench->state->span[0].bytes + 1024, 256, "%s", bench->made);
      snprintf (name, sizeof name, "jump to libc's %s", library[i].name);
      judge (bench, name, WANT_ANY, attempt (bench, jump, sizeof jump));
    }
  for (unsigned i = 0; i < sizeof harness / sizeof *harness; i++)
    {
      char detail[300] = "";
      bool well = true;
      unsigned returned = 0, offset;
      /* And into the middle of instructions.  */
      for (offset = 0; offset < 48 && well; offset += 1 + offset / 8)
        {
          bench->state->machine.gpr[0] = (uintptr_t) harness[i].address + offset;
          returned += attempt (bench, jump, sizeof jump) == RUN_RETURNED;
          well = is_well (bench, detail, sizeof detail);
        }
      snprintf (name, sizeof name, "jumps to %s and behind it", harness[i].name);
      if (!*detail)
        snprintf (detail, sizeof detail, "%u times 'returned'", returned);
      result (bench, well, name, detail);
    }
  void *vdso = dlopen ("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void *clock = vdso ? dlsym (vdso, "__vdso_clock_gettime") : NULL;
  if (clock)
    {
      bench->state->machine.gpr[0] = (uintptr_t) clock;
      bench->state->machine.gpr[7] = 0;
      bench->state->machine.gpr[6] = slot__begin (30);
      judge (bench, "the vdso's clock_gettime", WANT_ANY, attempt (bench, jump, sizeof jump));
    }
  bench->state->machine = before;
}

/* Attempts inside a batch, where records of an honest run stand beside them.  */
static void
fill_same (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step)
{
  (void) data;
  memset (records, 0, n * step);
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t rsi = first + i, rdi = slot__begin (30);
      memcpy (records + i * step + 48, &rsi, 8);
      memcpy (records + i * step + 56, &rdi, 8);
    }
}

static void
batches (struct bench *bench)
{
  static const struct { const char *name, *text; } inside[] = {
    { "the honest", "lea 1(%rsi),%rax\n ret" },
    { "a count of records that weren't run",
      "mov " CONTEXT_AT (BATCH_OUT) ",%rax\n sub $168,%rax\n mov $1000,%ecx\n movq $1000," CONTEXT_AT (BATCH_INDEX) "\n"
      "movq $1," CONTEXT_AT (BATCH_LEFT) "\n xor %eax,%eax\n ret" },
    { "results for all, guessed as zero",
      "mov " CONTEXT_AT (BATCH_OUT) ",%rdi\n sub $40,%rdi\n mov $16000,%ecx\n xor %eax,%eax\n rep stosq\n"
      "movq $1," CONTEXT_AT (BATCH_LEFT) "\n movq $999," CONTEXT_AT (BATCH_INDEX) "\n ret" },
    { "no checks any more", "movl $0," CONTEXT_AT (BATCH_CHECKS) "\n lea 1(%rsi),%rax\n inc %rbx\n ret" },
    { "a done on the channel, then a loop",
      "mov $1,%eax\n xor %edi,%edi\n lea 1f(%rip),%rsi\n mov $8,%edx\n syscall\n 2: jmp 2b\n 1: .long 'D', 1" },
    { "another record", "addq $128," CONTEXT_AT (BATCH_IN) "\n lea 2(%rsi),%rax\n ret" },
    { "the results of the last batch again", "jmp *" CONTEXT_AT (RETURN_TARGET) },
    { "an endless loop", "1: jmp 1b" },
    { "a system call", "mov $57,%eax\n syscall\n ret" },
  };
  struct why why = { 0 };
  struct image *honest = image__make ("lea 1(%rsi),%rax\n ret", 0);
  const struct image *images[] = { honest };
  struct sandbox *sandbox;
  if (sandbox__open (NULL, images, 1, NULL, &sandbox, &why) != 0)
    {
      result (bench, false, "batches", why.detail);
      return;
    }
  bench->n_files = count_files ();
  for (unsigned i = 0; i < sizeof inside / sizeof *inside; i++)
    {
      struct image *image = image__make (inside[i].text, 0);
      struct state *base = state__make ();
      struct batch_shape shape = { .base = base };
      uint8_t *mask = malloc (batch__result_size (&shape));
      struct batch_result got = { 0 };
      char detail[420] = "", name[128];
      batch__mask (&shape, mask);
      memset (mask, 0xff, 8);
      bool well = true;
      for (unsigned memory = 0; memory < 2 && well; memory++)
        {
          base->n_spans = memory;
          struct batch_side side[2] = { { sandbox, 0 }, { bench->sandbox, 0 } };
          well = sandbox__replace (bench->sandbox, 0, image, &why) == 0
                 && sandbox__batch (side, &shape, mask, fill_same, NULL, 0, 1000, TIMEOUT_MS, &got,
                                    &why)
                      == 0
                 && (i == 0) == (got.end == BATCH_SAME);
          if (!well)
            snprintf (detail, sizeof detail, "ended %d at %llu %s", got.end,
                      (unsigned long long) got.index, why.detail);
          free ((void *) got.record);
          got.record = NULL;
        }
      base->n_spans = 1;
      /* Two sandboxes, so one process more.  */
      struct state *state = state__make ();
      struct outcome *outcome = calloc (1, sizeof *outcome);
      state->machine.gpr[6] = 41;
      if (well
          && (sandbox__replace (bench->sandbox, 0, bench->honest, &why) != 0
              || sandbox__run (bench->sandbox, 0, (const struct state *const *) &state, outcome, 1, 1000,
                               &why)
                   != 0
              || outcome->status != RUN_RETURNED || outcome->machine.gpr[0] != 42))
        {
          well = false;
          snprintf (detail, sizeof detail, "an honest run after it gave %d", outcome->status);
        }
      free (outcome);
      state__drop (state);
      snprintf (name, sizeof name, "in a batch: %s", inside[i].name);
      result (bench, well, name, detail);
      free (mask);
      state__drop (base);
      image__drop (image);
    }
  sandbox__close (sandbox);
  bench->n_files = count_files ();
  image__drop (honest);
}

static uint64_t
next (uint64_t *random)
{
  return mix64 (*random += 0x9e3779b97f4a7c15u);
}

/* Random bytes; half of them begin with opcodes that do something, so that not all end at the first.  */
static void
random_bytes (struct bench *bench, unsigned n)
{
  uint64_t random = 20261126;
  char detail[300] = "";
  unsigned by_status[RUN_ESCAPED + 1] = { 0 };
  bool well = true;
  unsigned i;
  for (i = 0; i < n && well; i++)
    {
      uint8_t bytes[256];
      unsigned size = 16 + next (&random) % (sizeof bytes - 16);
      for (unsigned k = 0; k < size; k++)
        bytes[k] = (uint8_t) (next (&random) >> 20);
      if (i % 4 == 3)
        memset (bytes + 1 + next (&random) % 6, 0xc3, sizeof bytes - 8); /* a few instructions, then a return */
      else if (i % 2)
        for (unsigned k = 0; k + 4 < size; k += 3 + next (&random) % 4)
          {
            static const uint8_t starts[] = { 0x0f, 0x48, 0x89, 0x8b, 0xc7, 0x66, 0xf3, 0xf2, 0xcd, 0xe8, 0xff, 0x9d, 0xc4, 0xc5, 0x62, 0xd9 };
            bytes[k] = starts[next (&random) % sizeof starts];
          }
      for (unsigned k = 0; k < 16; k++)
        bench->state->machine.gpr[k] = k == 7 ? slot__begin (30) : next (&random) % 3 ? next (&random) % 500 : slot__begin (30) + next (&random) % 4096;
      enum run_status status = attempt (bench, bytes, size);
      if (status > RUN_ESCAPED)
        {
          well = false;
          snprintf (detail, sizeof detail, "no outcome");
          break;
        }
      by_status[status]++;
      /* Looking at all processes of the machine each time would take longer than all else.  */
      if (i % 16 == 0)
        well = is_well (bench, detail, sizeof detail);
    }
  if (well)
    {
      well = is_well (bench, detail, sizeof detail);
      size_t at = 0;
      for (unsigned s = 0; s <= RUN_ESCAPED && well; s++)
        at += (size_t) snprintf (detail + at, sizeof detail - at, "%s%s %u", s ? ", " : "", status_names[s], by_status[s]);
    }
  char name[64];
  snprintf (name, sizeof name, "%u random byte sequences", i);
  result (bench, well, name, detail);
}

int
main (int argc, char **argv)
{
  unsigned n_random = argc > 1 ? (unsigned) atoi (argv[1]) : RANDOM_DEFAULT;
  struct why why = { 0 };
  static const struct decoded_insn nothing = { .length = 1, .kind = KIND_SYSTEM };
  static const struct decoded decoded = { 1, (struct decoded_insn *) &nothing };
  uint64_t address = SANDBOX_CODE_BASE;
  struct bench bench = { 0 };
  snprintf (bench.canary, sizeof bench.canary, "/tmp/aiopt-canary-XXXXXX");
  int fd = mkstemp (bench.canary);
  if (fd < 0 || write (fd, canary_text, sizeof canary_text - 1) < 0)
    return 1;
  close (fd);
  snprintf (bench.made, sizeof bench.made, "%s-made", bench.canary);
  bench.image = image__make ("incb (%rdi)\n lea 1(%rsi),%rax\n ret", 0);
  bench.honest = image__make ("incb (%rdi)\n lea 1(%rsi),%rax\n ret", 0);
  /* The honest one is known, so the process in which it ran is good for the next attempt.  */
  bench.honest->decoded = &decoded;
  bench.honest->address = &address;
  bench.state = state__make ();
  bench.outcome = calloc (1, sizeof *bench.outcome);
  const struct image *images[] = { bench.honest };
  if (sandbox__open (NULL, images, 1, NULL, &bench.sandbox, &why) != 0)
    {
      printf ("Bail out! %s\n", why.detail);
      return 1;
    }
  bench.n_files = count_files ();
  /* Without the filter nothing below is safe to try: forks of what comes later would fill the machine.  */
  static const uint8_t harmless[] = { 0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xc3 }; /* getppid */
  if (attempt (&bench, harmless, sizeof harmless) != RUN_DIED || bench.outcome->signal != SIGSYS)
    {
      printf ("Bail out! system calls aren't refused\n");
      unlink (bench.canary);
      return 1;
    }
  named_attempts (&bench);
  jumps_into_code (&bench);
  every_system_call (&bench);
  batches (&bench);
  random_bytes (&bench, n_random);
  sandbox__close (bench.sandbox);
  unsigned children = count_children ();
  result (&bench, children <= 1, "nothing is left but the zygote", "");
  printf ("1..%u\n", bench.number);
  image__drop (bench.image);
  image__drop (bench.honest);
  state__drop (bench.state);
  free (bench.outcome);
  unlink (bench.canary);
  return bench.failed != 0;
}
