// Every table of kernels that this CPU (or the emulator that plays one) has, against the scalar code,
// bit for bit, without Swift: so that instruction sets are tested that the machine at hand lacks.
//
//     make test-neon
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../Sources/CKernels/numbers.h"

static uint64_t state = 1;

/// Roughly normal, from a fixed seed.
static float number(void) {
  float sum = 0;
  for (int k = 0; k < 4; k++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    sum += (float)(int32_t)(state >> 32) * 0x1p-31f;
  }
  return sum * 0.866f;
}

static float *numbers(size_t count) {
  float *values = malloc(count * sizeof *values);
  if (values == NULL) {
    fputs("no memory\n", stderr);
    exit(71);
  }
  for (size_t k = 0; k < count; k++) {
    values[k] = number();
  }
  return values;
}

static int failures = 0, checks = 0;

static void expect_equal(const float *expected, const float *values, size_t count,
                         const char *what, const char *kernels, int a, int b, int c) {
  checks++;
  for (size_t k = 0; k < count; k++) {
    if (ft_bits(expected[k]) != ft_bits(values[k]) && !(isnan(expected[k]) && isnan(values[k]))) {
      printf("%s, %s (%d, %d, %d): value %zu is %a, not %a\n", kernels, what, a, b, c, k,
             (double)values[k], (double)expected[k]);
      failures++;
      return;
    }
  }
}

static void check_products(const char *kernels) {
  static const int32_t rows[] = {1, 16, 33, 80}, cols[] = {1, 3, 64, 97, 200};
  static const int32_t tokens[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 17, 40};
  static const char *const names[] = {"f32 product", "bf16 product", "f16 product", "q8 product",
                                      "q4 product"};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    for (size_t c = 0; c < sizeof cols / sizeof *cols; c++) {
      float *weights = numbers((size_t)(rows[r] * cols[c]));
      float *x = numbers((size_t)(40 * cols[c]));
      for (int dtype = FT_F32; dtype <= FT_Q4; dtype++) {
        void *panels = ft_allocate(ft_panel_bytes((ft_dtype)dtype, rows[r], cols[c]));
        float *scales = calloc(1, ft_scale_bytes((ft_dtype)dtype, rows[r], cols[c]) + 64);
        ft_matrix matrix = {(ft_dtype)dtype, rows[r], cols[c], panels, scales};
        ft_pack_panels((ft_dtype)dtype, FT_F32, weights, rows[r], cols[c], 0,
                       (rows[r] + FT_PANEL - 1) / FT_PANEL, panels, scales);
        for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++) {
          size_t count = (size_t)(tokens[t] * rows[r]);
          float *expected = numbers(count), *values = numbers(count);
          ft_use_kernels("scalar");
          ft_matmul(NULL, &matrix, NULL, x, (size_t)cols[c], tokens[t], expected, (size_t)rows[r]);
          ft_use_kernels(kernels);
          ft_matmul(NULL, &matrix, NULL, x, (size_t)cols[c], tokens[t], values, (size_t)rows[r]);
          expect_equal(expected, values, count, names[dtype], kernels, rows[r], cols[c], tokens[t]);
          free(expected);
          free(values);
        }
        ft_free(panels, ft_panel_bytes((ft_dtype)dtype, rows[r], cols[c]));
        free(scales);
      }
      free(weights);
      free(x);
    }
  }
}

static void check_rows(const char *kernels) {
  for (int32_t count = 2; count <= 200; count += 22) {
    size_t size = (size_t)count;
    float *x = numbers(size), *y = numbers(size), *outs[2] = {numbers(size), numbers(size)};
    const char *names[] = {"scalar", kernels};
    for (int k = 0; k < 2; k++) {
      ft_use_kernels(names[k]);
      ft_rms_norm(x, y, 1e-5f, count, outs[k]);
    }
    expect_equal(outs[0], outs[1], size, "norm", kernels, count, 0, 0);
    for (int k = 0; k < 2; k++) {
      ft_use_kernels(names[k]);
      ft_swiglu(x, y, count, outs[k]);
    }
    expect_equal(outs[0], outs[1], size, "swiglu", kernels, count, 0, 0);
    for (int k = 0; k < 2; k++) {
      memcpy(outs[k], x, size * sizeof *x);
      ft_use_kernels(names[k]);
      ft_add(outs[k], y, count);
      ft_rope(outs[k], 1, count, y, y + count / 2);
    }
    expect_equal(outs[0], outs[1], size, "sum and rotation", kernels, count, 0, 0);
    free(x);
    free(y);
    free(outs[0]);
    free(outs[1]);
  }
}

static void check_logits(const char *kernels) {
  for (int32_t count = 1; count <= 300; count += 13) {
    float *logits = numbers((size_t)count);
    double *weights = calloc((size_t)count, sizeof *weights);
    float *outs[2] = {numbers((size_t)count + 4), numbers((size_t)count + 4)};
    const char *names[] = {"scalar", kernels};
    for (int k = 0; k < 2; k++) {
      ft_use_kernels(names[k]);
      ft_logits_shape shape;
      ft_describe_logits(logits, count, &shape);
      double sum = ft_softmax_weights(logits, count, 0.7f, weights);
      for (int32_t j = 0; j < count; j++) {
        outs[k][j] = (float)weights[j];
      }
      outs[k][count] = shape.mass;
      outs[k][count + 1] = shape.moment;
      memcpy(outs[k] + count + 2, &sum, sizeof sum);
    }
    expect_equal(outs[0], outs[1], (size_t)count + 4, "logits", kernels, count, 0, 0);
    free(logits);
    free(weights);
    free(outs[0]);
    free(outs[1]);
  }
}

static void check_attention(const char *kernels) {
  enum { most_blocks = 5, group = 3 };
  static const int32_t sizes[] = {8, 64, 80}, tokens[] = {1, 2, 5, 9};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    int32_t size = sizes[s];
    size_t block = 2 * FT_KV_BLOCK * (size_t)size;
    float *blocks[most_blocks];
    for (int k = 0; k < most_blocks; k++) {
      blocks[k] = ft_allocate(block * sizeof(float));
      for (size_t j = 0; j < block; j++) {
        blocks[k][j] = number();
      }
    }
    for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++) {
      for (int32_t first = 0; first < 40; first += 37) {
        for (int32_t last = first + 1; last + tokens[t] <= most_blocks * FT_KV_BLOCK; last += 29) {
          size_t stride = (size_t)(group * size), count = stride * (size_t)tokens[t];
          float *q = numbers(count), *outs[2] = {numbers(count), numbers(count)};
          size_t scratch_bytes =
              ft_attention_scratch(size, last + tokens[t]) * sizeof(float);
          float *scratch = ft_allocate(scratch_bytes);
          const char *names[] = {"scalar", kernels};
          for (int k = 0; k < 2; k++) {
            ft_use_kernels(names[k]);
            ft_attention a = {.q = q, .q_stride = stride, .group = group, .head_dim = size,
                              .blocks = blocks, .first = first, .last = last, .scale = 0.125f,
                              .scratch = scratch, .out = outs[k], .out_stride = stride};
            ft_attend(&a, 0, group * tokens[t]);
          }
          expect_equal(outs[0], outs[1], count, "attention", kernels, size, last, tokens[t]);
          free(q);
          free(outs[0]);
          free(outs[1]);
          ft_free(scratch, scratch_bytes);
        }
      }
    }
    for (int k = 0; k < most_blocks; k++) {
      ft_free(blocks[k], block * sizeof(float));
    }
  }
}

int main(void) {
  static const char *const names[] = {"neon", "neondot", "avx2", "avxvnni", "avx512"};
  int tables = 0;
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    if (ft_use_kernels(names[k])) {
      tables++;
      int before = checks;
      check_products(names[k]);
      check_rows(names[k]);
      check_attention(names[k]);
      check_logits(names[k]);
      printf("%s: %d comparisons with the scalar code\n", names[k], checks - before);
    }
  }
  if (tables == 0) {
    puts("this CPU has scalar kernels only");
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
