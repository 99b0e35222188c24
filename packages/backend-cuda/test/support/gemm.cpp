/* Reads products, out, a, b, a line each, as `dtype offset rank shape… strides…` three times, and prints 1 for those that cuBLASLt takes, 0 for the others. */
#include "products/gemm.h"

#include <cinttypes>
#include <cstdio>

static bool read(mb_view &view) {
  int64_t offset;
  if (scanf("%" SCNd32 "%" SCNd64 "%" SCNd32, &view.dtype, &offset, &view.rank) != 3) return false;
  view.data = (void *)(256 + offset * bytes_of(view.dtype));
  for (int64_t *list : {view.shape, view.stride})
    for (int32_t at = 0; at < view.rank; at++)
      if (scanf("%" SCNd64, &list[at]) != 1) return false;
  return true;
}

int main() {
  mb_view out, a, b;
  mb_gemm gemm;
  while (read(out) && read(a) && read(b)) printf("%d\n", mb_gemm_of(out, a, b, nullptr, gemm));
  return 0;
}
