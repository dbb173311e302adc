// NEON (every 64-bit ARM): four registers hold a panel's width.
#include "dispatch.h"

#if FT_IS_ARM
#include <arm_neon.h>

#define FT_TARGET "simd"
#define FT_SUMS 6  // four registers each, of 32: 6 tokens x 1 panel, 1 x 4
#define FT_TOKENS 6
#define FT_WIDE_PANELS 1
#define FT_Q8_SUMS 3  // and as many totals
#define FT_Q8_TOKENS 3
#include "vector.h"

/// Products in 16 bits, which are added in pairs twice.
FT_VECTOR_INLINE int32x4_t dot_sixteen(int32x4_t sum, int8x16_t weights, int8x16_t x) {
  int16x8_t low = vmull_s8(vget_low_s8(weights), vget_low_s8(x));
  int16x8_t high = vmull_high_s8(weights, x);
  return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
}

#include "vector_neon.h"
#include "vector_table.h"

const ft_kernels ft_neon_kernels = FT_TABLE("neon", ft_scalar_pack_bits);

#endif
