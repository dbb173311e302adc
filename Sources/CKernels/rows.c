// Work on one row of activations: the entry points, and the scalar code.
#include "numbers.h"

void ft_scalar_rms_norm(const float *x, const float *weight, float epsilon, int32_t count,
                        float *out) {
  float lanes[FT_NORM_LANES] = {0};
  for (int32_t j = 0; j < count; j++) {
    lanes[j % FT_NORM_LANES] = fmaf(x[j], x[j], lanes[j % FT_NORM_LANES]);
  }
  float scale = 1.0f / sqrtf(ft_sum_lanes(lanes, FT_NORM_LANES) / (float)count + epsilon);
  for (int32_t j = 0; j < count; j++) {
    out[j] = x[j] * scale * weight[j];
  }
}

void ft_scalar_rope(float *x, int32_t heads, int32_t head_dim, const float *cosine,
                    const float *sine) {
  int32_t half = head_dim / 2;
  for (int32_t head = 0; head < heads; head++) {
    float *low = x + (size_t)head * (size_t)head_dim;
    float *high = low + half;
    for (int32_t j = 0; j < half; j++) {
      float a = low[j], b = high[j];
      low[j] = a * cosine[j] - b * sine[j];
      high[j] = b * cosine[j] + a * sine[j];
    }
  }
}

void ft_scalar_swiglu(const float *gate, const float *up, int32_t count, float *out) {
  for (int32_t j = 0; j < count; j++) {
    out[j] = gate[j] / (1.0f + ft_exp(-gate[j])) * up[j];
  }
}

void ft_scalar_geglu(const float *gate, const float *up, int32_t count, float *out) {
  for (int32_t j = 0; j < count; j++) {
    out[j] = gate[j] / (1.0f + ft_exp(ft_gelu_exponent(gate[j]))) * up[j];
  }
}

void ft_scalar_cap(float *x, float cap, int32_t count) {
  for (int32_t j = 0; j < count; j++) {
    x[j] = ft_capped(x[j], cap);
  }
}

void ft_scalar_add(float *x, const float *y, int32_t count) {
  for (int32_t j = 0; j < count; j++) {
    x[j] += y[j];
  }
}

void ft_rms_norm(const float *x, const float *weight, float epsilon, int32_t count, float *out) {
  ft_active_kernels()->rms_norm(x, weight, epsilon, count, out);
}

void ft_rope(float *x, int32_t heads, int32_t head_dim, const float *cosine, const float *sine) {
  ft_active_kernels()->rope(x, heads, head_dim, cosine, sine);
}

void ft_swiglu(const float *gate, const float *up, int32_t count, float *out) {
  ft_active_kernels()->swiglu(gate, up, count, out);
}

void ft_geglu(const float *gate, const float *up, int32_t count, float *out) {
  ft_active_kernels()->geglu(gate, up, count, out);
}

void ft_cap(float *x, float cap, int32_t count) { ft_active_kernels()->cap(x, cap, count); }

void ft_add(float *x, const float *y, int32_t count) { ft_active_kernels()->add(x, y, count); }
