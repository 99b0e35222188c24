/* How cuBLASLt makes products of one shape: its descriptions of them and the algorithm. Only addresses and factors change from call to call. */
#ifndef MB_PLAN_H
#define MB_PLAN_H

#include <array>

#include "products/cublaslt.h"
#include "products/gemm.h"

/* One cuBLASLt, and the memory that all its products share. */
struct mb_cublaslt {
  cublaslt::functions call;
  cublaslt::handle handle = nullptr;
  cublaslt::preference preference = nullptr;
  void *workspace = nullptr;
  size_t workspace_bytes = 0;
};

/* All that a plan depends on. */
using mb_plan_key = std::array<int64_t, 16>;
mb_plan_key mb_plan_key_of(const mb_gemm &gemm);

class mb_plan {
public:
  explicit mb_plan(const mb_cublaslt &lt) : lt(lt) {}
  ~mb_plan();
  mb_plan(const mb_plan &) = delete;
  mb_plan &operator=(const mb_plan &) = delete;

  /* Takes the heuristic's first choice. */
  cublaslt::status begin(const mb_gemm &gemm);
  /* Takes the quickest of the heuristic's choices for this product, on memory of its own for the result. */
  void measure(const mb_gemm &gemm, cudaStream_t stream);
  cublaslt::status multiply(const mb_gemm &gemm, cudaStream_t stream);

private:
  const mb_cublaslt &lt;
  cublaslt::product product = nullptr;
  cublaslt::matrix a = nullptr, b = nullptr, out = nullptr;
  static constexpr int most_choices = 8;
  cublaslt::choice choices[most_choices];
  int32_t found = 0, taken = 0;

  cublaslt::status run(const mb_gemm &gemm, void *result, const cublaslt::choice &choice, cudaStream_t stream);
  float milliseconds(const mb_gemm &gemm, void *result, const cublaslt::choice &choice, cudaStream_t stream);
};

#endif
