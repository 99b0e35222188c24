/* The sums of columns, as gradients of biases are: stretches of 256 rows first, then the stretches in order. */
#include "engine/call.h"

constexpr int64_t stretch = 256;
constexpr int lanes = 32, row_groups = 8;

/* One block adds up 32 columns of a stretch, its eighths in order. */
static __global__ void __launch_bounds__(lanes * row_groups) sum_stretches(mb_view in, float *sums) {
  MB_SHARED(float, parts, [row_groups][lanes]);
  const int64_t rows = in.shape[0], columns = in.shape[1];
  const int lane = threadIdx.x % lanes, group = threadIdx.x / lanes;
  const int64_t column = (int64_t)blockIdx.y * lanes + lane, first = (int64_t)blockIdx.x * stretch;
  float sum = 0;
  for (int64_t row = first + group; row < first + stretch && row < rows; row += row_groups)
    if (column < columns) sum += load_f32(in.data, in.dtype, row * columns + column);
  parts[group][lane] = sum;
  __syncthreads();
  if (group > 0 || column >= columns) return;
  for (int other = 1; other < row_groups; other++) sum += parts[other][lane];
  sums[blockIdx.x * columns + column] = sum;
}

static __global__ void __launch_bounds__(loop_threads) join_stretches(mb_view out, const float *sums, int64_t count, int64_t columns) {
  MB_LOOP(column, columns) {
    float sum = 0;
    for (int64_t at = 0; at < count; at++) sum += sums[at * columns + column];
    store_f32(out.data, out.dtype, column, sum);
  }
}

/* views: out [n], in [T, n], scratch of 4 · n · ⌈T / 256⌉ bytes. All dense. */
void op_column_sums(const mb_call &call) {
  const mb_view &out = call.views[0], &in = call.views[1];
  float *const sums = (float *)call.views[2].data;
  const int64_t columns = in.shape[1], count = (in.shape[0] + stretch - 1) / stretch;
  if (columns == 0) return;
  if (count > 0) launch(sum_stretches, mb_grid(count, (columns + lanes - 1) / lanes), lanes * row_groups, call.stream, in, sums);
  launch(join_stretches, loop_blocks(columns), loop_threads, call.stream, out, (const float *)sums, count, columns);
}
