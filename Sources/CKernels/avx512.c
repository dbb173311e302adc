// AVX-512 with byte dot products (Ice Lake, Zen 4 and later): one register holds a panel's width.
#include "dispatch.h"

#if FT_IS_X86
#include <immintrin.h>

#define FT_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#define FT_SUMS 24  // of 32 registers: 6 tokens x 4 panels, 8 x 3
#define FT_TOKENS 8
#define FT_WIDE_PANELS 3
#define FT_Q8_SUMS 12  // and as many totals: 3 tokens x 4 panels, 6 x 2
#define FT_Q8_TOKENS 8
#include "vector.h"

/// The dot product of a group starts where the bias of the weights is taken off: the instruction
/// wants them unsigned.
FT_VECTOR_INLINE ft_ints start_dot(int32_t x_sum) {
  return (ft_ints)ft_splat_word((uint32_t)(-FT_Q8_BIAS * x_sum));
}

/// Each lane's sum + the dot product of its four weights with the four bytes of x.
FT_VECTOR_INLINE ft_ints add_dot(ft_ints sum, ft_bytes weights, ft_words x) {
  return (ft_ints)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)weights, (__m512i)x);
}

/// The same for eight weights, low ones first, that are 0 to 15 and take no bias off.
FT_VECTOR_INLINE ft_ints add_halves(ft_ints sum, ft_bytes low, ft_bytes high, ft_words x_low,
                                    ft_words x_high) {
  return add_dot(add_dot(sum, low, x_low), high, x_high);
}

#include "vector_table.h"

const ft_kernels ft_avx512_kernels = FT_TABLE("avx512", ft_avx2_pack_bits);

#endif
