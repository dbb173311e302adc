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

FT_VECTOR_INLINE int32x4_t dot_sixteen(int32x4_t sum, int8x16_t weights, int8x16_t x) {
  return vdotq_s32(sum, weights, x);
}

#include "vector_neon.h"
#include "vector_table.h"

const ft_kernels ft_neondot_kernels = FT_TABLE("neondot", ft_scalar_pack_bits);

#endif
