// Attention over a cache in blocks: the entry points, and the scalar code.
//
// Scores: one fma chain over head_dim, ascending, times the scale, capped where that is asked for. Their maximum and the sum of
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

void ft_kv_exchange(float *block, int32_t head_dim, int32_t slot, float *key, float *value) {
  float *values = block + (size_t)head_dim * FT_KV_BLOCK + (size_t)slot * (size_t)head_dim;
  for (int32_t d = 0; d < head_dim; d++) {
    float stored = block[d * FT_KV_BLOCK + slot];
    block[d * FT_KV_BLOCK + slot] = key[d];
    key[d] = stored;
    stored = values[d];
    values[d] = value[d];
    value[d] = stored;
  }
}

void ft_kv_rotate(const float *block, int32_t head_dim, int32_t rotary_dim, const float *cosine,
                  const float *sine, float *out) {
  memcpy(out, block, 2 * FT_KV_BLOCK * (size_t)head_dim * sizeof(float));
  int32_t half = rotary_dim / 2;
  for (int32_t j = 0; j < half; j++) {
    const float *low = block + j * FT_KV_BLOCK, *high = block + (j + half) * FT_KV_BLOCK;
    for (int32_t slot = 0; slot < FT_KV_BLOCK; slot++) {
      out[j * FT_KV_BLOCK + slot] = low[slot] * cosine[j] - high[slot] * sine[j];
      out[(j + half) * FT_KV_BLOCK + slot] = high[slot] * cosine[j] + low[slot] * sine[j];
    }
  }
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

void ft_scalar_attend(const ft_attention *a, int32_t first_query, int32_t last_query) {
  float *row = a->scratch;
  size_t size = (size_t)a->head_dim;
  for (int32_t j = first_query; j < last_query; j++) {
    size_t token = (size_t)(j / a->group), head = (size_t)(j % a->group);
    const float *query = a->q + token * a->q_stride + head * size;
    float *result = a->out + token * a->out_stride + head * size;
    int32_t last = a->last + (int32_t)token;
    // Whole blocks, so that lanes do not depend on where `first` lies: what is outside scores -inf.
    int32_t begin = a->first / FT_KV_BLOCK * FT_KV_BLOCK;
    int32_t end = (last + FT_KV_BLOCK - 1) / FT_KV_BLOCK * FT_KV_BLOCK;
    for (int32_t p = begin; p < end; p++) {
      const float *keys = a->blocks[p / FT_KV_BLOCK] + p % FT_KV_BLOCK;
      float sum = 0;
      for (size_t d = 0; d < size; d++) {
        sum = fmaf(keys[d * FT_KV_BLOCK], query[d], sum);
      }
      sum *= a->scale;
      sum = a->cap == 0 ? sum : ft_capped(sum, a->cap);
      row[p] = p < a->first || p >= last ? -INFINITY : sum;
    }
    float inverse = softmax(row, begin, end);
    for (size_t d = 0; d < size; d++) {
      float sum = 0;
      for (int32_t p = a->first; p < last; p++) {
        const float *values = a->blocks[p / FT_KV_BLOCK] + size * FT_KV_BLOCK;
        sum = fmaf(values[(size_t)(p % FT_KV_BLOCK) * size + d], row[p], sum);
      }
      result[d] = sum * inverse;
    }
  }
}

size_t ft_attention_scratch(int32_t head_dim, int32_t last) {
  size_t positions = ((size_t)last + FT_KV_BLOCK - 1) / FT_KV_BLOCK * FT_KV_BLOCK;
  return ft_packed_queries(head_dim) + FT_ATTENTION_QUERIES * positions;
}

void ft_attend(const ft_attention *attention, int32_t first_query, int32_t last_query) {
  for (; first_query < last_query; first_query++) {  // a token that sees nothing
    int32_t token = first_query / attention->group, head = first_query % attention->group;
    if (attention->last + token > attention->first) {
      ft_active_kernels()->attend(attention, first_query, last_query);
      return;
    }
    float *out = attention->out + (size_t)token * attention->out_stride;
    size_t size = (size_t)attention->head_dim;
    memset(out + (size_t)head * size, 0, size * sizeof(float));
  }
}
