/* Rows of logits → losses, right answers and, in training, the gradient of the logits in their place. A block per row: it reads the row once,
 * keeping each thread's largest logit and Σ exp relative to it, and once more for the gradient, from shared memory where the row fits. */
#include <algorithm>

#include "base/packs.h"
#include "engine/call.h"

constexpr int most_threads = 512;
constexpr int parts_bytes = 512;
constexpr int most_shared_bytes = 99 << 10; /* what a block may have on every GPU from sm_80 on */
constexpr int units_at_once = 4;
constexpr float lowest = -3.4e38f; /* the largest of nothing: -Infinity minus it is -Infinity */

/* What is read at once: eight elements of 16 bits, four of 32. */
struct alignas(16) unit {
  uint32_t words[4];
};

struct statistics {
  float maximum, total; /* Σ exp(logit - maximum) */
  int32_t at;           /* the first that is the maximum */
};

struct rows {
  void *logits;
  int64_t stride; /* a multiple of a unit */
  int32_t classes;
  const int32_t *labels;
  mb_view bias;
  bool bias_packs;
  float *losses, *correct;
  float scale; /* of gradients; 0: none */
  mb_id_check check;
};

static __device__ statistics join(const statistics &a, const statistics &b) {
  statistics both;
  both.maximum = fmaxf(a.maximum, b.maximum);
  both.total = a.total * expf(a.maximum - both.maximum) + b.total * expf(b.maximum - both.maximum);
  const bool first = a.maximum == b.maximum ? a.at < b.at : a.maximum > b.maximum;
  both.at = first ? a.at : b.at;
  return both;
}

static __device__ statistics join_lanes(statistics s) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const statistics other = {__shfl_xor_sync(0xffffffff, s.maximum, distance), __shfl_xor_sync(0xffffffff, s.total, distance),
                              __shfl_xor_sync(0xffffffff, s.at, distance)};
    s = join(s, other);
  }
  return s;
}

/* The logits of a unit with the bias added; -Infinity beyond the last. */
template <int32_t Dtype, int Count> static __device__ void logits_of(const rows &r, const unit &from, int32_t column, float (&logits)[Count]) {
#pragma unroll
  for (int k = 0; k < Count; k++) logits[k] = column + k < r.classes ? load_f32(from.words, Dtype, k) : -INFINITY;
  if (r.bias.data == nullptr) return;
#pragma unroll
  for (int k = 0; k < Count; k += 4) {
    const int32_t left = r.classes - column - k;
    const mb_pack<float> bias = load_pack(r.bias.data, r.bias.dtype, column + k, left, r.bias_packs && left >= 4);
#pragma unroll
    for (int i = 0; i < 4; i++) logits[k + i] += bias.at[i];
  }
}

template <int Count> static __device__ void add(statistics &s, const float (&logits)[Count], int32_t column) {
  const float before = s.maximum;
#pragma unroll
  for (int k = 0; k < Count; k++)
    if (logits[k] > s.maximum) s.maximum = logits[k], s.at = column + k;
  if (s.maximum > before) s.total *= expf(before - s.maximum);
#pragma unroll
  for (int k = 0; k < Count; k++) s.total += expf(logits[k] - s.maximum);
}

template <int32_t Dtype, bool Held> static __global__ void __launch_bounds__(most_threads) entropy_rows(const rows r) {
  constexpr int count = Dtype == MB_F32 ? 4 : 8;
  MB_DYNAMIC_SHARED(memory);
  statistics *const parts = (statistics *)memory;
  unit *const held = (unit *)(memory + parts_bytes);
  unit *const row = (unit *)r.logits + (int64_t)blockIdx.x * (r.stride / count);
  const int32_t label = r.labels[blockIdx.x], units = (r.classes + count - 1) / count, threads = (int32_t)blockDim.x;
  if (label < 0 || label >= r.classes) {
    if (threadIdx.x == 0) r.losses[blockIdx.x] = r.correct[blockIdx.x] = 0;
    if (threadIdx.x == 0 && label >= 0) claim_fault(r.check, label);
    for (int32_t at = threadIdx.x; at < units && r.scale != 0; at += threads) row[at] = {};
    return;
  }
  const float own = load_f32(row, Dtype, label) + (r.bias.data ? load_f32(r.bias.data, r.bias.dtype, label) : 0);
  statistics s = {lowest, 0, INT32_MAX};
  for (int32_t first = threadIdx.x; first < units; first += units_at_once * threads) {
    unit read[units_at_once];
#pragma unroll
    for (int i = 0; i < units_at_once; i++)
      if (first + i * threads < units) read[i] = row[first + i * threads];
#pragma unroll
    for (int i = 0; i < units_at_once; i++) {
      const int32_t at = first + i * threads;
      if (at >= units) break;
      if (Held) held[at] = read[i];
      float logits[count];
      logits_of<Dtype>(r, read[i], at * count, logits);
      add(s, logits, at * count);
    }
  }
  s = join_lanes(s);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = s;
  __syncthreads(); /* and nobody reads `own` any more */
  const int lane = threadIdx.x % 32;
  s = join_lanes(lane < threads / 32 ? parts[lane] : statistics{lowest, 0, INT32_MAX});
  if (threadIdx.x == 0) {
    r.losses[blockIdx.x] = logf(s.total) + (s.maximum - own);
    r.correct[blockIdx.x] = s.at == label && s.total == s.total;
  }
  if (r.scale == 0) return;
  const float factor = r.scale / s.total;
  for (int32_t at = threadIdx.x; at < units; at += threads) {
    float logits[count];
    logits_of<Dtype>(r, Held ? held[at] : row[at], at * count, logits);
    unit gradient;
#pragma unroll
    for (int k = 0; k < count; k++)
      store_f32(gradient.words, Dtype, k, expf(logits[k] - s.maximum) * factor - (at * count + k == label ? r.scale : 0));
    row[at] = gradient;
  }
}

template <int32_t Dtype> static void run(const mb_call &call, const rows &r) {
  const int64_t blocks = call.views[1].shape[0], row_bytes = r.stride * bytes_of(Dtype), bytes = parts_bytes + row_bytes;
  const unsigned threads = (unsigned)std::max((int64_t)32, std::min((int64_t)most_threads, row_bytes / 16 / 32 * 32)); /* about a unit each, or more */
  if (r.scale != 0 && bytes <= most_shared_bytes) launch_shared(entropy_rows<Dtype, true>, blocks, threads, (int)bytes, call.stream, r);
  else launch_shared(entropy_rows<Dtype, false>, blocks, threads, parts_bytes, call.stream, r);
}

/* views: logits [c, V] (rows at multiples of 16 bytes; what follows a row up to there may be overwritten), losses [c], correct [c],
 * labels [c], bias [V] (or absent); attribute: what gradients are multiplied by, 0 for none. */
void op_entropy_rows(const mb_call &call) {
  const mb_view *v = call.views, &bias = v[4];
  const int64_t classes = v[0].shape[1];
  const rows r = {v[0].data, v[0].stride[0], (int32_t)classes, (const int32_t *)v[3].data, bias, fits_packs(bias.data, bias.dtype), (float *)v[1].data,
                  (float *)v[2].data, (float)call.attributes[0], id_check(call, classes)};
  if (v[0].dtype == MB_F32) run<MB_F32>(call, r);
  else if (v[0].dtype == MB_F16) run<MB_F16>(call, r);
  else run<MB_BF16>(call, r);
}
