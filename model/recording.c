/* Recordings: one JSON file an answer, written beside and renamed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/recording.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum
{
  RECORDING_VERSION = 1,
  RECORDING_MAX = 16 << 20,
  DIGEST = (RECORDING_KEY - 1) / 2,
  SECRET_LEAST = 4 /* what is shorter is found everywhere */
};

static const char *const ends[] = { [CHAT_ANSWERED] = "stop", [CHAT_TRUNCATED] = "length", [CHAT_FILTERED] = "content_filter" };

/* Adds TEXT and its length to a digest, so that no two lists of texts are the same.  */
static void
digest__add (crypto_generichash_state *digest, const char *text)
{
  uint64_t length = strlen (text);
  crypto_generichash_update (digest, (const unsigned char *) &length, sizeof length);
  crypto_generichash_update (digest, (const unsigned char *) text, length);
}

static void
digest__end (crypto_generichash_state *digest, unsigned sample, char *const *answers, unsigned n_answers,
             char hex[RECORDING_KEY])
{
  unsigned char bytes[DIGEST];
  char number[16];
  snprintf (number, sizeof number, "%u", sample);
  digest__add (digest, number);
  for (unsigned i = 0; i < n_answers; i++)
    digest__add (digest, answers[i]);
  crypto_generichash_final (digest, bytes, sizeof bytes);
  sodium_bin2hex (hex, RECORDING_KEY, bytes, sizeof bytes);
}

void
recording__key (const char *model, const struct chat_message *first, unsigned n_first, const char *about, unsigned sample,
                char *const *answers, unsigned n_answers, struct recording_key *key)
{
  crypto_generichash_state digest;
  crypto_generichash_init (&digest, NULL, 0, DIGEST);
  digest__add (&digest, model ? model : "");
  for (unsigned i = 0; i < n_first; i++)
    {
      digest__add (&digest, first[i].role);
      digest__add (&digest, first[i].content);
    }
  digest__end (&digest, sample, answers, n_answers, key->exact);
  crypto_generichash_init (&digest, NULL, 0, DIGEST);
  digest__add (&digest, about);
  digest__end (&digest, sample, answers, n_answers, key->loose);
}

/* The file of FOLDER whose name ends in ".LOOSE.EXACT.json" of KEY; malloc'ed path, NULL where there is none.  LOOSELY: else one with another
   EXACT, of several the first by name, so that it is the same one every time.  */
static char *
recording__path (const char *folder, const struct recording_key *key, bool loosely)
{
  /* A dot, LOOSE, a dot, EXACT, ".json".  */
  enum { TAIL = 2 * RECORDING_KEY + 5 };
  DIR *directory = opendir (folder);
  char *best = NULL, *path = NULL;
  bool exact = false;
  if (!directory)
    return NULL;
  for (struct dirent *entry; !exact && (entry = readdir (directory));)
    {
      size_t length = strlen (entry->d_name);
      const char *tail = length >= TAIL ? entry->d_name + length - TAIL : NULL;
      if (!tail || tail[0] != '.' || tail[RECORDING_KEY] != '.' || strcmp (tail + 2 * RECORDING_KEY, ".json") != 0
          || strncmp (tail + 1, key->loose, RECORDING_KEY - 1) != 0)
        continue;
      exact = strncmp (tail + 1 + RECORDING_KEY, key->exact, RECORDING_KEY - 1) == 0;
      if (exact || (loosely && (!best || strcmp (entry->d_name, best) < 0)))
        {
          free (best);
          best = strdup (entry->d_name);
        }
    }
  closedir (directory);
  if (best && asprintf (&path, "%s/%s", folder, best) < 0)
    path = NULL;
  free (best);
  return path;
}

/* All of file PATH, zero-terminated and malloc'ed; NULL where it can't be had whole.  */
static char *
recording__read (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  char *text = NULL;
  size_t done = 0;
  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && info.st_size > 0 && info.st_size <= RECORDING_MAX)
    text = malloc ((size_t) info.st_size + 1);
  while (text && done < (size_t) info.st_size)
    {
      ssize_t n = read (fd, text + done, (size_t) info.st_size - done);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          free (text);
          text = NULL;
          break;
        }
      done += (size_t) n;
    }
  close (fd);
  if (text)
    text[done] = 0;
  return text;
}

bool
recording__find (const char *folder, const struct recording_key *key, bool loosely, char **text, enum chat_end *end)
{
  char *path = recording__path (folder, key, loosely);
  char *json = path ? recording__read (path) : NULL;
  cJSON *root = json ? cJSON_Parse (json) : NULL;
  const cJSON *version = cJSON_GetObjectItemCaseSensitive (root, "aiopt");
  const cJSON *answer = cJSON_GetObjectItemCaseSensitive (root, "answer");
  const cJSON *finish = cJSON_GetObjectItemCaseSensitive (root, "finish");
  bool found = false;
  if (cJSON_IsNumber (version) && version->valueint == RECORDING_VERSION && cJSON_IsString (answer) && cJSON_IsString (finish))
    for (unsigned i = 0; i < sizeof ends / sizeof *ends && !found; i++)
      if (strcmp (finish->valuestring, ends[i]) == 0)
        {
          *end = (enum chat_end) i;
          *text = strdup (answer->valuestring);
          found = *text != NULL;
        }
  cJSON_Delete (root);
  free (json);
  free (path);
  return found;
}

/* TEXT with each SECRET (of at least SECRET_LEAST bytes) replaced; malloc'ed.  */
static char *
text__scrub (const char *text, const char *secret)
{
  size_t length = secret ? strlen (secret) : 0;
  char *scrubbed = NULL;
  size_t size = 0;
  FILE *out = open_memstream (&scrubbed, &size);
  if (!out)
    abort ();
  for (const char *at = text; *at;)
    if (length >= SECRET_LEAST && strncmp (at, secret, length) == 0)
      {
        fputs ("[\xe2\x80\xa6]", out);
        at += length;
      }
    else
      fputc (*at++, out);
  if (fclose (out) != 0)
    abort ();
  return scrubbed;
}

char *
recording__clean (const struct model_settings *settings, const char *text)
{
  char *no_key = text__scrub (text, settings->key);
  const char *host = settings->base_url ? strstr (settings->base_url, "://") : NULL;
  if (!host)
    return no_key;
  host += 3;
  char *name = strndup (host, strcspn (host, "/?#"));
  if (!name)
    abort ();
  char *no_port = text__scrub (no_key, name);
  name[strcspn (name, ":")] = 0;
  char *clean = text__scrub (no_port, name);
  free (no_key);
  free (no_port);
  free (name);
  return clean;
}

static void
json__add_clean (cJSON *object, const char *name, const struct model_settings *settings, const char *text)
{
  char *clean = recording__clean (settings, text);
  cJSON_AddStringToObject (object, name, clean);
  free (clean);
}

int
recording__keep (const char *folder, const struct recording_key *key, const char *function, unsigned turn,
                 const struct model_settings *settings, const struct chat_message *messages, unsigned n,
                 const struct chat_answer *answer, struct why *why)
{
  if (mkdir (folder, 0700) != 0 && errno != EEXIST)
    return why__set (why, REASON_POLICY_FAILED, "llm.recordings %.200s: %s", folder, strerror (errno));
  char name[41];
  unsigned length = 0;
  for (const char *at = function; *at && length < sizeof name - 1; at++)
    name[length++] = isalnum ((unsigned char) *at) || *at == '_' ? *at : '-';
  snprintf (name + length, sizeof name - length, "%s", length ? "" : "function");
  cJSON *root = cJSON_CreateObject ();
  cJSON_AddNumberToObject (root, "aiopt", RECORDING_VERSION);
  json__add_clean (root, "function", settings, function);
  json__add_clean (root, "model", settings, settings->model ? settings->model : "");
  cJSON_AddNumberToObject (root, "turn", turn);
  /* The turns before this one have files of their own.  */
  cJSON *said = cJSON_AddArrayToObject (root, "said");
  for (unsigned i = turn == 1 ? 0 : n - 1; i < n; i++)
    {
      cJSON *message = cJSON_CreateObject ();
      cJSON_AddStringToObject (message, "role", messages[i].role);
      json__add_clean (message, "content", settings, messages[i].content);
      cJSON_AddItemToArray (said, message);
    }
  json__add_clean (root, "answer", settings, answer->text ? answer->text : "");
  cJSON_AddStringToObject (root, "finish", ends[answer->end]);
  cJSON_AddNumberToObject (root, "prompt_tokens", (double) answer->prompt_tokens);
  cJSON_AddNumberToObject (root, "answer_tokens", (double) answer->answer_tokens);
  char *text = cJSON_Print (root), *path = NULL, *fresh = NULL;
  cJSON_Delete (root);
  if (!text || asprintf (&path, "%s/%s.%s.%s.json", folder, name, key->loose, key->exact) < 0
      || asprintf (&fresh, "%s/.new-XXXXXX", folder) < 0)
    abort ();
  int fd = mkostemp (fresh, O_CLOEXEC), status = 0;
  FILE *out = fd >= 0 ? fdopen (fd, "w") : NULL;
  bool written = out && fputs (text, out) >= 0 && fputc ('\n', out) != EOF;
  if ((out && fclose (out) != 0) || !written || rename (fresh, path) != 0)
    {
      status = why__set (why, REASON_POLICY_FAILED, "llm.recordings %.200s: %s", path, strerror (errno));
      if (fd >= 0)
        unlink (fresh);
    }
  free (text);
  free (path);
  free (fresh);
  return status;
}
