/* What the emulated cuBLASLt knows of a product: descriptions, and the loops that compute it. */
#ifndef MB_SIMT_CUBLASLT_H
#define MB_SIMT_CUBLASLT_H

#include "products/cublaslt.h"

namespace cublaslt {

struct product_data {
  int32_t compute;
  dtype scale;
  int32_t transpose_a = 0, transpose_b = 0;
  uint32_t epilogue = epilogue_none;
  const void *bias = nullptr;
};

struct matrix_data {
  dtype element;
  uint64_t rows, columns;
  int64_t leading;
  int32_t batch = 1;
  int64_t batch_stride = 0;
};

struct preference_data {
  uint64_t workspace = 0;
  uint32_t reductions = 7;
  uint32_t alignments[4] = {256, 256, 256, 256}; /* a, b, c, d */
};

/* A product whose descriptions fit together. */
struct problem {
  product_data product;
  matrix_data a, b, c, d;
  const void *a_data, *b_data, *c_data;
  void *d_data;
  float alpha, beta;
  int64_t depth;
};

/* Sums over `parts` stretches of the depth, each in f32, added in order. */
void compute(const problem &problem, int64_t parts);

} // namespace cublaslt

#endif
