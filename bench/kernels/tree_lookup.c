/* Numbers looked up in a binary tree.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

struct node
{
  uint32_t key;
  uint32_t child[2]; /* index of the nodes below, 0: none */
};

HOT uint32_t
tree_lookup (const struct node *nodes, uint32_t root, uint32_t key)
{
  uint32_t at = root;
  while (at != 0 && nodes[at].key != key)
    at = nodes[at].child[key > nodes[at].key];
  return at;
}

/* A balanced tree of the numbers 16 × 1, 2, … in nodes that lie in order; returns its root.  */
static uint32_t
build (struct node *nodes, uint32_t first, uint32_t end)
{
  if (first >= end)
    return 0;
  uint32_t middle = first + (end - first) / 2;
  nodes[middle].key = middle * 16;
  nodes[middle].child[0] = build (nodes, first, middle);
  nodes[middle].child[1] = build (nodes, middle + 1, end);
  return middle;
}

static void
prepare (struct work *work)
{
  uint32_t *sought = work->b, n = (uint32_t) work->size;
  sought[0] = build (work->a, 1, n);
  for (uint32_t i = 1; i < n; i++)
    sought[i] = sought[i] % n * (sought[i] & 1 << 30 ? 16 : 15);
}

static uint64_t
run (struct work *work)
{
  const uint32_t *sought = work->b;
  size_t n = work->size < 4096 ? work->size : 4096;
  uint64_t sum = 0;
  for (size_t i = 1; i < n; i++)
    sum += tree_lookup (work->a, sought[0], sought[i]);
  return sum;
}

PREPARED_KERNEL ("tree_lookup", "irregular", DATA_RANDOM, 16, prepare, run);
