/* Gated linear unit: activation(first half of a row) · second half; and its gradient. A block per row, a pack of each half per thread. */
#include <algorithm>

#include "base/pack.h"
#include "engine/call.h"
#include "kernels/elementwise/activations.h"

namespace {

struct glu_rows {
  int64_t width; /* of a half */
  mb_dense x, y; /* y: or its gradient */
  mb_dense grad_x;
};

} // namespace

template <int Activation> static __device__ float gated(float a, float gate) { return activate<Activation>(a).value * gate; }

template <int Activation> static __global__ void glu_forward_packs(glu_rows g) {
  const int64_t row = blockIdx.x;
  for (int64_t c = threadIdx.x * pack_size; c < g.width; c += blockDim.x * pack_size) {
    const mb_pack first = fetch(g.x, 2 * row * g.width + c), second = fetch(g.x, (2 * row + 1) * g.width + c);
    float a[pack_size], gate[pack_size];
    widen(first, g.x.dtype, a);
    widen(second, g.x.dtype, gate);
    for (int i = 0; i < pack_size; i++) a[i] = gated<Activation>(a[i], gate[i]);
    store_pack(g.y, row * g.width + c, a);
  }
}

template <int Activation> static __global__ void glu_forward_elements(glu_rows g) {
  const int64_t row = blockIdx.x, first = 2 * row * g.width;
  for (int64_t c = threadIdx.x; c < g.width; c += blockDim.x)
    store(g.y, row * g.width + c, gated<Activation>(load(g.x, first + c), load(g.x, first + g.width + c)));
}

template <int Activation> static __global__ void glu_backward_packs(glu_rows g) {
  const int64_t row = blockIdx.x;
  for (int64_t c = threadIdx.x * pack_size; c < g.width; c += blockDim.x * pack_size) {
    const int64_t first = 2 * row * g.width + c, second = first + g.width;
    const mb_pack packs[3] = {fetch(g.x, first), fetch(g.x, second), fetch(g.y, row * g.width + c)};
    float a[pack_size], gate[pack_size], grad[pack_size];
    widen(packs[0], g.x.dtype, a);
    widen(packs[1], g.x.dtype, gate);
    widen(packs[2], g.y.dtype, grad);
    for (int i = 0; i < pack_size; i++) {
      const mb_activated activated = activate<Activation>(a[i]);
      a[i] = grad[i] * gate[i] * activated.slope;
      gate[i] = grad[i] * activated.value;
    }
    store_pack(g.grad_x, first, a);
    store_pack(g.grad_x, second, gate);
  }
}

template <int Activation> static __global__ void glu_backward_elements(glu_rows g) {
  const int64_t row = blockIdx.x;
  for (int64_t c = threadIdx.x; c < g.width; c += blockDim.x) {
    const int64_t first = 2 * row * g.width + c, second = first + g.width;
    const mb_activated activated = activate<Activation>(load(g.x, first));
    const float grad = load(g.y, row * g.width + c);
    store(g.grad_x, first, grad * load(g.x, second) * activated.slope);
    store(g.grad_x, second, grad * activated.value);
  }
}

typedef void (*glu_kernel)(glu_rows);

#define ALL(kernel) {kernel<MB_GELU>, kernel<MB_GELU_TANH>, kernel<MB_SILU>, kernel<MB_RELU>}
static const glu_kernel forward_packs[] = ALL(glu_forward_packs), forward_elements[] = ALL(glu_forward_elements);
static const glu_kernel backward_packs[] = ALL(glu_backward_packs), backward_elements[] = ALL(glu_backward_elements);

/* Rows of packs, or of elements where packs do not fit, in blocks of equal turns. */
static void run(const mb_call &call, const glu_rows &g, const glu_kernel *by_packs, const glu_kernel *by_elements) {
  const int64_t rows = call.views[1].shape[0];
  if (rows == 0 || g.width == 0) return;
  const bool packs = g.width % pack_size == 0 && holds_packs(g.x) && holds_packs(g.y) && holds_packs(g.grad_x);
  const int64_t items = packs ? g.width / pack_size : g.width, turns = (items + 255) / 256;
  const int activation = (int)call.attributes[0];
  launch((packs ? by_packs : by_elements)[activation], rows, (unsigned)(((items + turns - 1) / turns + 31) / 32 * 32), call.stream, g);
}

/* views: y [T, I], x [T, 2I]; attributes: activation. */
void op_glu_forward(const mb_call &call) {
  const mb_view *v = call.views;
  run(call, {v[0].shape[1], dense(v[1]), dense(v[0]), {}}, forward_packs, forward_elements);
}

/* views: grad x [T, 2I], x [T, 2I], grad y [T, I]; attributes: activation. */
void op_glu_backward(const mb_call &call) {
  const mb_view *v = call.views;
  run(call, {v[2].shape[1], dense(v[1]), dense(v[2]), dense(v[0])}, backward_packs, backward_elements);
}
