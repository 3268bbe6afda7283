/* Characters of UTF-8, for whoever shows or reads text from outside.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_UTF8_H
#define AIOPT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of the character at the beginning of TEXT[LENGTH], 1 to 4, and its *POINT; 0 where there is none (RFC 3629: overlong forms,
   surrogates and what is above U+10FFFF are none).  */
unsigned utf8__decode (const char *text, size_t length, uint32_t *point);

/* Is POINT one that can't be seen, or hides or reorders what is around it: the controls U+0080 to U+009F, U+200B to U+200F, U+2028 to U+202E,
   U+2060 to U+206F, U+FEFF, U+E0000 on?  */
bool utf8__is_hidden (uint32_t point);

#endif
