/* The list of settings, and what somebody may have meant who wrote a name that isn't in it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "config/internal.h"

#include <string.h>

static const struct config_item items[] = {
#define ITEM(NAME, KIND, STANDARD, LOW, HIGH, CHOICES, HELP) { NAME, CONFIG_##KIND, STANDARD, LOW, HIGH, CHOICES, HELP },
#include "config/config.def"
#undef ITEM
};

/* Longer names than this are compared, and shown, by their beginning.  */
enum { NAME_MAX_SHOWN = 40 };

const struct config_item *
config__items (unsigned *n)
{
  *n = CONFIG_N_ITEMS;
  return items;
}

unsigned
config_item__index (const struct config_item *item)
{
  return (unsigned) (item - items);
}

/* How many letters have to be put in, left out or replaced to make B of A (Levenshtein's distance).  */
static unsigned
distance (const char *a, const char *b)
{
  unsigned row[NAME_MAX_SHOWN + 1];
  size_t n = strnlen (b, NAME_MAX_SHOWN);
  for (unsigned j = 0; j <= n; j++)
    row[j] = j;
  for (unsigned i = 0; a[i] && i < NAME_MAX_SHOWN; i++)
    {
      unsigned corner = row[0];
      row[0] = i + 1;
      for (unsigned j = 0; j < n; j++)
        {
          unsigned best = corner + (a[i] != b[j]);
          corner = row[j + 1];
          best = row[j] + 1 < best ? row[j] + 1 : best;
          row[j + 1] = corner + 1 < best ? corner + 1 : best;
        }
    }
  return row[n];
}

/* What stands after the section in NAME.  */
static const char *
key_of (const char *name)
{
  const char *dot = strchr (name, '.');
  return dot ? dot + 1 : name;
}

/* May NAME be shown?  A line of a file that has lost its beginning may hold a piece of a key; those have digits and capitals
   in them or are long, and names of settings aren't.  */
static bool
is_harmless (const char *name)
{
  size_t length = strlen (name);
  return length > 0 && length <= NAME_MAX_SHOWN && strspn (name, "abcdefghijklmnopqrstuvwxyz-_.") == length;
}

const struct config_item *
config__item (const char *name, struct why *why)
{
  const struct config_item *nearest = NULL;
  unsigned least = 0;
  for (unsigned i = 0; i < CONFIG_N_ITEMS; i++)
    {
      if (strcmp (items[i].name, name) == 0)
        return &items[i];
      unsigned whole = distance (name, items[i].name);
      /* Right but for the section, or without one.  */
      unsigned key = distance (key_of (name), key_of (items[i].name)) + 1;
      unsigned far = whole < key ? whole : key;
      if (!nearest || far < least)
        {
          nearest = &items[i];
          least = far;
        }
    }
  bool shown = is_harmless (name);
  why__set (why, REASON_CONFIG, "%s%s%s is no setting; %s%s%s", shown ? "'" : "", shown ? name : "a name that isn't shown here",
            shown ? "'" : "", least <= strlen (nearest->name) / 2 ? "did you mean " : "the nearest is ", nearest->name,
            least <= strlen (nearest->name) / 2 ? "?" : "");
  return NULL;
}
