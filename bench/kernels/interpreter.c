/* A small interpreter of byte code: an accumulator and sixteen slots.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

enum op { LOAD, STORE, ADD, SUB, XOR, SHIFT, CONSTANT, SKIP_ZERO };

HOT uint32_t
interpret (const uint8_t *code, size_t n, uint32_t *slot)
{
  uint32_t a = 1;
  for (size_t pc = 0; pc < n; pc++)
    {
      uint8_t operand = code[pc] & 15;
      switch ((enum op) (code[pc] >> 4 & 7))
        {
        case LOAD:
          a = slot[operand];
          break;
        case STORE:
          slot[operand] = a;
          break;
        case ADD:
          a += slot[operand];
          break;
        case SUB:
          a -= slot[operand];
          break;
        case XOR:
          a ^= slot[operand];
          break;
        case SHIFT:
          a = a << operand | a >> (16 - operand);
          break;
        case CONSTANT:
          a = a * 33 + operand;
          break;
        case SKIP_ZERO:
          if (a == 0)
            pc += operand;
          break;
        }
    }
  return a;
}

static uint64_t
run (struct work *work)
{
  uint32_t slot[16] = { 0 };
  return interpret (work->a, work->size, slot);
}

KERNEL ("interpreter", "irregular", DATA_RANDOM, 1, run);
