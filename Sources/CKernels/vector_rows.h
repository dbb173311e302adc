// Work on one row of activations, a vector at a time, with the bits of rows.c.
#include "vector.h"

FT_VECTOR static void rms_norm(const float *x, const float *weight, float epsilon, int32_t count,
                               float *out) {
  ft_floats sums[2] = {ft_splat(0), ft_splat(0)};
  int32_t j = 0;
  for (; j + FT_NORM_LANES <= count; j += FT_NORM_LANES) {
    ft_floats a = ft_load(x + j), b = ft_load(x + j + FT_PANEL);
    sums[0] = ft_fma(a, a, sums[0]);
    sums[1] = ft_fma(b, b, sums[1]);
  }
  float lanes[FT_NORM_LANES];
  ft_store(lanes, sums[0]);
  ft_store(lanes + FT_PANEL, sums[1]);
  for (int32_t lane = 0; j < count; j++, lane++) {
    lanes[lane] = fmaf(x[j], x[j], lanes[lane]);
  }
  float scale = 1.0f / sqrtf(ft_sum_lanes(lanes, FT_NORM_LANES) / (float)count + epsilon);
  for (j = 0; j + FT_PANEL <= count; j += FT_PANEL) {
    ft_store(out + j, ft_load(x + j) * ft_splat(scale) * ft_load(weight + j));
  }
  for (; j < count; j++) {
    out[j] = x[j] * scale * weight[j];
  }
}

FT_VECTOR static void rope(float *x, int32_t heads, int32_t head_dim, const float *cosine,
                           const float *sine) {
  int32_t half = head_dim / 2;
  for (int32_t head = 0; head < heads; head++) {
    float *low = x + (size_t)head * (size_t)head_dim;
    float *high = low + half;
    int32_t j = 0;
    for (; j + FT_PANEL <= half; j += FT_PANEL) {
      ft_floats a = ft_load(low + j), b = ft_load(high + j);
      ft_floats c = ft_load(cosine + j), s = ft_load(sine + j);
      ft_store(low + j, a * c - b * s);
      ft_store(high + j, b * c + a * s);
    }
    for (; j < half; j++) {
      float a = low[j], b = high[j];
      low[j] = a * cosine[j] - b * sine[j];
      high[j] = b * cosine[j] + a * sine[j];
    }
  }
}

FT_VECTOR static void swiglu(const float *gate, const float *up, int32_t count, float *out) {
  int32_t j = 0;
  for (; j + FT_PANEL <= count; j += FT_PANEL) {
    ft_floats g = ft_load(gate + j);
    ft_store(out + j, g / (ft_splat(1.0f) + ft_exps(-g)) * ft_load(up + j));
  }
  for (; j < count; j++) {
    out[j] = gate[j] / (1.0f + ft_exp(-gate[j])) * up[j];
  }
}

FT_VECTOR static void geglu(const float *gate, const float *up, int32_t count, float *out) {
  int32_t j = 0;
  for (; j + FT_PANEL <= count; j += FT_PANEL) {
    ft_floats g = ft_load(gate + j);
    ft_floats inner = g * (ft_splat(FT_GELU_LINEAR) + ft_splat(FT_GELU_CUBIC) * g * g);
    ft_store(out + j, g / (ft_splat(1.0f) + ft_exps(inner)) * ft_load(up + j));
  }
  for (; j < count; j++) {
    out[j] = gate[j] / (1.0f + ft_exp(ft_gelu_exponent(gate[j]))) * up[j];
  }
}

FT_VECTOR static void cap(float *x, float limit, int32_t count) {
  int32_t j = 0;
  for (; j + FT_PANEL <= count; j += FT_PANEL) {
    ft_store(x + j, ft_caps(ft_load(x + j), limit));
  }
  for (; j < count; j++) {
    x[j] = ft_capped(x[j], limit);
  }
}

FT_VECTOR static void add(float *x, const float *y, int32_t count) {
  int32_t j = 0;
  for (; j + FT_PANEL <= count; j += FT_PANEL) {
    ft_store(x + j, ft_load(x + j) + ft_load(y + j));
  }
  for (; j < count; j++) {
    x[j] += y[j];
  }
}
