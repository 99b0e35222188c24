#include "products/plan.h"

using namespace cublaslt;

namespace {

dtype element(int32_t dtype) { return dtype == MB_BF16 ? bf16 : dtype == MB_F16 ? f16 : f32; }

struct attempt {
  status state = ok;
  /* Goes on unless something failed before. */
  template <typename Step> attempt &then(Step step) {
    if (state == ok) state = step();
    return *this;
  }
};

template <typename Set, typename Of, typename Attribute, typename Value> auto setting(Set set, Of &of, Attribute attribute, const Value &value) {
  return [=, &of] { return set(of, attribute, &value, sizeof value); };
}

status create(const functions &call, matrix *made, int32_t dtype, int64_t rows, int64_t columns, const mb_matrix &from, int64_t batch) {
  const int32_t count = (int32_t)batch;
  return attempt()
      .then([&] { return call.create_matrix(made, element(dtype), (uint64_t)rows, (uint64_t)columns, from.leading); })
      .then(setting(call.set_matrix, *made, matrix_attribute::batch, count))
      .then(setting(call.set_matrix, *made, matrix_attribute::batch_stride, from.batch_stride))
      .state;
}

} // namespace

mb_plan_key mb_plan_key_of(const mb_gemm &g) {
  return {g.rows, g.columns, g.depth, g.batch, g.dtype, g.out_dtype, g.bias != nullptr, g.a.transposed, g.b.transposed, g.a.leading, g.b.leading,
          g.out.leading, g.a.batch_stride, g.b.batch_stride, g.out.batch_stride};
}

mb_plan::~mb_plan() {
  if (product) lt.call.destroy_product(product);
  for (const matrix made : {a, b, out})
    if (made) lt.call.destroy_matrix(made);
}

status mb_plan::begin(const mb_gemm &g) {
  const functions &call = lt.call;
  const int32_t turn_a = g.a.transposed, turn_b = g.b.transposed;
  const uint32_t epilogue = g.bias ? epilogue_bias : epilogue_none;
  attempt all;
  all.then([&] { return call.create_product(&product, compute_f32, f32); })
      .then(setting(call.set_product, product, product_attribute::transpose_a, turn_a))
      .then(setting(call.set_product, product, product_attribute::transpose_b, turn_b))
      .then(setting(call.set_product, product, product_attribute::epilogue, epilogue));
  if (g.bias) {
    /* The heuristic reads its alignment from it: the least that there may be, whatever that of the first call. */
    void *const least = (void *)16;
    all.then(setting(call.set_product, product, product_attribute::bias, least));
  }
  return all
      .then([&] { return create(call, &a, g.dtype, turn_a ? g.depth : g.rows, turn_a ? g.rows : g.depth, g.a, g.batch); })
      .then([&] { return create(call, &b, g.dtype, turn_b ? g.columns : g.depth, turn_b ? g.depth : g.columns, g.b, g.batch); })
      .then([&] { return create(call, &out, g.out_dtype, g.rows, g.columns, g.out, g.batch); })
      .then([&] { return call.choose(lt.handle, product, a, b, out, out, lt.preference, most_choices, choices, &found); })
      .then([&] { return found > 0 ? choices[0].state : not_supported; })
      .state;
}

status mb_plan::run(const mb_gemm &g, void *result, const choice &choice, cudaStream_t stream) {
  const float beta = g.accumulate ? 1 : 0;
  attempt all;
  if (g.bias) all.then(setting(lt.call.set_product, product, product_attribute::bias, g.bias));
  return all
      .then([&] {
        return lt.call.multiply(lt.handle, product, &g.alpha, g.a.data, a, g.b.data, b, &beta, g.out.data, out, result, out, &choice.how,
                                lt.workspace, lt.workspace_bytes, stream);
      })
      .state;
}

status mb_plan::multiply(const mb_gemm &g, cudaStream_t stream) { return run(g, g.out.data, choices[taken], stream); }

float mb_plan::milliseconds(const mb_gemm &g, void *result, const choice &choice, cudaStream_t stream) {
  constexpr int rounds = 3;
  if (choice.state != ok || run(g, result, choice, stream) != ok) return INFINITY;
  cudaEvent_t begun, done;
  if (cudaEventCreate(&begun) != cudaSuccess) return INFINITY;
  if (cudaEventCreate(&done) != cudaSuccess) return cudaEventDestroy(begun), INFINITY;
  cudaEventRecord(begun, stream);
  for (int round = 0; round < rounds; round++) run(g, result, choice, stream);
  cudaEventRecord(done, stream);
  float elapsed = INFINITY;
  if (cudaStreamSynchronize(stream) != cudaSuccess || cudaEventElapsedTime(&elapsed, begun, done) != cudaSuccess) elapsed = INFINITY;
  cudaEventDestroy(begun);
  cudaEventDestroy(done);
  return elapsed;
}

void mb_plan::measure(const mb_gemm &g, cudaStream_t stream) {
  void *result = nullptr;
  const int64_t elements = (g.batch - 1) * g.out.batch_stride + (g.columns - 1) * g.out.leading + g.rows;
  if (found < 2 || cudaMalloc(&result, (size_t)(elements * bytes_of(g.out_dtype))) != cudaSuccess) {
    cudaGetLastError();
    return;
  }
  float best = INFINITY;
  for (int32_t at = 0; at < found; at++) {
    const float elapsed = milliseconds(g, result, choices[at], stream);
    if (elapsed >= best) continue;
    best = elapsed;
    taken = at;
  }
  cudaFree(result);
}
