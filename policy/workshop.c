/* The workshop's folder, and its end: who is killed leaves one that the next sweeps away.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/workshop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKSHOP_PREFIX "aiopt-work-"

struct workshop
{
  char *directory; /* NULL where none could be made */
  int alive;       /* locked while the workshop lives: what isn't locked is a leftover */
  pid_t owner;
  const volatile sig_atomic_t *stop;
  const struct model_settings *settings;
  struct account *account;
};

/* Removes workshops of this user whose owners were killed: nobody holds their lock.  */
static void
workshop__sweep (const char *base)
{
  DIR *directory = opendir (base);
  if (!directory)
    return;
  for (struct dirent *entry; (entry = readdir (directory));)
    {
      if (strncmp (entry->d_name, WORKSHOP_PREFIX, strlen (WORKSHOP_PREFIX)) != 0)
        continue;
      char *path, *lock;
      struct stat info;
      if (asprintf (&path, "%s/%s", base, entry->d_name) < 0)
        continue;
      if (lstat (path, &info) == 0 && S_ISDIR (info.st_mode) && info.st_uid == geteuid ()
          && asprintf (&lock, "%s/alive", path) >= 0)
        {
          int fd = open (lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
          if (fd >= 0)
            {
              if (flock (fd, LOCK_EX | LOCK_NB) == 0)
                directory__remove (path);
              close (fd);
            }
          free (lock);
        }
      free (path);
    }
  closedir (directory);
}

struct workshop *
workshop__new (void)
{
  struct workshop *workshop = calloc (1, sizeof *workshop);
  if (!workshop)
    abort ();
  workshop->owner = getpid ();
  workshop->alive = -1;
  const char *base = getenv ("TMPDIR");
  workshop__sweep (base && base[0] == '/' ? base : "/tmp");
  workshop->directory = directory__temporary (WORKSHOP_PREFIX);
  char *lock;
  if (workshop->directory && asprintf (&lock, "%s/alive", workshop->directory) >= 0)
    {
      /* Locked under another name first, so that no sweep finds it unlocked.  */
      char *early;
      if (asprintf (&early, "%s/early", workshop->directory) >= 0)
        {
          workshop->alive = open (early, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
          if (workshop->alive >= 0 && flock (workshop->alive, LOCK_SH) == 0)
            rename (early, lock);
          free (early);
        }
      free (lock);
    }
  return workshop;
}

void
workshop__free (struct workshop *workshop)
{
  if (!workshop)
    return;
  if (workshop->directory && workshop->owner == getpid ())
    directory__remove (workshop->directory);
  if (workshop->alive >= 0)
    close (workshop->alive);
  free (workshop->directory);
  free (workshop);
}

const char *
workshop__directory (const struct workshop *workshop)
{
  return workshop->directory;
}

void
workshop__stop_on (struct workshop *workshop, const volatile sig_atomic_t *stop)
{
  workshop->stop = stop;
}

const volatile sig_atomic_t *
workshop__stop (const struct workshop *workshop)
{
  return workshop ? workshop->stop : NULL;
}

void
workshop__ask (struct workshop *workshop, const struct model_settings *settings, struct account *account)
{
  workshop->settings = settings;
  workshop->account = account;
}

const struct model_settings *
workshop__settings (const struct workshop *workshop)
{
  return workshop ? workshop->settings : NULL;
}

struct account *
workshop__account (const struct workshop *workshop)
{
  return workshop ? workshop->account : NULL;
}
