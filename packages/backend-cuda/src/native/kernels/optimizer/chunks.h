/* Kernels over all tensors of a model at once: each is cut into chunks, and a block works on one. The table of tensors is a parameter of the
 * kernel; where there are more than it holds, the kernel is launched again for the rest. */
#ifndef MB_CHUNKS_H
#define MB_CHUNKS_H

#include "base/packs.h"

/* As in src/fused/chunks.ts. */
constexpr int64_t chunk_elements = 32768;
constexpr unsigned chunk_threads = 256;
constexpr size_t most_parameter_bytes = 32764; /* of a kernel */

/* Row has a `size`, in elements. */
template <typename Row, int Most> struct chunk_table {
  int32_t rows = 0;
  int32_t first[Most + 1] = {0}; /* chunk of each row, then how many there are */
  Row row[Most];

  bool full() const { return rows == Most; }
  int64_t chunks() const { return first[rows]; }
  void add(const Row &next) {
    row[rows] = next;
    first[rows + 1] = first[rows] + (int32_t)((next.size + chunk_elements - 1) / chunk_elements);
    rows++;
  }
};

/* The row that a chunk is part of: the last one that begins at it or before. */
template <typename Table> static __device__ int row_of_chunk(const Table &table, int32_t chunk) {
  int low = 0, high = table.rows;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (table.first[middle] <= chunk) low = middle;
    else high = middle;
  }
  return low;
}

/* Calls visit(at, count, whole) for all packs of a chunk that belong to this thread, see load_pack. */
template <typename Visit> static __device__ void for_packs(int64_t chunk, int64_t size, bool aligned, const Visit &visit) {
  const int64_t begin = chunk * chunk_elements, end = begin + chunk_elements < size ? begin + chunk_elements : size;
  for (int64_t at = begin + 4 * threadIdx.x; at < end; at += 4 * chunk_threads) visit(at, end - at, aligned && end - at >= 4);
}

#endif
