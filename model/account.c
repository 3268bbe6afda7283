/* What a run asked, and what is known of its server (account-state.h has where that lies).

   Where nothing is known of a server, one process asks and the others wait for what it finds.  Who that is stands in a word with the time
   it began: a process that was killed, or takes longer than a connection may, is nobody to wait for.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/account.h"
#include "model/account-state.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DOWN_SECONDS 60.0     /* nobody asks a server that couldn't be reached */
#define UP_SECONDS 60.0       /* one that answered is taken to be there */
#define REFUSED_SECONDS 600.0
#define RUN_SECONDS 600.0     /* builds' helpers that come within it are one run */
#define FORM_SECONDS 86400.0  /* the form of answers that a server takes is probed anew after a day */
#define WAIT_SECONDS 0.02     /* between two looks at what another process found */

/* A number that no run reaches: the file was damaged.  */
#define COUNT_MAX (UINT64_C (1) << 50)

/* The asker's word: its process in the lower bits, which are as many as the kernel's largest has, and when it began (CLOCK_BOOTTIME, in
   milliseconds) in the upper.  */
enum { ASKER_PID_BITS = 22 };

struct account
{
  const struct model_settings *settings;
  struct account_state *own, *shared; /* SHARED: NULL where there is no file */
  struct server_state *server;
  struct run_state *run;
  unsigned reserved;      /* requests that were counted and not yet charged, this process's */
  pid_t pid;              /* whose they are */
};

/* Seconds by CLOCK.  */
static double
clock__seconds (clockid_t clock)
{
  struct timespec now;
  clock_gettime (clock, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* Begins a new run where the last one was over long ago.  */
static void
run__begin (struct run_state *run)
{
  if (span__left (&run->recent, RUN_SECONDS) <= 0 || atomic_load (&run->requests) > COUNT_MAX
      || atomic_load (&run->prompt_tokens) > COUNT_MAX || atomic_load (&run->answer_tokens) > COUNT_MAX
      || atomic_load (&run->milliseconds) > COUNT_MAX)
    {
      atomic_store (&run->requests, 0);
      atomic_store (&run->prompt_tokens, 0);
      atomic_store (&run->answer_tokens, 0);
      atomic_store (&run->milliseconds, 0);
      atomic_store (&run->refused, 0);
    }
  span__set (&run->recent, RUN_SECONDS);
}

struct account *
account__open (const struct model_settings *settings, const char *folder, bool alone)
{
  struct account *account = calloc (1, sizeof *account);
  if (!account)
    abort ();
  account->settings = settings;
  account->own = account_state__new ();
  if (folder && *folder && settings->base_url && *settings->base_url)
    account->shared = account_state__open (folder, settings->base_url);
  account->server = account->shared ? &account->shared->server : &account->own->server;
  account->run = account->shared && !alone ? &account->shared->run : &account->own->run;
  run__begin (account->run);
  return account;
}

/* Takes N from *COUNT, which another process may have set to zero meanwhile.  */
static void
count__less (_Atomic uint64_t *count, uint64_t n)
{
  uint64_t now = atomic_load (count);
  while (!atomic_compare_exchange_weak (count, &now, now > n ? now - n : 0))
    ;
}

/* This process's reserved requests: after a fork it has none of its parent's.  */
static unsigned *
account__reserved (struct account *account)
{
  if (account->pid != getpid ())
    {
      account->pid = getpid ();
      account->reserved = 0;
    }
  return &account->reserved;
}

/* The word of this process as the one that asks, from now on.  */
static uint64_t
asker__word (void)
{
  uint64_t pid = (uint64_t) getpid () & ((1u << ASKER_PID_BITS) - 1);
  return (uint64_t) (clock__seconds (CLOCK_BOOTTIME) * 1000) << ASKER_PID_BITS | pid;
}

/* The process of the asker's WORD.  */
static pid_t
asker__pid (uint64_t word)
{
  return (pid_t) (word & ((1u << ASKER_PID_BITS) - 1));
}

/* Is there any sense in waiting for the asker of WORD, whom SECONDS are given?  */
static bool
asker__is_there (uint64_t word, double seconds)
{
  double age = clock__seconds (CLOCK_BOOTTIME) - (double) (word >> ASKER_PID_BITS) / 1000;
  if (word == 0 || age < -1 || age > seconds)
    return false;
  return kill (asker__pid (word), 0) == 0 || errno != ESRCH;
}

/* Nobody needs to wait for this process any more.  */
static void
asker__done (struct account *account)
{
  uint64_t word = atomic_load (&account->server->asker);
  if (word && asker__pid (word) == getpid ())
    atomic_compare_exchange_strong (&account->server->asker, &word, 0);
}

void
account__close (struct account *account)
{
  if (!account)
    return;
  asker__done (account);
  unsigned *reserved = account__reserved (account);
  count__less (&account->run->requests, *reserved);
  account_state__close (account->shared);
  account_state__free (account->own);
  free (account);
}

/* What so many tokens cost.  */
static double
money__of (const struct model_settings *settings, uint64_t prompt_tokens, uint64_t answer_tokens)
{
  return ((double) prompt_tokens * settings->price_in + (double) answer_tokens * settings->price_out) / 1e6;
}

void
account__spent (const struct account *account, struct spent *spent)
{
  *spent = (struct spent){ .requests = atomic_load (&account->run->requests),
                           .prompt_tokens = atomic_load (&account->run->prompt_tokens),
                           .answer_tokens = atomic_load (&account->run->answer_tokens),
                           .seconds = 1e-3 * (double) atomic_load (&account->run->milliseconds) };
  spent->money = money__of (account->settings, spent->prompt_tokens, spent->answer_tokens);
}

/* Is one of LIMITS on what WHOM ("function", "run") may spend reached?  0, or -1 and *WHY.  */
static int
limits__check (const struct model_limits *limits, const struct spent *spent, const char *whom, struct why *why)
{
  uint64_t tokens = spent->prompt_tokens + spent->answer_tokens;
  if (limits->requests && spent->requests >= limits->requests)
    return why__set (why, REASON_MODEL_LIMIT, "%llu requests for the %s, and llm.%s-requests is %llu",
                     (unsigned long long) spent->requests, whom, whom, (unsigned long long) limits->requests);
  if (limits->tokens && tokens >= limits->tokens)
    return why__set (why, REASON_MODEL_LIMIT, "%llu tokens for the %s, and llm.%s-tokens is %llu", (unsigned long long) tokens,
                     whom, whom, (unsigned long long) limits->tokens);
  if (limits->money > 0 && spent->money >= limits->money)
    return why__set (why, REASON_MODEL_LIMIT, "%.4f spent on the %s, and llm.%s-money is %g", spent->money, whom, whom,
                     limits->money);
  if (limits->seconds > 0 && spent->seconds >= limits->seconds)
    return why__set (why, REASON_MODEL_LIMIT, "%.1f s of requests for the %s, and llm.%s-seconds is %g", spent->seconds, whom, whom,
                     limits->seconds);
  return 0;
}

/* Is it known that the server doesn't answer?  0, or -1 and *WHY.  */
static int
server__check (const struct account *account, struct why *why)
{
  double left = span__left (&account->server->spent, SPAN_SECONDS_MAX);
  if (left > 0)
    return why__set (why, REASON_MODEL_QUOTA, "the server said so; nobody asks it for another %.0f s", left);
  left = span__left (&account->run->refused, REFUSED_SECONDS);
  if (left > 0)
    return why__set (why, REASON_MODEL_REFUSED,
                     "HTTP %llu to an earlier request, which all others of this run would get as well (llm.base-url, llm.key, llm.model); "
                     "nobody asks for another %.0f s",
                     (unsigned long long) atomic_load (&account->run->refused_status), left);
  left = span__left (&account->server->down, DOWN_SECONDS);
  if (left > 0)
    return why__set (why, REASON_MODEL_DOWN, "it couldn't be reached a moment ago; nobody tries for another %.0f s", left);
  return 0;
}

/* Becomes the one who asks first, or waits for what that one finds, MOST seconds at most.  */
static void
account__wait_for_asker (struct account *account, double most)
{
  struct server_state *server = account->server;
  double seconds = account->settings->connect_seconds, until = clock__seconds (CLOCK_MONOTONIC) + fmin (seconds, most);
  while (span__left (&server->up, UP_SECONDS) <= 0 && server__check (account, NULL) == 0)
    {
      uint64_t word = atomic_load (&server->asker);
      if (word && asker__pid (word) == getpid ())
        return;
      if (!asker__is_there (word, seconds)
          && atomic_compare_exchange_strong (&server->asker, &word, asker__word ()))
        return;
      /* A signal may mean that all is to end, which whoever makes the request will see.  */
      if (clock__seconds (CLOCK_MONOTONIC) >= until || nanosleep (&(struct timespec){ .tv_nsec = (long) (WAIT_SECONDS * 1e9) }, NULL) < 0)
        return;
    }
}

/* account__may_ask, waiting for SECONDS at most.  */
static int
account__check (struct account *account, const struct spent *function, double seconds, struct why *why)
{
  struct spent run;
  span__set (&account->run->recent, RUN_SECONDS);
  account__spent (account, &run);
  if (limits__check (&account->settings->function, function, "function", why) < 0
      || limits__check (&account->settings->run, &run, "run", why) < 0 || server__check (account, why) < 0)
    return -1;
  account__wait_for_asker (account, seconds);
  return server__check (account, why);
}

int
account__may_ask (struct account *account, const struct spent *function, struct why *why)
{
  return account__check (account, function, account->settings->connect_seconds, why);
}

int
account__reserve (struct account *account, const struct spent *function, double seconds, struct why *why)
{
  if (account__check (account, function, seconds, why) < 0)
    return -1;
  uint64_t limit = account->settings->run.requests;
  uint64_t before = atomic_fetch_add (&account->run->requests, 1);
  if (limit && before >= limit)
    {
      struct spent run = { .requests = before };
      count__less (&account->run->requests, 1);
      return limits__check (&account->settings->run, &run, "run", why);
    }
  ++*account__reserved (account);
  return 0;
}

void
account__release (struct account *account, unsigned n)
{
  unsigned *reserved = account__reserved (account);
  if (n > *reserved)
    n = *reserved;
  *reserved -= n;
  count__less (&account->run->requests, n);
}

void
account__charge (struct account *account, struct spent *function, unsigned requests, uint64_t prompt_tokens,
                 uint64_t answer_tokens, double seconds)
{
  unsigned *reserved = account__reserved (account), counted = requests < *reserved ? requests : *reserved;
  *reserved -= counted;
  atomic_fetch_add (&account->run->requests, requests - counted);
  atomic_fetch_add (&account->run->prompt_tokens, prompt_tokens);
  atomic_fetch_add (&account->run->answer_tokens, answer_tokens);
  atomic_fetch_add (&account->run->milliseconds, (uint64_t) (seconds * 1000));
  span__set (&account->run->recent, RUN_SECONDS);
  if (!function)
    return;
  function->requests += requests;
  function->prompt_tokens += prompt_tokens;
  function->answer_tokens += answer_tokens;
  function->seconds += seconds;
  function->money += money__of (account->settings, prompt_tokens, answer_tokens);
}

void
account__is_up (struct account *account)
{
  atomic_store (&account->server->down, 0);
  span__set (&account->server->up, UP_SECONDS);
  asker__done (account);
}

void
account__is_down (struct account *account)
{
  atomic_store (&account->server->up, 0);
  span__set (&account->server->down, DOWN_SECONDS);
  asker__done (account);
}

void
account__is_spent (struct account *account, double seconds)
{
  span__set (&account->server->spent, seconds);
  asker__done (account);
}

void
account__is_refused (struct account *account, long status)
{
  atomic_store (&account->run->refused_status, (uint64_t) status);
  span__set (&account->run->refused, REFUSED_SECONDS);
  asker__done (account);
}

enum structured
account__structured (const struct account *account)
{
  uint64_t structured = atomic_load (&account->server->structured);
  bool is_known = span__left (&account->server->form_known, FORM_SECONDS) > 0 && structured <= STRUCTURED_NONE;
  return is_known ? (enum structured) structured : STRUCTURED_AUTO;
}

void
account__note_structured (struct account *account, enum structured structured)
{
  atomic_store (&account->server->structured, (uint64_t) structured);
  span__set (&account->server->form_known, FORM_SECONDS);
}
