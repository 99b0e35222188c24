/* The loops of the emulated cuBLASLt: each element is summed in order of the depth, many elements at once. */
#pragma GCC optimize("O3")
#include <vector>

#include "base/convert.h"
#include "simt/cublaslt.h"

namespace cublaslt {

namespace {

int32_t kit_dtype(dtype element) { return element == bf16 ? MB_BF16 : element == f16 ? MB_F16 : MB_F32; }

/* Lines of op(a), or columns of op(b), one after another for each step of the depth. */
std::vector<float> by_depth(const matrix_data &matrix, const void *data, bool kept_is_rows, int64_t depth, int64_t kept, int64_t batch) {
  std::vector<float> values((size_t)(depth * kept));
  const int64_t base = batch * matrix.batch_stride;
  const int64_t kept_stride = kept_is_rows ? 1 : matrix.leading, depth_stride = kept_is_rows ? matrix.leading : 1;
  const int32_t type = kit_dtype(matrix.element);
  for (int64_t k = 0; k < depth; k++)
    for (int64_t i = 0; i < kept; i++) values[(size_t)(k * kept + i)] = load_f32(data, type, base + i * kept_stride + k * depth_stride);
  return values;
}

constexpr int at_once = 4;

struct sums {
  std::vector<float> columns[at_once];
  explicit sums(int64_t rows) {
    for (auto &column : columns) column.resize((size_t)rows);
  }
  void clear() {
    for (auto &column : columns) std::fill(column.begin(), column.end(), 0.0f);
  }
};

void add_step(sums &to, const float *line, const float *factors, int64_t rows) {
  float *const s0 = to.columns[0].data(), *const s1 = to.columns[1].data(), *const s2 = to.columns[2].data(), *const s3 = to.columns[3].data();
  const float f0 = factors[0], f1 = factors[1], f2 = factors[2], f3 = factors[3];
#pragma GCC ivdep
  for (int64_t i = 0; i < rows; i++) {
    s0[i] += line[i] * f0;
    s1[i] += line[i] * f1;
    s2[i] += line[i] * f2;
    s3[i] += line[i] * f3;
  }
}

void store_column(const problem &p, const float *column, int64_t index, int64_t batch) {
  const int32_t type = kit_dtype(p.d.element);
  const int64_t to = batch * p.d.batch_stride + index * p.d.leading, from = batch * p.c.batch_stride + index * p.c.leading;
  for (int64_t i = 0; i < (int64_t)p.d.rows; i++) {
    float value = p.alpha * column[i];
    if (p.beta != 0) value += p.beta * load_f32(p.c_data, type, from + i);
    if (p.product.epilogue == epilogue_bias) value += load_f32(p.product.bias, type, i);
    store_f32(p.d_data, type, to + i, value);
  }
}

} // namespace

void compute(const problem &p, int64_t parts) {
  const int64_t rows = (int64_t)p.d.rows, columns = (int64_t)p.d.columns;
  sums part(rows), total(rows);
  for (int64_t batch = 0; batch < p.d.batch; batch++) {
    const auto a = by_depth(p.a, p.a_data, !p.product.transpose_a, p.depth, rows, batch);
    const auto b = by_depth(p.b, p.b_data, p.product.transpose_b, p.depth, columns, batch);
    for (int64_t column = 0; column < columns; column += at_once) {
      const int count = (int)(columns - column < at_once ? columns - column : at_once);
      total.clear();
      for (int64_t at = 0; at < parts; at++) {
        part.clear();
        for (int64_t k = at * p.depth / parts; k < (at + 1) * p.depth / parts; k++) {
          float factors[at_once] = {};
          for (int i = 0; i < count; i++) factors[i] = b[(size_t)(k * columns + column + i)];
          add_step(part, &a[(size_t)(k * rows)], factors, rows);
        }
        for (int i = 0; i < count; i++)
          for (int64_t row = 0; row < rows; row++) total.columns[i][(size_t)row] += part.columns[i][(size_t)row];
      }
      for (int i = 0; i < count; i++) store_column(p, total.columns[i].data(), column + i, batch);
    }
  }
}

} // namespace cublaslt
