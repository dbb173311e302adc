// The matrix product of float weights: lanes are rows, x is broadcast, and so each lane is the one
// chain of fma that matmul_scalar.c spells out.
//
// Up to some dozens of tokens go through the weights as they come from memory. More of them share a
// block of weights that was converted to f32 once and waits in the nearest cache.
#include "vector.h"

#if !defined(FT_SUMS) || !defined(FT_TOKENS) || !defined(FT_WIDE_PANELS)
#error "say how a tile is shaped"
#endif

enum {
  most_panels = 4,
  most_tokens = FT_TOKENS,  // of a tile; pairs of bf16 columns need registers, too
  most_pair_tokens = FT_TOKENS < 6 ? FT_TOKENS : 6,
  narrow_tokens = 64,
  narrow_columns = 512,  // of a tile that fetches: 64 KiB of four panels of 16 bits
  wide_panels = FT_WIDE_PANELS,
  wide_tokens = FT_SUMS / FT_WIDE_PANELS,
  wide_columns = 96,     // of a block of converted weights: 6 KiB a panel
  wide_bytes = 1 << 19,  // of the activations that a block of tokens brings: they stay in L2
};
_Static_assert(most_tokens <= 8 && wide_tokens <= most_tokens, "the table of tiles has eight rows");
_Static_assert(wide_columns % 4 == 0, "a block holds whole units of columns");

/// Neighbouring panels that a tile of so many tokens takes: enough chains to hide the latency of an
/// addition, and no more sums than there are registers. 0 if there is no such tile.
#define FT_PANELS(tokens) \
  ((tokens) > most_tokens ? 0 : FT_SUMS / (tokens) < most_panels ? FT_SUMS / (tokens) : most_panels)

/// The weights of column c + k of a panel, where c is the first of the columns that lie together.
FT_VECTOR_INLINE ft_floats weights_at(ft_dtype dtype, const char *panel, size_t c, int k) {
  switch (dtype) {
    case FT_BF16: {
      ft_words pair = ft_load_words(panel + c * FT_PANEL * 2);
      return (ft_floats)(k == 0 ? pair << 16 : pair & 0xFFFF0000);
    }
    case FT_F16: {
      ft_halves halves;
      memcpy(&halves, panel + c * FT_PANEL * 2, sizeof halves);
      return __builtin_convertvector(halves, ft_floats);
    }
    default: return ft_load((const float *)panel + c * FT_PANEL);
  }
}

/// `panels` neighbouring panels, `columns` columns, `tokens` tokens.
typedef struct {
  const char *weights;  // the first column of the first panel
  size_t panel_bytes;
  size_t columns;
  bool begins;          // whether the chains begin here, or go on where y has them
  const float *x;
  size_t x_stride;
  float *y;             // row 0 of the first panel
  size_t y_stride;
  const char *next;     // what to fetch meanwhile, for each panel and with each column
  size_t next_panel, next_column;
} tile;

/// Adds the `count` columns that lie together at c to the chains in `sums`.
FT_VECTOR_INLINE void add_columns(ft_dtype dtype, int panels, int tokens, const tile *t, size_t c,
                                  int count, ft_floats sums[most_panels][most_tokens]) {
#pragma clang loop unroll(full)
  for (int k = 0; k < count; k++) {
    ft_floats w[most_panels];
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) {
      w[p] = weights_at(dtype, t->weights + (size_t)p * t->panel_bytes, c, k);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      ft_floats x = ft_splat(t->x[(size_t)i * t->x_stride + c + (size_t)k]);
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++) {
        sums[p][i] = ft_fma(w[p], x, sums[p][i]);
      }
    }
  }
}

FT_VECTOR_INLINE void run_tile(ft_dtype dtype, int panels, int tokens, const tile *t) {
  ft_floats sums[most_panels][most_tokens];
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      const float *y = t->y + (size_t)i * t->y_stride + p * FT_PANEL;
      sums[p][i] = t->begins ? ft_splat(0) : ft_load(y);
    }
  }
  size_t together = (size_t)ft_columns_together(dtype), c = 0;
  // Many tokens fetch the next tile while they compute. One or two wait for memory anyway and need
  // only help past the ends of pages, from the last page on into the next tile.
  size_t last_page = t->panel_bytes > FT_PAGE ? t->panel_bytes - FT_PAGE : 0;
  size_t turn = last_page / (FT_PANEL * ft_element_bytes(dtype));
  size_t apart = tokens > 2 ? t->next_panel : t->panel_bytes;
  for (int turned = tokens > 2; turned < 2; turned++) {
    size_t end = turned || turn > t->columns ? t->columns : turn;
    const char *ahead = turned ? t->next - last_page : t->weights + FT_PAGE;
    const char *next = tokens > 2 ? t->next : ahead;
    for (; c + together <= end; c += together) {
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++) {
        __builtin_prefetch(next + c * t->next_column + (size_t)p * apart, 0, 2);
      }
      add_columns(dtype, panels, tokens, t, c, (int)together, sums);
    }
  }
  if (c < t->columns) {  // the half of a pair: what fills it up is no part of the chain
    add_columns(dtype, panels, tokens, t, c, 1, sums);
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      ft_store(t->y + (size_t)i * t->y_stride + p * FT_PANEL, sums[p][i]);
    }
  }
}

typedef void (*tile_code)(const tile *);

#define TILE(dtype, panels, tokens) \
  FT_VECTOR static void tile_##dtype##_##panels##_##tokens(const tile *t) { \
    if (panels <= FT_PANELS(tokens)) { \
      run_tile(dtype, panels, tokens, t); \
    } \
  }
#define TILES(dtype, tokens) \
  TILE(dtype, 1, tokens) TILE(dtype, 2, tokens) TILE(dtype, 3, tokens) TILE(dtype, 4, tokens)
#define ALL_TILES(dtype) \
  TILES(dtype, 1) TILES(dtype, 2) TILES(dtype, 3) TILES(dtype, 4) \
  TILES(dtype, 5) TILES(dtype, 6) TILES(dtype, 7) TILES(dtype, 8)
ALL_TILES(FT_F32) ALL_TILES(FT_BF16) ALL_TILES(FT_F16)

#define ROW(dtype, tokens) \
  {tile_##dtype##_1_##tokens, tile_##dtype##_2_##tokens, tile_##dtype##_3_##tokens, \
   tile_##dtype##_4_##tokens}
#define TABLE(dtype) \
  {ROW(dtype, 1), ROW(dtype, 2), ROW(dtype, 3), ROW(dtype, 4), \
   ROW(dtype, 5), ROW(dtype, 6), ROW(dtype, 7), ROW(dtype, 8)}
/// [dtype][tokens - 1][panels - 1].
static const tile_code tile_table[3][8][most_panels] = {
    [FT_F32] = TABLE(FT_F32), [FT_BF16] = TABLE(FT_BF16), [FT_F16] = TABLE(FT_F16)};

/// Runs a tile, or, where its rows do not fill the last panel, lets it write beside y.
FT_VECTOR static void run(ft_dtype dtype, const tile *t, int32_t panels, int32_t rows,
                          int32_t tokens) {
  tile_code code = tile_table[dtype][tokens - 1][panels - 1];
  if (rows >= panels * FT_PANEL) {
    code(t);
    return;
  }
  float buffer[most_tokens][most_panels * FT_PANEL];
  tile beside = *t;
  beside.y = buffer[0];
  beside.y_stride = most_panels * FT_PANEL;
  ft_copy_rows(t->y, t->y_stride, beside.y, beside.y_stride, t->begins ? 0 : tokens, rows);
  code(&beside);
  ft_copy_rows(beside.y, beside.y_stride, t->y, t->y_stride, tokens, rows);
}

/// Has the k-th of `tiles` tiles that meet the same weights fetch its share of what comes next, the
/// panels at `next`: memory is read while all of them compute, not only the first. Four are enough to
/// share it; the others ask for what they read themselves, which is near.
FT_VECTOR_INLINE void fetch_share(tile *t, int32_t k, int32_t tiles, ft_stretch next,
                                  size_t columns, size_t column_bytes) {
  size_t share = (size_t)(tiles < 4 ? tiles : 4);
  bool fetches = (size_t)k < share;
  t->next = fetches ? next.panels + (size_t)k * columns * column_bytes / share : t->weights;
  t->next_panel = fetches ? next.panel_bytes : 0;
  t->next_column = fetches ? column_bytes / share : 0;
}

/// Panels [first, last) for few tokens: the weights come once from memory as they are, and, where
/// the tokens are more than a tile takes, again from a near cache. The last tile fetches from `next`.
///
/// A tile that fetches the next one takes no more columns than leave room for both in L2, and than
/// the end of the matrix before can fetch; its chains go on in the tile after it.
FT_VECTOR static void matmul_narrow(const ft_matrix *matrix, int32_t first, int32_t last,
                                    ft_stretch next, const float *x, size_t x_stride, int32_t n,
                                    float *y, size_t y_stride) {
  int32_t most = matrix->dtype == FT_BF16 ? most_pair_tokens : most_tokens;
  int32_t tiles = (n + most - 1) / most;
  int32_t widest = FT_PANELS((n + tiles - 1) / tiles);
  size_t cols = (size_t)matrix->cols, column_bytes = FT_PANEL * ft_element_bytes(matrix->dtype);
  size_t blocks = n > 2 ? (cols + narrow_columns - 1) / narrow_columns : 1;
  size_t block = (cols + 2 * blocks - 1) / (2 * blocks) * 2;
  tile t = {
      .panel_bytes = ft_panel_stride(matrix->dtype, matrix->cols),
      .x_stride = x_stride,
      .y_stride = y_stride,
  };
  for (int32_t panel = first; panel < last; panel += widest) {
    int32_t panels = last - panel < widest ? last - panel : widest;
    ft_stretch after = {ft_panel(matrix, panel + panels), t.panel_bytes};
    for (size_t begin = 0; begin < cols; begin += block) {
      t.weights = (const char *)ft_panel(matrix, panel) + begin * column_bytes;
      t.columns = cols - begin < block ? cols - begin : block;
      t.begins = begin == 0;
      ft_stretch ahead = {t.weights + block * column_bytes, t.panel_bytes};
      if (cols - begin <= block) {
        ahead = panel + panels < last ? after : next;
      }
      for (int32_t k = 0; k < tiles; k++) {
        fetch_share(&t, k, tiles, ahead, t.columns, column_bytes);
        int32_t token = n * k / tiles;
        t.x = x + (size_t)token * x_stride + begin;
        t.y = y + (size_t)token * y_stride + (size_t)panel * FT_PANEL;
        run(matrix->dtype, &t, panels, matrix->rows - panel * FT_PANEL,
            n * (k + 1) / tiles - token);
      }
    }
  }
}

FT_VECTOR_INLINE void convert_columns(ft_dtype dtype, const char *panel, size_t columns,
                                      float *out) {
  size_t together = (size_t)ft_columns_together(dtype);
  for (size_t c = 0; c < columns; c += together) {
    for (size_t k = 0; k < together; k++) {
      ft_store(out + (c + k) * FT_PANEL, weights_at(dtype, panel, c, (int)k));
    }
  }
}

/// Some panels for many tokens: blocks of columns are converted, and then meet all tokens.
FT_VECTOR static void run_wide(const ft_matrix *matrix, int32_t panel, int32_t panels,
                               const float *x, size_t x_stride, int32_t n, float *y,
                               size_t y_stride) {
  _Alignas(64) float converted[wide_panels][wide_columns * FT_PANEL];
  size_t cols = (size_t)matrix->cols;
  size_t column_bytes = FT_PANEL * ft_element_bytes(matrix->dtype);
  size_t panel_bytes = ft_panel_stride(matrix->dtype, matrix->cols);
  int32_t tiles = (n + wide_tokens - 1) / wide_tokens;
  for (size_t begin = 0; begin < cols; begin += wide_columns) {
    const char *weights = (const char *)ft_panel(matrix, panel) + begin * column_bytes;
    tile t = {
        .weights = weights,
        .panel_bytes = panel_bytes,
        .columns = cols - begin < wide_columns ? cols - begin : wide_columns,
        .begins = begin == 0,
        .x_stride = x_stride,
        .y_stride = y_stride,
    };
    if (matrix->dtype != FT_F32) {
      for (int32_t p = 0; p < panels; p++) {
        const char *source = weights + (size_t)p * panel_bytes;
        if (matrix->dtype == FT_F16) {
          convert_columns(FT_F16, source, t.columns, converted[p]);
        } else {
          convert_columns(FT_BF16, source, t.columns, converted[p]);
        }
      }
      t.weights = (const char *)converted;
      t.panel_bytes = sizeof converted[0];
    }
    bool is_last = cols - begin <= wide_columns;
    ft_stretch next = {
        is_last ? ft_panel(matrix, panel + panels) : weights + wide_columns * column_bytes,
        panel_bytes,
    };
    for (int32_t k = 0; k < tiles; k++) {
      fetch_share(&t, k, tiles, next, wide_columns, column_bytes);
      int32_t token = (int32_t)((int64_t)n * k / tiles);
      t.x = x + (size_t)token * x_stride + begin;
      t.y = y + (size_t)token * y_stride + (size_t)panel * FT_PANEL;
      run(FT_F32, &t, panels, matrix->rows - panel * FT_PANEL,
          (int32_t)((int64_t)n * (k + 1) / tiles) - token);
    }
  }
}

FT_VECTOR static void matmul_wide(const ft_matrix *matrix, int32_t first, int32_t last,
                                  const float *x, size_t x_stride, int32_t n, float *y,
                                  size_t y_stride) {
  int32_t fitting = wide_bytes / (int32_t)sizeof(float) / matrix->cols / wide_tokens * wide_tokens;
  int32_t block = fitting < wide_tokens ? wide_tokens : fitting;
  for (int32_t token = 0; token < n; token += block) {
    int32_t count = n - token < block ? n - token : block;
    for (int32_t panel = first; panel < last; panel += wide_panels) {
      int32_t panels = last - panel < wide_panels ? last - panel : wide_panels;
      run_wide(matrix, panel, panels, x + (size_t)token * x_stride, x_stride, count,
               y + (size_t)token * y_stride, y_stride);
    }
  }
}
