// Tiles of the product of q8 weights.
#include "vector_bytes.h"

FT_VECTOR_INLINE void run_q8_tile(int panels, int tokens, const byte_tile *t) {
  ft_floats totals[q8_panels][q8_tokens];
  load_totals(panels, tokens, t, totals);
  const uint8_t *weights = t->weights;
  for (size_t g = 0; g < t->groups; g++) {
    size_t columns = g + 1 < t->groups ? FT_Q8_GROUP : t->last_columns;
    size_t group = t->token * t->groups + g;
    size_t place = (size_t)(weights - t->weights);
    size_t ahead = ft_ahead(place, t->panel_bytes, panels) - place;
    ft_ints sums[q8_panels][q8_tokens];
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < tokens; i++) {
        const int32_t *x_sums = t->x->sums[group + (size_t)i * t->groups];
        sums[p][i] = start_dot(x_sums[0] + x_sums[1]);
      }
    }
    for (size_t q = 0; q < (columns + 3) / 4; q++, weights += 4 * FT_PANEL) {
      ft_bytes w[q8_panels];
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++) {
        memcpy(&w[p], weights + (size_t)p * t->panel_bytes, sizeof w[p]);
        __builtin_prefetch(weights + ahead + (size_t)p * t->panel_bytes, 0, 2);
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
      add_group(tokens, t, group, scale, sums[p], totals[p]);
    }
  }
  store_totals(panels, tokens, t, totals);
}

#define Q8_TILE(panels, tokens) \
  FT_VECTOR static void q8_tile_##panels##_##tokens(const byte_tile *t) { \
    if (panels <= FT_Q8_PANELS(tokens)) { \
      run_q8_tile(panels, tokens, t); \
    } \
  }
#define Q8_TILES(tokens) Q8_TILE(1, tokens) Q8_TILE(2, tokens) Q8_TILE(3, tokens) Q8_TILE(4, tokens)
Q8_TILES(1) Q8_TILES(2) Q8_TILES(3) Q8_TILES(4) Q8_TILES(5) Q8_TILES(6) Q8_TILES(7) Q8_TILES(8)

#define Q8_ROW(tokens) \
  {q8_tile_1_##tokens, q8_tile_2_##tokens, q8_tile_3_##tokens, q8_tile_4_##tokens}
/// [tokens - 1][panels - 1].
static const byte_tile_code q8_table[8][q8_panels] = {Q8_ROW(1), Q8_ROW(2), Q8_ROW(3), Q8_ROW(4),
                                               Q8_ROW(5), Q8_ROW(6), Q8_ROW(7), Q8_ROW(8)};
