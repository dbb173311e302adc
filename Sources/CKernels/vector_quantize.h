#pragma once
// Values become groups of bytes: activations before they are multiplied, weights when they are
// loaded. The bits are those of ft_quantize.
#include "vector.h"

enum { q8_vectors = FT_Q8_GROUP / FT_PANEL };

/// The bytes of a group, its scale, and the sums of the bytes that meet each group of q4 weights.
FT_VECTOR_INLINE void quantize(const ft_floats values[q8_vectors], int8_t *out, float *scale,
                               int32_t sums[ft_q4_groups]) {
  typedef int8_t signed_bytes __attribute__((vector_size(FT_PANEL)));
  ft_words largest_bits = {0};  // the order of magnitudes is that of their bits
#pragma clang loop unroll(full)
  for (int j = 0; j < q8_vectors; j++) {
    largest_bits = __builtin_elementwise_max(largest_bits, (ft_words)values[j] & 0x7FFFFFFF);
  }
  float largest = ft_float(__builtin_reduce_max(largest_bits));
  float inverse;
  *scale = ft_q8_scale(largest, largest < INFINITY, &inverse);
  ft_ints totals[ft_q4_groups] = {0};
#pragma clang loop unroll(full)
  for (int j = 0; j < q8_vectors; j++) {
    ft_floats rounded = values[j] * ft_splat(inverse) + ft_splat(FT_EXP_ROUND);
    ft_ints whole = (ft_ints)rounded - (ft_ints)ft_splat(FT_EXP_ROUND);
    signed_bytes bytes = __builtin_convertvector(whole, signed_bytes);
    memcpy(out + j * FT_PANEL, &bytes, sizeof bytes);
    totals[j * ft_q4_groups / q8_vectors] += whole;
  }
  for (int h = 0; h < ft_q4_groups; h++) {
    sums[h] = __builtin_reduce_add(totals[h]);
  }
}

/// Sixteen values from place k of a tensor on.
FT_VECTOR_INLINE ft_floats source_values(const ft_source *from, size_t k) {
  if (from->dtype == FT_F32) {
    return ft_load(from->floats + k);
  }
  typedef uint16_t shorts __attribute__((vector_size(2 * FT_PANEL)));
  typedef uint8_t bytes __attribute__((vector_size(FT_PANEL)));
  shorts bits;
  if (from->halves.words != NULL) {
    memcpy(&bits, from->halves.words + k, sizeof bits);
  } else {
    bytes high, low;
    memcpy(&high, from->halves.high + k, sizeof high);
    memcpy(&low, from->halves.low + k, sizeof low);
    shorts rotated =
        __builtin_convertvector(high, shorts) << 8 | __builtin_convertvector(low, shorts);
    bits = rotated >> 1 | rotated << 15;
  }
  if (from->dtype == FT_BF16) {
    return (ft_floats)(__builtin_convertvector(bits, ft_words) << 16);
  }
  return __builtin_convertvector((ft_halves)bits, ft_floats);
}

/// One panel of q8. Whole groups are quantised here; what is left of a row's end, by pack.c.
FT_VECTOR static void pack_q8(const ft_source *from, int32_t rows, int32_t cols, int32_t panel,
                              uint8_t *out, float *scales) {
  if (cols % FT_Q8_GROUP != 0) {
    ft_scalar_pack_q8(from, rows, cols, panel, out, scales);
    return;
  }
  for (int32_t start = 0; start < cols; start += FT_Q8_GROUP) {
    _Alignas(64) int8_t bytes[FT_PANEL][FT_Q8_GROUP] = {{0}};
    for (int32_t lane = 0; lane < FT_PANEL; lane++) {
      float *scale = scales + start / FT_Q8_GROUP * FT_PANEL + lane;
      int32_t row = panel * FT_PANEL + lane;
      *scale = 0;
      if (row >= rows) {
        continue;
      }
      ft_floats values[q8_vectors];
      size_t k = (size_t)row * (size_t)cols + (size_t)start;
#pragma clang loop unroll(full)
      for (int j = 0; j < q8_vectors; j++) {
        values[j] = source_values(from, k + (size_t)j * FT_PANEL);
      }
      int32_t sums[ft_q4_groups];
      quantize(values, bytes[lane], scale, sums);
      if (isnan(*scale)) {
        memset(bytes[lane], 0, FT_Q8_GROUP);
      }
    }
    for (size_t quad = 0; quad < FT_Q8_GROUP / 4; quad++) {
      ft_words column;
#pragma clang loop unroll(full)
      for (int lane = 0; lane < FT_PANEL; lane++) {
        uint32_t word;
        memcpy(&word, bytes[lane] + 4 * quad, sizeof word);
        column[lane] = word;
      }
      // The bias of a byte is its highest bit turned over.
      column ^= ft_splat_word(0x01010101u * FT_Q8_BIAS);
      memcpy(out + (size_t)ft_place(FT_Q8, 0, start) + quad * sizeof column, &column,
             sizeof column);
    }
  }
}
