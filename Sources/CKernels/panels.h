#pragma once
// Where things lie in a matrix.
#include "numbers.h"

FT_INLINE size_t ft_element_bytes(ft_dtype dtype) {
  return dtype == FT_F32 ? 4 : dtype == FT_Q8 ? 1 : 2;
}

FT_INLINE int32_t ft_panel_count(int32_t rows) { return (rows + FT_PANEL - 1) / FT_PANEL; }

FT_INLINE int32_t ft_group_count(int32_t cols) { return (cols + FT_Q8_GROUP - 1) / FT_Q8_GROUP; }

/// Place of row `lane` of a panel inside a column. In bf16 the rows j and j + 8 of each sixteen lie
/// side by side: shifting 32-bit lanes then yields rows 0 ..< 8, masking them rows 8 ..< 16.
FT_INLINE int32_t ft_lane_place(ft_dtype dtype, int32_t lane) {
  return dtype == FT_BF16 ? (lane & ~15) + 2 * (lane & 7) + ((lane >> 3) & 1) : lane;
}

FT_INLINE const void *ft_panel(const ft_matrix *matrix, int32_t panel) {
  size_t bytes = (size_t)matrix->cols * FT_PANEL * ft_element_bytes(matrix->dtype);
  return (const char *)matrix->panels + (size_t)panel * bytes;
}

FT_INLINE const float *ft_panel_scales(const ft_matrix *matrix, int32_t panel) {
  return matrix->scales + (size_t)panel * (size_t)ft_group_count(matrix->cols) * FT_PANEL;
}

/// Element `place` of an array of `dtype` (q8: the integer).
FT_INLINE float ft_element(ft_dtype dtype, const void *values, size_t place) {
  switch (dtype) {
    case FT_F32: return ((const float *)values)[place];
    case FT_BF16: return ft_from_bf16(((const uint16_t *)values)[place]);
    case FT_F16: return ft_from_f16(((const uint16_t *)values)[place]);
    case FT_Q8: return (float)((const int8_t *)values)[place];
  }
  return 0;
}
