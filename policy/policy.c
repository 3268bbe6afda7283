/* A list of policies, asked in turn: the first until it has nothing left, then the next; one that waits for an answer lets the
   others go first.  What the original or an earlier candidate said already is no candidate.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { POLICIES_MAX = 8, DIGEST = 16 };

struct policy
{
  const struct region *region;
  unsigned n, last;
  struct proposer proposer[POLICIES_MAX];
  bool finished[POLICIES_MAX];   /* has no more for now */
  unsigned char (*seen)[DIGEST]; /* canonical forms proposed so far, and the original's */
  unsigned n_seen, seen_size;
};

#define VALID "compilers, llm, exec:COMMAND, exec:{COMMAND}"

/* One item of a list.  */
struct list_item
{
  const char *name;    /* "compilers", "llm" or "exec" */
  const char *command; /* of exec */
  size_t name_length, command_length;
};

static bool
item__is (const struct list_item *item, const char *name)
{
  return item->name_length == strlen (name) && strncmp (item->name, name, item->name_length) == 0;
}

static int
item__unknown (const struct list_item *item, struct why *why)
{
  return why__set (why, REASON_SYNTAX, "unknown policy '%.*s'; valid: " VALID,
                   item->name_length > 60 ? 60 : (int) item->name_length, item->name);
}

/* Takes the next item off *LIST: 1, 0 at the end, or -1 and *WHY.  A command reaches to the end of the
   list unless it stands in braces, which may nest.  */
static int
list__take (const char **list, struct list_item *item, struct why *why)
{
  const char *at = *list;
  if (!*at)
    return 0;
  *item = (struct list_item){ .name = at, .name_length = strcspn (at, ",:") };
  at += item->name_length;
  if (*at == ':')
    {
      if (!item__is (item, "exec"))
        {
          item->name_length = strcspn (item->name, ",");
          return item__unknown (item, why);
        }
      item->command = ++at;
      if (*at == '{')
        {
          item->command = ++at;
          unsigned depth = 1;
          for (; *at; at++)
            if ((*at == '{' && ++depth) || (*at == '}' && --depth == 0))
              if (!depth)
                break;
          if (!*at)
            return why__set (why, REASON_SYNTAX, "exec:{ without its closing }");
          item->command_length = (size_t) (at - item->command);
          at++;
          if (*at && *at != ',')
            return why__set (why, REASON_SYNTAX, "a ',' is missing after exec:{…} at '%.40s'", at);
        }
      else
        {
          item->command_length = strlen (at);
          at += item->command_length;
        }
      if (strspn (item->command, " \t") >= item->command_length)
        return why__set (why, REASON_SYNTAX, "exec: without a command");
    }
  else if (item__is (item, "exec"))
    return why__set (why, REASON_SYNTAX, "exec needs a command: exec:COMMAND");
  else if (!item__is (item, "compilers") && !item__is (item, "llm"))
    return item__unknown (item, why);
  if (*at == ',')
    {
      at++;
      if (!*at)
        return why__set (why, REASON_SYNTAX, "the list of policies ends in ','");
    }
  *list = at;
  return 1;
}

int
policy__check_list (const char *list, struct why *why)
{
  struct list_item item;
  int taken;
  unsigned n = 0;
  if (!list || !*list)
    return why__set (why, REASON_SYNTAX, "an empty list of policies; valid: " VALID);
  while ((taken = list__take (&list, &item, why)) > 0)
    if (++n > POLICIES_MAX)
      return why__set (why, REASON_SYNTAX, "more than %d policies", POLICIES_MAX);
  return taken;
}

bool
policy__converses (const char *list)
{
  struct list_item item;
  while (list__take (&list, &item, NULL) > 0)
    if (item__is (&item, "llm"))
      return true;
  return false;
}

/* Is CODE new?  Remembers it.  */
static bool
policy__is_new (struct policy *policy, const struct code *code)
{
  const char *canonical = code__canonical (code);
  unsigned char digest[DIGEST];
  crypto_generichash (digest, sizeof digest, (const unsigned char *) canonical, strlen (canonical),
                      NULL, 0);
  for (unsigned i = 0; i < policy->n_seen; i++)
    if (memcmp (policy->seen[i], digest, sizeof digest) == 0)
      return false;
  if (policy->n_seen == policy->seen_size)
    {
      policy->seen_size = policy->seen_size ? 2 * policy->seen_size : 64;
      policy->seen = realloc (policy->seen, policy->seen_size * sizeof *policy->seen);
      if (!policy->seen)
        abort ();
    }
  memcpy (policy->seen[policy->n_seen++], digest, sizeof digest);
  return true;
}

int
policy__open (const char *list, const struct region *region, struct workshop *workshop,
              double budget_seconds, double conversing_seconds, struct policy **result, struct why *why)
{
  if (policy__check_list (list, why) < 0)
    return -1;
  struct policy *policy = calloc (1, sizeof *policy);
  if (!policy)
    abort ();
  policy->region = region;
  struct code *original;
  if (region__code (region, &original, why) < 0)
    goto fail;
  policy__is_new (policy, original);
  double deadline = clock__now () + budget_seconds, conversing = clock__now () + conversing_seconds;
  struct list_item item;
  struct why last = { 0 };
  while (list__take (&list, &item, why) > 0)
    {
      struct proposer *proposer = &policy->proposer[policy->n];
      int opened;
      if (item.command)
        {
          char *command = strndup (item.command, item.command_length);
          opened = exec__open (command, region, workshop, deadline, proposer, &last);
          free (command);
        }
      else if (item__is (&item, "llm"))
        opened = llm__open (region, workshop, conversing, proposer, &last);
      else
        opened = compilers__open (region, workshop, deadline, proposer, &last);
      /* One policy that can't work on this region doesn't silence the others.  */
      if (opened == 0)
        policy->n++;
    }
  if (!policy->n)
    {
      if (why)
        *why = last;
      goto fail;
    }
  *result = policy;
  return 0;
fail:
  policy__close (policy);
  return -1;
}

/* The first proposer that may have something at once; else the first that may have it later; else NULL.  */
static struct proposer *
policy__turn (struct policy *policy)
{
  struct proposer *waiting = NULL;
  for (unsigned i = 0; i < policy->n; i++)
    {
      struct proposer *proposer = &policy->proposer[i];
      if (policy->finished[i])
        continue;
      if (!proposer->ops->waits || !proposer->ops->waits (proposer->self))
        return proposer;
      if (!waiting)
        waiting = proposer;
    }
  return waiting;
}

int
policy__next (struct policy *policy, struct candidate **candidate, struct why *why)
{
  struct proposer *proposer;
  while ((proposer = policy__turn (policy)))
    {
      int given = proposer->ops->next (proposer->self, candidate, why);
      policy->last = (unsigned) (proposer - policy->proposer);
      if (given < 0)
        return -1;
      if (given > 0)
        {
          (*candidate)->proposer = policy->last;
          if (policy__is_new (policy, (*candidate)->code))
            return 1;
          why__set (why, REASON_SAME, "%.200s",
                    (*candidate)->provenance ? (*candidate)->provenance : "");
          candidate__free (*candidate);
          *candidate = NULL;
          return -1;
        }
      policy->finished[policy->last] = true;
    }
  return 0;
}

void
policy__tell (struct policy *policy, const struct feedback *feedback)
{
  struct proposer *proposer = &policy->proposer[policy->last];
  if (policy->last < policy->n && proposer->ops->tell)
    proposer->ops->tell (proposer->self, feedback);
}

void
policy__tell_final (struct policy *policy, const struct candidate *candidate, const struct feedback *feedback)
{
  struct proposer *proposer = &policy->proposer[candidate->proposer];
  if (candidate->proposer < policy->n && proposer->ops->tell_final)
    proposer->ops->tell_final (proposer->self, candidate->number, feedback);
}

bool
policy__again (struct policy *policy)
{
  bool any = false;
  for (unsigned i = 0; i < policy->n; i++)
    if (policy->proposer[i].ops->again && policy->proposer[i].ops->again (policy->proposer[i].self))
      {
        policy->finished[i] = false;
        any = true;
      }
  return any;
}

bool
policy__is_conversing (const struct policy *policy)
{
  for (unsigned i = 0; i < policy->n; i++)
    if (policy->proposer[i].ops->goes_on && policy->proposer[i].ops->goes_on (policy->proposer[i].self))
      return true;
  return false;
}

void
policy__spent (const struct policy *policy, struct spent *spent)
{
  *spent = (struct spent){ 0 };
  for (unsigned i = 0; i < policy->n; i++)
    {
      struct spent one = { 0 };
      if (policy->proposer[i].ops->spent)
        policy->proposer[i].ops->spent (policy->proposer[i].self, &one);
      spent->requests += one.requests;
      spent->prompt_tokens += one.prompt_tokens;
      spent->answer_tokens += one.answer_tokens;
      spent->money += one.money;
      spent->seconds += one.seconds;
    }
}

int
policy__left (const struct policy *policy)
{
  int sum = 0;
  for (unsigned i = 0; i < policy->n; i++)
    {
      int left = policy->finished[i] ? 0 : policy->proposer[i].ops->left (policy->proposer[i].self);
      if (left < 0)
        return -1;
      sum += left;
    }
  return sum;
}

void
policy__close (struct policy *policy)
{
  if (!policy)
    return;
  for (unsigned i = 0; i < policy->n; i++)
    policy->proposer[i].ops->close (policy->proposer[i].self);
  free (policy->seen);
  free (policy);
}
