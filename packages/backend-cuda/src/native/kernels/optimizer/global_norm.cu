/* globalNorm: sums of squares by chunks, then one block adds them, in f64. */
#include "base/joins.h"
#include "engine/call.h"
#include "kernels/optimizer/chunks.h"

struct norm_row {
  const void *data;
  int64_t size;
  int32_t dtype;
  bool aligned;
};

typedef chunk_table<norm_row, 1024> norm_table;
static_assert(sizeof(norm_table) + 1 * sizeof(float *) <= most_parameter_bytes);

static __global__ void __launch_bounds__(chunk_threads) norm_sums(const norm_table table, float *sums) {
  MB_SHARED(float, parts, [32]);
  const int index = row_of_chunk(table, (int32_t)blockIdx.x);
  const norm_row &row = table.row[index];
  float total = 0;
  for_packs(blockIdx.x - table.first[index], row.size, row.aligned, [&](int64_t at, int64_t count, bool whole) {
    const mb_pack<float> values = load_pack(row.data, row.dtype, at, count, whole);
#pragma unroll
    for (int i = 0; i < 4; i++) total += values.at[i] * values.at[i];
  });
  total = join_block<sum>(total, parts);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

constexpr unsigned norm_threads = 512;

static __global__ void __launch_bounds__(norm_threads) norm_of_sums(const float *sums, int64_t count, float *norm) {
  MB_SHARED(double, parts, [32]);
  double total = 0;
  for (int64_t i = threadIdx.x; i < count; i += norm_threads) total += sums[i];
  total = join_block<sum>(total, parts);
  if (threadIdx.x == 0) *norm = sqrtf((float)total);
}

/* views: norm [1], sums of chunks, the tensors; attributes: how many they are. */
void op_global_norm(const mb_call &call) {
  float *const norm = (float *)call.views[0].data, *const sums = (float *)call.views[1].data;
  const int tensors = (int)call.attributes[0];
  int64_t count = 0;
  for (int tensor = 0; tensor < tensors;) {
    norm_table table;
    for (; tensor < tensors && !table.full(); tensor++) {
      const mb_view &view = call.views[2 + tensor];
      table.add({view.data, size_of(view), view.dtype, fits_packs(view.data, view.dtype)});
    }
    if (table.chunks() > 0) launch(norm_sums, table.chunks(), chunk_threads, call.stream, table, sums + count);
    count += table.chunks();
  }
  launch(norm_of_sums, 1, norm_threads, call.stream, (const float *)sums, count, norm);
}
