/* Which instructions' masks keep elements from faulting.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SUPPRESSION_H
#define AIOPT_SUPPRESSION_H

#include <Zydis/Zydis.h>
#include <stdbool.h>

/* Are faults of masked-out elements suppressed in instructions of CLASS?  Not in the NF classes (SDM volume 2, table 2-x).  */
static inline bool
exception_class__suppresses (ZydisExceptionClass class)
{
  switch (class)
    {
    case ZYDIS_EXCEPTION_CLASS_E1NF:
    case ZYDIS_EXCEPTION_CLASS_E2NF:
    case ZYDIS_EXCEPTION_CLASS_E3NF:
    case ZYDIS_EXCEPTION_CLASS_E4NF:
    case ZYDIS_EXCEPTION_CLASS_E5NF:
    case ZYDIS_EXCEPTION_CLASS_E6NF:
    case ZYDIS_EXCEPTION_CLASS_E9NF:
    case ZYDIS_EXCEPTION_CLASS_E10NF:
    case ZYDIS_EXCEPTION_CLASS_E11NF:
      return false;
    default:
      return true;
    }
}

#endif
