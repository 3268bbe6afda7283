/* The region's table of types, from GCC's trees.

   Types are described down to fields and pointees.  A type that has no description here, lies too deep, or
   comes after too many others is TYPE_OTHER with its size: the verifier then has no inputs for
   it, which is a reason and never a guess.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

namespace aiopt {

enum { TYPES_MAX = 400, TYPE_DEPTH_MAX = 12, TYPE_FIELDS_MAX = 256 };

static uint64_t
size_of (const_tree type)
{
  tree size = TYPE_SIZE_UNIT (type);
  return size && tree_fits_uhwi_p (size) ? tree_to_uhwi (size) : 0;
}

/* The type's own name, or NULL.  */
static const char *
name_of (const_tree type)
{
  tree name = TYPE_NAME (type);
  if (name && TREE_CODE (name) == TYPE_DECL)
    name = DECL_NAME (name);
  return name && TREE_CODE (name) == IDENTIFIER_NODE ? IDENTIFIER_POINTER (name) : NULL;
}

type_table::type_table (struct arena *arena) : m_arena (arena)
{
  struct type type = {};
  type.kind = TYPE_VOID;
  type.name = "void";
  m_types.push_back (type);
}

unsigned
type_table::add_pointer (unsigned element)
{
  struct type type = {};
  type.kind = TYPE_POINTER;
  type.size = type.align = 8;
  type.element = element;
  m_types.push_back (type);
  return m_types.size () - 1;
}

unsigned
type_table::add_function (unsigned result)
{
  struct type type = {};
  type.kind = TYPE_FUNCTION;
  type.element = result;
  m_types.push_back (type);
  return m_types.size () - 1;
}

unsigned
type_table::add_integer (unsigned size)
{
  struct type type = {};
  type.kind = TYPE_INTEGER;
  type.size = type.align = size;
  m_types.push_back (type);
  return m_types.size () - 1;
}

/* The type of a value of MODE where no tree says more (calls of GCC's own library).  */
unsigned
type_table::add_mode (machine_mode mode)
{
  struct type type = {};
  type.size = type.align = GET_MODE_SIZE (mode).to_constant ();
  if (SCALAR_INT_MODE_P (mode))
    type.kind = TYPE_INTEGER;
  else if (SCALAR_FLOAT_MODE_P (mode))
    {
      type.kind = TYPE_FLOAT;
      type.x87 = mode == XFmode;
    }
  else
    type.kind = TYPE_OTHER;
  m_types.push_back (type);
  return m_types.size () - 1;
}

/* The index of TYPE, adding it and what it is made of.  DEPTH counts nesting.  */
unsigned
type_table::add (tree type, unsigned depth)
{
  if (!type || type == error_mark_node || VOID_TYPE_P (type))
    {
      if (!type || type == error_mark_node || TYPE_QUALS (type) == 0)
        return 0;
    }
  /* One entry for each set of qualifiers of each main variant.  */
  tree canonical = TYPE_MAIN_VARIANT (type);
  if (TYPE_QUALS (type) != TYPE_UNQUALIFIED)
    {
      tree variant = get_qualified_type (canonical, TYPE_QUALS (type));
      canonical = variant ? variant : type;
    }
  if (unsigned *known = m_known.get (canonical))
    return *known;

  struct type record = {};
  record.kind = TYPE_OTHER;
  record.size = size_of (type);
  record.align = TYPE_ALIGN_UNIT (type);
  record.is_const = TYPE_READONLY (type);
  record.is_volatile = TYPE_VOLATILE (type);
  record.is_restrict = POINTER_TYPE_P (type) && TYPE_RESTRICT (type);
  record.name = arena__strdup (m_arena, name_of (type));
  unsigned index = m_types.size ();
  if (index >= TYPES_MAX || depth > TYPE_DEPTH_MAX)
    {
      /* Not memoised: nearer to the root it may still get its description.  */
      m_types.push_back (record);
      return index;
    }
  m_types.push_back (record);
  m_known.put (canonical, index);

  switch (TREE_CODE (type))
    {
    case VOID_TYPE:
      record.kind = TYPE_VOID;
      record.size = 0;
      break;
    case BOOLEAN_TYPE:
      record.kind = TYPE_PRECISION (type) == 1 ? TYPE_BOOL : TYPE_INTEGER;
      break;
    case INTEGER_TYPE:
    case ENUMERAL_TYPE:
      record.kind = TYPE_INTEGER;
      record.is_signed = !TYPE_UNSIGNED (type);
      break;
    case REAL_TYPE:
      if (!DECIMAL_FLOAT_TYPE_P (type))
        {
          record.kind = TYPE_FLOAT;
          record.is_signed = true;
          record.x87 = TYPE_MODE (type) == XFmode;
        }
      break;
    case POINTER_TYPE:
    case REFERENCE_TYPE:
      if (record.size == 8)
        {
          record.kind = TYPE_POINTER;
          record.element = add (TREE_TYPE (type), depth + 1);
        }
      break;
    case RECORD_TYPE:
    case UNION_TYPE:
      {
        if (!COMPLETE_TYPE_P (type))
          {
            record.kind = TREE_CODE (type) == RECORD_TYPE ? TYPE_STRUCT : TYPE_UNION;
            break;
          }
        std::vector<struct field> fields;
        bool known = true;
        for (tree f = TYPE_FIELDS (type); f && known; f = DECL_CHAIN (f))
          {
            if (TREE_CODE (f) != FIELD_DECL)
              continue;
            tree position = byte_position (f);
            if (!tree_fits_uhwi_p (position) || !tree_fits_uhwi_p (DECL_FIELD_BIT_OFFSET (f))
                || fields.size () >= TYPE_FIELDS_MAX)
              {
                known = false;
                break;
              }
            struct field field = {};
            if (DECL_NAME (f))
              field.name = arena__strdup (m_arena, IDENTIFIER_POINTER (DECL_NAME (f)));
            field.offset = tree_to_uhwi (position);
            if (DECL_BIT_FIELD_TYPE (f))
              {
                field.bit = tree_to_uhwi (bit_position (f)) % BITS_PER_UNIT;
                field.bits = DECL_SIZE (f) && tree_fits_uhwi_p (DECL_SIZE (f))
                               ? tree_to_uhwi (DECL_SIZE (f)) : 0;
                if (field.bits == 0)
                  continue;
                field.type = add (DECL_BIT_FIELD_TYPE (f), depth + 1);
              }
            else
              field.type = add (TREE_TYPE (f), depth + 1);
            fields.push_back (field);
          }
        if (!known)
          break;
        record.kind = TREE_CODE (type) == RECORD_TYPE ? TYPE_STRUCT : TYPE_UNION;
        record.n_fields = fields.size ();
        record.field = ARENA_ARRAY (m_arena, struct field, fields.size ());
        if (!fields.empty ())
          memcpy (record.field, fields.data (), fields.size () * sizeof (struct field));
        break;
      }
    case ARRAY_TYPE:
      {
        record.kind = TYPE_ARRAY;
        record.element = add (TREE_TYPE (type), depth + 1);
        uint64_t element = size_of (TREE_TYPE (type));
        record.count = element ? record.size / element : 0;
        break;
      }
    case VECTOR_TYPE:
      record.kind = TYPE_VECTOR;
      record.element = add (TREE_TYPE (type), depth + 1);
      record.count = TYPE_VECTOR_SUBPARTS (type).to_constant ();
      break;
    case COMPLEX_TYPE:
      record.kind = TYPE_COMPLEX;
      record.element = add (TREE_TYPE (type), depth + 1);
      record.count = 2;
      break;
    case FUNCTION_TYPE:
    case METHOD_TYPE:
      record.kind = TYPE_FUNCTION;
      record.size = 0;
      record.element = add (TREE_TYPE (type), depth + 1);
      break;
    default: /* OFFSET_TYPE, NULLPTR_TYPE, OPAQUE_TYPE, LANG_TYPE …  */
      if (TREE_CODE (type) == NULLPTR_TYPE)
        {
          record.kind = TYPE_POINTER;
          record.element = 0;
        }
      break;
    }
  m_types[index] = record;
  return index;
}

void
type_table::store (struct region *region) const
{
  region->n_types = m_types.size ();
  region->type = ARENA_ARRAY (region->arena, struct type, m_types.size ());
  memcpy (region->type, m_types.data (), m_types.size () * sizeof (struct type));
}

}
