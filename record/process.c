/* A process that is watched: its memory, the files mapped in it, the breakpoints set in it.

   A breakpoint is one byte, written through /proc/PID/mem, which works while the process runs; a
   byte changes at once or not at all.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "record/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BREAKPOINT 0xcc
/* The dynamic linker calls it when libraries have been mapped.  */
#define LOADER_HOOK "_dl_debug_state"

size_t
process__read (const struct process *process, uint64_t address, void *to, size_t size)
{
  size_t done = 0;
  while (done < size)
    {
      ssize_t n = pread (process->memory, (char *)to + done, size - done, (off_t)(address + done));
      if (n <= 0)
        break;
      done += (size_t)n;
    }
  return done;
}

struct breakpoint *
process__breakpoint (const struct process *process, uint64_t address)
{
  struct breakpoint *breakpoint = process->breakpoint;
  while (breakpoint && breakpoint->address != address)
    breakpoint = breakpoint->next;
  return breakpoint;
}

struct breakpoint *
process__add_breakpoint (struct process *process, uint64_t address)
{
  struct breakpoint *breakpoint = process__breakpoint (process, address);
  if (breakpoint)
    return breakpoint;
  breakpoint = ARENA_NEW (process->arena, struct breakpoint);
  breakpoint->address = address;
  breakpoint->next = process->breakpoint;
  process->breakpoint = breakpoint;
  return breakpoint;
}

bool
breakpoint__insert (const struct process *process, struct breakpoint *breakpoint)
{
  const uint8_t trap = BREAKPOINT;
  if (breakpoint->inserted)
    return true;
  if (pread (process->memory, &breakpoint->original, 1, (off_t)breakpoint->address) != 1
      || pwrite (process->memory, &trap, 1, (off_t)breakpoint->address) != 1)
    return false;
  breakpoint->inserted = breakpoint->was_inserted = true;
  return true;
}

void
breakpoint__remove (const struct process *process, struct breakpoint *breakpoint)
{
  if (breakpoint->inserted
      && pwrite (process->memory, &breakpoint->original, 1, (off_t)breakpoint->address) == 1)
    breakpoint->inserted = false;
}

/* The symbols of the file at PATH, read once.  */
static const struct symbols *
file__symbols (struct recorder *recorder, const struct process *process, const char *path)
{
  for (struct symbols_of *file = recorder->file; file; file = file->next)
    if (strcmp (file->path, path) == 0)
      return file->symbols;
  /* As the process sees it: it may have another root.  */
  char *through = arena__printf (recorder->arena, "/proc/%d/root%s", (int)process->pid, path);
  struct why why;
  struct symbols_of *file = ARENA_NEW (recorder->arena, struct symbols_of);
  file->path = arena__strdup (recorder->arena, path);
  file->symbols = symbols__read (recorder->arena, through, &why);
  file->next = recorder->file;
  recorder->file = file;
  return file->symbols;
}

/* What is being set up.  */
struct placing
{
  struct recorder *recorder;
  struct process *process;
  struct module *module;
  struct record_target *target;
};

static struct site *
site__find (struct recorder *recorder, const char *path, const struct symbol *symbol)
{
  for (struct site *site = recorder->site; site; site = site->next)
    if (site->symbol->value == symbol->value && strcmp (site->path, path) == 0)
      return site;
  struct site *site = ARENA_NEW (recorder->arena, struct site);
  site->path = path;
  site->symbol = symbol;
  site->next_hit = 1;
  site->next = recorder->site;
  recorder->site = site;
  return site;
}

static void
place_breakpoint (void *context, const struct symbol *symbol)
{
  struct placing *placing = context;
  struct site *site = site__find (placing->recorder, placing->module->path, symbol);
  bool known = false;
  for (unsigned i = 0; i < site->n_targets; i++)
    known |= site->target[i] == placing->target;
  if (!known && site->n_targets < TARGETS_AT_MAX)
    {
      site->target[site->n_targets++] = placing->target;
      placing->target->places++;
    }
  struct breakpoint *breakpoint
      = process__add_breakpoint (placing->process, placing->module->bias + symbol->value);
  breakpoint->site = site;
  breakpoint->module = placing->module;
  if (site->done || site->armed_at > recorder__now ())
    breakpoint__remove (placing->process, breakpoint);
  else
    breakpoint__insert (placing->process, breakpoint);
}

/* Sets the breakpoints of a module that has come.  */
static void
module__found (struct recorder *recorder, struct process *process, struct module *module)
{
  for (unsigned i = 0; i < recorder->n_targets; i++)
    {
      struct placing placing = { recorder, process, module, &recorder->target[i] };
      symbols__each (module->symbols, recorder->target[i].region, place_breakpoint, &placing);
    }
  for (unsigned i = 0; i < module->symbols->n_symbols; i++)
    if (strcmp (module->symbols->symbol[i].name, LOADER_HOOK) == 0)
      {
        struct breakpoint *breakpoint
            = process__add_breakpoint (process, module->bias + module->symbols->symbol[i].value);
        breakpoint->loader = true;
        breakpoint->module = module;
        breakpoint__insert (process, breakpoint);
        return;
      }
}

void
process__scan (struct recorder *recorder, struct process *process)
{
  char path[64], *line = NULL;
  size_t room = 0;
  snprintf (path, sizeof path, "/proc/%d/maps", (int)process->pid);
  FILE *maps = fopen (path, "re");
  if (!maps)
    return;
  while (getline (&line, &room, maps) > 0)
    {
      uint64_t low, high, offset;
      char rights[8];
      int name = 0;
      if (sscanf (line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &low, &high, rights,
                  &offset, &name)
              < 4
          || !name || line[name] != '/' || rights[2] != 'x')
        continue;
      line[strcspn (line, "\n")] = 0;
      struct module *module = process->module;
      while (module && (module->low != low || strcmp (module->path, line + name) != 0))
        module = module->next;
      if (module)
        continue;
      const struct symbols *symbols = file__symbols (recorder, process, line + name);
      if (!symbols)
        continue;
      for (unsigned i = 0; i < symbols->n_segments; i++)
        {
          const struct segment *segment = &symbols->segment[i];
          uint64_t from = segment->offset & ~UINT64_C (4095);
          if (offset < from || offset >= segment->offset + segment->size)
            continue;
          module = ARENA_NEW (process->arena, struct module);
          for (struct symbols_of *file = recorder->file; file; file = file->next)
            if (file->symbols == symbols)
              module->path = file->path;
          module->low = low;
          module->high = high;
          module->bias = low - (segment->address - segment->offset + offset);
          module->symbols = symbols;
          /* The program itself comes first, and its names win.  */
          struct module **last = &process->module;
          while (*last)
            last = &(*last)->next;
          *last = module;
          module__found (recorder, process, module);
          break;
        }
    }
  free (line);
  fclose (maps);
}

struct process *
process__new (struct recorder *recorder, pid_t pid, const struct process *parent)
{
  char path[64];
  snprintf (path, sizeof path, "/proc/%d/mem", (int)pid);
  int memory = open (path, O_RDWR | O_CLOEXEC);
  if (memory < 0)
    return NULL;
  struct process *process = calloc (1, sizeof *process);
  if (!process)
    abort ();
  process->pid = pid;
  process->memory = memory;
  process->arena = arena__new ();
  process->next = recorder->process;
  recorder->process = process;
  recorder->result->processes++;
  /* The parent's breakpoints came along with its memory, whatever became of them there since.  */
  for (const struct breakpoint *from = parent ? parent->breakpoint : NULL; from; from = from->next)
    {
      uint8_t byte;
      if (process__read (process, from->address, &byte, 1) != 1 || byte != BREAKPOINT
          || from->original == BREAKPOINT || !from->was_inserted)
        continue;
      struct breakpoint *to = process__add_breakpoint (process, from->address);
      to->original = from->original;
      to->inserted = to->was_inserted = true;
      if (!from->site && !from->loader)
        breakpoint__remove (process, to);
    }
  process__scan (recorder, process);
  return process;
}

void
process__free (struct recorder *recorder, struct process *process)
{
  for (struct process **at = &recorder->process; *at; at = &(*at)->next)
    if (*at == process)
      {
        *at = process->next;
        break;
      }
  close (process->memory);
  arena__free (process->arena);
  free (process);
}

struct module *
process__module (const struct process *process, uint64_t address)
{
  struct module *module = process->module;
  while (module && (address < module->low || address >= module->high))
    module = module->next;
  return module;
}

const struct symbol *
module__function (const struct module *module, uint64_t address)
{
  for (unsigned i = 0; module && i < module->symbols->n_symbols; i++)
    {
      const struct symbol *symbol = &module->symbols->symbol[i];
      if (symbol->is_function && address - (module->bias + symbol->value) < symbol->size)
        return symbol;
    }
  return NULL;
}

/* Finds NAME in MODULE.  */
static bool
module__object (const struct module *module, const char *name, bool local, uint64_t *address,
                uint64_t *size)
{
  for (unsigned i = 0; i < module->symbols->n_symbols; i++)
    {
      const struct symbol *symbol = &module->symbols->symbol[i];
      if (symbol->is_local == local && !symbol->is_function && symbol->size
          && strcmp (symbol->name, name) == 0)
        {
          *address = module->bias + symbol->value;
          *size = symbol->size;
          return true;
        }
    }
  return false;
}

bool
process__global (const struct process *process, const struct module *module, const char *name,
                 uint64_t *address, uint64_t *size)
{
  if (module__object (module, name, true, address, size))
    return true;
  for (const struct module *any = process->module; any; any = any->next)
    if (module__object (any, name, false, address, size))
      return true;
  return false;
}

const char *
process__callee (const struct process *process, uint64_t address)
{
  const struct module *module = process__module (process, address);
  uint64_t at = address;
  /* A stub is one or two instructions: endbr64, then a jump through a slot.  */
  for (unsigned i = 0; module && i < 2; i++)
    {
      uint8_t bytes[16];
      struct decoded_insn insn;
      struct why why;
      size_t n = process__read (process, at, bytes, sizeof bytes);
      if (!n || insn__decode (bytes, n, &insn, &why))
        break;
      at += insn.length;
      if ((insn.kind & KIND_JUMP) && (insn.kind & KIND_INDIRECT) && insn.n_memory
          && insn.memory[0].base == 16)
        {
          uint64_t slot = at + (uint64_t)insn.memory[0].disp - module->bias;
          for (unsigned k = 0; k < module->symbols->n_slots; k++)
            if (module->symbols->slot[k].address == slot)
              return module->symbols->slot[k].name;
          break;
        }
      if (!(insn.kind & KIND_NOP))
        break;
    }
  const struct symbol *symbol = module__function (module, address);
  return symbol && module->bias + symbol->value == address ? symbol->name : NULL;
}
