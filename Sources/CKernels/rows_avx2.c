// Work on one row of activations, eight lanes at a time, with the bits of rows.c.
#include "vector.h"

#if FT_HAS_AVX2

FT_AVX2 void ft_avx2_rms_norm(const float *x, const float *weight, float epsilon, int32_t count,
                              float *out) {
  __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                    _mm256_setzero_ps()};
  int32_t j = 0;
  for (; j + 32 <= count; j += 32) {
    for (int32_t k = 0; k < 4; k++) {
      __m256 v = _mm256_loadu_ps(x + j + 8 * k);
      sums[k] = _mm256_fmadd_ps(v, v, sums[k]);
    }
  }
  if (j < count) {
    float lanes[32];
    for (int32_t k = 0; k < 4; k++) {
      _mm256_storeu_ps(lanes + 8 * k, sums[k]);
    }
    for (int32_t lane = 0; j < count; j++, lane++) {
      lanes[lane] = fmaf(x[j], x[j], lanes[lane]);
    }
    for (int32_t k = 0; k < 4; k++) {
      sums[k] = _mm256_loadu_ps(lanes + 8 * k);
    }
  }
  __m256 sum = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
  float scale = 1.0f / sqrtf(ft_sum_lanes(sum) / (float)count + epsilon);
  __m256 scales = _mm256_set1_ps(scale);
  for (j = 0; j + 8 <= count; j += 8) {
    __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + j), scales);
    _mm256_storeu_ps(out + j, _mm256_mul_ps(v, _mm256_loadu_ps(weight + j)));
  }
  for (; j < count; j++) {
    out[j] = x[j] * scale * weight[j];
  }
}

FT_AVX2 void ft_avx2_rope(float *x, int32_t heads, int32_t head_dim, const float *cosine,
                          const float *sine) {
  int32_t half = head_dim / 2;
  for (int32_t head = 0; head < heads; head++) {
    float *low = x + (size_t)head * (size_t)head_dim;
    float *high = low + half;
    int32_t j = 0;
    for (; j + 8 <= half; j += 8) {
      __m256 a = _mm256_loadu_ps(low + j), b = _mm256_loadu_ps(high + j);
      __m256 c = _mm256_loadu_ps(cosine + j), s = _mm256_loadu_ps(sine + j);
      _mm256_storeu_ps(low + j, _mm256_sub_ps(_mm256_mul_ps(a, c), _mm256_mul_ps(b, s)));
      _mm256_storeu_ps(high + j, _mm256_add_ps(_mm256_mul_ps(b, c), _mm256_mul_ps(a, s)));
    }
    for (; j < half; j++) {
      float a = low[j], b = high[j];
      low[j] = a * cosine[j] - b * sine[j];
      high[j] = b * cosine[j] + a * sine[j];
    }
  }
}

FT_AVX2 void ft_avx2_swiglu(const float *gate, const float *up, int32_t count, float *out) {
  __m256 one = _mm256_set1_ps(1.0f), sign = _mm256_set1_ps(-0.0f);
  int32_t j = 0;
  for (; j + 8 <= count; j += 8) {
    __m256 g = _mm256_loadu_ps(gate + j);
    __m256 below = _mm256_add_ps(one, ft_exp8(_mm256_xor_ps(g, sign)));
    _mm256_storeu_ps(out + j, _mm256_mul_ps(_mm256_div_ps(g, below), _mm256_loadu_ps(up + j)));
  }
  for (; j < count; j++) {
    out[j] = gate[j] / (1.0f + ft_exp(-gate[j])) * up[j];
  }
}

FT_AVX2 void ft_avx2_add(float *x, const float *y, int32_t count) {
  int32_t j = 0;
  for (; j + 8 <= count; j += 8) {
    _mm256_storeu_ps(x + j, _mm256_add_ps(_mm256_loadu_ps(x + j), _mm256_loadu_ps(y + j)));
  }
  for (; j < count; j++) {
    x[j] += y[j];
  }
}

#endif
