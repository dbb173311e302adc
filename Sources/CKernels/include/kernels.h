#pragma once
// The numeric kernels of Foretoken: the contract.
//
// One law holds for all of them: what is computed for one token does not depend on how many tokens
// are computed with it, nor on how many threads do it. Every output element is one chain of
// operations in one fixed order, whichever kernel, batch size or thread count is used:
//
//   matmul      y[i][r] = fma(w[r][C-1], x[i][C-1], ... fma(w[r][1], x[i][1], fma(w[r][0], x[i][0], 0)))
//               columns ascending, one f32 accumulator per element
//   matmul, q8  y[i][r] = ... fma(d[1] * s[i][1], t[r][1], fma(d[0] * s[i][0], t[r][0], 0))
//               groups of FT_Q8_GROUP columns ascending; d is the exact integer dot product of the
//               weights' bytes with the activations' bytes of the group, t and s are their scales.
//               A group of activations becomes bytes as a group of weights does: divided by its
//               scale, which is max|x| / 127, and rounded to nearest even. That is the only place
//               where activations lose precision: at most half a step, 0.4 % of the group's largest.
//   matmul, q4  the same with groups of FT_Q4_GROUP columns of weights; activations become bytes in
//               groups of FT_Q8_GROUP, as for q8, so that two groups of weights share s.
//
// so that the scalar code, the vector code and a loop that anyone can write agree bit for bit
// (except in the payload of a NaN).
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------
// Memory

/// `bytes` bytes, zeroed, 64-byte aligned; in huge pages where the system grants them, which is
/// worth 5 to 20 % of the reading speed of large weights. NULL if there is no memory.
void *ft_allocate(size_t bytes);
/// Gives back what ft_allocate gave; `bytes` is the size that was asked for. NULL is allowed.
void ft_free(void *memory, size_t bytes);

// ---------------------------------------------------------------------------------------------
// Workers

/// A team of threads that spins for a bounded time (about 60 us) and then sleeps.
typedef struct ft_team ft_team;

#define FT_TEAM_MAX 256

/// Makes a team of `threads` workers (1 ... FT_TEAM_MAX), the caller being one of them. NULL if the
/// count is out of range or the system refuses.
ft_team *ft_team_create(int threads);
void ft_team_destroy(ft_team *team);
int ft_team_size(const ft_team *team);

/// Runs `body(context, part, parts)` once for each part, as many as there are workers, and returns
/// when all are done. A worker has its own part unless it comes too late for it.
/// Not reentrant: one caller at a time, and `body` must not call it.
void ft_team_run(ft_team *team, void (*body)(void *context, int part, int parts), void *context);

// ---------------------------------------------------------------------------------------------
// Matrices

typedef enum { FT_F32 = 0, FT_BF16 = 1, FT_F16 = 2, FT_Q8 = 3, FT_Q4 = 4 } ft_dtype;

/// Rows of a panel: a panel holds, column after column, the weights of FT_PANEL rows side by side.
#define FT_PANEL 16
/// Columns that share a scale in a row of a q8 matrix.
#define FT_Q8_GROUP 64
/// Columns that share a scale in a row of a q4 matrix.
#define FT_Q4_GROUP 32

/// A weight matrix `(rows, cols)` in panels: `[ceil(rows / FT_PANEL)][cols][FT_PANEL]`, rows past
/// the end are zero. A panel of bf16 holds pairs of columns, of q8 fours, side by side for each row,
/// and is filled up with zeros; where exactly a weight lies is the kernels' affair.
/// Matrices of the same width whose row counts are multiples of FT_PANEL and whose panels (and
/// scales) lie one after another are also ONE matrix: that is how projections that read the same
/// input (query, key and value; gate and up) share one pass and one join.
/// q8: bytes, and `scales` is `[panels][ceil(cols / FT_Q8_GROUP)][FT_PANEL]` f32.
/// q4: two weights in a byte, and the scales, which are bf16, among them (4.5 bits a weight).
typedef struct {
  ft_dtype dtype;
  int32_t rows;
  int32_t cols;
  const void *panels;
  const float *scales;
} ft_matrix;

/// Bytes of the panels of a `(rows, cols)` matrix, and of the scales of a q8 one (0 for others).
size_t ft_panel_bytes(ft_dtype dtype, int32_t rows, int32_t cols);
size_t ft_scale_bytes(ft_dtype dtype, int32_t rows, int32_t cols);

/// Writes panels `[first_panel, last_panel)` of a matrix from row-major rows of `source` (the whole
/// matrix, `rows * cols` elements of `source_dtype`, which is f32, bf16 or f16).
/// 16-bit to the same dtype keeps the bits; other conversions round to nearest even; to q8 each
/// group's scale is max|w| / 127, to q4 it is the one of a few that leaves the least error.
void ft_pack_panels(ft_dtype dtype, ft_dtype source_dtype, const void *source, int32_t rows,
                    int32_t cols, int32_t first_panel, int32_t last_panel, void *panels,
                    float *scales);

/// The same from the two byte planes of a 16-bit tensor (see Sources/Transformer/BytePlanes.swift):
/// `high[k]` and `low[k]` are the bytes of element k's bits rotated left by one.
void ft_pack_panels_from_planes(ft_dtype dtype, ft_dtype source_dtype, const uint8_t *high,
                                const uint8_t *low, int32_t rows, int32_t cols,
                                int32_t first_panel, int32_t last_panel, void *panels,
                                float *scales);

/// Converts `count` values, one after the other, between f32, bf16 and f16, rounding to nearest even;
/// between equal types the values (not the bits of a NaN) stay. Returns `count`, or the place of the
/// first finite value that is too large for `to`; those from there on are not written then.
size_t ft_convert(ft_dtype to, ft_dtype from, const void *source, size_t count, void *out);

/// Quantised blocks of a GGUF file.
typedef enum { FT_Q8_0 = 0, FT_Q4_0 = 1, FT_Q4_K = 2, FT_Q6_K = 3 } ft_block_type;

/// Bytes and elements of a block.
size_t ft_block_bytes(ft_block_type type);
size_t ft_block_elements(ft_block_type type);

/// The elements of `blocks` blocks as f32.
void ft_dequantise(ft_block_type type, const void *source, size_t blocks, float *out);

/// y[i][r] for i in 0..<n: `x` is `(n, cols)` with row stride `x_stride`, `y` is `(n, rows)` with
/// row stride `y_stride` (floats). Work is split by panels over the team; work too small to be worth
/// a join, or a NULL team, runs on the caller alone. `next`, which may be NULL, is the matrix that the
/// next product reads: where floats meet some dozens of rows at most, its first weights are fetched
/// while the last of this one are multiplied.
void ft_matmul(ft_team *team, const ft_matrix *matrix, const ft_matrix *next, const float *x,
               size_t x_stride, int32_t n, float *y, size_t y_stride);

/// Row `row` of the matrix as f32 into `out` (cols floats): embedding look-up.
void ft_matrix_row(const ft_matrix *matrix, int32_t row, float *out);

// ---------------------------------------------------------------------------------------------
// Rows of activations. Each works on one row alone; all are vectorised with a fixed order.

/// out = x / sqrt(mean(x^2) + epsilon) * weight. `out` may be `x`.
void ft_rms_norm(const float *x, const float *weight, float epsilon, int32_t count, float *out);

/// Rotates each of `heads` heads of `head_dim` floats at `x`: pairs (j, j + head_dim / 2), as
/// Hugging Face's rotate_half does; `cosine` and `sine` hold head_dim / 2 floats of the position.
void ft_rope(float *x, int32_t heads, int32_t head_dim, const float *cosine, const float *sine);

/// out[j] = silu(gate[j]) * up[j].
void ft_swiglu(const float *gate, const float *up, int32_t count, float *out);

/// out[j] = gelu(gate[j]) * up[j], gelu by tanh: x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3))).
void ft_geglu(const float *gate, const float *up, int32_t count, float *out);

/// x[j] = cap tanh(x[j] / cap).
void ft_cap(float *x, float cap, int32_t count);

/// x[j] += y[j].
void ft_add(float *x, const float *y, int32_t count);

// ---------------------------------------------------------------------------------------------
// Attention over a cache in blocks

/// Positions in a block of the key/value cache.
#define FT_KV_BLOCK 32
/// The most queries that share a pass over keys; a good size of a piece of work.
#define FT_ATTENTION_QUERIES 12

/// A block of one layer and one kv head: keys transposed `[head_dim][FT_KV_BLOCK]`, then values
/// `[FT_KV_BLOCK][head_dim]`; 2 * FT_KV_BLOCK * head_dim floats, 64-byte aligned.
/// Writes position `slot` of the block.
void ft_kv_store(float *block, int32_t head_dim, int32_t slot, const float *key,
                 const float *value);

/// Exchanges position `slot` of the block for a key and a value, which then hold what it held.
void ft_kv_exchange(float *block, int32_t head_dim, int32_t slot, float *key, float *value);

/// Copies a block into `out` with its keys rotated further: pairs (j, j + rotary_dim / 2), of which
/// `cosine` and `sine` hold one each.
void ft_kv_rotate(const float *block, int32_t head_dim, int32_t rotary_dim, const float *cosine,
                  const float *sine, float *out);

/// Tokens in a row of one sequence against one kv head: softmax(q k^T * scale) v, in f32, with
/// scores capped as by ft_cap where `cap` is not 0.
typedef struct {
  /// `group` query heads of `head_dim` floats for each token, `q_stride` floats from token to token.
  const float *q;
  size_t q_stride;
  int32_t group, head_dim;
  /// Position p is in `blocks[p / FT_KV_BLOCK]`.
  float *const *blocks;
  /// The first token sees positions [first, last), each token after it one more.
  int32_t first, last;
  float scale, cap;
  /// ft_attention_scratch floats.
  float *scratch;
  /// Like `q`.
  float *out;
  size_t out_stride;
} ft_attention;

/// Floats of scratch for tokens that see positions before `last`.
size_t ft_attention_scratch(int32_t head_dim, int32_t last);

/// Queries [first_query, last_query), where query j is head j % group of token j / group: queries
/// that are next to each other share what is read.
void ft_attend(const ft_attention *attention, int32_t first_query, int32_t last_query);

// ---------------------------------------------------------------------------------------------
// Rows of logits. Sums have one lane for every FT_PANEL-th value, joined by halves, in every kernel.

/// The largest value, -infinity for none.
float ft_maximum(const float *x, int32_t count);

/// The place of the first of the largest values.
int32_t ft_argmax(const float *x, int32_t count);

/// Tokens that ft_describe_logits names.
#define FT_LIKELIEST 4

/// What a row of logits says of the next token.
typedef struct {
  /// The largest logits, falling, of equal ones the first first, and their tokens; -infinity and -1
  /// where there are not so many.
  float logits[FT_LIKELIEST];
  int32_t tokens[FT_LIKELIEST];
  /// The sums of e^d and of d e^d over all logits, d being what each is less than the largest.
  float mass, moment;
} ft_logits_shape;

void ft_describe_logits(const float *logits, int32_t count, ft_logits_shape *shape);

/// weights[j] = exp((logits[j] - the largest) * scale), computed in f32; returns their sum.
double ft_softmax_weights(const float *logits, int32_t count, float scale, double *weights);

// ---------------------------------------------------------------------------------------------
// Which code runs

/// "avx512", "avxvnni", "avx2", "neondot", "neon" or "scalar": chosen once from what the CPU and the system can do.
const char *ft_kernel_name(void);
/// For tests and measurements: runs the kernels of that name from now on, NULL those that the CPU
/// does best. False, and nothing changes, where there are none of that name or the CPU lacks them.
bool ft_use_kernels(const char *name);

#ifdef __cplusplus
}
#endif
