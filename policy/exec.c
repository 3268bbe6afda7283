/* The policy `exec:COMMAND`: a program of the user's that proposes, one JSON line after another
   (doc/exec-protocol.md).  Nothing it does may hang, crash or fill the tuner: lines have a largest size,
   answers a time, mistakes a number, and its whole process group is killed at the end.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/internal.h"
#include "policy/process.h"
#include "policy/workshop.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum
{
  PROTOCOL_VERSION = 1,
  LINE_MAX_BYTES = 4 << 20,  /* of an answer */
  STRIKES_MAX = 3,           /* answers that are none */
  DEPTH_MAX = 32,            /* of JSON */
  FLAGS_MAX = 32,
  NOTE_MAX = 120
};

#define COMPILE_SECONDS_MAX 30.0
#define GOODBYE_SECONDS 0.2 /* between closing its input and killing it */

struct exec
{
  const struct region *region;
  struct workshop *workshop;
  char *command;
  double deadline;
  pid_t pid;
  int to, from;           /* -1 when closed */
  char *out;              /* what is still to be written */
  size_t out_length, out_done;
  char *in;               /* read, not yet answered */
  size_t in_length, in_size, in_taken;
  unsigned strikes, proposals;
  bool finished;          /* it said "done", or was given up */
  bool told;
};

/* Ends the program: closes its input, gives it a moment, then kills the group.  */
static void
exec__end (struct exec *exec)
{
  exec->finished = true;
  if (exec->to >= 0)
    close (exec->to);
  if (exec->from >= 0)
    close (exec->from);
  exec->to = exec->from = -1;
  free (exec->in);
  free (exec->out);
  exec->in = exec->out = NULL;
  exec->in_length = exec->in_size = exec->in_taken = exec->out_length = exec->out_done = 0;
  if (exec->pid <= 0)
    return;
  int status;
  double until = clock__now () + GOODBYE_SECONDS;
  bool reaped = false;
  while (!(reaped = waitpid (exec->pid, &status, WNOHANG) != 0) && clock__now () < until)
    usleep (5000);
  kill (-exec->pid, SIGKILL);
  while (!reaped && waitpid (exec->pid, &status, 0) < 0 && errno == EINTR)
    ;
  exec->pid = 0;
}

/* Gives the program up for REASON.  */
static int
exec__fail (struct exec *exec, struct why *why, enum reason reason, const char *what)
{
  why__set (why, reason, "exec:%.100s: %.110s", exec->command, what);
  exec__end (exec);
  return -1;
}

/* Starts the command.  0, or -1 and *WHY.  */
static int
exec__start (struct exec *exec, struct why *why)
{
  int in[2] = { -1, -1 }, out[2] = { -1, -1 };
  if (pipe2 (in, O_CLOEXEC) != 0 || pipe2 (out, O_CLOEXEC) != 0)
    {
      int error = errno;
      if (in[0] >= 0)
        {
          close (in[0]);
          close (in[1]);
        }
      return why__set (why, REASON_POLICY_FAILED, "exec: %s", strerror (error));
    }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init (&actions);
  process__attributes (&attributes);
  posix_spawn_file_actions_adddup2 (&actions, in[0], 0);
  posix_spawn_file_actions_adddup2 (&actions, out[1], 1);
  const char *log = getenv ("AIOPT_POLICY_LOG");
  posix_spawn_file_actions_addopen (&actions, 2, log && *log ? log : "/dev/null",
                                    O_WRONLY | O_CREAT | O_APPEND, 0600);
  const char *const arguments[] = { "/bin/sh", "-c", exec->command, NULL };
  char **environment = process__environment (false);
  int error = posix_spawn (&exec->pid, "/bin/sh", &actions, &attributes, (char *const *) arguments,
                           environment ? environment : environ);
  free (environment);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  close (in[0]);
  close (out[1]);
  if (error)
    {
      close (in[1]);
      close (out[0]);
      exec->pid = 0;
      return why__set (why, REASON_POLICY_FAILED, "exec: /bin/sh: %s", strerror (error));
    }
  exec->to = in[1];
  exec->from = out[0];
  fcntl (exec->to, F_SETFL, O_NONBLOCK);
  fcntl (exec->from, F_SETFL, O_NONBLOCK);
  return 0;
}

/* Queues a malloc'ed LINE (without newline) for writing.  */
static void
exec__send (struct exec *exec, char *line)
{
  if (!line)
    abort ();
  size_t length = strlen (line), left = exec->out_length - exec->out_done;
  char *whole = malloc (left + length + 1);
  if (!whole)
    abort ();
  if (left)
    memcpy (whole, exec->out + exec->out_done, left);
  memcpy (whole + left, line, length);
  whole[left + length] = '\n';
  free (exec->out);
  free (line);
  exec->out = whole;
  exec->out_length = left + length + 1;
  exec->out_done = 0;
}

/* write, without a SIGPIPE whatever the process does about it.  */
static ssize_t
write__quietly (int fd, const void *bytes, size_t size)
{
  sigset_t pipe, before, pending;
  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  sigpending (&pending);
  bool was_pending = sigismember (&pending, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe, &before);
  ssize_t n = write (fd, bytes, size);
  int error = errno;
  if (n < 0 && error == EPIPE && !was_pending)
    sigtimedwait (&pipe, NULL, &(struct timespec){ 0 });
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = error;
  return n;
}

/* Reads what is there.  1, 0 at the end of file, -1 on an error.  Never holds more than one largest line and
   a buffer's worth.  */
static int
exec__fill (struct exec *exec)
{
  if (exec->in_taken)
    {
      memmove (exec->in, exec->in + exec->in_taken, exec->in_length - exec->in_taken);
      exec->in_length -= exec->in_taken;
      exec->in_taken = 0;
    }
  if (exec->in_size - exec->in_length < 4096)
    {
      size_t size = exec->in_size ? 2 * exec->in_size : 65536;
      char *in = realloc (exec->in, size);
      if (!in)
        abort ();
      exec->in = in;
      exec->in_size = size;
    }
  ssize_t n = read (exec->from, exec->in + exec->in_length, exec->in_size - exec->in_length);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR ? 1 : -1;
  exec->in_length += (size_t) n;
  return n > 0;
}

/* Writes what is queued and waits for a line: *LINE (zero-terminated, valid until the next call).  */
static int
exec__exchange (struct exec *exec, char **line, size_t *length, struct why *why)
{
  const volatile sig_atomic_t *stop = workshop__stop (exec->workshop);
  size_t searched = exec->in_taken;
  for (;;)
    {
      char *newline = exec->in_length > searched
                        ? memchr (exec->in + searched, '\n', exec->in_length - searched)
                        : NULL;
      if ((newline ? (size_t) (newline - exec->in) : exec->in_length) - exec->in_taken
          > LINE_MAX_BYTES)
        return exec__fail (exec, why, REASON_POLICY_SIZE, "an answer of more than 4 MiB");
      if (newline)
        {
          *line = exec->in + exec->in_taken;
          *length = (size_t) (newline - *line);
          *newline = 0;
          exec->in_taken += *length + 1;
          return 0;
        }
      searched = exec->in_length;
      double left = exec->deadline - clock__now ();
      if (stop && *stop)
        return exec__fail (exec, why, REASON_BUDGET, "interrupted");
      if (left <= 0)
        return exec__fail (exec, why, REASON_POLICY_TIMEOUT, "no answer before the budget was spent");
      struct pollfd fds[2] = { { .fd = exec->from, .events = POLLIN },
                               { .fd = exec->out_done < exec->out_length ? exec->to : -1,
                                 .events = POLLOUT } };
      poll (fds, 2, left > 0.1 ? 100 : (int) (left * 1000) + 1);
      if (fds[1].revents)
        {
          ssize_t n = write__quietly (exec->to, exec->out + exec->out_done,
                                      exec->out_length - exec->out_done);
          if (n > 0)
            exec->out_done += (size_t) n;
          else if (n < 0 && errno != EAGAIN && errno != EINTR)
            /* It doesn't read any more; it may have answered all the same.  */
            exec->out_done = exec->out_length;
        }
      if (fds[0].revents)
        {
          size_t taken = exec->in_taken;
          int got = exec__fill (exec);
          searched -= taken;
          if (got < 0)
            return exec__fail (exec, why, REASON_POLICY_FAILED, strerror (errno));
          if (got == 0)
            {
              if (exec->in_length > exec->in_taken)
                return exec__fail (exec, why, REASON_POLICY_REPLY, "half a line at the end");
              int status;
              char what[80] = "it ended without an answer";
              if (waitpid (exec->pid, &status, WNOHANG) == exec->pid)
                {
                  pid_t group = exec->pid;
                  exec->pid = 0;
                  kill (-group, SIGKILL);
                  if (WIFEXITED (status))
                    snprintf (what, sizeof what, "it ended without an answer, exit status %d",
                              WEXITSTATUS (status));
                  else
                    snprintf (what, sizeof what, "it ended without an answer, signal %d",
                              WTERMSIG (status));
                }
              return exec__fail (exec, why, REASON_POLICY_FAILED, what);
            }
        }
    }
}

/* Is TEXT nested no deeper than DEPTH_MAX?  cJSON's parser recurses.  */
static bool
json__is_shallow (const char *text, size_t length)
{
  unsigned depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < length; i++)
    if (quoted)
      {
        if (text[i] == '\\')
          i++;
        else if (text[i] == '"')
          quoted = false;
      }
    else if (text[i] == '"')
      quoted = true;
    else if ((text[i] == '{' || text[i] == '[') && ++depth > DEPTH_MAX)
      return false;
    else if ((text[i] == '}' || text[i] == ']') && depth)
      depth--;
  return true;
}

/* An answer that is none: the program may try again, but not for ever.  */
static int
exec__strike (struct exec *exec, struct why *why, const char *what)
{
  if (++exec->strikes >= STRIKES_MAX)
    return exec__fail (exec, why, REASON_POLICY_REPLY, what);
  return why__set (why, REASON_POLICY_REPLY, "exec:%.100s: %.110s", exec->command, what);
}

/* The printable beginning of NOTE, for a line of provenance.  */
static void
note__clean (const char *note, char clean[NOTE_MAX + 1])
{
  size_t n = 0;
  for (; *note && n < NOTE_MAX; note++)
    clean[n++] = (unsigned char) *note < ' ' || *note == 127 ? ' ' : *note;
  /* Not in the middle of a UTF-8 sequence.  */
  if (((unsigned char) *note & 0xc0) == 0x80)
    {
      while (n && ((unsigned char) clean[n - 1] & 0xc0) == 0x80)
        n--;
      n -= n > 0;
    }
  clean[n] = 0;
}

/* Turns the object ANSWER of type "candidate" into a candidate.  */
static int
exec__candidate (struct exec *exec, const cJSON *answer, struct candidate **candidate,
                 struct why *why)
{
  const cJSON *form = cJSON_GetObjectItemCaseSensitive (answer, "form");
  const cJSON *text = cJSON_GetObjectItemCaseSensitive (answer, "text");
  const cJSON *flags = cJSON_GetObjectItemCaseSensitive (answer, "cflags");
  const cJSON *note = cJSON_GetObjectItemCaseSensitive (answer, "note");
  bool is_asm = cJSON_IsString (form) && strcmp (form->valuestring, "asm") == 0;
  bool is_c = cJSON_IsString (form) && strcmp (form->valuestring, "c") == 0;
  if (!is_asm && !is_c)
    return exec__strike (exec, why, "\"form\" is not \"asm\" or \"c\"");
  if (!cJSON_IsString (text))
    return exec__strike (exec, why, "\"text\" is not a string");
  if (note && !cJSON_IsString (note) && !cJSON_IsNull (note))
    return exec__strike (exec, why, "\"note\" is not a string");
  const char *flag[FLAGS_MAX];
  unsigned n_flags = 0;
  if (flags && !cJSON_IsNull (flags))
    {
      if (!cJSON_IsArray (flags))
        return exec__strike (exec, why, "\"cflags\" is not an array");
      const cJSON *item;
      cJSON_ArrayForEach (item, flags)
      {
        if (!cJSON_IsString (item) || n_flags == FLAGS_MAX)
          return exec__strike (exec, why, "\"cflags\" is not an array of at most 32 strings");
        flag[n_flags++] = item->valuestring;
      }
    }
  char clean[NOTE_MAX + 1] = "", provenance[NOTE_MAX + 200];
  if (cJSON_IsString (note))
    note__clean (note->valuestring, clean);
  exec->proposals++;
  snprintf (provenance, sizeof provenance, "exec:%.120s #%u%s%s", exec->command, exec->proposals,
            clean[0] ? ": " : "", clean);
  double left = exec->deadline - clock__now () + 0.5;
  return candidate__make (exec->region, is_c ? FORM_C : FORM_ASM, text->valuestring,
                          strlen (text->valuestring), NULL, flag, n_flags,
                          left < COMPILE_SECONDS_MAX ? left : COMPILE_SECONDS_MAX,
                          workshop__stop (exec->workshop), "exec", provenance, candidate, why);
}

static int
exec__next (void *self, struct candidate **candidate, struct why *why)
{
  struct exec *exec = self;
  if (exec->finished || clock__now () >= exec->deadline)
    return 0;
  if (!exec->told)
    exec__send (exec, strdup ("{\"aiopt\":1,\"type\":\"verdict\",\"verdict\":\"unknown\",\"reason\":null}"));
  exec->told = false;
  char *line = NULL;
  size_t length = 0;
  if (exec__exchange (exec, &line, &length, why) < 0)
    return -1;
  if (!json__is_shallow (line, length))
    return exec__strike (exec, why, "an answer nested too deeply");
  cJSON *answer = strlen (line) == length ? cJSON_ParseWithOpts (line, NULL, true) : NULL;
  const cJSON *type = cJSON_GetObjectItemCaseSensitive (answer, "type");
  const cJSON *version = cJSON_GetObjectItemCaseSensitive (answer, "aiopt");
  int result;
  if (!cJSON_IsObject (answer))
    result = exec__strike (exec, why, "an answer that is no JSON object");
  else if (version && !(cJSON_IsNumber (version) && version->valueint == PROTOCOL_VERSION))
    result = exec__fail (exec, why, REASON_POLICY_REPLY, "it speaks another version of the protocol than 1");
  else if (!cJSON_IsString (type))
    result = exec__strike (exec, why, "an answer without \"type\"");
  else if (strcmp (type->valuestring, "done") == 0)
    {
      exec__end (exec);
      result = 0;
    }
  else if (strcmp (type->valuestring, "candidate") == 0)
    {
      result = exec__candidate (exec, answer, candidate, why);
      if (result == 0)
        result = 1;
    }
  else
    result = exec__strike (exec, why, "an answer whose \"type\" is not \"candidate\" or \"done\"");
  cJSON_Delete (answer);
  return result;
}

/* Adds TEXT or null under NAME.  */
static void
json__add (cJSON *object, const char *name, const char *text)
{
  if (text && *text)
    cJSON_AddStringToObject (object, name, text);
  else
    cJSON_AddNullToObject (object, name);
}

static void
exec__tell (void *self, const struct feedback *feedback)
{
  struct exec *exec = self;
  if (exec->finished || exec->told)
    return;
  cJSON *object = cJSON_CreateObject ();
  cJSON_AddNumberToObject (object, "aiopt", PROTOCOL_VERSION);
  cJSON_AddStringToObject (object, "type", "verdict");
  cJSON_AddStringToObject (object, "verdict", feedback->verdict ? feedback->verdict : "unknown");
  json__add (object, "reason",
             feedback->why.reason == REASON_NONE ? NULL : reason__slug (feedback->why.reason));
  json__add (object, "detail", feedback->why.reason == REASON_NONE ? NULL : feedback->why.detail);
  json__add (object, "counterexample", feedback->counterexample);
  if (feedback->ratio > 0)
    {
      cJSON_AddNumberToObject (object, "ratio", feedback->ratio);
      cJSON_AddNumberToObject (object, "ratio_low", feedback->ratio_low);
      cJSON_AddNumberToObject (object, "ratio_high", feedback->ratio_high);
    }
  else
    cJSON_AddNullToObject (object, "ratio");
  cJSON_AddBoolToObject (object, "best", feedback->accepted);
  exec__send (exec, cJSON_PrintUnformatted (object));
  cJSON_Delete (object);
  exec->told = true;
}

static int
exec__left (const void *self)
{
  return ((const struct exec *) self)->finished ? 0 : -1;
}

static void
exec__close (void *self)
{
  struct exec *exec = self;
  exec__end (exec);
  free (exec->command);
  free (exec);
}

static const struct proposer_ops exec_ops
  = { .next = exec__next, .tell = exec__tell, .left = exec__left, .close = exec__close };

int
exec__open (const char *command, const struct region *region, struct workshop *workshop,
            double deadline, struct proposer *proposer, struct why *why)
{
  struct code *code;
  if (region__code (region, &code, why) < 0)
    return -1;
  struct exec *exec = calloc (1, sizeof *exec);
  if (!exec)
    abort ();
  *exec = (struct exec){ .region = region, .workshop = workshop, .deadline = deadline, .to = -1, .from = -1,
                         .told = true };
  exec->command = strdup (command);
  char *record = region__to_json (region);
  cJSON *canonical = cJSON_CreateString (code__canonical (code));
  char *quoted = cJSON_PrintUnformatted (canonical);
  cJSON_Delete (canonical);
  char *line = NULL;
  if (!exec->command || !record || !quoted
      || asprintf (&line,
                   "{\"aiopt\":%d,\"type\":\"region\",\"budget_seconds\":%.3f,\"region\":%s,\"code\":%s}",
                   PROTOCOL_VERSION, deadline - clock__now (), record, quoted)
           < 0)
    abort ();
  free (record);
  free (quoted);
  if (exec__start (exec, why) < 0)
    {
      free (line);
      exec__close (exec);
      return -1;
    }
  exec__send (exec, line);
  *proposer = (struct proposer){ &exec_ops, exec };
  return 0;
}
