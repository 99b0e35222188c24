#include "base/memory.h"

#include <stdlib.h>

#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif
#include "base/command.h"

#define LINE 64
#define HUGE_PAGE ((int64_t)2 << 20)

void *mb_allocate(int64_t bytes) {
  const int64_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : LINE;
  const int64_t rounded = mb_ceil_div(MB_MAX(bytes, 1), LINE) * LINE;
#if defined(_WIN32)
  void *data = _aligned_malloc((size_t)rounded, (size_t)alignment);
#else
  void *data = NULL;
  if (posix_memalign(&data, (size_t)alignment, (size_t)rounded) != 0) return NULL;
#endif
#if defined(__linux__)
  if (bytes >= HUGE_PAGE) madvise(data, (size_t)(rounded / HUGE_PAGE * HUGE_PAGE), MADV_HUGEPAGE);
#endif
  return data;
}

void mb_free(void *data) {
#if defined(_WIN32)
  _aligned_free(data);
#else
  free(data);
#endif
}
