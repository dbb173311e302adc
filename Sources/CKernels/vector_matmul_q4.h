// Tiles of the product of q4 weights.
#include "vector_bytes.h"

/// A panel's width of bf16.
FT_VECTOR_INLINE ft_floats load_bf16(const void *values) {
  typedef uint16_t sixteens __attribute__((vector_size(2 * FT_PANEL)));
  sixteens bits;
  memcpy(&bits, values, sizeof bits);
  return (ft_floats)(__builtin_convertvector(bits, ft_words) << 16);
}

FT_VECTOR_INLINE void run_q4_tile(int panels, int tokens, const byte_tile *t) {
  ft_floats totals[q8_panels][q8_tokens];
  load_totals(panels, tokens, t, totals);
  const uint8_t *block = t->weights;
  for (size_t g = 0; g < t->groups; g++, block += ft_q4_block_bytes) {
    size_t columns = g + 1 < t->groups ? FT_Q8_GROUP : t->last_columns;
    size_t group = t->token * t->groups + g;
    size_t place = (size_t)(block - t->weights);
    size_t ahead = ft_ahead(place, t->panel_bytes, panels) - place;
    for (size_t h = 0; h * FT_Q4_GROUP < columns; h++) {
      ft_ints sums[q8_panels][q8_tokens];
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < tokens; i++) {
          int32_t x_sum = t->x->sums[group + (size_t)i * t->groups][h];
          sums[p][i] = (ft_ints)ft_splat_word((uint32_t)(-FT_Q4_BIAS * x_sum));
        }
      }
      const uint8_t *weights = block + ft_q4_scale_bytes + h * FT_Q4_GROUP * FT_PANEL / 2;
#pragma clang loop unroll(full)
      for (size_t e = 0; e < FT_Q4_GROUP / 8; e++) {
#pragma clang loop unroll(full)
        for (int p = 0; p < panels; p++) {
          const uint8_t *eight = weights + (size_t)p * t->panel_bytes + e * 4 * FT_PANEL;
          ft_words both = ft_load_words(eight);
          __builtin_prefetch(eight + ahead, 0, 2);
          ft_bytes low = (ft_bytes)(both & 0x0F0F0F0F), high = (ft_bytes)(both >> 4 & 0x0F0F0F0F);
#pragma clang loop unroll(full)
          for (int i = 0; i < tokens; i++) {
            uint32_t x[2];
            const int8_t *bytes = t->x->bytes[group + (size_t)i * t->groups];
            memcpy(x, bytes + h * FT_Q4_GROUP + 8 * e, sizeof x);
            sums[p][i] = add_halves(sums[p][i], low, high, ft_splat_word(x[0]),
                                    ft_splat_word(x[1]));
          }
        }
      }
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++) {
        ft_floats scale = load_bf16(block + (size_t)p * t->panel_bytes + h * FT_PANEL * 2);
        add_group(tokens, t, group, scale, sums[p], totals[p]);
      }
    }
  }
  store_totals(panels, tokens, t, totals);
}

#define Q4_TILE(panels, tokens) \
  FT_VECTOR static void q4_tile_##panels##_##tokens(const byte_tile *t) { \
    if (panels <= FT_Q8_PANELS(tokens)) { \
      run_q4_tile(panels, tokens, t); \
    } \
  }
#define Q4_TILES(tokens) Q4_TILE(1, tokens) Q4_TILE(2, tokens) Q4_TILE(3, tokens) Q4_TILE(4, tokens)
Q4_TILES(1) Q4_TILES(2) Q4_TILES(3) Q4_TILES(4) Q4_TILES(5) Q4_TILES(6) Q4_TILES(7) Q4_TILES(8)

#define Q4_ROW(tokens) \
  {q4_tile_1_##tokens, q4_tile_2_##tokens, q4_tile_3_##tokens, q4_tile_4_##tokens}
/// [tokens - 1][panels - 1].
static const byte_tile_code q4_table[8][q8_panels] = {
    Q4_ROW(1), Q4_ROW(2), Q4_ROW(3), Q4_ROW(4), Q4_ROW(5), Q4_ROW(6), Q4_ROW(7), Q4_ROW(8)};
