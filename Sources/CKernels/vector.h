#pragma once
// Eight lanes of what numbers.h says for one.
#include "numbers.h"

#if FT_HAS_AVX2
#include <immintrin.h>

FT_AVX2_INLINE __m256 ft_exp8(__m256 x) {
  x = _mm256_max_ps(_mm256_set1_ps(FT_EXP_LOW), _mm256_min_ps(_mm256_set1_ps(FT_EXP_HIGH), x));
  __m256 round = _mm256_set1_ps(FT_EXP_ROUND);
  __m256 rounded = _mm256_fmadd_ps(x, _mm256_set1_ps(FT_EXP_LOG2E), round);
  __m256 n = _mm256_sub_ps(rounded, round);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(FT_EXP_LN2_HIGH), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(FT_EXP_LN2_LOW), r);
  __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(FT_EXP_P0), r, _mm256_set1_ps(FT_EXP_P1));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(FT_EXP_P2));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(FT_EXP_P3));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(FT_EXP_P4));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(FT_EXP_P5));
  p = _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r);
  p = _mm256_add_ps(p, _mm256_set1_ps(1.0f));
  __m256i exponent = _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_castps_si256(round));
  __m256i half = _mm256_srai_epi32(exponent, 1);
  __m256i bias = _mm256_set1_epi32(127);
  __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  __m256i second =
      _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(exponent, half), bias), 23);
  p = _mm256_mul_ps(p, _mm256_castsi256_ps(first));
  return _mm256_mul_ps(p, _mm256_castsi256_ps(second));
}

FT_AVX2_INLINE float ft_sum_lanes(__m256 v) {
  float lanes[8];
  _mm256_storeu_ps(lanes, v);
  return ft_sum8(lanes);
}

#endif
