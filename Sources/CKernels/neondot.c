// NEON with byte dot products (Apple M1, Neoverse N1 and later).
#include "dispatch.h"

#if FT_IS_ARM
#include <arm_neon.h>

#define FT_TARGET "dotprod"
#define FT_SUMS 6
#define FT_TOKENS 6
#define FT_WIDE_PANELS 1
#define FT_Q8_SUMS 3
#define FT_Q8_TOKENS 3
#include "vector.h"

FT_VECTOR_INLINE ft_ints start_dot(int32_t x_sum) {
  (void)x_sum;  // add_dot takes the bias off
  return (ft_ints){0};
}

/// Each lane's sum + the dot product of its four weights with the four bytes of x.
FT_VECTOR_INLINE ft_ints add_dot(ft_ints sum, ft_bytes weights, ft_words x) {
  int32x4_t s[4];
  int8x16_t w[4], b[4];
  ft_bytes signed_weights = weights ^ FT_Q8_BIAS;
  memcpy(s, &sum, sizeof s);
  memcpy(w, &signed_weights, sizeof w);
  memcpy(b, &x, sizeof b);
  for (int k = 0; k < 4; k++) {
    s[k] = vdotq_s32(s[k], w[k], b[k]);
  }
  memcpy(&sum, s, sizeof s);
  return sum;
}

/// The same for eight weights, low ones first, that are 0 to 15 and have no bias.
FT_VECTOR_INLINE ft_ints add_halves(ft_ints sum, ft_bytes low, ft_bytes high, ft_words x_low,
                                    ft_words x_high) {
  // add_dot turns over the bit that is turned over here.
  return add_dot(add_dot(sum, low ^ FT_Q8_BIAS, x_low), high ^ FT_Q8_BIAS, x_high);
}

#include "vector_table.h"

const ft_kernels ft_neondot_kernels = FT_TABLE("neondot", ft_scalar_pack_bits);

#endif
