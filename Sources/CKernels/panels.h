#pragma once
// Where things lie in a matrix.
#include "numbers.h"

FT_INLINE size_t ft_element_bytes(ft_dtype dtype) {
  return dtype == FT_F32 ? 4 : dtype == FT_Q8 ? 1 : 2;
}

/// Columns whose values lie side by side for each row of a panel: as many as a 32-bit lane splits
/// into with one instruction each (bf16: a shift and a mask), or takes whole (q8: a dot product of
/// four). What f16 converts from lies row by row.
FT_INLINE int32_t ft_columns_together(ft_dtype dtype) {
  return dtype == FT_BF16 ? 2 : dtype == FT_Q8 ? 4 : 1;
}

/// Columns of a panel in memory: those past the end of the matrix are zero.
FT_INLINE size_t ft_padded_columns(ft_dtype dtype, int32_t cols) {
  size_t together = (size_t)ft_columns_together(dtype);
  return ((size_t)cols + together - 1) / together * together;
}

/// Place of row `lane` and column `c` in a panel.
FT_INLINE size_t ft_place(ft_dtype dtype, int32_t lane, int32_t c) {
  int32_t together = ft_columns_together(dtype);
  return ((size_t)(c / together) * FT_PANEL + (size_t)lane) * (size_t)together +
         (size_t)(c % together);
}

FT_INLINE int32_t ft_panel_count(int32_t rows) { return (rows + FT_PANEL - 1) / FT_PANEL; }

FT_INLINE int32_t ft_group_count(int32_t cols) { return (cols + FT_Q8_GROUP - 1) / FT_Q8_GROUP; }

// A q4 panel is blocks of FT_Q8_GROUP columns, the last filled up: the bf16 scales of the groups of
// FT_Q4_GROUP columns, `[group][lane]`, then the weights. A byte holds those of columns c and c + 4
// of one row, so that each half of the bytes of a 32-bit lane is the four of a dot product.
enum {
  ft_q4_groups = FT_Q8_GROUP / FT_Q4_GROUP,
  ft_q4_scale_bytes = ft_q4_groups * FT_PANEL * 2,
  ft_q4_block_bytes = ft_q4_scale_bytes + FT_Q8_GROUP * FT_PANEL / 2,
};

/// Bytes of one panel.
FT_INLINE size_t ft_panel_stride(ft_dtype dtype, int32_t cols) {
  if (dtype == FT_Q4) {
    return (size_t)ft_group_count(cols) * ft_q4_block_bytes;
  }
  return ft_padded_columns(dtype, cols) * FT_PANEL * ft_element_bytes(dtype);
}

FT_INLINE const void *ft_panel(const ft_matrix *matrix, int32_t panel) {
  size_t stride = ft_panel_stride(matrix->dtype, matrix->cols);
  return (const char *)matrix->panels + (size_t)panel * stride;
}

FT_INLINE const float *ft_panel_scales(const ft_matrix *matrix, int32_t panel) {
  return matrix->scales + (size_t)panel * (size_t)ft_group_count(matrix->cols) * FT_PANEL;
}

/// What a q8 byte stands for: they are stored with this much added, because the instructions that
/// multiply bytes take one signed and one unsigned factor.
#define FT_Q8_BIAS 128
/// The same for the four bits of a q4 weight, which is -8 to 7.
#define FT_Q4_BIAS 8

/// The whole number that is the q4 weight of row `lane` and column `c` of a panel.
FT_INLINE int32_t ft_q4_weight(const void *panel, int32_t lane, int32_t c) {
  int32_t column = c % FT_Q8_GROUP;
  const uint8_t *weights =
      (const uint8_t *)panel + c / FT_Q8_GROUP * ft_q4_block_bytes + ft_q4_scale_bytes;
  uint8_t both = weights[(column / 8 * FT_PANEL + lane) * 4 + column % 4];
  return (column % 8 < 4 ? both & 0xF : both >> 4) - FT_Q4_BIAS;
}

/// The scale of the q4 group of row `lane` and column `c` of a panel.
FT_INLINE float ft_q4_scale(const void *panel, int32_t lane, int32_t c) {
  const char *block = (const char *)panel + c / FT_Q8_GROUP * ft_q4_block_bytes;
  uint16_t scale;
  memcpy(&scale, block + (c % FT_Q8_GROUP / FT_Q4_GROUP * FT_PANEL + lane) * 2, sizeof scale);
  return ft_from_bf16(scale);
}

/// The CPU's own prefetchers stop where a page ends: code that streams weights fetches, by itself,
/// what lies as far ahead as a page is long.
#define FT_PAGE 4096

/// Where to fetch while a tile of neighbouring panels is at byte `place` of each: a page on, and from
/// their last pages at the first ones of the next tile.
FT_INLINE size_t ft_ahead(size_t place, size_t panel_bytes, int panels) {
  size_t ahead = place + FT_PAGE;
  return ahead < panel_bytes ? ahead : ahead + (size_t)(panels - 1) * panel_bytes;
}

/// Element `place` of an array of `dtype` (q8: the integer), which is not q4.
FT_INLINE float ft_element(ft_dtype dtype, const void *values, size_t place) {
  switch (dtype) {
    case FT_F32: return ((const float *)values)[place];
    case FT_BF16: return ft_from_bf16(((const uint16_t *)values)[place]);
    case FT_F16: return ft_from_f16(((const uint16_t *)values)[place]);
    case FT_Q8: return (float)(((const uint8_t *)values)[place] - FT_Q8_BIAS);
    case FT_Q4: break;
  }
  return 0;
}

/// Copies `n` rows of `count` floats.
FT_INLINE void ft_copy_rows(const float *from, size_t from_stride, float *to, size_t to_stride,
                            int32_t n, int32_t count) {
  for (int32_t i = 0; i < n; i++) {
    memcpy(to + (size_t)i * to_stride, from + (size_t)i * from_stride,
           (size_t)count * sizeof(float));
  }
}
