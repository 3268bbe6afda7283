/* A list of policies, asked in turn: the first until it has nothing left, then the next.  What the
   original or an earlier candidate said already is no candidate.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { POLICIES_MAX = 8, DIGEST = 16 };

struct policy
{
  const struct region *region;
  unsigned n, current;
  struct proposer proposer[POLICIES_MAX];
  unsigned char (*seen)[DIGEST]; /* canonical forms proposed so far, and the original's */
  unsigned n_seen, seen_size;
};

/* One item of a list.  */
struct list_item
{
  const char *name;    /* "compilers" or "exec" */
  const char *command; /* of exec */
  size_t name_length, command_length;
};

static int
item__unknown (const struct list_item *item, struct why *why)
{
  return why__set (why, REASON_SYNTAX, "unknown policy '%.*s'; valid: compilers, exec:COMMAND, exec:{COMMAND}",
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
      if (item->name_length != 4 || strncmp (item->name, "exec", 4) != 0)
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
  else if (item->name_length == 4 && strncmp (item->name, "exec", 4) == 0)
    return why__set (why, REASON_SYNTAX, "exec needs a command: exec:COMMAND");
  else if (item->name_length != 9 || strncmp (item->name, "compilers", 9) != 0)
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
    return why__set (why, REASON_SYNTAX, "an empty list of policies; valid: compilers, exec:COMMAND, exec:{COMMAND}");
  while ((taken = list__take (&list, &item, why)) > 0)
    if (++n > POLICIES_MAX)
      return why__set (why, REASON_SYNTAX, "more than %d policies", POLICIES_MAX);
  return taken;
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
              double budget_seconds, struct policy **result, struct why *why)
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
  double deadline = clock__now () + budget_seconds;
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

int
policy__next (struct policy *policy, struct candidate **candidate, struct why *why)
{
  while (policy->current < policy->n)
    {
      struct proposer *proposer = &policy->proposer[policy->current];
      int given = proposer->ops->next (proposer->self, candidate, why);
      if (given < 0)
        return -1;
      if (given > 0)
        {
          if (policy__is_new (policy, (*candidate)->code))
            return 1;
          why__set (why, REASON_SAME, "%.200s",
                    (*candidate)->provenance ? (*candidate)->provenance : "");
          candidate__free (*candidate);
          *candidate = NULL;
          return -1;
        }
      policy->current++;
    }
  return 0;
}

void
policy__tell (struct policy *policy, const struct feedback *feedback)
{
  if (policy->current >= policy->n)
    return;
  struct proposer *proposer = &policy->proposer[policy->current];
  if (proposer->ops->tell)
    proposer->ops->tell (proposer->self, feedback);
}

int
policy__left (const struct policy *policy)
{
  int sum = 0;
  for (unsigned i = policy->current; i < policy->n; i++)
    {
      int left = policy->proposer[i].ops->left (policy->proposer[i].self);
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
