// Attention of one token: lanes are positions for the scores and elements of a head for the output,
// and a few query heads share what is loaded. The bits are those of attention.c.
#include "vector.h"

enum {
  heads_at_once = 3,
  block_vectors = FT_KV_BLOCK / FT_PANEL,
  value_vectors = FT_SUMS / heads_at_once < 4 ? FT_SUMS / heads_at_once : 4,  // of a head at a time
};

/// Scores of `heads` queries against the positions of one block.
FT_VECTOR_INLINE void score_block(int heads, const float *q, int32_t head_dim, const float *keys,
                                  float scale, float *scores, size_t score_stride) {
  ft_floats sums[heads_at_once][block_vectors];
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < block_vectors; v++) {
      sums[g][v] = ft_splat(0);
    }
  }
  for (int32_t d = 0; d < head_dim; d++) {
    const float *column = keys + (size_t)d * FT_KV_BLOCK;
#pragma clang loop unroll(full)
    for (int g = 0; g < heads; g++) {
      ft_floats query = ft_splat(q[(size_t)g * (size_t)head_dim + (size_t)d]);
#pragma clang loop unroll(full)
      for (int v = 0; v < block_vectors; v++) {
        sums[g][v] = ft_fma(ft_load(column + v * FT_PANEL), query, sums[g][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < block_vectors; v++) {
      ft_store(scores + (size_t)g * score_stride + v * FT_PANEL, sums[g][v] * ft_splat(scale));
    }
  }
}

FT_VECTOR_INLINE float softmax(float *scores, int32_t begin, int32_t end) {
  ft_floats highest = ft_splat(-INFINITY), sum = ft_splat(0);
  for (int32_t p = begin; p < end; p += FT_PANEL) {
    highest = ft_maxs(ft_load(scores + p), highest);
  }
  ft_floats maximum = ft_splat(ft_largest(highest));
  for (int32_t p = begin; p < end; p += FT_PANEL) {
    ft_floats e = ft_exps(ft_load(scores + p) - maximum);
    ft_store(scores + p, e);
    sum += e;
  }
  return 1.0f / ft_sum(sum);
}

/// Elements [d, d + FT_PANEL * vectors) of the outputs of `heads` queries.
FT_VECTOR_INLINE void weigh_values(int heads, int vectors, int32_t d, int32_t head_dim,
                                   float *const *blocks, int32_t first, int32_t last,
                                   const float *weights, size_t weight_stride,
                                   const float *inverses, float *out) {
  ft_floats sums[heads_at_once][value_vectors];
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      sums[g][v] = ft_splat(0);
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
        ft_floats w = ft_splat(weight[(size_t)g * weight_stride + (size_t)k]);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
          sums[g][v] = ft_fma(ft_load(row + v * FT_PANEL), w, sums[g][v]);
        }
      }
    }
    p += count;
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < heads; g++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ft_store(out + (size_t)g * (size_t)head_dim + d + v * FT_PANEL,
               sums[g][v] * ft_splat(inverses[g]));
    }
  }
}

FT_VECTOR_INLINE void attend_heads(int heads, const float *q, int32_t head_dim,
                                   float *const *blocks, int32_t first, int32_t last, float scale,
                                   float *scores, float *out) {
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
  for (; d + value_vectors * FT_PANEL <= head_dim; d += value_vectors * FT_PANEL) {
    weigh_values(heads, value_vectors, d, head_dim, blocks, first, last, scores, stride, inverses,
                 out);
  }
  for (; d + FT_PANEL <= head_dim; d += FT_PANEL) {
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

FT_VECTOR static void attend(const float *q, int32_t group, int32_t head_dim, float *const *blocks,
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
