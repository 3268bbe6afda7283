/* An account's numbers in memory and in a file.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/account-state.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum
{
  STATE_VERSION = 2,
  STATE_SLOTS = 8,        /* servers of a file; the one that was used least lately makes room */
  DIGEST_BYTES = 16,
  LOCK_TRIES = 50         /* of 5 ms: who has the lock holds it for microseconds */
};

/* The file.  It is one page; that of a system with larger ones is mapped in part.  */
struct state_file
{
  char magic[8];
  uint32_t version, size;
  struct
  {
    uint8_t digest[DIGEST_BYTES];
    time_span used;
    struct account_state state;
  } slot[STATE_SLOTS];
};
_Static_assert (sizeof (struct state_file) <= 4096, "the file is one page");
_Static_assert (ATOMIC_LLONG_LOCK_FREE == 2, "words that processes share");

static const char state_magic[8] = "aioptms";

/* A span's word: hundredths of a second since 2020 in the upper bits, how many it lasts in the lower.  */
enum { SPAN_BITS = 24 };
#define SPAN_EPOCH 1577836800

/* Now, in hundredths of a second since 2020.  */
static uint64_t
span__now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  return now.tv_sec < SPAN_EPOCH ? 0 : (uint64_t) (now.tv_sec - SPAN_EPOCH) * 100 + (uint64_t) now.tv_nsec / 10000000;
}

void
span__set (time_span *span, double seconds)
{
  if (!(seconds > 0))
    seconds = 0;
  if (seconds > SPAN_SECONDS_MAX)
    seconds = SPAN_SECONDS_MAX;
  atomic_store (span, span__now () << SPAN_BITS | (uint64_t) (seconds * 100 + 0.5));
}

double
span__left (const time_span *span, double most)
{
  uint64_t word = atomic_load (span), begin = word >> SPAN_BITS, length = word & ((1u << SPAN_BITS) - 1), now = span__now ();
  if (begin > now || now - begin >= length || (double) length > most * 100 + 1)
    return 0;
  return (double) (length - (now - begin)) / 100;
}

struct account_state *
account_state__new (void)
{
  struct account_state *state = mmap (NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (state == MAP_FAILED)
    abort ();
  return state;
}

void
account_state__free (struct account_state *state)
{
  if (state)
    munmap (state, sizeof *state);
}

/* Locks the file FD, waiting for a quarter of a second at most.  */
static bool
file__lock (int fd)
{
  for (unsigned i = 0; i < LOCK_TRIES; i++)
    {
      if (flock (fd, LOCK_EX | LOCK_NB) == 0)
        return true;
      if (errno != EWOULDBLOCK && errno != EINTR)
        return false;
      nanosleep (&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
  return false;
}

/* Reads FD's head: is it usable as it is, empty, damaged, or nothing to touch?  */
enum file_is { FILE_GOOD, FILE_EMPTY, FILE_DAMAGED, FILE_FOREIGN };
static enum file_is
file__look (int fd)
{
  struct stat info;
  struct { char magic[8]; uint32_t version, size; } head;
  if (fstat (fd, &info) < 0 || !S_ISREG (info.st_mode) || info.st_uid != geteuid () || info.st_nlink > 1)
    return FILE_FOREIGN;
  if (info.st_size == 0)
    return FILE_EMPTY;
  if (pread (fd, &head, sizeof head, 0) != (ssize_t) sizeof head)
    return FILE_FOREIGN;
  /* Blocks that never reached the disk read as zeros.  */
  if (sodium_is_zero ((const unsigned char *) head.magic, sizeof head.magic))
    return FILE_DAMAGED;
  if (memcmp (head.magic, state_magic, sizeof head.magic) != 0)
    return FILE_FOREIGN;
  if (head.version != STATE_VERSION)
    return FILE_FOREIGN;
  return head.size == sizeof (struct state_file) && info.st_size == (off_t) sizeof (struct state_file) ? FILE_GOOD : FILE_DAMAGED;
}

/* Writes an empty state to the empty file FD, all its blocks at once: a page that can't be written to the disk would end whoever
   touches it.  */
static bool
file__fill (int fd)
{
  struct state_file file = { .version = STATE_VERSION, .size = sizeof file };
  memcpy (file.magic, state_magic, sizeof file.magic);
  return posix_fallocate (fd, 0, sizeof file) == 0 && pwrite (fd, &file, sizeof file, 0) == (ssize_t) sizeof file;
}

/* The file FOLDER/model.state, open, locked and usable; -1 where there is none to be had.  */
static int
file__open (const char *folder)
{
  int at = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd = -1;
  for (unsigned tries = 0; at >= 0 && tries < 3; tries++)
    {
      fd = openat (at, "model.state", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
      if (fd < 0 || !file__lock (fd))
        break;
      enum file_is is = file__look (fd);
      struct stat info;
      /* Somebody made it anew between the two.  */
      bool gone = fstat (fd, &info) == 0 && info.st_nlink == 0;
      if (!gone && (is == FILE_GOOD || (is == FILE_EMPTY && file__fill (fd))))
        {
          close (at);
          return fd;
        }
      if (!gone && is == FILE_DAMAGED)
        unlinkat (at, "model.state", 0);
      close (fd);
      fd = -1;
      if (!gone && is != FILE_DAMAGED)
        break;
    }
  if (fd >= 0)
    close (fd);
  if (at >= 0)
    close (at);
  return -1;
}

/* FILE's slot for DIGEST, which may have been another's.  */
static unsigned
file__slot (struct state_file *file, const uint8_t digest[DIGEST_BYTES])
{
  unsigned oldest = 0;
  double least = SPAN_SECONDS_MAX + 1;
  for (unsigned i = 0; i < STATE_SLOTS; i++)
    {
      if (memcmp (file->slot[i].digest, digest, DIGEST_BYTES) == 0)
        return i;
      double left = span__left (&file->slot[i].used, SPAN_SECONDS_MAX);
      if (left < least)
        {
          least = left;
          oldest = i;
        }
    }
  memset (&file->slot[oldest], 0, sizeof file->slot[oldest]);
  memcpy (file->slot[oldest].digest, digest, DIGEST_BYTES);
  return oldest;
}

struct account_state *
account_state__open (const char *folder, const char *base_url)
{
  uint8_t digest[DIGEST_BYTES];
  if (sodium_init () < 0
      || crypto_generichash (digest, sizeof digest, (const unsigned char *) base_url, strlen (base_url), NULL, 0) != 0)
    return NULL;
  int fd = file__open (folder);
  if (fd < 0)
    return NULL;
  struct state_file *file = mmap (NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  struct account_state *state = NULL;
  if (file != MAP_FAILED)
    {
      unsigned slot = file__slot (file, digest);
      span__set (&file->slot[slot].used, SPAN_SECONDS_MAX);
      state = &file->slot[slot].state;
    }
  /* The mapping would keep the lock beyond the descriptor.  */
  flock (fd, LOCK_UN);
  close (fd);
  return state;
}

void
account_state__close (struct account_state *state)
{
  /* The mapping begins where its page does.  */
  if (state)
    munmap ((void *) ((uintptr_t) state & ~(uintptr_t) 4095), sizeof (struct state_file));
}
