// The matrix product with AVX2, FMA and F16C: lanes are rows, x is broadcast, and so each lane is
// the one chain of fma that matmul_scalar.c spells out.
#include "panels.h"

#if FT_HAS_AVX2
#include <immintrin.h>

enum {
  most_tokens = 6,        // 6 tokens x 2 vectors = 12 accumulators of the 16 registers
  most_panels = 4,        // one token: 4 panels x 2 vectors = 8 chains hide the latency of fma
  columns_at_once = 1024,  // whose x, for the tokens of a tile, stay in L1 or nearly so
  tokens_at_once = 48,    // whose x stay in L2 while the panels pass by
  stride = 32,            // columns between two bursts of prefetches
};
_Static_assert(columns_at_once % FT_Q8_GROUP == 0, "a block of columns holds whole groups");
_Static_assert(FT_PANEL == 16, "a panel is two vectors wide");

/// The 16 weights of column `c` of a panel.
FT_AVX2_INLINE void load_column(ft_dtype dtype, const void *panel, size_t c, __m256 out[2]) {
  size_t k = c * FT_PANEL;
  switch (dtype) {
    case FT_F32: {
      const float *p = (const float *)panel + k;
      out[0] = _mm256_loadu_ps(p);
      out[1] = _mm256_loadu_ps(p + 8);
      break;
    }
    case FT_BF16: {
      __m256i v = _mm256_loadu_si256((const __m256i *)((const uint16_t *)panel + k));
      out[0] = _mm256_castsi256_ps(_mm256_slli_epi32(v, 16));
      out[1] = _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32((int)0xFFFF0000)));
      break;
    }
    case FT_F16: {
      const __m128i *p = (const __m128i *)((const uint16_t *)panel + k);
      out[0] = _mm256_cvtph_ps(_mm_loadu_si128(p));
      out[1] = _mm256_cvtph_ps(_mm_loadu_si128(p + 1));
      break;
    }
    case FT_Q8: {
      const int8_t *p = (const int8_t *)panel + k;
      out[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
      out[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(p + 8))));
      break;
    }
  }
}

/// A tile: `panels` neighbouring panels, columns [begin, end), `tokens` tokens.
typedef struct {
  const char *weights;   // the first panel
  size_t panel_bytes;
  const float *scales;   // q8: those of the first panel
  size_t panel_scales;
  size_t begin, end;
  const char *next;      // what to fetch meanwhile,
  size_t next_bytes;     // so much of it in each stride of columns
  const float *x;
  size_t x_stride;
  float *y;              // row 0 of the first panel
  size_t y_stride;
} tile;

/// Adds columns [begin, end) to the chains in `sums`.
FT_AVX2_INLINE void run_columns(ft_dtype dtype, int panels, int tokens, const tile *t, size_t begin,
                                size_t end, __m256 sums[most_panels][2][most_tokens]) {
  for (size_t c = begin; c < end; c++) {
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) {
      __m256 w[2];
      load_column(dtype, t->weights + (size_t)p * t->panel_bytes, c, w);
#pragma clang loop unroll(full)
      for (int i = 0; i < tokens; i++) {
        __m256 x = _mm256_broadcast_ss(t->x + (size_t)i * t->x_stride + c);
        sums[p][0][i] = _mm256_fmadd_ps(w[0], x, sums[p][0][i]);
        sums[p][1][i] = _mm256_fmadd_ps(w[1], x, sums[p][1][i]);
      }
    }
  }
}

/// The same in strides, before each of which a part of what comes next is fetched.
FT_AVX2_INLINE void run_strides(ft_dtype dtype, int panels, int tokens, const tile *t, size_t begin,
                                size_t end, __m256 sums[most_panels][2][most_tokens]) {
  size_t c = begin;
  const char *next = t->next + (begin - t->begin) / stride * t->next_bytes;
  for (; c + stride <= end; c += stride) {
    for (size_t k = 0; k < t->next_bytes; k += 64) {
      _mm_prefetch(next + k, _MM_HINT_T0);
    }
    next += t->next_bytes;
    run_columns(dtype, panels, tokens, t, c, c + stride, sums);
  }
  run_columns(dtype, panels, tokens, t, c, end, sums);
}

FT_AVX2_INLINE void clear(int panels, int tokens, __m256 sums[most_panels][2][most_tokens]) {
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      sums[p][0][i] = sums[p][1][i] = _mm256_setzero_ps();
    }
  }
}

FT_AVX2_INLINE void load_sums(int panels, int tokens, const tile *t,
                              __m256 sums[most_panels][2][most_tokens]) {
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      const float *y = t->y + (size_t)i * t->y_stride + p * FT_PANEL;
      sums[p][0][i] = _mm256_loadu_ps(y);
      sums[p][1][i] = _mm256_loadu_ps(y + 8);
    }
  }
}

FT_AVX2_INLINE void store_sums(int panels, int tokens, const tile *t,
                               __m256 sums[most_panels][2][most_tokens]) {
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      float *y = t->y + (size_t)i * t->y_stride + p * FT_PANEL;
      _mm256_storeu_ps(y, sums[p][0][i]);
      _mm256_storeu_ps(y + 8, sums[p][1][i]);
    }
  }
}

/// Joins the sums of a q8 group to the totals, which live in y: it is touched once in 64 columns.
FT_AVX2_INLINE void join_group(int panels, int tokens, const tile *t, size_t group,
                               __m256 sums[most_panels][2][most_tokens]) {
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
    const float *scales = t->scales + (size_t)p * t->panel_scales + group * FT_PANEL;
    __m256 s0 = _mm256_loadu_ps(scales), s1 = _mm256_loadu_ps(scales + 8);
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      float *y = t->y + (size_t)i * t->y_stride + p * FT_PANEL;
      __m256 y0 = group == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(y);
      __m256 y1 = group == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(y + 8);
      _mm256_storeu_ps(y, _mm256_fmadd_ps(sums[p][0][i], s0, y0));
      _mm256_storeu_ps(y + 8, _mm256_fmadd_ps(sums[p][1][i], s1, y1));
    }
  }
}

FT_AVX2_INLINE void run_tile(ft_dtype dtype, int panels, int tokens, const tile *t) {
  __m256 sums[most_panels][2][most_tokens];
  if (dtype == FT_Q8) {
    for (size_t c = t->begin; c < t->end; c += FT_Q8_GROUP) {
      size_t end = t->end - c < FT_Q8_GROUP ? t->end : c + FT_Q8_GROUP;
      clear(panels, tokens, sums);
      if (tokens <= 2) {
        run_columns(dtype, panels, tokens, t, c, end, sums);
      } else {
        run_strides(dtype, panels, tokens, t, c, end, sums);
      }
      join_group(panels, tokens, t, c / FT_Q8_GROUP, sums);
    }
    return;
  }
  if (t->begin == 0) {
    clear(panels, tokens, sums);
  } else {
    load_sums(panels, tokens, t, sums);  // a chain goes on where the block before left it
  }
  if (tokens <= 2) {
    // Bound by memory, and the CPU's own prefetcher is ahead: ours would be in its way.
    run_columns(dtype, panels, tokens, t, t->begin, t->end, sums);
  } else {
    run_strides(dtype, panels, tokens, t, t->begin, t->end, sums);
  }
  store_sums(panels, tokens, t, sums);
}

typedef void (*tile_code)(const tile *);

#define TILE(dtype, panels, tokens) \
  FT_AVX2 static void tile_##dtype##_##panels##_##tokens(const tile *t) { \
    run_tile(dtype, panels, tokens, t); \
  }
#define TILES(dtype) \
  TILE(dtype, 1, 1) TILE(dtype, 1, 2) TILE(dtype, 1, 3) TILE(dtype, 1, 4) TILE(dtype, 1, 5) \
  TILE(dtype, 1, 6) TILE(dtype, 2, 1) TILE(dtype, 2, 2) TILE(dtype, 4, 1)
TILES(FT_F32) TILES(FT_BF16) TILES(FT_F16) TILES(FT_Q8)

#define ROW(dtype) \
  { \
    {tile_##dtype##_1_1, tile_##dtype##_2_1, tile_##dtype##_4_1}, \
    {tile_##dtype##_1_2, tile_##dtype##_2_2}, \
    {tile_##dtype##_1_3}, {tile_##dtype##_1_4}, {tile_##dtype##_1_5}, {tile_##dtype##_1_6}, \
  }
/// [dtype][tokens - 1][log2 of panels]; NULL where the registers would not suffice.
static const tile_code tile_table[4][most_tokens][3] = {
    [FT_F32] = ROW(FT_F32), [FT_BF16] = ROW(FT_BF16), [FT_F16] = ROW(FT_F16), [FT_Q8] = ROW(FT_Q8)};

/// The last panel of a matrix whose rows do not fill it: y has no room for the rest, so the sums go
/// through a buffer.
FT_AVX2 static void run_edge(tile_code code, const tile *t, int32_t lanes, int32_t tokens) {
  float buffer[most_tokens][FT_PANEL] = {{0}};
  for (int32_t i = 0; i < tokens && t->begin > 0; i++) {
    memcpy(buffer[i], t->y + (size_t)i * t->y_stride, (size_t)lanes * sizeof(float));
  }
  tile inside = *t;
  inside.y = buffer[0];
  inside.y_stride = FT_PANEL;
  code(&inside);
  for (int32_t i = 0; i < tokens; i++) {
    memcpy(t->y + (size_t)i * t->y_stride, buffer[i], (size_t)lanes * sizeof(float));
  }
}

/// What all tiles of a call share.
typedef struct {
  const ft_matrix *matrix;
  const tile_code (*codes)[3];  // of the matrix's dtype
  const float *x;
  size_t x_stride;
  float *y;
  size_t y_stride;
} product;

/// The number of neighbouring panels, as a power of two, that a tile of `tokens` tokens takes.
static int32_t panel_shift(const product *p, int32_t tokens, int32_t panel, int32_t last) {
  int32_t full = p->matrix->rows / FT_PANEL;  // the panel after these, if any, is not full
  int32_t left = (last < full ? last : full) - panel;
  for (int32_t shift = 2; shift > 0; shift--) {
    if (p->codes[tokens - 1][shift] != NULL && left >= 1 << shift) {
      return shift;
    }
  }
  return 0;
}

/// Panels [first, last) and columns [begin, end) for tokens [token, token + n).
static void run_block(const product *p, int32_t first, int32_t last, size_t begin, size_t end,
                      int32_t token, int32_t n) {
  const ft_matrix *matrix = p->matrix;
  size_t column_bytes = FT_PANEL * ft_element_bytes(matrix->dtype);
  // Tiles as even as can be: 8 tokens are 4 + 4, not 6 + 2. What they fetch for the panel after
  // theirs is shared out among them, so that memory is never idle.
  int32_t tiles = (n + most_tokens - 1) / most_tokens;
  size_t lines = stride * column_bytes / 64;
  size_t lines_each = (lines + (size_t)tiles - 1) / (size_t)tiles;
  for (int32_t panel = first; panel < last;) {
    int32_t shift = tiles > 1 ? 0 : panel_shift(p, n, panel, last);
    int32_t lanes = matrix->rows - panel * FT_PANEL;
    tile t = {
        .weights = ft_panel(matrix, panel),
        .panel_bytes = (size_t)matrix->cols * column_bytes,
        .scales = matrix->dtype == FT_Q8 ? ft_panel_scales(matrix, panel) : NULL,
        .panel_scales = (size_t)ft_group_count(matrix->cols) * FT_PANEL,
        .begin = begin,
        .end = end,
        .x_stride = p->x_stride,
        .y_stride = p->y_stride,
    };
    const char *after = t.weights + t.panel_bytes + begin * column_bytes;
    for (int32_t k = 0; k < tiles; k++) {
      int32_t skipped = n * k / tiles;
      int32_t tokens = n * (k + 1) / tiles - skipped;
      t.x = p->x + (size_t)(token + skipped) * p->x_stride;
      t.y = p->y + (size_t)(token + skipped) * p->y_stride + (size_t)panel * FT_PANEL;
      t.next = after + (size_t)k * lines_each * 64 * ((end - begin) / stride);
      t.next_bytes = (size_t)k * lines_each < lines ? lines_each * 64 : 0;
      tile_code code = p->codes[tokens - 1][shift];
      if (lanes < FT_PANEL) {
        run_edge(code, &t, lanes, tokens);
      } else {
        code(&t);
      }
    }
    panel += 1 << shift;
  }
}

void ft_avx2_matmul(const ft_matrix *matrix, int32_t first, int32_t last, const float *x,
                    size_t x_stride, int32_t n, float *y, size_t y_stride) {
  product p = {matrix, tile_table[matrix->dtype], x, x_stride, y, y_stride};
  size_t cols = (size_t)matrix->cols;
  size_t block = n == 1 ? cols : columns_at_once;
  for (int32_t token = 0; token < n; token += tokens_at_once) {
    int32_t count = n - token < tokens_at_once ? n - token : tokens_at_once;
    for (size_t begin = 0; begin < cols; begin += block) {
      run_block(&p, first, last, begin, cols - begin < block ? cols : begin + block, token, count);
    }
  }
}

#endif
