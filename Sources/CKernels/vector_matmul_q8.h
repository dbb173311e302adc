// The matrix product of q8 weights: activations become bytes, too, and the sums of a group are exact
// integers, so that instructions which add in another order give the same bits.
#include "vector_quantize.h"

#if !defined(FT_Q8_SUMS) || !defined(FT_Q8_TOKENS)
#error "say how a tile is shaped, and define start_dot and add_dot"
#endif

enum {
  q8_panels = 4,
  q8_tokens = FT_Q8_TOKENS,
  q8_block_tokens = 16,      // that share one pass over the weights,
  q8_block_groups = 512,     // so many groups of columns of one, or half as many of two ...
  q8_chunk_bytes = 1 << 19,  // of weights, which stay in L2 while blocks of tokens pass by
};
_Static_assert(q8_tokens <= 8, "the table of tiles has eight rows");

/// Neighbouring panels that a tile of so many tokens takes, or 0 if there is no such tile.
#define FT_Q8_PANELS(tokens) \
  ((tokens) > q8_tokens ? 0 : FT_Q8_SUMS / (tokens) < q8_panels ? FT_Q8_SUMS / (tokens) : q8_panels)

/// Groups of the activations of some tokens, `[token][group]`.
typedef struct {
  _Alignas(64) int8_t bytes[q8_block_groups][FT_Q8_GROUP];  // zero past the last column
  float scales[q8_block_groups];
  int32_t sums[q8_block_groups];  // of the bytes
} q8_activations;

/// Group k from `width` values at x.
FT_VECTOR_INLINE void quantize_group(const float *x, size_t width, q8_activations *out, size_t k) {
  float padded[FT_Q8_GROUP] = {0};
  if (width < FT_Q8_GROUP) {
    memcpy(padded, x, width * sizeof *x);
    x = padded;
  }
  ft_floats values[q8_vectors];
#pragma clang loop unroll(full)
  for (int j = 0; j < q8_vectors; j++) {
    values[j] = ft_load(x + j * FT_PANEL);
  }
  out->sums[k] = quantize(values, out->bytes[k], &out->scales[k]);
}

/// `panels` neighbouring panels, some groups, `tokens` tokens.
typedef struct {
  const uint8_t *weights;  // the first group of the first panel
  size_t panel_bytes;
  const float *scales;
  size_t panel_scales;
  size_t groups;
  size_t last_quads;       // fours of columns in the last of the groups
  bool begins;             // whether the sums begin here, or go on where y has them
  const q8_activations *x;
  size_t token;            // the first
  float *y;                // row 0 of the first panel
  size_t y_stride;
} q8_tile;

FT_VECTOR_INLINE void run_q8_tile(int panels, int tokens, const q8_tile *t) {
  ft_floats totals[q8_panels][q8_tokens];
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      const float *y = t->y + (size_t)i * t->y_stride + p * FT_PANEL;
      totals[p][i] = t->begins ? ft_splat(0) : ft_load(y);
    }
  }
  const uint8_t *weights = t->weights;
  for (size_t g = 0; g < t->groups; g++) {
    size_t quads = g + 1 < t->groups ? FT_Q8_GROUP / 4 : t->last_quads;
    size_t group = t->token * t->groups + g;
    ft_ints sums[q8_panels][q8_tokens];
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < tokens; i++) {
        sums[p][i] = start_dot(t->x->sums[group + (size_t)i * t->groups]);
      }
    }
    for (size_t q = 0; q < quads; q++, weights += 4 * FT_PANEL) {
      ft_bytes w[q8_panels];
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++) {
        const uint8_t *column = weights + (size_t)p * t->panel_bytes;
        memcpy(&w[p], column, sizeof w[p]);
        __builtin_prefetch(column + FT_PAGE, 0, 2);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < tokens; i++) {
        uint32_t x;
        memcpy(&x, t->x->bytes[group + (size_t)i * t->groups] + 4 * q, sizeof x);
#pragma clang loop unroll(full)
        for (int p = 0; p < panels; p++) {
          sums[p][i] = add_dot(sums[p][i], w[p], ft_splat_word(x));
        }
      }
    }
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) {
      ft_floats scale = ft_load(t->scales + (size_t)p * t->panel_scales + g * FT_PANEL);
#pragma clang loop unroll(full)
      for (int i = 0; i < tokens; i++) {
        ft_floats x_scale = ft_splat(t->x->scales[group + (size_t)i * t->groups]);
        ft_floats sum = __builtin_convertvector(sums[p][i], ft_floats);
        totals[p][i] = ft_fma(sum * x_scale, scale, totals[p][i]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      ft_store(t->y + (size_t)i * t->y_stride + p * FT_PANEL, totals[p][i]);
    }
  }
}

typedef void (*q8_code)(const q8_tile *);

#define Q8_TILE(panels, tokens) \
  FT_VECTOR static void q8_tile_##panels##_##tokens(const q8_tile *t) { \
    if (panels <= FT_Q8_PANELS(tokens)) { \
      run_q8_tile(panels, tokens, t); \
    } \
  }
#define Q8_TILES(tokens) Q8_TILE(1, tokens) Q8_TILE(2, tokens) Q8_TILE(3, tokens) Q8_TILE(4, tokens)
Q8_TILES(1) Q8_TILES(2) Q8_TILES(3) Q8_TILES(4) Q8_TILES(5) Q8_TILES(6) Q8_TILES(7) Q8_TILES(8)

#define Q8_ROW(tokens) \
  {q8_tile_1_##tokens, q8_tile_2_##tokens, q8_tile_3_##tokens, q8_tile_4_##tokens}
/// [tokens - 1][panels - 1].
static const q8_code q8_table[8][q8_panels] = {Q8_ROW(1), Q8_ROW(2), Q8_ROW(3), Q8_ROW(4),
                                               Q8_ROW(5), Q8_ROW(6), Q8_ROW(7), Q8_ROW(8)};

/// Runs a tile, or, where its rows do not fill the last panel, lets it write beside y.
FT_VECTOR static void run_q8(const q8_tile *t, int32_t panels, int32_t rows, int32_t tokens) {
  q8_code code = q8_table[tokens - 1][panels - 1];
  if (rows >= panels * FT_PANEL) {
    code(t);
    return;
  }
  float buffer[q8_tokens][q8_panels * FT_PANEL];
  q8_tile beside = *t;
  beside.y = buffer[0];
  beside.y_stride = q8_panels * FT_PANEL;
  ft_copy_rows(t->y, t->y_stride, beside.y, beside.y_stride, t->begins ? 0 : tokens, rows);
  code(&beside);
  ft_copy_rows(beside.y, beside.y_stride, t->y, t->y_stride, tokens, rows);
}

/// All tokens of a block, whose activations are `x`, against panels [first, last).
FT_VECTOR static void run_q8_block(const ft_matrix *matrix, int32_t first, int32_t last,
                                   size_t group, size_t groups, const q8_activations *x, int32_t n,
                                   float *y, size_t y_stride) {
  int32_t columns = matrix->cols - (int32_t)(group + groups - 1) * FT_Q8_GROUP;
  q8_tile t = {
      .panel_bytes = ft_panel_stride(FT_Q8, matrix->cols),
      .panel_scales = (size_t)ft_group_count(matrix->cols) * FT_PANEL,
      .groups = groups,
      .last_quads = columns < FT_Q8_GROUP ? ((size_t)columns + 3) / 4 : FT_Q8_GROUP / 4,
      .begins = group == 0,
      .x = x,
      .y_stride = y_stride,
  };
  int32_t tiles = (n + q8_tokens - 1) / q8_tokens;
  int32_t widest = FT_Q8_PANELS((n + tiles - 1) / tiles);
  for (int32_t panel = first; panel < last;) {
    int32_t panels = last - panel < widest ? last - panel : widest;
    t.weights = (const uint8_t *)ft_panel(matrix, panel) + group * FT_Q8_GROUP * FT_PANEL;
    t.scales = ft_panel_scales(matrix, panel) + group * FT_PANEL;
    for (int32_t k = 0; k < tiles; k++) {
      int32_t token = n * k / tiles;
      t.token = (size_t)token;
      t.y = y + (size_t)token * y_stride + (size_t)panel * FT_PANEL;
      run_q8(&t, panels, matrix->rows - panel * FT_PANEL, n * (k + 1) / tiles - token);
    }
    panel += panels;
  }
}

FT_VECTOR static void matmul_q8_panels(const ft_matrix *matrix, int32_t first, int32_t last,
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
      run_q8_block(matrix, first, last, group, groups, &block, count,
                   y + (size_t)token * y_stride, y_stride);
    }
  }
}

FT_VECTOR static void matmul_q8(const ft_matrix *matrix, int32_t first, int32_t last,
                                const float *x, size_t x_stride, int32_t n, float *y,
                                size_t y_stride) {
  // Weights that must pass several blocks of tokens do so while they are near.
  size_t fitting = q8_chunk_bytes / ft_panel_stride(FT_Q8, matrix->cols);
  int32_t chunk = n <= q8_block_tokens ? last - first : fitting < 4 ? 4 : (int32_t)fitting;
  for (int32_t panel = first; panel < last; panel += chunk) {
    int32_t end = last - panel < chunk ? last : panel + chunk;
    matmul_q8_panels(matrix, panel, end, x, x_stride, n, y, y_stride);
  }
}
