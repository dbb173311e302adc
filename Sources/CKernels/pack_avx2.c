// Packing of 16-bit weights whose bits stay as they are: blocks of 16 rows x 16 columns are
// transposed in registers.
#include "panels.h"

#if FT_IS_X86
#include <immintrin.h>

#define FT_AVX2 __attribute__((target("avx2")))
#define FT_AVX2_INLINE static inline __attribute__((always_inline, target("avx2")))

_Static_assert(FT_PANEL == 16, "a block is one panel wide");

/// Columns read at a time: 128 bytes of each row, so that no cache line is fetched twice.
enum { strip = 64 };

/// The planes hold the bits rotated left by one: sixteen words from sixteen bytes of each.
FT_AVX2_INLINE __m256i join_planes(const uint8_t *high, const uint8_t *low) {
  __m256i h = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)high));
  __m256i l = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)low));
  __m256i rotated = _mm256_or_si256(_mm256_slli_epi16(h, 8), l);
  return _mm256_or_si256(_mm256_srli_epi16(rotated, 1), _mm256_slli_epi16(rotated, 15));
}

/// Sixteen columns: column c gets element c of each row, in the order of `rows`. In pairs, the
/// elements of two columns lie side by side, and rows 4-7 and 8-11 must have changed places.
FT_AVX2_INLINE void transpose(const __m256i rows[16], bool pairs, uint16_t *columns) {
  __m256i a[16], b[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {  // pairs of rows: columns 0-3, 8-11 | 4-7, 12-15
    a[2 * i] = _mm256_unpacklo_epi16(rows[2 * i], rows[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_epi16(rows[2 * i], rows[2 * i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {  // quads of rows, two columns (of each half) per vector
    b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
    b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
    b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
    b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 2; i++) {  // eights of rows, one column (of each half) per vector
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      a[8 * i + 2 * k] = _mm256_unpacklo_epi64(b[8 * i + k], b[8 * i + 4 + k]);
      a[8 * i + 2 * k + 1] = _mm256_unpackhi_epi64(b[8 * i + k], b[8 * i + 4 + k]);
    }
  }
#pragma clang loop unroll(full)
  for (int c = 0; c < 8; c++) {
    b[c] = _mm256_permute2x128_si256(a[c], a[8 + c], 0x20);
    b[8 + c] = _mm256_permute2x128_si256(a[c], a[8 + c], 0x31);
  }
  __m256i *out = (__m256i *)columns;
#pragma clang loop unroll(full)
  for (int c = 0; c < 16; c += 2) {
    _mm256_storeu_si256(out + c, pairs ? _mm256_unpacklo_epi16(b[c], b[c + 1]) : b[c]);
    _mm256_storeu_si256(out + c + 1, pairs ? _mm256_unpackhi_epi16(b[c], b[c + 1]) : b[c + 1]);
  }
}

/// Columns [start, start + width) of a row, in a strip; a row past the end is zero.
FT_AVX2_INLINE void read_row(ft_source16 source, bool present, size_t k, int32_t width,
                             uint16_t out[strip]) {
  int32_t c = 0;
  if (!present) {
    memset(out, 0, strip * sizeof *out);
    return;
  }
  if (source.words != NULL) {
    memcpy(out, source.words + k, (size_t)width * sizeof *out);
    return;
  }
  for (; c + 16 <= width; c += 16) {
    __m256i bits = join_planes(source.high + k + c, source.low + k + c);
    _mm256_storeu_si256((__m256i *)(out + c), bits);
  }
  for (; c < width; c++) {
    uint16_t rotated = (uint16_t)(source.high[k + (size_t)c] << 8 | source.low[k + (size_t)c]);
    out[c] = (uint16_t)(rotated >> 1 | rotated << 15);
  }
}

FT_AVX2 void ft_avx2_pack_bits(ft_dtype dtype, ft_source16 source, int32_t rows, int32_t cols,
                               int32_t panel, uint16_t *out) {
  bool pairs = dtype == FT_BF16;
  int32_t padded = (int32_t)ft_padded_columns(dtype, cols);
  uint16_t strips[FT_PANEL][strip];  // in the order that transpose wants
  memset(strips, 0, sizeof strips);
  for (int32_t start = 0; start < cols; start += strip) {
    int32_t width = cols - start < strip ? cols - start : strip;
    for (int32_t lane = 0; lane < FT_PANEL; lane++) {
      int32_t row = panel * FT_PANEL + lane;
      bool middle = pairs && (lane / 4 == 1 || lane / 4 == 2);
      uint16_t *strip_row = strips[middle ? lane ^ 12 : lane];
      read_row(source, row < rows, (size_t)row * (size_t)cols + (size_t)start, width, strip_row);
      if (width < strip) {
        strip_row[width] = 0;  // fills up the last pair
      }
    }
    uint16_t *columns = out + (size_t)start * FT_PANEL;
    for (int32_t c = 0; c < width; c += 16) {
      __m256i block[16];
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; i++) {
        block[i] = _mm256_loadu_si256((const __m256i *)(strips[i] + c));
      }
      uint16_t edge[16 * FT_PANEL];
      int32_t left = padded - start - c;
      uint16_t *target = left >= 16 ? columns + c * FT_PANEL : edge;
      if (pairs) {
        transpose(block, true, target);
      } else {
        transpose(block, false, target);
      }
      if (target == edge) {
        memcpy(columns + c * FT_PANEL, edge, (size_t)left * FT_PANEL * sizeof *edge);
      }
    }
  }
}

#endif
