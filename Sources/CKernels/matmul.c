// The front of the matrix products: splits the panels over the team.
#include <string.h>

#include "panels.h"

// Multiply-adds below which a product runs on the caller alone: about what one core does while two
// find each other.
static const int64_t work_worth_a_join = 24 * 1024;

struct product {
  const ft_kernels *kernels;
  const ft_matrix *matrix;
  const float *x;
  size_t x_stride;
  int32_t n;
  float *y;
  size_t y_stride;
};

static void multiply_part(void *context, int part, int parts) {
  const struct product *product = context;
  int64_t panels = ft_panel_count(product->matrix->rows);
  int32_t first = (int32_t)(panels * part / parts);
  int32_t last = (int32_t)(panels * (part + 1) / parts);
  if (first < last) {
    product->kernels->matmul(product->matrix, first, last, product->x, product->x_stride,
                             product->n, product->y, product->y_stride);
  }
}

void ft_matmul(ft_team *team, const ft_matrix *matrix, const float *x, size_t x_stride, int32_t n,
               float *y, size_t y_stride) {
  if (n <= 0 || matrix->rows <= 0) {
    return;
  }
  struct product product = {ft_active_kernels(), matrix, x, x_stride, n, y, y_stride};
  int64_t work = (int64_t)matrix->rows * matrix->cols * n;
  if (team == NULL || work < work_worth_a_join) {
    multiply_part(&product, 0, 1);
  } else {
    ft_team_run(team, multiply_part, &product);
  }
}

void ft_matrix_row(const ft_matrix *matrix, int32_t row, float *out) {
  const void *panel = ft_panel(matrix, row / FT_PANEL);
  int32_t lane = row % FT_PANEL;
  if (matrix->dtype == FT_Q4) {
    for (int32_t c = 0; c < matrix->cols; c++) {
      out[c] = (float)ft_q4_weight(panel, lane, c) * ft_q4_scale(panel, lane, c);
    }
    return;
  }
  for (int32_t c = 0; c < matrix->cols; c++) {
    out[c] = ft_element(matrix->dtype, panel, ft_place(matrix->dtype, lane, c));
  }
  if (matrix->dtype == FT_Q8) {
    const float *scales = ft_panel_scales(matrix, row / FT_PANEL);
    for (int32_t c = 0; c < matrix->cols; c++) {
      out[c] *= scales[c / FT_Q8_GROUP * FT_PANEL + lane];
    }
  }
}
