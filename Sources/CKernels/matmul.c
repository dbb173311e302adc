// The front of the matrix products: splits the panels over the team.
//
// Every part has a range of its own, so that each core reads one stretch of memory, and takes half
// of what is left of it at a time; whoever is done goes on with what others have left. Two cores are
// seldom equally fast (another program, a neighbour on the same core), and a step that joins after
// every matrix would pay the difference each time. Small matrices are done before that pays.
#include <stdatomic.h>
#include <string.h>

#include "panels.h"

// Multiply-adds below which a product runs on the caller alone: about what one core does while two
// find each other.
static const int64_t work_worth_a_join = 24 * 1024;

enum {
  whole_tiles = 12,         // panels that are a whole number of tiles one, two, three or four wide
  fewest_bytes = 96 << 10,  // of weights that are taken at once: begun again in less than they take
};

/// The panels of a part that nobody has taken; on its own cache line.
struct range {
  _Alignas(64) _Atomic int32_t first;
  int32_t last;
};

struct product {
  const ft_kernels *kernels;
  const ft_matrix *matrix, *next;
  const float *x;
  size_t x_stride;
  int32_t n;
  float *y;
  size_t y_stride;
  int32_t fewest;  // panels that are taken at once, where so many are left
  struct range ranges[FT_TEAM_MAX];
};

/// The first of the panels that are `part`'s, of `parts`.
static int32_t part_start(const ft_matrix *matrix, int part, int parts) {
  return (int32_t)((int64_t)ft_panel_count(matrix->rows) * part / parts);
}

/// Multiplies panels [first, last). After its own last one, a part reads its first of the next
/// matrix.
static void multiply(const struct product *product, int32_t first, int32_t last, int part,
                     int parts) {
  const ft_matrix *matrix = product->matrix, *next = product->next;
  int32_t panel = last;
  if (next == NULL || last < part_start(matrix, part + 1, parts)) {
    next = matrix;
  } else {
    panel = part_start(next, part, parts);
  }
  ft_stretch after = {ft_panel(next, panel), ft_panel_stride(next->dtype, next->cols)};
  product->kernels->matmul(matrix, first, last, after, product->x, product->x_stride, product->n,
                           product->y, product->y_stride);
}

/// Takes panels from *first on and returns how many; 0 if none are left.
static int32_t take(struct range *range, int32_t fewest, int32_t *first) {
  *first = atomic_load_explicit(&range->first, memory_order_relaxed);
  while (*first < range->last) {
    int32_t left = range->last - *first;
    int32_t half = ((left + 1) / 2 + fewest - 1) / fewest * fewest;
    int32_t some = half < left ? half : left;
    if (atomic_compare_exchange_weak_explicit(&range->first, first, *first + some,
                                              memory_order_relaxed, memory_order_relaxed)) {
      return some;
    }
  }
  return 0;
}

static void multiply_part(void *context, int part, int parts) {
  const struct product *product = context;
  int32_t first = part_start(product->matrix, part, parts);
  int32_t last = part_start(product->matrix, part + 1, parts);
  if (first < last) {
    multiply(product, first, last, part, parts);
  }
}

/// Does what is left of the range of `part`, and then of those after it.
static void multiply_shared(void *context, int part, int parts) {
  struct product *product = context;
  for (int i = 0; i < parts; i++) {
    struct range *range = &product->ranges[part + i < parts ? part + i : part + i - parts];
    int32_t first, some;
    while ((some = take(range, product->fewest, &first)) > 0) {
      multiply(product, first, first + some, part, parts);
    }
  }
}

void ft_matmul(ft_team *team, const ft_matrix *matrix, const ft_matrix *next, const float *x,
               size_t x_stride, int32_t n, float *y, size_t y_stride) {
  if (n <= 0 || matrix->rows <= 0) {
    return;
  }
  struct product product;  // not initialised as a whole: it has room for the largest team
  product.kernels = ft_active_kernels();
  product.matrix = matrix;
  product.next = next;
  product.x = x;
  product.x_stride = x_stride;
  product.n = n;
  product.y = y;
  product.y_stride = y_stride;
  int32_t panels = (int32_t)ft_panel_count(matrix->rows);
  int64_t work = (int64_t)matrix->rows * matrix->cols * n;
  if (team == NULL || work < work_worth_a_join) {
    multiply(&product, 0, panels, 0, 1);
    return;
  }
  size_t tiles_bytes = whole_tiles * ft_panel_stride(matrix->dtype, matrix->cols);
  product.fewest = whole_tiles * (int32_t)((fewest_bytes + tiles_bytes - 1) / tiles_bytes);
  int parts = ft_team_size(team);
  if (panels <= product.fewest * parts) {
    ft_team_run(team, multiply_part, &product);
    return;
  }
  for (int part = 0; part < parts; part++) {
    atomic_init(&product.ranges[part].first, part_start(matrix, part, parts));
    product.ranges[part].last = part_start(matrix, part + 1, parts);
  }
  ft_team_run(team, multiply_shared, &product);
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
