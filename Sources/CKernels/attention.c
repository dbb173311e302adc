// Attention of one token over a cache in blocks: the entry points, and the scalar code.
//
// Scores: one fma chain over head_dim, ascending, times the scale. Their maximum and the sum of
// their exponentials are taken in lanes (position % FT_PANEL), joined by halves. Output: one fma
// chain per element over the positions, ascending, times 1 / sum.
#include "numbers.h"

void ft_kv_store(float *block, int32_t head_dim, int32_t slot, const float *key,
                 const float *value) {
  for (int32_t d = 0; d < head_dim; d++) {
    block[d * FT_KV_BLOCK + slot] = key[d];
  }
  float *values = block + (size_t)head_dim * FT_KV_BLOCK;
  memcpy(values + (size_t)slot * (size_t)head_dim, value, (size_t)head_dim * sizeof(float));
}

/// Exponentials of the scores, in place, relative to their maximum; the reciprocal of their sum.
static float softmax(float *scores, int32_t begin, int32_t end) {
  float highest[FT_PANEL], sums[FT_PANEL] = {0};
  for (int32_t j = 0; j < FT_PANEL; j++) {
    highest[j] = -INFINITY;
  }
  for (int32_t p = begin; p < end; p++) {
    highest[p % FT_PANEL] = ft_max(scores[p], highest[p % FT_PANEL]);
  }
  float maximum = ft_max_lanes(highest, FT_PANEL);
  for (int32_t p = begin; p < end; p++) {
    scores[p] = ft_exp(scores[p] - maximum);
    sums[p % FT_PANEL] += scores[p];
  }
  return 1.0f / ft_sum_lanes(sums, FT_PANEL);
}

void ft_scalar_attend(const float *q, int32_t group, int32_t head_dim, float *const *blocks,
                      int32_t first, int32_t last, float scale, float *scores, float *out) {
  // Whole blocks, so that lanes do not depend on where `first` lies: what is outside scores -inf.
  int32_t begin = first / FT_KV_BLOCK * FT_KV_BLOCK;
  int32_t end = (last + FT_KV_BLOCK - 1) / FT_KV_BLOCK * FT_KV_BLOCK;
  for (int32_t g = 0; g < group; g++) {
    const float *query = q + (size_t)g * (size_t)head_dim;
    float *row = scores + (size_t)g * (size_t)end;
    float *result = out + (size_t)g * (size_t)head_dim;
    for (int32_t p = begin; p < end; p++) {
      const float *keys = blocks[p / FT_KV_BLOCK] + p % FT_KV_BLOCK;
      float sum = 0;
      for (int32_t d = 0; d < head_dim; d++) {
        sum = fmaf(keys[d * FT_KV_BLOCK], query[d], sum);
      }
      row[p] = p < first || p >= last ? -INFINITY : sum * scale;
    }
    float inverse = softmax(row, begin, end);
    for (int32_t d = 0; d < head_dim; d++) {
      float sum = 0;
      for (int32_t p = first; p < last; p++) {
        const float *values = blocks[p / FT_KV_BLOCK] + (size_t)head_dim * FT_KV_BLOCK;
        sum = fmaf(values[(size_t)(p % FT_KV_BLOCK) * (size_t)head_dim + (size_t)d], row[p], sum);
      }
      result[d] = sum * inverse;
    }
  }
}

void ft_attend(const float *q, int32_t group, int32_t head_dim, float *const *blocks,
               int32_t first, int32_t last, float scale, float *scores, float *out) {
  if (first >= last) {
    memset(out, 0, (size_t)group * (size_t)head_dim * sizeof(float));
    return;
  }
  ft_active_kernels()->attend(q, group, head_dim, blocks, first, last, scale, scores, out);
}
