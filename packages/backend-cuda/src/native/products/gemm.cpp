#include "products/gemm.h"

#include <utility>

namespace {

constexpr int64_t alignment = 16;

struct axis {
  int64_t extent, stride;
};

bool aligned(const void *data) { return (intptr_t)data % alignment == 0; }

/* The distance of columns if elements lie side by side along `dense`; 0 where they do not, or not as they must. */
int64_t leading(axis dense, axis other, int64_t bytes) {
  if (dense.extent > 1 && dense.stride != 1) return 0;
  const int64_t step = alignment / bytes;
  const int64_t distance = other.extent > 1 ? other.stride : (dense.extent + step - 1) / step * step;
  return distance >= dense.extent && distance % step == 0 ? distance : 0;
}

/* A factor, with the axis that `out` shares and the one that is summed over. */
struct factor {
  mb_view batches; /* data, dtype and the axes of the batch */
  axis kept, summed;
};

/* @param kept_first Whether cuBLASLt wants the kept axis to be that of the rows. */
bool matrix_of(const factor &from, bool kept_first, int64_t batch_stride, mb_matrix &matrix) {
  const int64_t bytes = bytes_of(from.batches.dtype);
  const int64_t along_kept = leading(from.kept, from.summed, bytes), along_summed = leading(from.summed, from.kept, bytes);
  matrix = {from.batches.data, along_kept ? along_kept : along_summed, batch_stride, (along_kept != 0) != kept_first};
  return matrix.leading > 0 && batch_stride * bytes % alignment == 0 && aligned(matrix.data);
}

bool fits(int64_t extent) { return extent > 0 && extent <= INT32_MAX; }

mb_view without_matrix(mb_view view, const mb_view &out) {
  view.rank = out.rank - 2;
  for (int32_t at = 0; at < view.rank; at++) view.shape[at] = out.shape[at];
  return view;
}

} // namespace

bool mb_gemm_of(const mb_view &out, const mb_view &a, const mb_view &b, const mb_view *bias, mb_gemm &gemm) {
  if (!is_float(a.dtype) || a.dtype != b.dtype || (out.dtype != a.dtype && out.dtype != MB_F32)) return false;
  const int32_t first = out.rank - 2, second = out.rank - 1;
  mb_view batches[3] = {without_matrix(out, out), without_matrix(a, out), without_matrix(b, out)};
  const int64_t batch = size_of(batches[0]);
  coalesce(batches, 3);
  if (batches[0].rank > 1) return false;
  const bool one = batches[0].rank == 0;

  factor left = {batches[1], {a.shape[first], a.stride[first]}, {a.shape[second], a.stride[second]}};
  factor right = {batches[2], {b.shape[second], b.stride[second]}, {b.shape[first], b.stride[first]}};
  axis rows = {out.shape[first], out.stride[first]}, columns = {out.shape[second], out.stride[second]};
  const int64_t bytes = bytes_of(out.dtype), out_stride = one ? 0 : batches[0].stride[0];
  /* Rows that lie one after another are the columns of the transpose, which is the product of the transposes. */
  int64_t distance = leading(columns, rows, bytes);
  if (distance != 0) {
    std::swap(left, right);
    std::swap(rows, columns);
  } else {
    distance = bias ? 0 : leading(rows, columns, bytes);
  }
  if (distance == 0 || out_stride * bytes % alignment != 0 || !aligned(out.data)) return false;
  if (bias && (bias->dtype != out.dtype || (bias->shape[0] > 1 && bias->stride[0] != 1) || !aligned(bias->data))) return false;
  if (!fits(rows.extent) || !fits(columns.extent) || !fits(left.summed.extent) || !fits(batch)) return false;
  if (!matrix_of(left, true, one ? 0 : left.batches.stride[0], gemm.a) || !matrix_of(right, false, one ? 0 : right.batches.stride[0], gemm.b))
    return false;
  gemm.out = {out.data, distance, out_stride, false};
  gemm.bias = bias ? bias->data : nullptr;
  gemm.dtype = a.dtype, gemm.out_dtype = out.dtype;
  gemm.rows = rows.extent, gemm.columns = columns.extent, gemm.depth = left.summed.extent, gemm.batch = batch;
  gemm.alpha = 1, gemm.accumulate = false;
  return true;
}
