// Attention: lanes are positions for the scores and elements of a head for the output, and the
// queries that see the same keys share what is loaded. The bits are those of attention.c.
#include "vector.h"

enum {
  block_vectors = FT_KV_BLOCK / FT_PANEL,
  most_queries = FT_SUMS / block_vectors,  // that share a pass over the keys,
  most_value_queries = most_queries < 6 ? most_queries : 6,  // and over the values,
  value_vectors = FT_SUMS / most_value_queries,              // of so many elements at a time
};
_Static_assert(most_queries <= FT_ATTENTION_QUERIES, "the scratch holds their scores");
_Static_assert(most_queries <= 2 * most_value_queries, "a tile is weighed in two parts at most");

/// Scores of `queries` queries, of which element d of query j is `packed[d * queries + j]`, against
/// the positions of one block. `next` is what will be read next, as much as the keys.
FT_VECTOR_INLINE void score_block(int queries, const float *packed, int32_t head_dim,
                                  const float *keys, const float *next, float scale, float *scores,
                                  size_t stride) {
  ft_floats sums[most_queries][block_vectors];
#pragma clang loop unroll(full)
  for (int j = 0; j < queries; j++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < block_vectors; v++) {
      sums[j][v] = ft_splat(0);
    }
  }
  for (int32_t d = 0; d < head_dim; d++) {
    ft_floats column[block_vectors];
#pragma clang loop unroll(full)
    for (int v = 0; v < block_vectors; v++) {
      size_t place = (size_t)d * FT_KV_BLOCK + (size_t)v * FT_PANEL;
      column[v] = ft_load(keys + place);
      __builtin_prefetch(next + place, 0, 3);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < queries; j++) {
      ft_floats query = ft_splat(packed[d * queries + j]);
#pragma clang loop unroll(full)
      for (int v = 0; v < block_vectors; v++) {
        sums[j][v] = ft_fma(column[v], query, sums[j][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < queries; j++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < block_vectors; v++) {
      ft_store(scores + (size_t)j * stride + v * FT_PANEL, sums[j][v] * ft_splat(scale));
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

/// Some queries of a tile: where their weights are, how many positions they see and where their
/// outputs go.
typedef struct {
  const float *weights;
  size_t stride;
  const int32_t *lasts;  // ascending
  const float *inverses;
  float *const *outs;
} weighing;

/// Adds the values of one position to the outputs of the queries that see it.
FT_VECTOR_INLINE void add_values(int queries, int vectors, const float *values, const weighing *w,
                                 int32_t p, bool all,
                                 ft_floats sums[most_value_queries][value_vectors]) {
#pragma clang loop unroll(full)
  for (int j = 0; j < queries; j++) {
    if (all || p < w->lasts[j]) {
      ft_floats weight = ft_splat(w->weights[(size_t)j * w->stride + (size_t)p]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        sums[j][v] = ft_fma(ft_load(values + v * FT_PANEL), weight, sums[j][v]);
      }
    }
  }
}

/// Elements [d, d + FT_PANEL * vectors) of the outputs of `queries` queries.
FT_VECTOR_INLINE void weigh_values(int queries, int vectors, int32_t d, const ft_attention *a,
                                   const weighing *w) {
  ft_floats sums[most_value_queries][value_vectors];
#pragma clang loop unroll(full)
  for (int j = 0; j < queries; j++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      sums[j][v] = ft_splat(0);
    }
  }
  size_t size = (size_t)a->head_dim;
  int32_t seen_by_all = w->lasts[0], end = w->lasts[queries - 1];
  for (int32_t p = a->first; p < seen_by_all;) {
    int32_t slot = p % FT_KV_BLOCK, left = seen_by_all - p;
    int32_t count = left < FT_KV_BLOCK - slot ? left : FT_KV_BLOCK - slot;
    const float *values = a->blocks[p / FT_KV_BLOCK] + size * (size_t)(FT_KV_BLOCK + slot) + d;
    const float *next = count < left ? a->blocks[p / FT_KV_BLOCK + 1] + size * FT_KV_BLOCK + d
                                     : values;
    for (int32_t k = 0; k < count; k++) {
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        __builtin_prefetch(next + (size_t)k * size + v * FT_PANEL, 0, 3);
      }
      add_values(queries, vectors, values + (size_t)k * size, w, p + k, true, sums);
    }
    p += count;
  }
  for (int32_t p = seen_by_all; p < end; p++) {
    const float *values =
        a->blocks[p / FT_KV_BLOCK] + size * (size_t)(FT_KV_BLOCK + p % FT_KV_BLOCK) + d;
    add_values(queries, vectors, values, w, p, false, sums);
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < queries; j++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ft_store(w->outs[j] + d + v * FT_PANEL, sums[j][v] * ft_splat(w->inverses[j]));
    }
  }
}

/// Every element of the outputs of `queries` queries.
FT_VECTOR_INLINE void weigh(int queries, const ft_attention *a, const weighing *w) {
  int32_t d = 0;
  for (; d + value_vectors * FT_PANEL <= a->head_dim; d += value_vectors * FT_PANEL) {
    weigh_values(queries, value_vectors, d, a, w);
  }
  for (; d + FT_PANEL <= a->head_dim; d += FT_PANEL) {
    weigh_values(queries, 1, d, a, w);
  }
  for (; d < a->head_dim; d++) {
    for (int j = 0; j < queries; j++) {
      float sum = 0;
      for (int32_t p = a->first; p < w->lasts[j]; p++) {
        const float *values = a->blocks[p / FT_KV_BLOCK] + (size_t)a->head_dim * FT_KV_BLOCK;
        sum = fmaf(values[(size_t)(p % FT_KV_BLOCK) * (size_t)a->head_dim + (size_t)d],
                   w->weights[(size_t)j * w->stride + (size_t)p], sum);
      }
      w->outs[j][d] = sum * w->inverses[j];
    }
  }
}

/// A tile: `queries` queries from `query` on.
FT_VECTOR_INLINE void attend_tile(int queries, const ft_attention *a, int32_t query) {
  float *packed = a->scratch;
  float *scores = packed + ft_packed_queries(a->head_dim);
  int32_t lasts[most_queries];
  float *outs[most_queries];
  float inverses[most_queries];
  for (int j = 0; j < queries; j++) {
    int32_t token = (query + j) / a->group, head = (query + j) % a->group;
    const float *q = a->q + (size_t)token * a->q_stride + (size_t)head * (size_t)a->head_dim;
    outs[j] = a->out + (size_t)token * a->out_stride + (size_t)head * (size_t)a->head_dim;
    lasts[j] = a->last + token;
    for (int32_t d = 0; d < a->head_dim; d++) {
      packed[d * queries + j] = q[d];
    }
  }
  int32_t begin = a->first / FT_KV_BLOCK * FT_KV_BLOCK;
  int32_t end = (lasts[queries - 1] + FT_KV_BLOCK - 1) / FT_KV_BLOCK * FT_KV_BLOCK;
  size_t stride = (size_t)end;
  for (int32_t p = begin; p < end; p += FT_KV_BLOCK) {
    // The last keys are followed by the first values.
    const float *next = p + FT_KV_BLOCK < end
                            ? a->blocks[p / FT_KV_BLOCK + 1]
                            : a->blocks[begin / FT_KV_BLOCK] + a->head_dim * FT_KV_BLOCK;
    score_block(queries, packed, a->head_dim, a->blocks[p / FT_KV_BLOCK], next, a->scale,
                scores + p, stride);
  }
  for (int j = 0; j < queries; j++) {
    float *row = scores + (size_t)j * stride;
    if (a->cap != 0) {
      for (int32_t p = begin; p < end; p += FT_PANEL) {
        ft_store(row + p, ft_caps(ft_load(row + p), a->cap));
      }
    }
    for (int32_t p = begin; p < a->first; p++) {
      row[p] = -INFINITY;
    }
    int32_t row_end = (lasts[j] + FT_KV_BLOCK - 1) / FT_KV_BLOCK * FT_KV_BLOCK;
    for (int32_t p = lasts[j]; p < row_end; p++) {
      row[p] = -INFINITY;
    }
    inverses[j] = softmax(row, begin, row_end);
  }
  int some = queries > most_value_queries ? (queries + 1) / 2 : queries;
  weighing w = {scores, stride, lasts, inverses, outs};
  weigh(some, a, &w);
  if (some < queries) {
    weighing rest = {scores + (size_t)some * stride, stride, lasts + some, inverses + some,
                     outs + some};
    weigh(queries - some, a, &rest);
  }
}

#define ATTENTION_TILE(queries) \
  FT_VECTOR static void attend_##queries(const ft_attention *a, int32_t query) { \
    if (queries <= most_queries) { \
      attend_tile(queries, a, query); \
    } \
  }
ATTENTION_TILE(1) ATTENTION_TILE(2) ATTENTION_TILE(3) ATTENTION_TILE(4) ATTENTION_TILE(6)
ATTENTION_TILE(8) ATTENTION_TILE(12)

/// Tiles that there are, the widest first.
static const struct {
  int32_t queries;
  void (*code)(const ft_attention *a, int32_t query);
} attention_tiles[] = {{12, attend_12}, {8, attend_8}, {6, attend_6}, {4, attend_4},
                       {3, attend_3},   {2, attend_2}, {1, attend_1}};

FT_VECTOR static void attend(const ft_attention *a, int32_t first_query, int32_t last_query) {
  int k = 0;
  for (int32_t query = first_query; query < last_query;) {
    int32_t left = last_query - query;
    // Four are two pairs for the narrow registers: one left over could not hide their latency.
    int32_t widest = left == 4 && most_queries == 3 ? 2 : left < most_queries ? left : most_queries;
    while (attention_tiles[k].queries > widest) {
      k++;
    }
    attention_tiles[k].code(a, query);
    query += attention_tiles[k].queries;
  }
}
