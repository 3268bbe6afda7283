/* Words and bytes as JSON and back, for the files that keep states: words are "0x" and hexadecimal,
   bytes hexadecimal.  What is read comes from a file that anyone may have changed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_STATES_JSON_H
#define AIOPT_STATES_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* New items, which the caller frees or hands on; NULL without memory.  */
cJSON *json__word (uint64_t value);
cJSON *json__hex (const uint8_t *bytes, size_t size);

/* Adds WORD[N] to JSON as list NAME.  */
void json__add_words (cJSON *json, const char *name, const uint64_t *word, unsigned n);

/* Reads one word; false where JSON isn't one (NULL: missing).  */
bool json__read_word (const cJSON *json, uint64_t *value);

/* Reads a list of at least LEAST and at most MOST words; *N of them (N may be NULL).  */
bool json__read_words (const cJSON *json, uint64_t *word, int least, int most, unsigned *n);

/* Reads at least LEAST and at most MOST bytes; *SIZE of them (SIZE may be NULL).  */
bool json__read_hex (const cJSON *json, uint8_t *bytes, size_t least, size_t most, size_t *size);

#endif
