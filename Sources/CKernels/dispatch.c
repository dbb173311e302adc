#include "dispatch.h"

#include <stdatomic.h>

const ft_kernels ft_scalar_kernels = {
    .name = "scalar",
    .matmul = ft_scalar_matmul,
    .pack_bits = ft_scalar_pack_bits,
    .rms_norm = ft_scalar_rms_norm,
    .rope = ft_scalar_rope,
    .swiglu = ft_scalar_swiglu,
    .add = ft_scalar_add,
    .attend = ft_scalar_attend,
};

#if FT_HAS_AVX2
const ft_kernels ft_avx2_kernels = {
    .name = "avx2",
    .matmul = ft_avx2_matmul,
    .pack_bits = ft_avx2_pack_bits,
    .rms_norm = ft_avx2_rms_norm,
    .rope = ft_avx2_rope,
    .swiglu = ft_avx2_swiglu,
    .add = ft_avx2_add,
    .attend = ft_avx2_attend,
};
#endif

static const ft_kernels *best_kernels(void) {
#if FT_HAS_AVX2
  // The builtin also asks whether the operating system saves the wide registers.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    return &ft_avx2_kernels;
  }
#endif
  return &ft_scalar_kernels;
}

static _Atomic(const ft_kernels *) active = NULL;

const ft_kernels *ft_active_kernels(void) {
  const ft_kernels *kernels = atomic_load_explicit(&active, memory_order_acquire);
  if (kernels == NULL) {
    // Two threads may both get here: they find the same answer.
    kernels = best_kernels();
    atomic_store_explicit(&active, kernels, memory_order_release);
  }
  return kernels;
}

const char *ft_kernel_name(void) { return ft_active_kernels()->name; }

void ft_force_scalar(bool scalar) {
  atomic_store_explicit(&active, scalar ? &ft_scalar_kernels : best_kernels(),
                        memory_order_release);
}
