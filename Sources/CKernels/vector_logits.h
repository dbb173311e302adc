// Rows of logits, a vector at a time, with the bits of logits.c.
#include "vector.h"

/// The values from j on: where a vector would reach past the end, -infinity, which weighs nothing.
FT_VECTOR_INLINE ft_floats load_logits(const float *x, int32_t j, int32_t count) {
  if (j + FT_PANEL <= count) {
    return ft_load(x + j);
  }
  float last[FT_PANEL];
  ft_store(last, ft_splat(-INFINITY));
  memcpy(last, x + j, (size_t)(count - j) * sizeof *x);
  return ft_load(last);
}

FT_VECTOR static float maximum(const float *x, int32_t count) {
  ft_floats highest[2] = {ft_splat(-INFINITY), ft_splat(-INFINITY)};
  int32_t j = 0;
  for (; j + 2 * FT_PANEL <= count; j += 2 * FT_PANEL) {
    highest[0] = ft_maxs(ft_load(x + j), highest[0]);
    highest[1] = ft_maxs(ft_load(x + j + FT_PANEL), highest[1]);
  }
  for (; j < count; j += FT_PANEL) {
    highest[0] = ft_maxs(load_logits(x, j, count), highest[0]);
  }
  return ft_largest(ft_maxs(highest[0], highest[1]));
}

FT_VECTOR static void weigh_logits(const float *logits, int32_t count, float top, float *mass,
                                   float *moment) {
  ft_floats masses = ft_splat(0), moments = ft_splat(0);
  for (int32_t j = 0; j < count; j += FT_PANEL) {
    ft_floats distance = load_logits(logits, j, count) - ft_splat(top);
    ft_floats weight = ft_exps(distance);
    masses += weight;
    moments += weight * ft_maxs(distance, ft_splat(FT_EXP_LOW));
  }
  *mass = ft_sum(masses);
  *moment = ft_sum(moments);
}

FT_VECTOR static double softmax_weights(const float *logits, int32_t count, float top, float scale,
                                        double *weights) {
  typedef double doubles __attribute__((vector_size(8 * FT_PANEL)));
  doubles sums = {0};
  double lanes[FT_PANEL];
  for (int32_t j = 0; j < count; j += FT_PANEL) {
    ft_floats distance = load_logits(logits, j, count) - ft_splat(top);
    doubles weight = __builtin_convertvector(ft_exps(distance * ft_splat(scale)), doubles);
    sums += weight;
    if (j + FT_PANEL <= count) {
      memcpy(weights + j, &weight, sizeof weight);
    } else {
      memcpy(lanes, &weight, sizeof weight);
      memcpy(weights + j, lanes, (size_t)(count - j) * sizeof *weights);
    }
  }
  memcpy(lanes, &sums, sizeof sums);
  return ft_sum_doubles(lanes, FT_PANEL);
}
