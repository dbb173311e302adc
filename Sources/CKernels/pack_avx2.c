#include "panels.h"

#if FT_HAS_AVX2
#include <immintrin.h>

FT_AVX2 void ft_avx2_pack_bits(ft_dtype dtype, ft_source16 source, int32_t rows, int32_t cols,
                               int32_t panel, uint16_t *out) {
  ft_scalar_pack_bits(dtype, source, rows, cols, panel, out);
}

#endif
