// The kernels of one instruction set: everything that is written with vectors, and the table.
#include "vector_attention.h"
#include "vector_logits.h"
#include "vector_matmul.h"
#include "vector_matmul_bytes.h"
#include "vector_quantize.h"
#include "vector_rows.h"

FT_VECTOR static void matmul(const ft_matrix *matrix, int32_t first, int32_t last, ft_stretch next,
                             const float *x, size_t x_stride, int32_t n, float *y,
                             size_t y_stride) {
  if (matrix->dtype == FT_Q8 || matrix->dtype == FT_Q4) {
    matmul_bytes(matrix, first, last, x, x_stride, n, y, y_stride);
  } else if (n <= narrow_tokens) {
    matmul_narrow(matrix, first, last, next, x, x_stride, n, y, y_stride);
  } else {
    matmul_wide(matrix, first, last, x, x_stride, n, y, y_stride);
  }
}

#define FT_TABLE(table_name, pack) \
  {.name = table_name, .matmul = matmul, .pack_bits = pack, .pack_q8 = pack_q8, \
   .rms_norm = rms_norm, .rope = rope, .swiglu = swiglu, .geglu = geglu, .cap = cap, \
   .add = add, .attend = attend, .maximum = maximum, .weigh_logits = weigh_logits, \
   .softmax_weights = softmax_weights}
