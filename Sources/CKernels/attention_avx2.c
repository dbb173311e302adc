// Attention of one token: lanes are positions for the scores and elements of a head for the output,
// and up to three query heads share what is loaded. The bits are those of attention.c.
#include "vector.h"

#if FT_HAS_AVX2

enum { heads_at_once = 3, block_vectors = FT_KV_BLOCK / 8 };

/// Scores of `heads` queries against the 32 positions of one block.
FT_AVX2_INLINE void score_block(int heads, const float *q, int32_t head_dim, const float *keys,
                                float scale, float *scores, size_t score_stride) {
  __m256 sums[heads_at_once][block_vectors];
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < block_vectors; v++) {
      sums[g][v] = _mm256_setzero_ps();
    }
  }
  for (int32_t d = 0; d < head_dim; d++) {
    const float *column = keys + (size_t)d * FT_KV_BLOCK;
#pragma clang loop unroll(full)
    for (int g = 0; g < heads; g++) {
      __m256 query = _mm256_broadcast_ss(q + (size_t)g * (size_t)head_dim + d);
#pragma clang loop unroll(full)
      for (int v = 0; v < block_vectors; v++) {
        sums[g][v] = _mm256_fmadd_ps(_mm256_loadu_ps(column + 8 * v), query, sums[g][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < block_vectors; v++) {
      _mm256_storeu_ps(scores + (size_t)g * score_stride + 8 * v,
                       _mm256_mul_ps(sums[g][v], _mm256_set1_ps(scale)));
    }
  }
}

FT_AVX2_INLINE float max_lanes(__m256 v) {
  float a[8];
  _mm256_storeu_ps(a, v);
  return ft_max(ft_max(ft_max(a[0], a[4]), ft_max(a[2], a[6])),
                ft_max(ft_max(a[1], a[5]), ft_max(a[3], a[7])));
}

FT_AVX2_INLINE float softmax(float *scores, int32_t begin, int32_t end) {
  __m256 highest = _mm256_set1_ps(-INFINITY), sum = _mm256_setzero_ps();
  for (int32_t p = begin; p < end; p += 8) {
    highest = _mm256_max_ps(_mm256_loadu_ps(scores + p), highest);
  }
  __m256 maximum = _mm256_set1_ps(max_lanes(highest));
  for (int32_t p = begin; p < end; p += 8) {
    __m256 e = ft_exp8(_mm256_sub_ps(_mm256_loadu_ps(scores + p), maximum));
    _mm256_storeu_ps(scores + p, e);
    sum = _mm256_add_ps(sum, e);
  }
  return 1.0f / ft_sum_lanes(sum);
}

/// Elements [d, d + 8 * vectors) of the outputs of `heads` queries.
FT_AVX2_INLINE void weigh_values(int heads, int vectors, int32_t d, int32_t head_dim,
                                 float *const *blocks, int32_t first, int32_t last,
                                 const float *weights, size_t weight_stride,
                                 const float *inverses, float *out) {
  __m256 sums[heads_at_once][4];
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      sums[g][v] = _mm256_setzero_ps();
    }
  }
  for (int32_t p = first; p < last;) {
    int32_t slot = p % FT_KV_BLOCK;
    int32_t count = last - p < FT_KV_BLOCK - slot ? last - p : FT_KV_BLOCK - slot;
    const float *values = blocks[p / FT_KV_BLOCK] + (size_t)head_dim * (size_t)(FT_KV_BLOCK + slot);
    const float *weight = weights + p;
    for (int32_t k = 0; k < count; k++) {
      const float *row = values + (size_t)k * (size_t)head_dim + d;
#pragma clang loop unroll(full)
      for (int g = 0; g < heads; g++) {
        __m256 w = _mm256_broadcast_ss(weight + (size_t)g * weight_stride + k);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
          sums[g][v] = _mm256_fmadd_ps(_mm256_loadu_ps(row + 8 * v), w, sums[g][v]);
        }
      }
    }
    p += count;
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      _mm256_storeu_ps(out + (size_t)g * (size_t)head_dim + d + 8 * v,
                       _mm256_mul_ps(sums[g][v], _mm256_set1_ps(inverses[g])));
    }
  }
}

FT_AVX2_INLINE void attend_heads(int heads, const float *q, int32_t head_dim, float *const *blocks,
                                 int32_t first, int32_t last, float scale, float *scores,
                                 float *out) {
  int32_t begin = first / FT_KV_BLOCK * FT_KV_BLOCK;
  int32_t end = (last + FT_KV_BLOCK - 1) / FT_KV_BLOCK * FT_KV_BLOCK;
  size_t stride = (size_t)end;
  for (int32_t p = begin; p < end; p += FT_KV_BLOCK) {
    score_block(heads, q, head_dim, blocks[p / FT_KV_BLOCK], scale, scores + p, stride);
  }
  float inverses[heads_at_once];
  for (int g = 0; g < heads; g++) {
    float *row = scores + (size_t)g * stride;
    for (int32_t p = begin; p < first; p++) {
      row[p] = -INFINITY;
    }
    for (int32_t p = last; p < end; p++) {
      row[p] = -INFINITY;
    }
    inverses[g] = softmax(row, begin, end);
  }
  int32_t d = 0;
  for (; d + 32 <= head_dim; d += 32) {
    weigh_values(heads, 4, d, head_dim, blocks, first, last, scores, stride, inverses, out);
  }
  for (; d + 8 <= head_dim; d += 8) {
    weigh_values(heads, 1, d, head_dim, blocks, first, last, scores, stride, inverses, out);
  }
  for (; d < head_dim; d++) {
    for (int g = 0; g < heads; g++) {
      float sum = 0;
      for (int32_t p = first; p < last; p++) {
        const float *values = blocks[p / FT_KV_BLOCK] + (size_t)head_dim * FT_KV_BLOCK;
        sum = fmaf(values[(size_t)(p % FT_KV_BLOCK) * (size_t)head_dim + (size_t)d],
                   scores[(size_t)g * stride + (size_t)p], sum);
      }
      out[(size_t)g * (size_t)head_dim + (size_t)d] = sum * inverses[g];
    }
  }
}

FT_AVX2 void ft_avx2_attend(const float *q, int32_t group, int32_t head_dim, float *const *blocks,
                            int32_t first, int32_t last, float scale, float *scores, float *out) {
  size_t stride = (size_t)head_dim;
  size_t end = (size_t)((last + FT_KV_BLOCK - 1) / FT_KV_BLOCK) * FT_KV_BLOCK;
  for (int32_t g = 0; g < group;) {
    // Four heads are two pairs: a single head left over could not hide the adders' latency.
    int32_t left = group - g;
    int32_t heads = left == 4 || left == 2 ? 2 : left < heads_at_once ? left : heads_at_once;
    const float *query = q + (size_t)g * stride;
    float *row = scores + (size_t)g * end;
    float *result = out + (size_t)g * stride;
    switch (heads) {
      case 1: attend_heads(1, query, head_dim, blocks, first, last, scale, row, result); break;
      case 2: attend_heads(2, query, head_dim, blocks, first, last, scale, row, result); break;
      default: attend_heads(3, query, head_dim, blocks, first, last, scale, row, result); break;
    }
    g += heads;
  }
}

#endif
