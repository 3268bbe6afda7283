/* Which machine a figure is of.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CPU_MODEL_H
#define AIOPT_CPU_MODEL_H

#include <stdbool.h>
#include <stddef.h>

/* The processor's name as /proc/cpuinfo has it ("model name") into NAME[SIZE], cut to that.  False where it says none; NAME is
   left alone then.  */
bool cpu__model (char *name, size_t size);

#endif
