/* Inside config/: how a value gets into a configuration.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CONFIG_INTERNAL_H
#define AIOPT_CONFIG_INTERNAL_H

#include "config/config.h"

#include <stddef.h>

enum { CONFIG_N_ITEMS = 0
#define ITEM(NAME, KIND, STANDARD, LOW, HIGH, CHOICES, HELP) +1
#include "config/config.def"
#undef ITEM
};

/* Where a value was found: what its paths may be depends on that.  */
enum config_source { CONFIG_FROM_FILE, CONFIG_FROM_ENVIRONMENT, CONFIG_FROM_COMMAND };

/* The place of ITEM in the list.  */
unsigned config_item__index (const struct config_item *item);

/* What a value of ITEM has to be ("a number from 0.1 to 600"), into BUFFER.  */
const char *config_item__expected (const struct config_item *item, char *buffer, size_t size);

/* TEXT as a value of ITEM in the form in which it is kept: malloc'ed; NULL where it is none.  */
char *config_item__value (const struct config_item *item, const char *text, enum config_source source);

/* Both numbers of PAIR, which config_item__value gave.  */
void config_pair__read (const char *pair, double number[2]);

/* Sets ITEM to TEXT, found at ORIGIN ("FILE:LINE").  0, or -1 and *WHY, which never has a secret in it.  */
int config__assign (struct config *config, const struct config_item *item, const char *text, enum config_source source,
                    const char *origin, struct why *why);

/* Reads the file PATH into CONFIG; where it doesn't exist that's an error only if it is REQUIRED.  0, or -1 and *WHY.  */
int config_file__read (struct config *config, const char *path, bool required, struct why *why);

/* The user's home folder, absolute; malloc'ed, or NULL where there is none.  */
char *config__home (void);

/* Wipes and frees TEXT, which may be NULL.  */
void config__wipe (char *text);

/* The end of PATH, short enough for a message, with "..." before it where something was left out.  BUFFER is for that.  */
enum { CONFIG_PLACE_MAX = 140 };
const char *config__place (const char *path, char buffer[CONFIG_PLACE_MAX]);

#endif
