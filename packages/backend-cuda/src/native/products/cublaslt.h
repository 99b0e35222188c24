/* What products use of cuBLASLt, declared here: nothing of it is needed to build. The numbers are those of versions 12 and 13. */
#ifndef MB_CUBLASLT_H
#define MB_CUBLASLT_H

#include <cstddef>
#include <cstdint>

#include "simt/simt.h"

namespace cublaslt {

enum status : int32_t { ok = 0, not_initialised = 1, no_memory = 3, invalid_value = 7, execution_failed = 13, not_supported = 15 };

/* Of elements, as CUDA numbers them. */
enum dtype : int32_t { f32 = 0, f16 = 2, bf16 = 14 };

/* Sums in f32 of factors that are not rounded. */
constexpr int32_t compute_f32 = 68;

enum class product_attribute : int32_t { transpose_a = 3, transpose_b = 4, epilogue = 7, bias = 8 };
enum class matrix_attribute : int32_t { batch = 5, batch_stride = 6 };
enum class preference_attribute : int32_t { workspace = 1, reductions = 3, alignment_a = 5, alignment_b, alignment_c, alignment_d };

constexpr uint32_t epilogue_none = 1, epilogue_bias = 4;

/* Parts of a long sum meet in f32 in the workspace, in one order. */
constexpr uint32_t reduce_in_workspace = 2;

struct algorithm {
  uint64_t words[8];
};

/* What the heuristic proposes. */
struct choice {
  algorithm how;
  size_t workspace; /* bytes */
  status state;
  float waves;
  int32_t reserved[4];
};
static_assert(sizeof(choice) == 96, "the layout of cublasLtMatmulHeuristicResult_t");

typedef struct handle_data *handle;
typedef struct product_data *product;
typedef struct matrix_data *matrix;
typedef struct preference_data *preference;

/* X(member, symbol, result, (parameters)) */
#define MB_CUBLASLT_FUNCTIONS(X)                                                                                                               \
  X(version, cublasLtGetVersion, size_t, ())                                                                                                   \
  X(create, cublasLtCreate, status, (handle *))                                                                                                \
  X(destroy, cublasLtDestroy, status, (handle))                                                                                                \
  X(create_product, cublasLtMatmulDescCreate, status, (product *, int32_t compute, dtype scale))                                               \
  X(set_product, cublasLtMatmulDescSetAttribute, status, (product, product_attribute, const void *, size_t))                                   \
  X(destroy_product, cublasLtMatmulDescDestroy, status, (product))                                                                             \
  X(create_matrix, cublasLtMatrixLayoutCreate, status, (matrix *, dtype, uint64_t rows, uint64_t columns, int64_t leading))                    \
  X(set_matrix, cublasLtMatrixLayoutSetAttribute, status, (matrix, matrix_attribute, const void *, size_t))                                    \
  X(destroy_matrix, cublasLtMatrixLayoutDestroy, status, (matrix))                                                                             \
  X(create_preference, cublasLtMatmulPreferenceCreate, status, (preference *))                                                                 \
  X(set_preference, cublasLtMatmulPreferenceSetAttribute, status, (preference, preference_attribute, const void *, size_t))                    \
  X(destroy_preference, cublasLtMatmulPreferenceDestroy, status, (preference))                                                                 \
  X(choose, cublasLtMatmulAlgoGetHeuristic, status,                                                                                            \
    (handle, product, matrix a, matrix b, matrix c, matrix d, preference, int32_t wanted, choice *, int32_t *found))                           \
  X(multiply, cublasLtMatmul, status,                                                                                                          \
    (handle, product, const void *alpha, const void *a, matrix, const void *b, matrix, const void *beta, const void *c, matrix, void *d, matrix, \
     const algorithm *, void *workspace, size_t workspace_bytes, cudaStream_t))

/* The functions of one opened library. */
struct functions {
#define MB_MEMBER(member, symbol, result, parameters) result(*member) parameters = nullptr;
  MB_CUBLASLT_FUNCTIONS(MB_MEMBER)
#undef MB_MEMBER
};

/* Opens the library, which stays open for the life of the process. False, with the reason, where it or a function of it is missing. */
bool open(const char *path, functions &to, char *reason, size_t capacity);

} // namespace cublaslt

#endif
