// Blocks of the GGUF format to f32: the arithmetic of ggml's dequantize_row_*.
#include "numbers.h"

static uint16_t ft_half(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

/// d, then 32 signed bytes.
static void q8_0(const uint8_t *block, float *out) {
  float d = ft_from_f16(ft_half(block));
  for (int j = 0; j < 32; j++) {
    out[j] = (float)(int8_t)block[2 + j] * d;
  }
}

/// d, then 16 bytes: the low halves are elements 0 to 15, the high ones 16 to 31.
static void q4_0(const uint8_t *block, float *out) {
  float d = ft_from_f16(ft_half(block));
  for (int j = 0; j < 16; j++) {
    out[j] = (float)((block[2 + j] & 15) - 8) * d;
    out[j + 16] = (float)((block[2 + j] >> 4) - 8) * d;
  }
}

/// The scale and the minimum of part j of 8, six bits each, from 12 bytes.
static void k_scale(const uint8_t *scales, int j, uint8_t *scale, uint8_t *minimum) {
  if (j < 4) {
    *scale = scales[j] & 63;
    *minimum = scales[j + 4] & 63;
  } else {
    *scale = (uint8_t)((scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4);
    *minimum = (uint8_t)((scales[j + 4] >> 4) | (scales[j] >> 6) << 4);
  }
}

/// d, dmin, 12 bytes of scales, 128 bytes: 8 parts of 32 elements.
static void q4_k(const uint8_t *block, float *out) {
  float d = ft_from_f16(ft_half(block)), dmin = ft_from_f16(ft_half(block + 2));
  const uint8_t *q = block + 16;
  for (int j = 0; j < 8; j++) {
    uint8_t scale, minimum;
    k_scale(block + 4, j, &scale, &minimum);
    float step = d * (float)scale, low = dmin * (float)minimum;
    for (int k = 0; k < 32; k++) {
      int value = j % 2 == 0 ? q[j / 2 * 32 + k] & 15 : q[j / 2 * 32 + k] >> 4;
      out[j * 32 + k] = step * (float)value - low;
    }
  }
}

/// 128 bytes of low halves, 64 bytes of two high bits, 16 signed scales, d.
static void q6_k(const uint8_t *block, float *out) {
  float d = ft_from_f16(ft_half(block + 208));
  for (int half = 0; half < 2; half++) {
    const uint8_t *low = block + half * 64, *high = block + 128 + half * 32;
    const uint8_t *scales = block + 192 + half * 8;
    for (int part = 0; part < 4; part++) {
      for (int k = 0; k < 32; k++) {
        int byte = low[part % 2 * 32 + k];
        int value = (part < 2 ? byte & 15 : byte >> 4) | (high[k] >> 2 * part & 3) << 4;
        float step = d * (float)(int8_t)scales[part * 2 + k / 16];
        out[half * 128 + part * 32 + k] = step * (float)(value - 32);
      }
    }
  }
}

void ft_dequantise(ft_block_type type, const void *source, size_t blocks, float *out) {
  static void (*const decode[])(const uint8_t *, float *) = {q8_0, q4_0, q4_k, q6_k};
  const uint8_t *block = source;
  size_t bytes = ft_block_bytes(type), elements = ft_block_elements(type);
  for (size_t i = 0; i < blocks; i++) {
    decode[type](block + i * bytes, out + i * elements);
  }
}

size_t ft_block_bytes(ft_block_type type) {
  static const size_t bytes[] = {34, 18, 144, 210};
  return bytes[type];
}

size_t ft_block_elements(ft_block_type type) { return type == FT_Q8_0 || type == FT_Q4_0 ? 32 : 256; }
