#pragma once
// What the products of q8 and q4 weights share: activations become bytes, too, and the sums of a
// group are exact integers, so that instructions which add in another order give the same bits.
#include "vector_quantize.h"

#if !defined(FT_Q8_SUMS) || !defined(FT_Q8_TOKENS)
#error "say how a tile is shaped, and define start_dot, add_dot and add_halves"
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
  int32_t sums[q8_block_groups][ft_q4_groups];  // of the bytes, for each group of q4 weights
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
  quantize(values, out->bytes[k], &out->scales[k], out->sums[k]);
}

/// `panels` neighbouring panels, some groups, `tokens` tokens.
typedef struct {
  const uint8_t *weights;  // the first group of the first panel
  size_t panel_bytes;
  const float *scales;     // of q8
  size_t panel_scales;
  size_t groups;           // of activations
  size_t last_columns;     // of the last of the groups
  bool begins;             // whether the sums begin here, or go on where y has them
  const q8_activations *x;
  size_t token;            // the first
  float *y;                // row 0 of the first panel
  size_t y_stride;
} byte_tile;

typedef void (*byte_tile_code)(const byte_tile *);

FT_VECTOR_INLINE void load_totals(int panels, int tokens, const byte_tile *t,
                                  ft_floats totals[q8_panels][q8_tokens]) {
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      const float *y = t->y + (size_t)i * t->y_stride + p * FT_PANEL;
      totals[p][i] = t->begins ? ft_splat(0) : ft_load(y);
    }
  }
}

/// Adds the sums of a group, in the units of a panel's scales and of the activations', to its totals.
FT_VECTOR_INLINE void add_group(int tokens, const byte_tile *t, size_t group, ft_floats scale,
                                const ft_ints sums[q8_tokens], ft_floats totals[q8_tokens]) {
#pragma clang loop unroll(full)
  for (int i = 0; i < tokens; i++) {
    ft_floats x_scale = ft_splat(t->x->scales[group + (size_t)i * t->groups]);
    ft_floats sum = __builtin_convertvector(sums[i], ft_floats);
    totals[i] = ft_fma(sum * x_scale, scale, totals[i]);
  }
}

FT_VECTOR_INLINE void store_totals(int panels, int tokens, const byte_tile *t,
                                   ft_floats totals[q8_panels][q8_tokens]) {
#pragma clang loop unroll(full)
  for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < tokens; i++) {
      ft_store(t->y + (size_t)i * t->y_stride + p * FT_PANEL, totals[p][i]);
    }
  }
}
