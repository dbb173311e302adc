// AVX2, FMA and F16C (Haswell, Zen and later): two registers hold a panel's width.
#include "dispatch.h"

#if FT_IS_X86
#include <immintrin.h>

#define FT_TARGET "avx2,fma,f16c"
#define FT_SUMS 6  // two registers each, of 16: 6 tokens x 1 panel, 1 x 4
#define FT_TOKENS 6
#define FT_WIDE_PANELS 1
#define FT_Q8_SUMS 4
#define FT_Q8_TOKENS 4
#include "vector.h"

FT_VECTOR_INLINE ft_ints start_dot(int32_t x_sum) {
  (void)x_sum;  // add_dot takes the bias off
  return (ft_ints){0};
}

/// Each lane's sum + the dot product of its four weights with the four bytes of x. The instruction
/// wants one factor unsigned, and the sum of two products in 16 bits: |x| and the weights with the
/// signs of x never exceed 2 * 127 * 127.
FT_VECTOR_INLINE ft_ints add_dot(ft_ints sum, ft_bytes weights, ft_words x) {
  __m256i s[2], w[2], b;
  memcpy(s, &sum, sizeof s);
  memcpy(w, &weights, sizeof w);
  memcpy(&b, &x, sizeof b);
  __m256i bias = _mm256_set1_epi8((char)FT_Q8_BIAS), ones = _mm256_set1_epi16(1);
  for (int k = 0; k < 2; k++) {
    __m256i signed_weights = _mm256_sign_epi8(_mm256_xor_si256(w[k], bias), b);
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(b), signed_weights);
    s[k] = _mm256_add_epi32(s[k], _mm256_madd_epi16(pairs, ones));
  }
  memcpy(&sum, s, sizeof s);
  return sum;
}

/// Each lane's sum + the dot product of its eight weights, low ones first, that are 0 to 15, with
/// bytes of x: sums of four products fit 16 bits.
FT_VECTOR_INLINE ft_ints add_halves(ft_ints sum, ft_bytes low, ft_bytes high, ft_words x_low,
                                    ft_words x_high) {
  __m256i s[2], a[2], b[2], xa, xb, ones = _mm256_set1_epi16(1);
  memcpy(s, &sum, sizeof s);
  memcpy(a, &low, sizeof a);
  memcpy(b, &high, sizeof b);
  memcpy(&xa, &x_low, sizeof xa);
  memcpy(&xb, &x_high, sizeof xb);
  for (int k = 0; k < 2; k++) {
    __m256i pairs =
        _mm256_add_epi16(_mm256_maddubs_epi16(a[k], xa), _mm256_maddubs_epi16(b[k], xb));
    s[k] = _mm256_add_epi32(s[k], _mm256_madd_epi16(pairs, ones));
  }
  memcpy(&sum, s, sizeof s);
  return sum;
}

#include "vector_table.h"

const ft_kernels ft_avx2_kernels = FT_TABLE("avx2", ft_avx2_pack_bits);

#endif
