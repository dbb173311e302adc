#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "include/kernels.h"

// Below this size huge pages cannot help and a mapping of its own is waste.
static const size_t mapping_threshold = (size_t)1 << 20;
static const size_t huge_page = (size_t)2 << 20;

/// Bytes mapped for `bytes` asked for, or 0 where the sum would overflow.
static size_t mapped_bytes(size_t bytes) {
  return bytes > SIZE_MAX - huge_page ? 0 : (bytes + huge_page - 1) / huge_page * huge_page;
}

void *ft_allocate(size_t bytes) {
  if (bytes < mapping_threshold) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, bytes == 0 ? 64 : bytes) != 0) {
      return NULL;
    }
    return memset(memory, 0, bytes);
  }
  size_t size = mapped_bytes(bytes);
  if (size == 0 || size > SIZE_MAX - huge_page) {
    return NULL;
  }
  // A mapping starts at any small page: take one huge page more and give back what sticks out.
  char *start =
      mmap(NULL, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (start == MAP_FAILED) {
    return NULL;
  }
  size_t before = (huge_page - (uintptr_t)start % huge_page) % huge_page;
  if (before > 0) {
    munmap(start, before);
  }
  char *memory = start + before;
  munmap(memory + size, huge_page - before);
#ifdef MADV_HUGEPAGE
  madvise(memory, size, MADV_HUGEPAGE);  // refused on some systems, and then nothing is lost
#endif
  return memory;
}

void ft_free(void *memory, size_t bytes) {
  if (memory == NULL) {
    return;
  }
  if (bytes < mapping_threshold) {
    free(memory);
  } else {
    munmap(memory, mapped_bytes(bytes));
  }
}
