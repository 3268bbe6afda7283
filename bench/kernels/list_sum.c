/* A linked list added up, its nodes in random order.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

struct node
{
  const struct node *next;
  uint32_t value;
};

HOT uint32_t
list_sum (const struct node *node)
{
  uint32_t sum = 0;
  for (; node != NULL; node = node->next)
    sum += node->value;
  return sum;
}

/* A: the nodes, the first one in B.  Sattolo's shuffle of the order, in C.  */
static void
prepare (struct work *work)
{
  struct node *node = work->a;
  const uint32_t *random = work->b;
  uint32_t *order = work->c;
  for (size_t i = 0; i < work->size; i++)
    order[i] = (uint32_t) i;
  for (size_t i = work->size - 1; i > 0; i--)
    {
      size_t k = random[i] % i;
      uint32_t swap = order[i];
      order[i] = order[k];
      order[k] = swap;
    }
  for (size_t i = 0; i < work->size; i++)
    {
      node[order[i]].next = i + 1 < work->size ? node + order[i + 1] : NULL;
      node[order[i]].value = (uint32_t) i;
    }
  *(const struct node **) work->b = node + order[0];
}

static uint64_t
run (struct work *work)
{
  return list_sum (*(const struct node **) work->b);
}

PREPARED_KERNEL ("list_sum", "irregular", DATA_RANDOM, 16, prepare, run);
