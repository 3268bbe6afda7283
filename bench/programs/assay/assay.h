/* assay: looks at a file the way several fields would: checksums, hashes, text, codecs, images, matrices,
   search.  The demo's real program: ordinary code, written without any thought of aiopt.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef ASSAY_H
#define ASSAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A whole file in memory.  */
struct blob
{
  uint8_t *bytes;
  size_t size;
};

/* An 8-bit image, row after row.  */
struct image
{
  uint8_t *pixels;
  size_t width, height;
};

int blob_read (const char *path, struct blob *blob);
void blob_free (struct blob *blob);
void *xmalloc (size_t size);

/* checksum.c */
uint32_t adler32 (const uint8_t *p, size_t n);
uint32_t crc32_update (uint32_t crc, const uint8_t *p, size_t n);
uint32_t fletcher32 (const uint16_t *p, size_t n);
uint16_t internet_checksum (const uint16_t *p, size_t n);

/* hash.c */
void hash_lanes (uint32_t state[16], const uint32_t *words, size_t n_blocks);
uint32_t hash_fold (const uint32_t state[16]);
void row_signatures (const uint8_t *p, size_t n, size_t row, uint32_t *signature);
void gear_hashes (const uint8_t *p, size_t n, uint64_t *hash);

/* text.c */
struct text_counts
{
  size_t lines, spaces, letters, digits, high;
};
void text_count (const uint8_t *p, size_t n, struct text_counts *counts);
void text_lower (uint8_t *to, const uint8_t *from, size_t n);
size_t text_find_pairs (const uint8_t *p, size_t n, uint8_t first, uint8_t second);
size_t utf8_code_points (const uint8_t *p, size_t n);

/* codec.c */
size_t hex_encode (char *to, const uint8_t *from, size_t n);
void delta_encode (uint8_t *to, const uint8_t *from, size_t n);
void planes_split (uint8_t *to, const uint32_t *from, size_t n);
size_t lz_compress (uint8_t *to, const uint8_t *from, size_t n, uint32_t *table);
size_t lz_expand (uint8_t *to, size_t room, const uint8_t *from, size_t n);

/* picture.c */
void picture_blur (const struct image *from, struct image *to);
void picture_edges (const struct image *from, struct image *to);
void picture_blend (uint8_t *to, const uint8_t *a, const uint8_t *b, const uint8_t *alpha, size_t n);
uint32_t picture_difference (const uint8_t *a, const uint8_t *b, size_t n);
void picture_histogram (const uint8_t *p, size_t n, uint32_t histogram[256]);

/* matrix.c */
int32_t dot16 (const int16_t *a, const int16_t *b, size_t n);
void matrix_multiply (const int32_t *a, const int32_t *b, int32_t *c, size_t n);
void filter_float (const float *signal, const float *taps, float *out, size_t n, size_t n_taps);
uint64_t sum_squares (const int32_t *v, size_t n);

/* search.c */
unsigned hamming (const uint64_t *a, const uint64_t *b, size_t words);
size_t nearest (const uint64_t *signatures, size_t n, size_t words, const uint64_t *query);
size_t lower_bound (const uint32_t *sorted, size_t n, uint32_t value);
void sort_shell (uint32_t *v, size_t n);
size_t find_max (const int32_t *v, size_t n);
size_t count_in_range (const int32_t *v, size_t n, int32_t low, int32_t high);

#endif
