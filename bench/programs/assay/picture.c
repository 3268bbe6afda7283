/* The file seen as an 8-bit picture.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"
#include <stdlib.h>

/* One output row of the 3 × 3 binomial blur.  */
static void
blur_row (const uint8_t *above, const uint8_t *row, const uint8_t *below, uint8_t *out, size_t width)
{
  for (size_t x = 1; x + 1 < width; x++)
    {
      unsigned sum = above[x - 1] + 2u * above[x] + above[x + 1] + 2u * row[x - 1] + 4u * row[x]
                     + 2u * row[x + 1] + below[x - 1] + 2u * below[x] + below[x + 1];
      out[x] = (uint8_t) ((sum + 8) >> 4);
    }
}

/* The binomial blur; the border stays as it is in TO.  */
void
picture_blur (const struct image *from, struct image *to)
{
  size_t width = from->width;
  for (size_t y = 1; y + 1 < from->height; y++)
    {
      const uint8_t *row = from->pixels + y * width;
      blur_row (row - width, row, row + width, to->pixels + y * width, width);
    }
}

/* One output row of Sobel's edge strength, cut off at 255.  */
static void
edge_row (const uint8_t *above, const uint8_t *row, const uint8_t *below, uint8_t *out, size_t width)
{
  for (size_t x = 1; x + 1 < width; x++)
    {
      int across = above[x + 1] + 2 * row[x + 1] + below[x + 1] - above[x - 1] - 2 * row[x - 1]
                   - below[x - 1];
      int down = below[x - 1] + 2 * below[x] + below[x + 1] - above[x - 1] - 2 * above[x]
                 - above[x + 1];
      int strength = abs (across) + abs (down);
      out[x] = (uint8_t) (strength > 255 ? 255 : strength);
    }
}

void
picture_edges (const struct image *from, struct image *to)
{
  size_t width = from->width;
  for (size_t y = 1; y + 1 < from->height; y++)
    {
      const uint8_t *row = from->pixels + y * width;
      edge_row (row - width, row, row + width, to->pixels + y * width, width);
    }
}

/* A over B by ALPHA.  */
void
picture_blend (uint8_t *to, const uint8_t *a, const uint8_t *b, const uint8_t *alpha, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      unsigned mixed = a[i] * alpha[i] + b[i] * (255u - alpha[i]) + 128;
      to[i] = (uint8_t) ((mixed + (mixed >> 8)) >> 8);
    }
}

/* The sum of absolute differences, as motion search uses it.  */
uint32_t
picture_difference (const uint8_t *a, const uint8_t *b, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (uint32_t) abs (a[i] - b[i]);
  return sum;
}

void
picture_histogram (const uint8_t *p, size_t n, uint32_t histogram[256])
{
  for (size_t i = 0; i < n; i++)
    histogram[p[i]]++;
}
