/* varlenAttention: chooses the kernel of a forward call. */
#include "kernels/attention/forward_kernel.h"

#include "kernels/attention/kernels.h"
#include "kernels/attention/turn.h"

template <typename S> static void run(const mb_attention &p, cudaStream_t stream) {
  launch_shared(attention_forward<S>, slots_of(p, S::rows), S::threads, S::shared_bytes, stream, p);
}

/* Short texts want many small blocks, a window small tiles, long texts large ones. */
template <typename T, int D> static void choose(mb_attention p, void *turned, cudaStream_t stream) {
  if (turned) turn_queries_and_keys<T, D>(p, turned, stream);
  if (p.drop_rate > 0) run<mb_forward_shape<T, D, 4, 1, 64, true>>(p, stream);
  else if (p.longest <= 64) run<mb_forward_shape<T, D, 1, 1, 32, false>>(p, stream);
  else if (p.longest <= 128 || p.window < 128 || p.k.turns) run<mb_forward_shape<T, D, 4, 1, 64, false>>(p, stream);
  else run<mb_forward_shape<T, D, 4, 2, 64, false>>(p, stream);
}

template <typename T> static void choose_width(const mb_attention &p, void *turned, cudaStream_t stream) {
  if (p.width == 32) choose<T, 32>(p, turned, stream);
  else choose<T, 64>(p, turned, stream);
}

/* views and attributes: see attention_of. */
void op_attention_forward(const mb_call &call) {
  const mb_attention p = attention_of(call);
  if (p.tokens == 0 || p.heads == 0) return;
  if (call.views[0].dtype == MB_BF16 && attention_takes_sm90(p)) return attention_forward_sm90(p, call.stream);
  switch (call.views[0].dtype) {
    case MB_BF16: return choose_width<mb_bf16>(p, call.views[8].data, call.stream);
    case MB_F16: return choose_width<mb_f16>(p, call.views[8].data, call.stream);
    default: return attention_forward_f32(p, call.stream);
  }
}
