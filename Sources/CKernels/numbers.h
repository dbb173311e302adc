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

// GELU by tanh is x / (1 + exp(x (linear + cubic x^2))): linear = -2 sqrt(2 / pi), cubic = 0.044715
// times that (Hendrycks and Gimpel, arXiv 1606.08415).
#define FT_GELU_LINEAR -1.59576912160573f
#define FT_GELU_CUBIC -0.0713548162726f

FT_INLINE float ft_gelu_exponent(float x) { return x * (FT_GELU_LINEAR + FT_GELU_CUBIC * x * x); }

// exp(x) = 2^n * exp(r), r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2]; the polynomial and the split of
// ln 2 are those of Cephes' expf (S. Moshier). About 1 ulp; 0 below -104, infinite above 89, and
// denormal results are rounded once. vector.h says the same for many lanes.
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

/// cap tanh(x / cap).
FT_INLINE float ft_capped(float x, float cap) {
  return cap - 2.0f * cap / (ft_exp(x * (2.0f / cap)) + 1.0f);
}

/// The sum of `count` lanes (a power of two), joined by halves until one is left; spoils them.
FT_INLINE float ft_sum_lanes(float *lanes, int32_t count) {
  while (count > 1) {
    count /= 2;
    for (int32_t j = 0; j < count; j++) {
      lanes[j] += lanes[j + count];
    }
  }
  return lanes[0];
}

/// The same for f64.
FT_INLINE double ft_sum_doubles(double *lanes, int32_t count) {
  while (count > 1) {
    count /= 2;
    for (int32_t j = 0; j < count; j++) {
      lanes[j] += lanes[j + count];
    }
  }
  return lanes[0];
}

FT_INLINE float ft_max_lanes(float *lanes, int32_t count) {
  while (count > 1) {
    count /= 2;
    for (int32_t j = 0; j < count; j++) {
      lanes[j] = ft_max(lanes[j], lanes[j + count]);
    }
  }
  return lanes[0];
}

/// The scale of a q8 group whose largest magnitude is `largest`, and what its values are multiplied
/// by before they are rounded. A group that holds something that is not finite gets the scale NaN,
/// so that the damage shows in every result.
FT_INLINE float ft_q8_scale(float largest, bool finite, float *inverse) {
  // Below 2^-120 the reciprocal could overflow; such values are zero for every purpose.
  bool usable = finite && largest > 0x1p-120f;
  *inverse = usable ? 127.0f / largest : 0;
  return usable ? largest / 127.0f : finite ? 0 : NAN;
}

/// The bytes of a q8 group of `width` values, rounded to nearest even, and its scale.
FT_INLINE float ft_quantize(const float *values, int32_t width, int8_t *out) {
  float largest = 0;
  bool finite = true;
  for (int32_t c = 0; c < width; c++) {
    largest = ft_max(fabsf(values[c]), largest);
    finite = finite && fabsf(values[c]) < INFINITY;
  }
  float inverse;
  float scale = ft_q8_scale(largest, finite, &inverse);
  for (int32_t c = 0; c < width; c++) {
    // Adding 1.5 * 2^23 rounds to nearest even.
    out[c] = finite ? (int8_t)((values[c] * inverse + FT_EXP_ROUND) - FT_EXP_ROUND) : 0;
  }
  return scale;
}

/// Lanes of the sum of squares of a norm: element j belongs to lane j % FT_NORM_LANES.
#define FT_NORM_LANES 32

/// Floats of the scratch of attention that hold queries; the rest holds scores.
FT_INLINE size_t ft_packed_queries(int32_t head_dim) {
  return FT_ATTENTION_QUERIES * (size_t)head_dim;
}
