/* What the parts of `aiopt doctor` say to each other.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_DOCTOR_H
#define AIOPT_DOCTOR_H

#include <stddef.h>

enum status
{
  STATUS_OK,
  STATUS_WARN,
  STATUS_FAIL
};

/* doctor-model.c.  Reads the settings and asks the model's server, where one is set, what models it has: some seconds at most.  SEEN[SIZE]
   says what was seen, *HINT what would help or is NULL.  */
enum status doctor__model (char *seen, size_t size, const char **hint);

#endif
