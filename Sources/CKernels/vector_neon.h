// What the NEON tables share: dot products of bytes, a panel's width at a time, made of dot_sixteen,
// which adds to each of four lanes the dot product of its four bytes with four of x.
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
    s[k] = dot_sixteen(s[k], w[k], b[k]);
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
