/* The functions of cuBLASLt that products call, on the CPU. They refuse what the real ones refuse; of what those may take, they have kernels for
 * f32, f16 and bf16 at multiples of 16 bytes, with or without a bias. */
#include "simt/cublaslt.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "kit/stream_api.h"
#include "simt/faults.h"

namespace cublaslt {

struct handle_data {};

namespace {

template <typename T, typename... Arguments> status make(T **made, Arguments... arguments) {
  if (made == nullptr) return invalid_value;
  *made = new (std::nothrow) T{arguments...};
  return *made ? ok : no_memory;
}

template <typename T> status remove(T *made) {
  delete made;
  return ok;
}

/* As the real one: any value of the right size. */
status set(void *field, size_t expected, const void *value, size_t bytes) {
  if (field == nullptr || value == nullptr || bytes != expected) return invalid_value;
  memcpy(field, value, bytes);
  return ok;
}

int bytes_of_element(dtype element) { return element == f32 ? 4 : element == f16 || element == bf16 ? 2 : 0; }

bool sound(const matrix_data &m) { return m.rows > 0 && m.columns > 0 && m.leading >= (int64_t)m.rows && m.batch > 0; }

bool on_16_bytes(const matrix_data &m) {
  const int bytes = bytes_of_element(m.element);
  return m.leading * bytes % 16 == 0 && m.batch_stride * bytes % 16 == 0;
}

/* Whether there is such a product, and a kernel for it; its depth. */
status check(const product_data &p, const matrix_data &a, const matrix_data &b, const matrix_data &c, const matrix_data &d, int64_t *depth) {
  const uint64_t a_rows = p.transpose_a ? a.columns : a.rows, a_depth = p.transpose_a ? a.rows : a.columns;
  const uint64_t b_depth = p.transpose_b ? b.columns : b.rows, b_columns = p.transpose_b ? b.rows : b.columns;
  for (const matrix_data *m : {&a, &b, &c, &d})
    if (!sound(*m) || m->batch != d.batch) return invalid_value;
  if (a_rows != d.rows || b_columns != d.columns || a_depth != b_depth || c.rows != d.rows || c.columns != d.columns) return invalid_value;
  if (d.batch > 1 && d.batch_stride == 0) return invalid_value;
  if (p.epilogue == epilogue_bias ? p.bias == nullptr : p.epilogue != epilogue_none) return p.epilogue == epilogue_bias ? invalid_value : not_supported;
  if ((p.transpose_a | p.transpose_b) & ~1 || p.compute != compute_f32 || p.scale != f32) return not_supported;
  if (bytes_of_element(a.element) == 0 || a.element != b.element || c.element != d.element) return not_supported;
  if (d.element != a.element && d.element != f32) return not_supported;
  for (const matrix_data *m : {&a, &b, &c, &d})
    if (!on_16_bytes(*m)) return not_supported;
  *depth = (int64_t)a_depth;
  return ok;
}

/* In an algorithm: what the heuristic was promised, and in how many parts to sum. */
enum { parts_word, alignments_word, bias_word = alignments_word + 4 };

bool aligned(const void *data, uint64_t alignment) { return (uintptr_t)data % alignment == 0; }

} // namespace

extern "C" {

MB_API size_t cublasLtGetVersion() { return 130000; }
MB_API status cublasLtCreate(handle *made) { return make(made); }
MB_API status cublasLtDestroy(handle made) { return remove(made); }
MB_API status cublasLtMatmulDescCreate(product *made, int32_t compute, dtype scale) { return make(made, compute, scale); }
MB_API status cublasLtMatmulDescDestroy(product made) { return remove(made); }
MB_API status cublasLtMatrixLayoutCreate(matrix *made, dtype element, uint64_t rows, uint64_t columns, int64_t leading) {
  return make(made, element, rows, columns, leading);
}
MB_API status cublasLtMatrixLayoutDestroy(matrix made) { return remove(made); }
MB_API status cublasLtMatmulPreferenceCreate(preference *made) { return make(made); }
MB_API status cublasLtMatmulPreferenceDestroy(preference made) { return remove(made); }

MB_API status cublasLtMatmulDescSetAttribute(product p, product_attribute attribute, const void *value, size_t bytes) {
  switch (attribute) {
    case product_attribute::transpose_a: return set(&p->transpose_a, 4, value, bytes);
    case product_attribute::transpose_b: return set(&p->transpose_b, 4, value, bytes);
    case product_attribute::epilogue: return set(&p->epilogue, 4, value, bytes);
    case product_attribute::bias: return set(&p->bias, 8, value, bytes);
    default: return invalid_value;
  }
}

MB_API status cublasLtMatrixLayoutSetAttribute(matrix m, matrix_attribute attribute, const void *value, size_t bytes) {
  switch (attribute) {
    case matrix_attribute::batch: return set(&m->batch, 4, value, bytes);
    case matrix_attribute::batch_stride: return set(&m->batch_stride, 8, value, bytes);
    default: return invalid_value;
  }
}

MB_API status cublasLtMatmulPreferenceSetAttribute(preference p, preference_attribute attribute, const void *value, size_t bytes) {
  const int alignment = (int)attribute - (int)preference_attribute::alignment_a;
  if (alignment >= 0 && alignment < 4) return set(&p->alignments[alignment], 4, value, bytes);
  if (attribute == preference_attribute::workspace) return set(&p->workspace, 8, value, bytes);
  return set(attribute == preference_attribute::reductions ? &p->reductions : nullptr, 4, value, bytes);
}

MB_API status cublasLtMatmulAlgoGetHeuristic(handle, product p, matrix a, matrix b, matrix c, matrix d, preference wishes, int32_t wanted,
                                             choice *choices, int32_t *found) {
  int64_t depth;
  *found = 0;
  const status state = check(*p, *a, *b, *c, *d, &depth);
  if (state != ok) return state;
  for (const uint32_t alignment : wishes->alignments)
    if (alignment < 16) return not_supported;
  const uint64_t bias_alignment = p->bias ? std::min<uint64_t>((uintptr_t)p->bias & -(uintptr_t)p->bias, 256) : 1;
  const int64_t first = depth >= 2048 ? 4 : 1;
  for (const int64_t parts : {first, 5 - first}) {
    const size_t workspace = parts == 1 ? 0 : (size_t)parts * d->rows * d->columns * (size_t)d->batch * sizeof(float);
    if (*found == wanted || workspace > wishes->workspace || (parts > 1 && !(wishes->reductions & reduce_in_workspace))) continue;
    choice &next = choices[(*found)++];
    next = {{{(uint64_t)parts}}, workspace, ok, 1, {}};
    std::copy_n(wishes->alignments, 4, next.how.words + alignments_word);
    next.how.words[bias_word] = bias_alignment;
  }
  return *found ? ok : not_supported;
}

MB_API status cublasLtMatmul(handle, product p, const void *alpha, const void *a, matrix a_is, const void *b, matrix b_is, const void *beta,
                             const void *c, matrix c_is, void *d, matrix d_is, const algorithm *how, void *workspace, size_t workspace_bytes,
                             cudaStream_t stream) {
  static std::atomic<int64_t> products{0};
  static const int64_t roomless_product = simt::fault_number("no room at product %lld");
  if (++products == roomless_product) return no_memory;
  int64_t depth;
  const status state = check(*p, *a_is, *b_is, *c_is, *d_is, &depth);
  if (state != ok) return state;
  if (!alpha || !beta || !a || !b || !c || !d || !how) return invalid_value;
  const void *const addresses[] = {a, b, c, d, p->bias};
  for (int at = 0; at < 5; at++)
    if (!aligned(addresses[at], how->words[alignments_word + at])) return invalid_value;
  const uint64_t parts = how->words[parts_word];
  const size_t needed = parts == 1 ? 0 : parts * d_is->rows * d_is->columns * (size_t)d_is->batch * sizeof(float);
  if (needed > workspace_bytes || (needed > 0 && (!workspace || !aligned(workspace, 16)))) return invalid_value;
  const problem all = {*p, *a_is, *b_is, *c_is, *d_is, a, b, c, d, *(const float *)alpha, *(const float *)beta, depth};
  const cudaError_t error = simt::enqueue(stream, [=] {
    if (needed > 0) memset(workspace, 0xff, needed); /* a kernel leaves its partial sums there */
    compute(all, (int64_t)parts);
  });
  return error == cudaSuccess ? ok : execution_failed;
}

} // extern "C"

} // namespace cublaslt
