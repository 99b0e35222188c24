/* varlenAttention: the gradient. Two kernels, each of which writes what is its own, so that no sum depends on who comes first. */
#include "kernels/attention/backward_keys.h"
#include "kernels/attention/backward_queries.h"
#include "kernels/attention/kernels.h"
#include "kernels/attention/turn.h"

template <typename S> static void run(mb_attention p, void *turned, cudaStream_t stream) {
  if (turned) turn_queries_and_keys<typename S::T, S::D>(p, turned, stream);
  const mb_grid grid = slots_of(p, S::rows);
  launch_shared(attention_backward_queries<S>, grid, S::threads, 6 * S::tile_bytes, stream, p);
  launch_shared(attention_backward_keys<S>, grid, S::threads, backward_keys_bytes<S>, stream, p);
}

template <typename T> static void choose(const mb_attention &p, void *turned, cudaStream_t stream) {
  const bool drops = p.drop_rate > 0;
  if (p.width == 32) drops ? run<mb_backward_shape<T, 32, true>>(p, turned, stream) : run<mb_backward_shape<T, 32, false>>(p, turned, stream);
  else drops ? run<mb_backward_shape<T, 64, true>>(p, turned, stream) : run<mb_backward_shape<T, 64, false>>(p, turned, stream);
}

/* views and attributes: see attention_gradient_of. */
void op_attention_backward(const mb_call &call) {
  const mb_attention p = attention_gradient_of(call);
  if (p.tokens == 0 || p.heads == 0) return;
  if (call.views[0].dtype == MB_BF16 && attention_takes_sm90(p)) return attention_backward_sm90(p, call.stream);
  switch (call.views[0].dtype) {
    case MB_BF16: return choose<mb_bf16>(p, call.views[11].data, call.stream);
    case MB_F16: return choose<mb_f16>(p, call.views[11].data, call.stream);
    default: return attention_backward_f32(p, call.stream);
  }
}
