#pragma once
// Number formats, bit by bit, and the exponential: what the scalar code computes, and what the
// vector code must equal.
#include <math.h>
#include <string.h>

#include "dispatch.h"

FT_INLINE uint32_t ft_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

FT_INLINE float ft_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

FT_INLINE float ft_from_bf16(uint16_t half) { return ft_float((uint32_t)half << 16); }

/// Exact; a signalling NaN becomes quiet, as the CPU's own conversion makes it.
FT_INLINE float ft_from_f16(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1F;
  uint32_t fraction = half & 0x3FF;
  if (exponent == 0) {  // zero and denormals: fraction * 2^-24
    float magnitude = (float)fraction * 0x1p-24f;
    return ft_float(ft_bits(magnitude) | sign);
  }
  if (exponent == 31) {
    return ft_float(sign | 0x7F800000 | (fraction << 13) | (fraction != 0 ? 0x400000 : 0));
  }
  return ft_float(sign | ((exponent + 112) << 23) | (fraction << 13));
}

/// Round to nearest even; NaN stays NaN.
FT_INLINE uint16_t ft_to_bf16(float value) {
  uint32_t bits = ft_bits(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) {
    return (uint16_t)((bits >> 16) | 0x40);
  }
  return (uint16_t)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// Round to nearest even, too large becomes infinite; NaN stays NaN.
FT_INLINE uint16_t ft_to_f16(float value) {
  uint32_t bits = ft_bits(value);
  uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) {
    return (uint16_t)(sign | 0x7E00 | ((magnitude >> 13) & 0x3FF));
  }
  if (magnitude >= 0x477FF000) {  // 65520 and more
    return (uint16_t)(sign | 0x7C00);
  }
  if (magnitude < 0x38800000) {  // below 2^-14: the sum rounds at 2^-24
    return (uint16_t)(sign | (ft_bits(ft_float(magnitude) + 0.5f) - 0x3F000000));
  }
  return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xFFF + ((magnitude >> 13) & 1)) >> 13));
}

// exp(x) = 2^n * exp(r), r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2]; the polynomial and the split of
// ln 2 are those of Cephes' expf (S. Moshier). About 1 ulp; 0 below -104, infinite above 89, and
// denormal results are rounded once. vector.h says the same for eight lanes.
#define FT_EXP_LOW -104.0f
#define FT_EXP_HIGH 89.0f
#define FT_EXP_LOG2E 1.44269504088896341f
#define FT_EXP_ROUND 12582912.0f  // 1.5 * 2^23: adding it leaves an integer in the low bits
#define FT_EXP_LN2_HIGH 0.693359375f
#define FT_EXP_LN2_LOW -2.12194440e-4f
#define FT_EXP_P0 1.9875691500e-4f
#define FT_EXP_P1 1.3981999507e-3f
#define FT_EXP_P2 8.3334519073e-3f
#define FT_EXP_P3 4.1665795894e-2f
#define FT_EXP_P4 1.6666665459e-1f
#define FT_EXP_P5 5.0000001201e-1f

/// The minimum and maximum of the vector instructions: the second where one is NaN.
FT_INLINE float ft_min(float a, float b) { return a < b ? a : b; }
FT_INLINE float ft_max(float a, float b) { return a > b ? a : b; }

FT_INLINE float ft_exp(float x) {
  x = ft_max(FT_EXP_LOW, ft_min(FT_EXP_HIGH, x));
  float rounded = fmaf(x, FT_EXP_LOG2E, FT_EXP_ROUND);
  float n = rounded - FT_EXP_ROUND;
  float r = fmaf(-n, FT_EXP_LN2_LOW, fmaf(-n, FT_EXP_LN2_HIGH, x));
  float p = fmaf(FT_EXP_P0, r, FT_EXP_P1);
  p = fmaf(p, r, FT_EXP_P2);
  p = fmaf(p, r, FT_EXP_P3);
  p = fmaf(p, r, FT_EXP_P4);
  p = fmaf(p, r, FT_EXP_P5);
  p = fmaf(p, r * r, r) + 1.0f;
  // 2^n in two factors, so that neither overflows nor is rounded to a denormal too early.
  int32_t exponent = (int32_t)(ft_bits(rounded) - ft_bits(FT_EXP_ROUND));
  int32_t half = exponent >> 1;
  float first = ft_float((uint32_t)(half + 127) << 23);
  float second = ft_float((uint32_t)(exponent - half + 127) << 23);
  return p * first * second;
}

/// The sum of eight lanes, in the order of the vector code.
FT_INLINE float ft_sum8(const float lanes[8]) {
  float a = lanes[0] + lanes[4], b = lanes[1] + lanes[5];
  float c = lanes[2] + lanes[6], d = lanes[3] + lanes[7];
  return (a + c) + (b + d);
}
