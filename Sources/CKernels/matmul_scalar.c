// The law of the matrix product, spelled out: the vector code must give these bits.
#include "panels.h"

/// The dot product of row `lane` of a panel with one token, columns ascending.
static float row_product(const ft_matrix *matrix, int32_t panel, int32_t lane, const float *x) {
  const void *values = ft_panel(matrix, panel);
  size_t place = (size_t)ft_lane_place(matrix->dtype, lane);
  if (matrix->dtype != FT_Q8) {
    float sum = 0;
    for (int32_t c = 0; c < matrix->cols; c++) {
      sum = fmaf(ft_element(matrix->dtype, values, (size_t)c * FT_PANEL + place), x[c], sum);
    }
    return sum;
  }
  const float *scales = ft_panel_scales(matrix, panel);
  float total = 0;
  for (int32_t start = 0; start < matrix->cols; start += FT_Q8_GROUP) {
    int32_t end = matrix->cols - start < FT_Q8_GROUP ? matrix->cols : start + FT_Q8_GROUP;
    float sum = 0;
    for (int32_t c = start; c < end; c++) {
      sum = fmaf(ft_element(FT_Q8, values, (size_t)c * FT_PANEL + place), x[c], sum);
    }
    total = fmaf(sum, scales[start / FT_Q8_GROUP * FT_PANEL + lane], total);
  }
  return total;
}

void ft_scalar_matmul(const ft_matrix *matrix, int32_t first, int32_t last, const float *x,
                      size_t x_stride, int32_t n, float *y, size_t y_stride) {
  for (int32_t panel = first; panel < last; panel++) {
    int32_t row = panel * FT_PANEL;
    int32_t lanes = matrix->rows - row < FT_PANEL ? matrix->rows - row : FT_PANEL;
    for (int32_t i = 0; i < n; i++) {
      for (int32_t lane = 0; lane < lanes; lane++) {
        y[(size_t)i * y_stride + (size_t)(row + lane)] =
            row_product(matrix, panel, lane, x + (size_t)i * x_stride);
      }
    }
  }
}
