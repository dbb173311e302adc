#pragma once
// One panel's width of numbers as one value. The compiler makes one 512-bit, two 256-bit or four
// 128-bit instructions of each operation, so the code of all instruction sets is the same text:
// a file such as avx2.c says for which instructions to compile it (FT_TARGET) and includes it.
#include "panels.h"

#ifndef FT_TARGET
#error "say for which instructions to compile"
#endif

/// Code of this instruction set: a function that is called, and one that is part of its callers.
#define FT_VECTOR __attribute__((target(FT_TARGET)))
#define FT_VECTOR_INLINE static inline __attribute__((always_inline, target(FT_TARGET)))

// Such values never cross a call that is left in the code, so how they would be passed is no matter.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float ft_floats __attribute__((vector_size(4 * FT_PANEL)));
typedef int32_t ft_ints __attribute__((vector_size(4 * FT_PANEL)));
typedef uint32_t ft_words __attribute__((vector_size(4 * FT_PANEL)));
typedef uint8_t ft_bytes __attribute__((vector_size(4 * FT_PANEL)));
typedef _Float16 ft_halves __attribute__((vector_size(2 * FT_PANEL)));

FT_VECTOR_INLINE ft_floats ft_load(const float *values) {
  ft_floats v;
  memcpy(&v, values, sizeof v);
  return v;
}

FT_VECTOR_INLINE void ft_store(float *out, ft_floats v) { memcpy(out, &v, sizeof v); }

FT_VECTOR_INLINE ft_words ft_load_words(const void *values) {
  ft_words v;
  memcpy(&v, values, sizeof v);
  return v;
}

FT_VECTOR_INLINE ft_floats ft_splat(float x) {
  return (ft_floats){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

FT_VECTOR_INLINE ft_words ft_splat_word(uint32_t x) {
  return (ft_words){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

/// a * b + c with one rounding.
FT_VECTOR_INLINE ft_floats ft_fma(ft_floats a, ft_floats b, ft_floats c) {
  return __builtin_elementwise_fma(a, b, c);
}

/// The lanes of `a` where `where` has ones, those of `b` where it has zeros.
FT_VECTOR_INLINE ft_floats ft_choose(ft_ints where, ft_floats a, ft_floats b) {
  return (ft_floats)((where & (ft_ints)a) | (~where & (ft_ints)b));
}

FT_VECTOR_INLINE ft_floats ft_mins(ft_floats a, ft_floats b) { return ft_choose(a < b, a, b); }
FT_VECTOR_INLINE ft_floats ft_maxs(ft_floats a, ft_floats b) { return ft_choose(a > b, a, b); }

FT_VECTOR_INLINE ft_floats ft_exps(ft_floats x) {
  x = ft_maxs(ft_splat(FT_EXP_LOW), ft_mins(ft_splat(FT_EXP_HIGH), x));
  ft_floats rounded = ft_fma(x, ft_splat(FT_EXP_LOG2E), ft_splat(FT_EXP_ROUND));
  ft_floats n = rounded - ft_splat(FT_EXP_ROUND);
  ft_floats r = ft_fma(-n, ft_splat(FT_EXP_LN2_HIGH), x);
  r = ft_fma(-n, ft_splat(FT_EXP_LN2_LOW), r);
  ft_floats p = ft_fma(ft_splat(FT_EXP_P0), r, ft_splat(FT_EXP_P1));
  p = ft_fma(p, r, ft_splat(FT_EXP_P2));
  p = ft_fma(p, r, ft_splat(FT_EXP_P3));
  p = ft_fma(p, r, ft_splat(FT_EXP_P4));
  p = ft_fma(p, r, ft_splat(FT_EXP_P5));
  p = ft_fma(p, r * r, r) + ft_splat(1.0f);
  ft_ints exponent = (ft_ints)((ft_words)rounded - (ft_words)ft_splat(FT_EXP_ROUND));
  ft_ints half = exponent >> 1;
  ft_floats first = (ft_floats)((ft_words)(half + 127) << 23);
  ft_floats second = (ft_floats)((ft_words)(exponent - half + 127) << 23);
  return p * first * second;
}

FT_VECTOR_INLINE ft_floats ft_caps(ft_floats x, float cap) {
  ft_floats exponential = ft_exps(x * ft_splat(2.0f / cap));
  return ft_splat(cap) - ft_splat(2.0f * cap) / (exponential + ft_splat(1.0f));
}

/// The sum and the maximum of all lanes, joined by halves as numbers.h joins them.
FT_VECTOR_INLINE float ft_sum(ft_floats v) {
  float lanes[FT_PANEL];
  ft_store(lanes, v);
  return ft_sum_lanes(lanes, FT_PANEL);
}

FT_VECTOR_INLINE float ft_largest(ft_floats v) {
  float lanes[FT_PANEL];
  ft_store(lanes, v);
  return ft_max_lanes(lanes, FT_PANEL);
}
