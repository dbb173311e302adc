#pragma once
// The table of code that the CPU decides: one row per instruction set.
#include "include/kernels.h"

// A product and a sum stay two roundings wherever the source writes them so, and one where it says
// fmaf: results must not depend on what a compiler likes to contract.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)
#define FT_IS_X86 1
#else
#define FT_IS_X86 0
#endif
#if defined(__aarch64__) && !defined(__AARCH64EB__)
#define FT_IS_ARM 1
#else
#define FT_IS_ARM 0
#endif

#define FT_INLINE static inline __attribute__((always_inline))

/// 16-bit values of a matrix before packing: row-major words, or their two byte planes.
typedef struct {
  const uint16_t *words;  // NULL if the planes are given
  const uint8_t *high;
  const uint8_t *low;
} ft_source16;

/// Where the values of a tensor come from; exactly one of the two is in use.
typedef struct {
  ft_dtype dtype;
  const float *floats;  // f32, at any address
  ft_source16 halves;   // bf16 and f16
} ft_source;

/// Panels one after the other.
typedef struct {
  const char *panels;
  size_t panel_bytes;
} ft_stretch;

typedef struct {
  const char *name;
  /// Panels [first, last) of y = W x for n tokens. `next` is what the caller reads after them.
  void (*matmul)(const ft_matrix *matrix, int32_t first, int32_t last, ft_stretch next,
                 const float *x, size_t x_stride, int32_t n, float *y, size_t y_stride);
  /// One panel of 16-bit weights whose bits stay as they are; `rows` are those of the whole matrix.
  void (*pack_bits)(ft_dtype dtype, ft_source16 source, int32_t rows, int32_t cols, int32_t panel,
                    uint16_t *out);
  /// One panel of q8 from values of any type.
  void (*pack_q8)(const ft_source *source, int32_t rows, int32_t cols, int32_t panel, uint8_t *out,
                  float *scales);
  void (*rms_norm)(const float *x, const float *weight, float epsilon, int32_t count, float *out);
  void (*rope)(float *x, int32_t heads, int32_t head_dim, const float *cosine, const float *sine);
  void (*swiglu)(const float *gate, const float *up, int32_t count, float *out);
  void (*geglu)(const float *gate, const float *up, int32_t count, float *out);
  void (*cap)(float *x, float cap, int32_t count);
  void (*add)(float *x, const float *y, int32_t count);
  void (*attend)(const ft_attention *attention, int32_t first_query, int32_t last_query);
  /// The largest value, -infinity for none.
  float (*maximum)(const float *x, int32_t count);
  /// The sums of ft_logits_shape.
  void (*weigh_logits)(const float *logits, int32_t count, float top, float *mass, float *moment);
  /// See ft_softmax_weights; `top` is the largest logit.
  double (*softmax_weights)(const float *logits, int32_t count, float top, float scale,
                            double *weights);
} ft_kernels;

extern const ft_kernels ft_scalar_kernels;
#if FT_IS_X86
extern const ft_kernels ft_avx2_kernels;
extern const ft_kernels ft_avxvnni_kernels;
extern const ft_kernels ft_avx512_kernels;
#endif
#if FT_IS_ARM
extern const ft_kernels ft_neon_kernels;
extern const ft_kernels ft_neondot_kernels;
#endif

/// The table in use.
const ft_kernels *ft_active_kernels(void);

// The scalar rows, which other tables fall back on where vectors bring nothing.
void ft_scalar_matmul(const ft_matrix *, int32_t, int32_t, ft_stretch, const float *, size_t,
                      int32_t, float *, size_t);
void ft_scalar_pack_bits(ft_dtype, ft_source16, int32_t, int32_t, int32_t, uint16_t *);
void ft_scalar_pack_q8(const ft_source *, int32_t, int32_t, int32_t, uint8_t *, float *);
void ft_scalar_rms_norm(const float *, const float *, float, int32_t, float *);
void ft_scalar_rope(float *, int32_t, int32_t, const float *, const float *);
void ft_scalar_swiglu(const float *, const float *, int32_t, float *);
void ft_scalar_geglu(const float *, const float *, int32_t, float *);
void ft_scalar_cap(float *, float, int32_t);
void ft_scalar_add(float *, const float *, int32_t);
void ft_scalar_attend(const ft_attention *, int32_t, int32_t);
float ft_scalar_maximum(const float *, int32_t);
void ft_scalar_weigh_logits(const float *, int32_t, float, float *, float *);
double ft_scalar_softmax_weights(const float *, int32_t, float, float, double *);
#if FT_IS_X86
void ft_avx2_pack_bits(ft_dtype, ft_source16, int32_t, int32_t, int32_t, uint16_t *);
#endif
