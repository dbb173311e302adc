// The law of the matrix product, spelled out: the vector code must give these bits.
#include "panels.h"

/// The dot product of row `lane` of a panel with one token, columns ascending.
static float row_product(const ft_matrix *matrix, int32_t panel, int32_t lane, const float *x) {
  const void *values = ft_panel(matrix, panel);
  float sum = 0;
  for (int32_t c = 0; c < matrix->cols; c++) {
    sum = fmaf(ft_element(matrix->dtype, values, ft_place(matrix->dtype, lane, c)), x[c], sum);
  }
  return sum;
}

/// What columns [start, start + width) add to the product of a q8 row: a sum of whole numbers, and
/// the scales of the activations and of the weights.
static float add_group(const ft_matrix *matrix, int32_t panel, int32_t lane, int32_t start,
                       int32_t width, const int8_t *x, float x_scale, float total) {
  const uint8_t *values = ft_panel(matrix, panel);
  int32_t sum = 0;
  for (int32_t c = 0; c < width; c++) {
    sum += (values[ft_place(FT_Q8, lane, start + c)] - FT_Q8_BIAS) * x[c];
  }
  float scale = ft_panel_scales(matrix, panel)[start / FT_Q8_GROUP * FT_PANEL + lane];
  return fmaf((float)sum * x_scale, scale, total);
}

/// The same of a q4 row: a sum for each group of its own.
static float add_q4_groups(const ft_matrix *matrix, int32_t panel, int32_t lane, int32_t start,
                           int32_t width, const int8_t *x, float x_scale, float total) {
  const void *values = ft_panel(matrix, panel);
  for (int32_t first = 0; first < width; first += FT_Q4_GROUP) {
    int32_t sum = 0;
    for (int32_t c = first; c < width && c < first + FT_Q4_GROUP; c++) {
      sum += ft_q4_weight(values, lane, start + c) * x[c];
    }
    total = fmaf((float)sum * x_scale, ft_q4_scale(values, lane, start + first), total);
  }
  return total;
}

void ft_scalar_matmul(const ft_matrix *matrix, int32_t first, int32_t last, ft_stretch next,
                      const float *x, size_t x_stride, int32_t n, float *y, size_t y_stride) {
  (void)next;
  int32_t end = matrix->rows < last * FT_PANEL ? matrix->rows : last * FT_PANEL;
  for (int32_t i = 0; i < n; i++, x += x_stride, y += y_stride) {
    if (matrix->dtype != FT_Q8 && matrix->dtype != FT_Q4) {
      for (int32_t row = first * FT_PANEL; row < end; row++) {
        y[row] = row_product(matrix, row / FT_PANEL, row % FT_PANEL, x);
      }
      continue;
    }
    for (int32_t start = 0; start < matrix->cols; start += FT_Q8_GROUP) {
      int32_t width = matrix->cols - start < FT_Q8_GROUP ? matrix->cols - start : FT_Q8_GROUP;
      int8_t bytes[FT_Q8_GROUP];
      float scale = ft_quantize(x + start, width, bytes);
      for (int32_t row = first * FT_PANEL; row < end; row++) {
        float total = start == 0 ? 0 : y[row];
        int32_t panel = row / FT_PANEL, lane = row % FT_PANEL;
        y[row] = matrix->dtype == FT_Q8
                     ? add_group(matrix, panel, lane, start, width, bytes, scale, total)
                     : add_q4_groups(matrix, panel, lane, start, width, bytes, scale, total);
      }
    }
  }
}
