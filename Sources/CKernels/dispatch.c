#include "dispatch.h"

#include <stdatomic.h>
#include <string.h>

#if FT_IS_ARM && defined(__linux__)
#include <sys/auxv.h>
#endif

const ft_kernels ft_scalar_kernels = {
    .name = "scalar",
    .matmul = ft_scalar_matmul,
    .pack_bits = ft_scalar_pack_bits,
    .pack_q8 = ft_scalar_pack_q8,
    .rms_norm = ft_scalar_rms_norm,
    .rope = ft_scalar_rope,
    .swiglu = ft_scalar_swiglu,
    .geglu = ft_scalar_geglu,
    .cap = ft_scalar_cap,
    .add = ft_scalar_add,
    .attend = ft_scalar_attend,
    .maximum = ft_scalar_maximum,
    .weigh_logits = ft_scalar_weigh_logits,
    .softmax_weights = ft_scalar_softmax_weights,
};

/// Whether the CPU has the instructions of a table, and the system saves the registers they use.
static bool is_supported(const ft_kernels *kernels) {
#if FT_IS_X86
  __builtin_cpu_init();  // asks the operating system, too
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("f16c");
  if (kernels == &ft_avx2_kernels) {
    return avx2;
  }
  if (kernels == &ft_avxvnni_kernels) {
    return avx2 && __builtin_cpu_supports("avxvnni");
  }
  if (kernels == &ft_avx512_kernels) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
  }
#endif
#if FT_IS_ARM
  if (kernels == &ft_neon_kernels) {
    return true;
  }
  if (kernels == &ft_neondot_kernels) {
#if defined(__ARM_FEATURE_DOTPROD)
    return true;  // whatever this was compiled for has them: every Mac
#elif defined(__linux__)
    const unsigned long asimd_dot_products = 1 << 20;  // HWCAP_ASIMDDP, in the kernel's own ABI
    return (getauxval(AT_HWCAP) & asimd_dot_products) != 0;
#else
    return false;
#endif
  }
#endif
  return kernels == &ft_scalar_kernels;
}

/// The best first.
static const ft_kernels *const tables[] = {
#if FT_IS_X86
    &ft_avx512_kernels,
    &ft_avxvnni_kernels,
    &ft_avx2_kernels,
#endif
#if FT_IS_ARM
    &ft_neondot_kernels,
    &ft_neon_kernels,
#endif
    &ft_scalar_kernels,
};
enum { table_count = sizeof tables / sizeof tables[0] };

static _Atomic(const ft_kernels *) active = NULL;

bool ft_use_kernels(const char *name) {
  for (int k = 0; k < table_count; k++) {
    if ((name == NULL || strcmp(name, tables[k]->name) == 0) && is_supported(tables[k])) {
      atomic_store_explicit(&active, tables[k], memory_order_release);
      return true;
    }
  }
  return false;
}

const ft_kernels *ft_active_kernels(void) {
  const ft_kernels *kernels = atomic_load_explicit(&active, memory_order_acquire);
  if (kernels == NULL) {
    ft_use_kernels(NULL);  // two threads may both get here: they find the same answer
    kernels = atomic_load_explicit(&active, memory_order_acquire);
  }
  return kernels;
}

const char *ft_kernel_name(void) { return ft_active_kernels()->name; }
