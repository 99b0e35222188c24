/* The products of one stream by cuBLASLt. A plan is made when a shape is first met. Its algorithm is the heuristic's first choice, which depends
 * on the shape, the GPU and the version of cuBLASLt: the same commands give the same bits in every process. With MODERNBERT_CUDA_TUNE=1 it is the
 * quickest of eight, by the clock: sums may then round differently from process to process. */
#ifndef MB_PRODUCTS_H
#define MB_PRODUCTS_H

#include <map>

#include "products/plan.h"

class mb_products {
public:
  ~mb_products();

  /* Opens the library for the current device. The reason if it cannot; else nullptr. */
  const char *open(const char *path, int device);
  bool opened() const { return lt.preference != nullptr; }
  /* Of cuBLASLt, 10000 · major + 100 · minor + patch; 0 unless opened. */
  int64_t version() const;

  /* Queues it. What goes wrong is kept as `failure`. */
  void multiply(const mb_gemm &gemm, cudaStream_t stream);
  struct failure {
    const char *kind; /* "value" or "memory" */
    const char *text;
  };
  /* Of the last product, once; without text when there was none. */
  failure take_failure();

private:
  mb_cublaslt lt;
  std::map<mb_plan_key, mb_plan> plans;
  const char *failed = nullptr; /* the kind */
  bool tune = false;
  char text[256] = "";
};

#endif
