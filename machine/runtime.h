/* The functions that GCC may call on its own account: memcpy and its like, and libgcc's helpers.

   What they do is fixed by the C standard and by libgcc, and GCC writes such a call for a loop, or a loop for
   such a call, as it likes.  So a rewrite may do by itself what the original has such a function do.  For
   running and measuring, calls of them lead to a body of our own that does the same, byte for byte, and then
   clobbers all that the ABI lets a callee clobber; nothing else about the call is compared.
   A rewrite may not call one that the original doesn't call.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_RUNTIME_H
#define AIOPT_RUNTIME_H

#include "machine/region.h"

/* Is NAME such a function, for code of REGION?  Not in a region that is such a function itself.  */
bool runtime__is (const struct region *region, const char *name);

/* CODE with the bodies of the runtime functions it calls appended, and its calls leading there; CODE itself where it
   calls none.  *OWN_ITEMS is the number of CODE's items, which come first.
   0 and *EXTENDED, living in ARENA; or -1 and *WHY.  */
int runtime__extend (struct arena *arena, const struct region *region, const struct code *code,
                     const struct code **extended, unsigned *own_items, struct why *why);

#endif
