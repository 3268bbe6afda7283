/* assay FILE [ROUNDS]: prints what each field sees in FILE.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum
{
  ROW = 1024,       /* picture width and hash row, in bytes */
  MATRIX = 96,
  TAPS = 32,
  SIGNATURE_WORDS = 16,
  QUERIES = 64,
  LZ_BLOCK = 1 << 16,
  LZ_TABLE = 1 << 14
};

void *
xmalloc (size_t size)
{
  void *p = malloc (size > 0 ? size : 1);
  if (p == NULL)
    {
      fprintf (stderr, "assay: out of memory for %zu bytes\n", size);
      exit (1);
    }
  return p;
}

/* Reads PATH whole.  0, or -1 with errno.  */
int
blob_read (const char *path, struct blob *blob)
{
  FILE *f = fopen (path, "rb");
  if (f == NULL)
    return -1;
  size_t room = 1 << 16;
  blob->bytes = xmalloc (room);
  blob->size = 0;
  size_t got;
  while ((got = fread (blob->bytes + blob->size, 1, room - blob->size, f)) > 0)
    {
      blob->size += got;
      if (blob->size == room)
        {
          room *= 2;
          uint8_t *larger = realloc (blob->bytes, room);
          if (larger == NULL)
            {
              free (blob->bytes);
              fclose (f);
              errno = ENOMEM;
              return -1;
            }
          blob->bytes = larger;
        }
    }
  int failed = ferror (f);
  fclose (f);
  if (failed)
    {
      free (blob->bytes);
      errno = EIO;
      return -1;
    }
  return 0;
}

void
blob_free (struct blob *blob)
{
  free (blob->bytes);
  blob->bytes = NULL;
  blob->size = 0;
}

/* What the fields write to, allocated once for a file.  */
struct workspace
{
  uint32_t *signature, *table;
  uint64_t *gear;
  char *hex;
  uint8_t *lower, *delta, *planes, *packed, *back, *blurred, *edges;
  int32_t *product;
  float *signal, *out;
};

static void
workspace_make (struct workspace *w, size_t size)
{
  w->signature = xmalloc (size / ROW * sizeof *w->signature);
  w->table = xmalloc (LZ_TABLE * sizeof *w->table);
  w->gear = xmalloc (size * sizeof *w->gear);
  w->hex = xmalloc (2 * size);
  w->lower = xmalloc (size);
  w->delta = xmalloc (size);
  w->planes = xmalloc (size);
  w->packed = xmalloc (LZ_BLOCK + LZ_BLOCK / 128 + 1);
  w->back = xmalloc (LZ_BLOCK);
  w->blurred = xmalloc (size);
  w->edges = xmalloc (size);
  w->product = xmalloc (MATRIX * MATRIX * sizeof *w->product);
  w->signal = xmalloc ((ROW + TAPS) * sizeof *w->signal);
  w->out = xmalloc (ROW * sizeof *w->out);
}

static void
workspace_free (struct workspace *w)
{
  void *const area[] = { w->signature, w->table, w->gear,    w->hex,   w->lower,   w->delta,  w->planes,
                         w->packed,    w->back,  w->blurred, w->edges, w->product, w->signal, w->out };
  for (size_t i = 0; i < sizeof area / sizeof *area; i++)
    free (area[i]);
}

static void
assay_checksums (const struct blob *b, uint64_t *digest)
{
  uint32_t adler = adler32 (b->bytes, b->size);
  uint32_t crc = crc32_update (0, b->bytes, b->size / 16);
  uint32_t fletcher = fletcher32 ((const uint16_t *) b->bytes, b->size / 2);
  uint16_t internet = internet_checksum ((const uint16_t *) b->bytes, b->size / 2);
  digest[0] ^= (uint64_t) adler << 32 | crc;
  digest[1] ^= (uint64_t) fletcher << 32 | internet;
}

static void
assay_hashes (const struct blob *b, const struct workspace *w, uint64_t *digest)
{
  uint32_t state[16] = { 0 };
  size_t rows = b->size / ROW;
  uint32_t *signature = w->signature;
  uint64_t *gear = w->gear;
  hash_lanes (state, (const uint32_t *) b->bytes, b->size / 64);
  row_signatures (b->bytes, b->size, ROW, signature);
  gear_hashes (b->bytes, b->size, gear);
  digest[2] ^= hash_fold (state);
  for (size_t r = 0; r < rows; r++)
    digest[3] = digest[3] * 31 + signature[r];
  for (size_t i = 7; i < b->size; i += 4096)
    digest[3] ^= gear[i];
  sort_shell (signature, rows);
  for (size_t r = 0; r < rows; r += 7)
    digest[4] += lower_bound (signature, rows, (uint32_t) r * 2654435761u);
}

static void
assay_text (const struct blob *b, const struct workspace *w, uint64_t *digest)
{
  struct text_counts counts = { 0 };
  uint8_t *lower = w->lower;
  text_count (b->bytes, b->size, &counts);
  text_lower (lower, b->bytes, b->size);
  digest[5] ^= counts.lines + (counts.spaces << 16) + ((uint64_t) counts.letters << 32)
               + ((uint64_t) counts.digits << 48) + counts.high;
  digest[6] ^= text_find_pairs (lower, b->size, 't', 'h') << 32
               ^ utf8_code_points (b->bytes, b->size);
}

/* The round trip through the compressor is checked on every block.  */
static void
assay_codecs (const struct blob *b, const struct workspace *w, uint64_t *digest)
{
  char *hex = w->hex;
  uint8_t *delta = w->delta, *planes = w->planes, *packed = w->packed, *back = w->back;
  size_t total = 0;
  hex_encode (hex, b->bytes, b->size);
  delta_encode (delta, b->bytes, b->size);
  planes_split (planes, (const uint32_t *) b->bytes, b->size / 4);
  for (size_t at = 0; at < b->size; at += 16 * LZ_BLOCK)
    {
      size_t n = b->size - at < LZ_BLOCK ? b->size - at : LZ_BLOCK;
      size_t m = lz_compress (packed, b->bytes + at, n, w->table);
      if (lz_expand (back, LZ_BLOCK, packed, m) != n || memcmp (back, b->bytes + at, n) != 0)
        {
          fprintf (stderr, "assay: block at %zu does not come back\n", at);
          exit (1);
        }
      total += m;
    }
  digest[7] ^= total;
  for (size_t i = 0; i < b->size; i += 997)
    digest[7] = digest[7] * 131 + delta[i] + (uint8_t) hex[2 * i + 1] + planes[i & ~(size_t) 3];
}

static void
assay_picture (const struct blob *b, const struct workspace *w, uint64_t *digest)
{
  struct image from = { b->bytes, ROW, b->size / ROW };
  size_t n = from.width * from.height;
  struct image blurred = { w->blurred, from.width, from.height };
  struct image edges = { w->edges, from.width, from.height };
  uint32_t histogram[256] = { 0 };
  memset (blurred.pixels, 0, n);
  memset (edges.pixels, 0, n);
  picture_blur (&from, &blurred);
  picture_edges (&blurred, &edges);
  digest[8] ^= picture_difference (from.pixels, blurred.pixels, n);
  picture_blend (blurred.pixels, from.pixels, blurred.pixels, edges.pixels, n);
  picture_histogram (blurred.pixels, n / 4, histogram);
  for (int i = 0; i < 256; i++)
    digest[9] = digest[9] * 31 + histogram[i];
}

static void
assay_numbers (const struct blob *b, const struct workspace *w, uint64_t *digest)
{
  size_t words = b->size / 4;
  const int32_t *v = (const int32_t *) b->bytes;
  int32_t *product = w->product;
  float *signal = w->signal, *out = w->out;
  float taps[TAPS];
  if (words >= 2 * MATRIX * MATRIX)
    {
      matrix_multiply (v, v + MATRIX * MATRIX, product, MATRIX);
      for (size_t i = 0; i < MATRIX * MATRIX; i++)
        digest[10] = digest[10] * 31 + (uint32_t) product[i];
    }
  for (int t = 0; t < TAPS; t++)
    taps[t] = 1.0f / (float) (t + 1);
  for (size_t row = 0; row + ROW + TAPS <= b->size; row += 16 * ROW)
    {
      for (size_t i = 0; i < ROW + TAPS; i++)
        signal[i] = b->bytes[row + i];
      filter_float (signal, taps, out, ROW, TAPS);
      for (size_t i = 0; i < ROW; i += 61)
        digest[11] = digest[11] * 31 + (uint32_t) out[i];
    }
  digest[12] ^= sum_squares (v, words);
  digest[12] += (uint32_t) dot16 ((const int16_t *) v, (const int16_t *) v + words, words);
  digest[13] ^= find_max (v, words) ^ count_in_range (v, words, -1000000, 1000000) << 32;
}

static void
assay_search (const struct blob *b, uint64_t *digest)
{
  const uint64_t *signatures = (const uint64_t *) b->bytes;
  size_t n = b->size / (SIGNATURE_WORDS * sizeof (uint64_t));
  for (size_t q = 0; q < QUERIES && q < n; q++)
    {
      uint64_t query[SIGNATURE_WORDS];
      memcpy (query, signatures + (q * 37 % n) * SIGNATURE_WORDS, sizeof query);
      for (int i = 0; i < SIGNATURE_WORDS; i++)
        query[i] ^= 0x0101010101010101u * (q + 1);
      digest[14] = digest[14] * 31 + nearest (signatures, n / 8, SIGNATURE_WORDS, query);
    }
}

int
main (int argc, char **argv)
{
  struct blob blob;
  uint64_t digest[16] = { 0 };
  long rounds = argc > 2 ? strtol (argv[2], NULL, 10) : 1;
  if (argc < 2 || argc > 3 || rounds < 1)
    {
      fprintf (stderr, "usage: assay FILE [ROUNDS]\n");
      return 64;
    }
  if (blob_read (argv[1], &blob) != 0)
    {
      fprintf (stderr, "assay: %s: %s\n", argv[1], strerror (errno));
      return 1;
    }
  struct workspace workspace;
  workspace_make (&workspace, blob.size);
  for (long r = 0; r < rounds; r++)
    {
      assay_checksums (&blob, digest);
      assay_hashes (&blob, &workspace, digest);
      assay_text (&blob, &workspace, digest);
      assay_codecs (&blob, &workspace, digest);
      assay_picture (&blob, &workspace, digest);
      assay_numbers (&blob, &workspace, digest);
      assay_search (&blob, digest);
    }
  static const char *const name[] = { "adler/crc", "fletcher/internet", "lanes", "rows", "bounds",
                                      "classes", "pairs", "codecs", "difference", "histogram",
                                      "matrix", "filter", "norms", "extremes", "nearest" };
  printf ("%zu bytes, %ld rounds\n", blob.size, rounds);
  for (size_t i = 0; i < sizeof name / sizeof *name; i++)
    printf ("%-18s %016llx\n", name[i], (unsigned long long) digest[i]);
  workspace_free (&workspace);
  blob_free (&blob);
  return 0;
}
