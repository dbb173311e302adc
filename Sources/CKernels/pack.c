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

static void read_strip(const ft_source *from, int32_t rows, int32_t cols, int32_t panel, int32_t start,
                       int32_t width, float values[FT_PANEL][strip]) {
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
          case FT_Q8: break;
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
    if (dtype == from->dtype && dtype != FT_F32) {
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
