// AVX2 with byte dot products (Alder Lake, Zen 5 and later).
#include "dispatch.h"

#if FT_IS_X86
#include <immintrin.h>

#define FT_TARGET "avx2,fma,f16c,avxvnni"
#define FT_SUMS 6
#define FT_TOKENS 6
#define FT_WIDE_PANELS 1
#define FT_Q8_SUMS 4
#define FT_Q8_TOKENS 4
#include "vector.h"

/// The dot product of a group starts where the bias of the weights is taken off: the instruction
/// wants them unsigned.
FT_VECTOR_INLINE ft_ints start_dot(int32_t x_sum) {
  return (ft_ints)ft_splat_word((uint32_t)(-FT_Q8_BIAS * x_sum));
}

/// Each lane's sum + the dot product of its four weights with the four bytes of x.
FT_VECTOR_INLINE ft_ints add_dot(ft_ints sum, ft_bytes weights, ft_words x) {
  __m256i s[2], w[2], b[2];
  memcpy(s, &sum, sizeof s);
  memcpy(w, &weights, sizeof w);
  memcpy(b, &x, sizeof b);
  s[0] = _mm256_dpbusd_avx_epi32(s[0], w[0], b[0]);
  s[1] = _mm256_dpbusd_avx_epi32(s[1], w[1], b[1]);
  memcpy(&sum, s, sizeof s);
  return sum;
}

/// The same for eight weights, low ones first, that are 0 to 15 and take no bias off.
FT_VECTOR_INLINE ft_ints add_halves(ft_ints sum, ft_bytes low, ft_bytes high, ft_words x_low,
                                    ft_words x_high) {
  return add_dot(add_dot(sum, low, x_low), high, x_high);
}

#include "vector_table.h"

const ft_kernels ft_avxvnni_kernels = FT_TABLE("avxvnni", ft_avx2_pack_bits);

#endif
