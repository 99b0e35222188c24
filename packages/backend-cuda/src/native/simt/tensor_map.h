/* TMA: boxes of a tensor in device memory, copied from and to shared memory by coordinates. What lies outside the tensor is read as 0 and not
 * written. Loads end at a barrier, by their bytes; stores at a wait. */
#ifndef MB_SIMT_TENSOR_MAP_H
#define MB_SIMT_TENSOR_MAP_H

#include "simt/hopper.h"

constexpr int most_map_axes = 5;

/* Numbers of 16 bits (bf16); axis 0 is dense. Strides count bytes, `strides[0]` is that of axis 1; each is a multiple of the one
 * before. */
struct mb_box_shape {
  int axes;
  uint64_t extents[most_map_axes], strides[most_map_axes - 1];
  uint32_t box[most_map_axes];
  swizzle mode;
};

#ifdef __CUDACC__

#include <cstdio>
#include <cstdlib>
#include <cuda.h>

typedef CUtensorMap mb_tensor_map;

inline CUresult encode_tensor_map(mb_tensor_map *map, const void *data, const mb_box_shape &shape) {
  void *function = nullptr;
  cudaDriverEntryPointQueryResult found;
  if (cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found) != cudaSuccess || !function)
    return CUDA_ERROR_NOT_FOUND;
  const cuuint32_t steps[most_map_axes] = {1, 1, 1, 1, 1};
  const CUtensorMapSwizzle modes[] = {CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_SWIZZLE_64B, CU_TENSOR_MAP_SWIZZLE_32B};
  return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function)(
      map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, (cuuint32_t)shape.axes, const_cast<void *>(data), reinterpret_cast<const cuuint64_t *>(shape.extents),
      reinterpret_cast<const cuuint64_t *>(shape.strides), shape.box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, modes[(unsigned)shape.mode],
      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

#else

#include <cstdio>
#include <cstdlib>

struct mb_tensor_map {
  uint64_t words[16];
};

enum CUresult { CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1, CUDA_ERROR_NOT_FOUND = 500 };

/* Accepts what the driver's documentation allows. */
CUresult encode_tensor_map(mb_tensor_map *map, const void *data, const mb_box_shape &shape);

namespace simt {
void tensor_load(uint32_t to, const mb_tensor_map *map, const int32_t *coordinates, int axes, uint32_t barrier);
void tensor_store(const mb_tensor_map *map, const int32_t *coordinates, int axes, uint32_t from);
void commit_stores();
/* `read`: until shared memory may be written again; else until the stores are seen by others. */
void wait_stores(unsigned left, bool read);
} // namespace simt

#endif

/* A map that its caller knows to be allowed: callers look at extents before. */
inline mb_tensor_map tensor_map(const void *data, const mb_box_shape &shape) {
  mb_tensor_map map;
  const int status = (int)encode_tensor_map(&map, data, shape);
  if (status == 0) return map;
  fprintf(stderr, "[backend-cuda] internal: cuTensorMapEncodeTiled answers %d\n", status);
  abort();
}

#ifdef MB_HOPPER

/* One thread loads a box; its bytes count at `barrier`, those outside the tensor too. */
MB_DEVICE void load_box(void *to, const mb_tensor_map &map, uint64_t *barrier, int x, int y) {
#ifdef __CUDACC__
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(shared_address(to)),
               "l"(&map), "r"(x), "r"(y), "r"(shared_address(barrier))
               : "memory");
#else
  const int32_t at[] = {x, y};
  simt::tensor_load(shared_address(to), &map, at, 2, shared_address(barrier));
#endif
}

MB_DEVICE void load_box(void *to, const mb_tensor_map &map, uint64_t *barrier, int x, int y, int z) {
#ifdef __CUDACC__
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(
                   shared_address(to)),
               "l"(&map), "r"(x), "r"(y), "r"(z), "r"(shared_address(barrier))
               : "memory");
#else
  const int32_t at[] = {x, y, z};
  simt::tensor_load(shared_address(to), &map, at, 3, shared_address(barrier));
#endif
}

/* One thread stores a box, after a fence of those who wrote it and a barrier. */
MB_DEVICE void store_box(const mb_tensor_map &map, const void *from, int x, int y) {
#ifdef __CUDACC__
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&map), "r"(x), "r"(y), "r"(shared_address(from))
               : "memory");
#else
  const int32_t at[] = {x, y};
  simt::tensor_store(&map, at, 2, shared_address(from));
#endif
}

MB_DEVICE void commit_stores() {
#ifdef __CUDACC__
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
#else
  simt::commit_stores();
#endif
}

/* Until at most `left` of this thread's groups of stores still read shared memory. */
template <unsigned left> MB_DEVICE void wait_stores_read() {
#ifdef __CUDACC__
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(left) : "memory");
#else
  simt::wait_stores(left, true);
#endif
}

/* Until at most `left` of them are not yet seen by others. */
template <unsigned left> MB_DEVICE void wait_stores() {
#ifdef __CUDACC__
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(left) : "memory");
#else
  simt::wait_stores(left, false);
#endif
}

#endif

#endif
