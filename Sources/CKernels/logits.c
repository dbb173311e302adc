// Rows of logits: the entry points, and the scalar code.
#include "panels.h"

enum {
  searched_together = 256,  // values whose largest is known before it is looked for among them
  most_blocks = 64,         // of a row in which the likeliest tokens are looked for
};

float ft_scalar_maximum(const float *x, int32_t count) {
  float highest = -INFINITY;
  for (int32_t j = 0; j < count; j++) {
    highest = ft_max(x[j], highest);
  }
  return highest;
}

void ft_scalar_weigh_logits(const float *logits, int32_t count, float top, float *mass,
                            float *moment) {
  float masses[FT_PANEL] = {0}, moments[FT_PANEL] = {0};
  for (int32_t j = 0; j < count; j++) {
    float distance = ft_max(logits[j] - top, FT_EXP_LOW);
    float weight = ft_exp(logits[j] - top);
    masses[j % FT_PANEL] += weight;
    moments[j % FT_PANEL] += weight * distance;
  }
  *mass = ft_sum_lanes(masses, FT_PANEL);
  *moment = ft_sum_lanes(moments, FT_PANEL);
}

double ft_scalar_softmax_weights(const float *logits, int32_t count, float top, float scale,
                                 double *weights) {
  double sums[FT_PANEL] = {0};
  for (int32_t j = 0; j < count; j++) {
    weights[j] = (double)ft_exp((logits[j] - top) * scale);
    sums[j % FT_PANEL] += weights[j];
  }
  return ft_sum_doubles(sums, FT_PANEL);
}

float ft_maximum(const float *x, int32_t count) { return ft_active_kernels()->maximum(x, count); }

int32_t ft_argmax(const float *x, int32_t count) {
  const ft_kernels *kernels = ft_active_kernels();
  float highest = -INFINITY;
  int32_t start = 0;
  for (int32_t j = 0; j < count; j += searched_together) {
    int32_t left = count - j;
    float next = kernels->maximum(x + j, left < searched_together ? left : searched_together);
    if (next > highest) {
      highest = next;
      start = j;
    }
  }
  for (int32_t j = start; j < count; j++) {
    if (x[j] == highest) {
      return j;
    }
  }
  return 0;  // not one number among them
}

/// Puts a logit among the largest, behind those that are as large.
static void insert(ft_logits_shape *shape, float logit, int32_t token) {
  int place = FT_LIKELIEST - 1;
  for (; place > 0 && logit > shape->logits[place - 1]; place--) {
    shape->logits[place] = shape->logits[place - 1];
    shape->tokens[place] = shape->tokens[place - 1];
  }
  shape->logits[place] = logit;
  shape->tokens[place] = token;
}

/// Finds the largest logits: they are in those few blocks whose own largest ones are.
static void find_likeliest(const ft_kernels *kernels, const float *logits, int32_t count,
                           ft_logits_shape *shape) {
  static const ft_logits_shape none = {.logits = {-INFINITY, -INFINITY, -INFINITY, -INFINITY},
                                       .tokens = {-1, -1, -1, -1}};
  int32_t block = ((count + most_blocks - 1) / most_blocks + FT_PANEL - 1) / FT_PANEL * FT_PANEL;
  float maxima[most_blocks];
  ft_logits_shape blocks = none;
  for (int32_t k = 0, start = 0; start < count; k++, start += block) {
    int32_t left = count - start;
    maxima[k] = kernels->maximum(logits + start, left < block ? left : block);
    if (maxima[k] > blocks.logits[FT_LIKELIEST - 1]) {
      insert(&blocks, maxima[k], k);
    }
  }
  float bound = blocks.logits[FT_LIKELIEST - 1];  // which as many logits reach
  *shape = none;
  for (int32_t k = 0, start = 0; start < count; k++, start += block) {
    int32_t end = count - start < block ? count : start + block;
    for (int32_t j = start; maxima[k] >= bound && j < end; j++) {
      if (logits[j] > shape->logits[FT_LIKELIEST - 1]) {
        insert(shape, logits[j], j);
      }
    }
  }
}

void ft_describe_logits(const float *logits, int32_t count, ft_logits_shape *shape) {
  const ft_kernels *kernels = ft_active_kernels();
  find_likeliest(kernels, logits, count, shape);
  kernels->weigh_logits(logits, count, shape->logits[0], &shape->mass, &shape->moment);
}

double ft_softmax_weights(const float *logits, int32_t count, float scale, double *weights) {
  const ft_kernels *kernels = ft_active_kernels();
  return kernels->softmax_weights(logits, count, kernels->maximum(logits, count), scale, weights);
}
