// The matrix product of q8 and q4 weights: blocks of tokens, groups of columns, and their tiles.
#include "vector_matmul_q4.h"
#include "vector_matmul_q8.h"

/// Runs a tile, or, where its rows do not fill the last panel, lets it write beside y.
FT_VECTOR static void run_bytes(byte_tile_code code, const byte_tile *t, int32_t panels,
                                int32_t rows, int32_t tokens) {
  if (rows >= panels * FT_PANEL) {
    code(t);
    return;
  }
  float buffer[q8_tokens][q8_panels * FT_PANEL];
  byte_tile beside = *t;
  beside.y = buffer[0];
  beside.y_stride = q8_panels * FT_PANEL;
  ft_copy_rows(t->y, t->y_stride, beside.y, beside.y_stride, t->begins ? 0 : tokens, rows);
  code(&beside);
  ft_copy_rows(beside.y, beside.y_stride, t->y, t->y_stride, tokens, rows);
}

/// All tokens of a block, whose activations are `x`, against panels [first, last).
FT_VECTOR static void run_bytes_block(const ft_matrix *matrix, int32_t first, int32_t last,
                                   size_t group, size_t groups, const q8_activations *x, int32_t n,
                                   float *y, size_t y_stride) {
  int32_t columns = matrix->cols - (int32_t)(group + groups - 1) * FT_Q8_GROUP;
  byte_tile t = {
      .panel_bytes = ft_panel_stride(matrix->dtype, matrix->cols),
      .panel_scales = (size_t)ft_group_count(matrix->cols) * FT_PANEL,
      .groups = groups,
      .last_columns = columns < FT_Q8_GROUP ? (size_t)columns : FT_Q8_GROUP,
      .begins = group == 0,
      .x = x,
      .y_stride = y_stride,
  };
  bool is_q8 = matrix->dtype == FT_Q8;
  const byte_tile_code(*table)[q8_panels] = is_q8 ? q8_table : q4_table;
  size_t group_bytes = is_q8 ? FT_Q8_GROUP * FT_PANEL : ft_q4_block_bytes;
  int32_t tiles = (n + q8_tokens - 1) / q8_tokens;
  int32_t widest = FT_Q8_PANELS((n + tiles - 1) / tiles);
  for (int32_t panel = first; panel < last;) {
    int32_t panels = last - panel < widest ? last - panel : widest;
    t.weights = (const uint8_t *)ft_panel(matrix, panel) + group * group_bytes;
    if (is_q8) {
      t.scales = ft_panel_scales(matrix, panel) + group * FT_PANEL;
    }
    for (int32_t k = 0; k < tiles; k++) {
      int32_t token = n * k / tiles;
      t.token = (size_t)token;
      t.y = y + (size_t)token * y_stride + (size_t)panel * FT_PANEL;
      int32_t tokens = n * (k + 1) / tiles - token;
      run_bytes(table[tokens - 1][panels - 1], &t, panels, matrix->rows - panel * FT_PANEL, tokens);
    }
    panel += panels;
  }
}

FT_VECTOR static void matmul_bytes_panels(const ft_matrix *matrix, int32_t first, int32_t last,
                                       const float *x, size_t x_stride, int32_t n, float *y,
                                       size_t y_stride) {
  q8_activations block;
  size_t all = (size_t)ft_group_count(matrix->cols), cols = (size_t)matrix->cols;
  for (int32_t token = 0; token < n; token += q8_block_tokens) {
    int32_t count = n - token < q8_block_tokens ? n - token : q8_block_tokens;
    size_t most = q8_block_groups / (size_t)count;
    for (size_t group = 0; group < all; group += most) {
      size_t groups = all - group < most ? all - group : most;
      for (size_t k = 0; k < groups * (size_t)count; k++) {
        size_t column = (group + k % groups) * FT_Q8_GROUP;
        size_t width = cols - column < FT_Q8_GROUP ? cols - column : FT_Q8_GROUP;
        const float *row = x + ((size_t)token + k / groups) * x_stride;
        quantize_group(row + column, width, &block, k);
      }
      run_bytes_block(matrix, first, last, group, groups, &block, count,
                   y + (size_t)token * y_stride, y_stride);
    }
  }
}

FT_VECTOR static void matmul_bytes(const ft_matrix *matrix, int32_t first, int32_t last,
                                const float *x, size_t x_stride, int32_t n, float *y,
                                size_t y_stride) {
  // Weights that must pass several blocks of tokens do so while they are near.
  size_t fitting = q8_chunk_bytes / ft_panel_stride(matrix->dtype, matrix->cols);
  int32_t chunk = n <= q8_block_tokens ? last - first : fitting < 4 ? 4 : (int32_t)fitting;
  for (int32_t panel = first; panel < last; panel += chunk) {
    int32_t end = last - panel < chunk ? last : panel + chunk;
    matmul_bytes_panels(matrix, panel, end, x, x_stride, n, y, y_stride);
  }
}
