// From a row-major tensor, or its two byte planes, to panels.
#include "panels.h"

size_t ft_panel_bytes(ft_dtype dtype, int32_t rows, int32_t cols) {
  return (size_t)ft_panel_count(rows) * ft_panel_stride(dtype, cols);
}

size_t ft_scale_bytes(ft_dtype dtype, int32_t rows, int32_t cols) {
  if (dtype != FT_Q8) {
    return 0;
  }
  return (size_t)ft_panel_count(rows) * FT_PANEL * (size_t)ft_group_count(cols) * sizeof(float);
}

/// Element k's bits, from words or from planes: the planes hold the bits rotated left by one.
FT_INLINE uint16_t bits16(ft_source16 source, size_t k) {
  if (source.words != NULL) {
    uint16_t word;
    memcpy(&word, source.words + k, sizeof word);
    return word;
  }
  uint16_t rotated = (uint16_t)(source.high[k] << 8 | source.low[k]);
  return (uint16_t)(rotated >> 1 | rotated << 15);
}

void ft_scalar_pack_bits(ft_dtype dtype, ft_source16 source, int32_t rows, int32_t cols,
                         int32_t panel, uint16_t *out) {
  int32_t padded = (int32_t)ft_padded_columns(dtype, cols);
  for (int32_t lane = 0; lane < FT_PANEL; lane++) {
    int32_t row = panel * FT_PANEL + lane;
    for (int32_t c = 0; c < padded; c++) {
      bool inside = row < rows && c < cols;
      out[ft_place(dtype, lane, c)] =
          inside ? bits16(source, (size_t)row * (size_t)cols + (size_t)c) : 0;
    }
  }
}

FT_INLINE float source_value(const ft_source *from, size_t k) {
  if (from->dtype == FT_F32) {
    float value;
    memcpy(&value, from->floats + k, sizeof value);
    return value;
  }
  uint16_t bits = bits16(from->halves, k);
  return from->dtype == FT_BF16 ? ft_from_bf16(bits) : ft_from_f16(bits);
}

/// Columns that are read, and converted to f32, at a time: the rows of a panel then stay in L1.
enum { strip = FT_Q8_GROUP };

static void read_strip(const ft_source *from, int32_t rows, int32_t cols, int32_t panel,
                       int32_t start, int32_t width, float values[FT_PANEL][strip]) {
  for (int32_t lane = 0; lane < FT_PANEL; lane++) {
    int32_t row = panel * FT_PANEL + lane;
    size_t k = (size_t)row * (size_t)cols + (size_t)start;
    for (int32_t c = 0; c < width; c++) {
      values[lane][c] = row < rows ? source_value(from, k + (size_t)c) : 0;
    }
  }
}

void ft_scalar_pack_q8(const ft_source *from, int32_t rows, int32_t cols, int32_t panel,
                       uint8_t *out, float *scales) {
  float values[FT_PANEL][strip];
  int8_t bytes[strip] = {0};
  for (int32_t start = 0; start < cols; start += strip) {
    int32_t width = cols - start < strip ? cols - start : strip;
    int32_t padded = (int32_t)ft_padded_columns(FT_Q8, width);
    read_strip(from, rows, cols, panel, start, width, values);
    for (int32_t lane = 0; lane < FT_PANEL; lane++) {
      scales[start / FT_Q8_GROUP * FT_PANEL + lane] = ft_quantize(values[lane], width, bytes);
      for (int32_t c = 0; c < padded; c++) {
        out[ft_place(FT_Q8, lane, start + c)] = (uint8_t)(FT_Q8_BIAS + (c < width ? bytes[c] : 0));
      }
    }
  }
}

static void pack_converted(ft_dtype dtype, const ft_source *from, int32_t rows, int32_t cols,
                           int32_t panel, void *out) {
  float values[FT_PANEL][strip];
  for (int32_t start = 0; start < cols; start += strip) {
    int32_t width = cols - start < strip ? cols - start : strip;
    int32_t padded = (int32_t)ft_padded_columns(dtype, width);
    read_strip(from, rows, cols, panel, start, width, values);
    for (int32_t lane = 0; lane < FT_PANEL; lane++) {
      for (int32_t c = 0; c < padded; c++) {
        size_t place = ft_place(dtype, lane, start + c);
        float value = c < width ? values[lane][c] : 0;
        switch (dtype) {
          case FT_F32: ((float *)out)[place] = value; break;
          case FT_BF16: ((uint16_t *)out)[place] = ft_to_bf16(value); break;
          case FT_F16: ((uint16_t *)out)[place] = ft_to_f16(value); break;
          case FT_Q8:
          case FT_Q4: break;  // both have functions of their own
        }
      }
    }
  }
}

// What the step of a q4 group may be: its value of largest magnitude divided by so much. Beyond -8
// that value itself is cut off, and others are met more closely.
static const float q4_steps[] = {-8, -7, -7.5f, -8.5f, -9};
enum { q4_step_count = sizeof q4_steps / sizeof q4_steps[0] };

/// A value in steps, as a q4 weight.
FT_INLINE float round_q4(float steps) {
  float whole = (steps + FT_EXP_ROUND) - FT_EXP_ROUND;
  return ft_max(-8, ft_min(7, whole));
}

/// Groups of FT_Q4_GROUP columns of all rows of a panel, `values[column][lane]`: of a few steps the
/// one whose best scale, in the sense of least squares, leaves the least error. A group that holds
/// something that is not finite gets the scale NaN.
static void quantize_q4(const float values[FT_Q4_GROUP][FT_PANEL], uint16_t scales[FT_PANEL],
                        float weights[FT_Q4_GROUP][FT_PANEL]) {
  float extreme[FT_PANEL] = {0}, inverse[FT_PANEL], best[FT_PANEL], ratio[FT_PANEL] = {0};
  bool finite[FT_PANEL];
  for (int32_t lane = 0; lane < FT_PANEL; lane++) {
    finite[lane] = true;
    for (int32_t c = 0; c < FT_Q4_GROUP; c++) {
      float value = values[c][lane];
      extreme[lane] = fabsf(value) > fabsf(extreme[lane]) ? value : extreme[lane];
      finite[lane] = finite[lane] && fabsf(value) < INFINITY;
    }
    // Below 2^-120 the reciprocal could overflow; such values are zero for every purpose.
    bool usable = finite[lane] && fabsf(extreme[lane]) > 0x1p-120f;
    inverse[lane] = usable ? 1 / extreme[lane] : 0;
    best[lane] = -1;
  }
  for (int32_t k = 0; k < q4_step_count; k++) {
    float products[FT_PANEL] = {0}, squares[FT_PANEL] = {0};
    for (int32_t c = 0; c < FT_Q4_GROUP; c++) {
      for (int32_t lane = 0; lane < FT_PANEL; lane++) {
        float share = values[c][lane] * inverse[lane];
        float weight = round_q4(share * q4_steps[k]);
        products[lane] += share * weight;
        squares[lane] += weight * weight;
      }
    }
    // |v|^2 - products^2 / squares is what the best scale leaves.
    for (int32_t lane = 0; lane < FT_PANEL; lane++) {
      float met = products[lane] * products[lane] / squares[lane];
      if (met > best[lane]) {
        best[lane] = met;
        ratio[lane] = products[lane] / squares[lane];
      }
    }
  }
  for (int32_t lane = 0; lane < FT_PANEL; lane++) {
    scales[lane] = ft_to_bf16(finite[lane] ? extreme[lane] * ratio[lane] : NAN);
    float scale = ft_from_bf16(scales[lane]);
    // In two factors, so that neither overflows.
    float steps = inverse[lane] != 0 && scale != 0 ? extreme[lane] / scale : 0;
    for (int32_t c = 0; c < FT_Q4_GROUP; c++) {
      weights[c][lane] = finite[lane] ? round_q4(values[c][lane] * inverse[lane] * steps) : 0;
    }
  }
}

static void pack_q4(const ft_source *from, int32_t rows, int32_t cols, int32_t panel,
                    uint8_t *out) {
  float strips[FT_PANEL][strip], values[FT_Q4_GROUP][FT_PANEL], weights[FT_Q4_GROUP][FT_PANEL];
  for (int32_t start = 0; start < cols; start += strip, out += ft_q4_block_bytes) {
    int32_t width = cols - start < strip ? cols - start : strip;
    memset(strips, 0, sizeof strips);
    read_strip(from, rows, cols, panel, start, width, strips);
    for (int32_t group = 0; group < ft_q4_groups; group++) {
      for (int32_t c = 0; c < FT_Q4_GROUP; c++) {
        for (int32_t lane = 0; lane < FT_PANEL; lane++) {
          values[c][lane] = strips[lane][group * FT_Q4_GROUP + c];
        }
      }
      uint16_t scales[FT_PANEL];
      quantize_q4(values, scales, weights);
      memcpy(out + group * FT_PANEL * 2, scales, sizeof scales);
      uint8_t *bytes = out + ft_q4_scale_bytes + group * FT_Q4_GROUP * FT_PANEL / 2;
      for (int32_t c = 0; c < FT_Q4_GROUP; c += c % 4 == 3 ? 5 : 1) {
        for (int32_t lane = 0; lane < FT_PANEL; lane++) {
          int32_t low = (int32_t)weights[c][lane] + FT_Q4_BIAS;
          int32_t high = (int32_t)weights[c + 4][lane] + FT_Q4_BIAS;
          bytes[(c / 8 * FT_PANEL + lane) * 4 + c % 4] = (uint8_t)(low | high << 4);
        }
      }
    }
  }
}

static void pack(ft_dtype dtype, const ft_source *from, int32_t rows, int32_t cols,
                 int32_t first_panel, int32_t last_panel, void *panels, float *scales) {
  const ft_kernels *kernels = ft_active_kernels();
  size_t panel_bytes = ft_panel_stride(dtype, cols);
  size_t panel_scales = (size_t)ft_group_count(cols) * FT_PANEL;
  for (int32_t panel = first_panel; panel < last_panel; panel++) {
    char *out = (char *)panels + (size_t)panel * panel_bytes;
    if (dtype == FT_Q4) {
      pack_q4(from, rows, cols, panel, (uint8_t *)out);
    } else if (dtype == from->dtype && dtype != FT_F32) {
      kernels->pack_bits(dtype, from->halves, rows, cols, panel, (uint16_t *)out);
    } else if (dtype == FT_Q8) {
      kernels->pack_q8(from, rows, cols, panel, (uint8_t *)out,
                       scales + (size_t)panel * panel_scales);
    } else {
      pack_converted(dtype, from, rows, cols, panel, out);
    }
  }
}

void ft_pack_panels(ft_dtype dtype, ft_dtype source_dtype, const void *source_values, int32_t rows,
                    int32_t cols, int32_t first_panel, int32_t last_panel, void *panels,
                    float *scales) {
  ft_source from = {.dtype = source_dtype};
  if (source_dtype == FT_F32) {
    from.floats = source_values;
  } else {
    from.halves.words = source_values;
  }
  pack(dtype, &from, rows, cols, first_panel, last_panel, panels, scales);
}

void ft_pack_panels_from_planes(ft_dtype dtype, ft_dtype source_dtype, const uint8_t *high,
                                const uint8_t *low, int32_t rows, int32_t cols,
                                int32_t first_panel, int32_t last_panel, void *panels,
                                float *scales) {
  ft_source from = {.dtype = source_dtype, .halves = {.high = high, .low = low}};
  pack(dtype, &from, rows, cols, first_panel, last_panel, panels, scales);
}
