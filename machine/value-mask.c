/* Which bits of a value mean something: not the padding of its type.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/value-mask.h"

#include <string.h>

#define TYPE_DEPTH_MAX 16

static void mask_type (const struct region *region, unsigned type, uint64_t offset, uint8_t *mask,
                       size_t size, unsigned depth);

static void
mask_bytes (uint64_t offset, uint64_t n, uint8_t *mask, size_t size)
{
  for (uint64_t i = 0; i < n && offset + i < size; i++)
    mask[offset + i] = 0xff;
}

static void
mask_fields (const struct region *region, const struct type *type, uint64_t offset, uint8_t *mask,
             size_t size, unsigned depth)
{
  if (type->n_fields == 0)
    mask_bytes (offset, type->size, mask, size);
  for (unsigned i = 0; i < type->n_fields; i++)
    {
      const struct field *field = &type->field[i];
      if (field->bits == 0)
        mask_type (region, field->type, offset + field->offset, mask, size, depth + 1);
      for (unsigned b = 0; b < field->bits; b++)
        {
          uint64_t at = offset + field->offset + (field->bit + b) / 8;
          if (at < size)
            mask[at] |= (uint8_t) (1u << ((field->bit + b) % 8));
        }
    }
}

static void
mask_type (const struct region *region, unsigned index, uint64_t offset, uint8_t *mask, size_t size,
           unsigned depth)
{
  if (index >= region->n_types || depth > TYPE_DEPTH_MAX)
    {
      mask_bytes (offset, size, mask, size);
      return;
    }
  const struct type *type = &region->type[index];
  switch (type->kind)
    {
    case TYPE_VOID:
      break;
    case TYPE_FLOAT:
      mask_bytes (offset, type->x87 ? 10 : type->size, mask, size);
      break;
    case TYPE_STRUCT:
    case TYPE_UNION:
      mask_fields (region, type, offset, mask, size, depth);
      break;
    case TYPE_ARRAY:
    case TYPE_COMPLEX:
      {
        uint64_t count = type->kind == TYPE_COMPLEX ? 2 : type->count;
        uint64_t step = type->element < region->n_types ? region->type[type->element].size : 0;
        if (step == 0)
          mask_bytes (offset, type->size, mask, size);
        else
          for (uint64_t i = 0; i < count && offset + i * step < size; i++)
            mask_type (region, type->element, offset + i * step, mask, size, depth + 1);
        break;
      }
    default:
      mask_bytes (offset, type->size ? type->size : size, mask, size);
    }
}

void
value__mask (const struct region *region, const struct value *value, uint8_t *mask, size_t size)
{
  memset (mask, 0, size);
  if (value->by_reference)
    memset (mask, 0xff, size); /* the location holds an address */
  else
    mask_type (region, value->type, 0, mask, size, 0);
}
