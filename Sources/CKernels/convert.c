// Values from one float type to another, in the order in which they lie.
#include "numbers.h"

FT_INLINE float load(ft_dtype dtype, const void *values, size_t k) {
  if (dtype == FT_F32) {
    return ((const float *)values)[k];
  }
  uint16_t bits = ((const uint16_t *)values)[k];
  return dtype == FT_BF16 ? ft_from_bf16(bits) : ft_from_f16(bits);
}

/// The types are constants where this is called: each pair becomes a loop of its own.
FT_INLINE size_t convert(ft_dtype to, ft_dtype from, const void *source, size_t count, void *out) {
  for (size_t k = 0; k < count; k++) {
    float value = load(from, source, k);
    if (to == FT_F32) {
      ((float *)out)[k] = value;
      continue;
    }
    uint16_t bits = to == FT_BF16 ? ft_to_bf16(value) : ft_to_f16(value);
    uint16_t infinity = to == FT_BF16 ? 0x7F80 : 0x7C00;
    if ((bits & 0x7FFF) == infinity && fabsf(value) < INFINITY) {
      return k;
    }
    ((uint16_t *)out)[k] = bits;
  }
  return count;
}

FT_INLINE size_t convert_to(ft_dtype to, ft_dtype from, const void *source, size_t count,
                            void *out) {
  switch (from) {
    case FT_F32: return convert(to, FT_F32, source, count, out);
    case FT_BF16: return convert(to, FT_BF16, source, count, out);
    case FT_F16: return convert(to, FT_F16, source, count, out);
    case FT_Q8:
    case FT_Q4: return 0;
  }
  return 0;
}

size_t ft_convert(ft_dtype to, ft_dtype from, const void *source, size_t count, void *out) {
  switch (to) {
    case FT_F32: return convert_to(FT_F32, from, source, count, out);
    case FT_BF16: return convert_to(FT_BF16, from, source, count, out);
    case FT_F16: return convert_to(FT_F16, from, source, count, out);
    case FT_Q8:
    case FT_Q4: return 0;
  }
  return 0;
}
