/* Making images and states by hand for the sandbox's tests.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SANDBOX_FIXTURE_H
#define AIOPT_SANDBOX_FIXTURE_H

#include "sandbox/sandbox.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Assembles TEXT alone with the system assembler; its bytes in *BYTES (malloc'ed, SIZE of them).  */
static inline int
assemble (const char *text, uint8_t **bytes, size_t *size)
{
  char folder[] = "/tmp/aiopt-sandbox-XXXXXX";
  char path[64], command[256];
  int result = -1;
  if (!mkdtemp (folder))
    return -1;
  snprintf (path, sizeof path, "%s/a.s", folder);
  FILE *file = fopen (path, "w");
  if (file)
    {
      fprintf (file, "%s\n", text);
      fclose (file);
      snprintf (command, sizeof command,
                "cd %s && as a.s -o a.o && objcopy -O binary -j .text a.o a.bin", folder);
      if (system (command) == 0)
        {
          snprintf (path, sizeof path, "%s/a.bin", folder);
          file = fopen (path, "r");
          if (file)
            {
              *bytes = malloc (65536);
              *size = fread (*bytes, 1, 65536, file);
              fclose (file);
              result = *size > 0 ? 0 : -1;
            }
        }
    }
  for (const char *const *name = (const char *const[]){ "a.s", "a.o", "a.bin", NULL }; *name; name++)
    {
      snprintf (path, sizeof path, "%s/%s", folder, *name);
      unlink (path);
    }
  rmdir (folder);
  return result;
}

/* An image in slot INDEX made from TEXT; free with image__drop.  */
static inline struct image *
image__make (const char *text, unsigned index)
{
  uint8_t *bytes;
  size_t size;
  if (assemble (text, &bytes, &size) != 0)
    {
      fprintf (stderr, "can't assemble:\n%s\n", text);
      abort ();
    }
  struct image *image = calloc (1, sizeof *image);
  image->base = image->entry = SANDBOX_CODE_BASE + index * (uint64_t) SANDBOX_CODE_STRIDE;
  image->text_size = image->size = (size + SANDBOX_PAGE - 1) / SANDBOX_PAGE * SANDBOX_PAGE;
  image->bytes = malloc (image->size);
  memset (image->bytes, 0xcc, image->size);
  memcpy (image->bytes, bytes, size);
  free (bytes);
  return image;
}

static inline void
image__drop (struct image *image)
{
  free (image->bytes);
  free (image);
}

/* A state with one writable page in slot 30, rdi pointing to it, filled by a pattern.  */
static inline struct state *
state__make (void)
{
  struct state *state = calloc (1, sizeof *state);
  state->machine.mxcsr = 0x1f80;
  state->machine.gpr[7] = slot__begin (30);
  for (unsigned i = 8; i < 16; i++)
    state->machine.gpr[i] = 0x1111111111111111u * (i - 7);
  state->machine.gpr[3] = 0x3333;
  state->machine.gpr[5] = 0x5555;
  state->n_spans = 1;
  state->span[0].address = slot__begin (30);
  state->span[0].size = SANDBOX_PAGE;
  state->span[0].protection = PROT_STATE_READ | PROT_STATE_WRITE;
  state->span[0].bytes = malloc (SANDBOX_PAGE);
  for (unsigned i = 0; i < SANDBOX_PAGE; i++)
    state->span[0].bytes[i] = (uint8_t) (i * 7 + 1);
  state->seed = 12345;
  for (unsigned i = 0; i < 4; i++)
    state->pointer_answer[i] = slot__begin (30) + 64 * i;
  return state;
}

static inline void
state__drop (struct state *state)
{
  for (unsigned i = 0; i < state->n_spans; i++)
    free (state->span[i].bytes);
  free (state);
}

#endif
