/* Prints how many tiles the blocks of each kernel of attention work on: of one text of as many tokens as the argument says, in a window of 64. */
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kernels/attention/backward_keys.h"
#include "kernels/attention/backward_queries.h"
#include "kernels/attention/forward_kernel.h"

template <typename Kernel> static void count(const Kernel &kernel, const mb_attention &p, int rows, unsigned threads, int bytes) {
  const int64_t before = mb_attention_visits;
  launch_shared(kernel, slots_of(p, rows), threads, bytes, nullptr, p);
  printf("%d ", (int)(mb_attention_visits - before));
}

int main(int, char **arguments) {
  const int tokens = atoi(arguments[1]);
  const int32_t ends[] = {0, tokens};
  const auto zeros = [](size_t count) { return new (std::align_val_t(16)) float[count](); };
  mb_attention p = {};
  p.tokens = tokens, p.sequences = 1, p.heads = 1, p.width = 64, p.window = 64, p.longest = tokens, p.scale_log2 = 1;
  p.ends = ends;
  p.qkv = zeros(tokens * 96), p.grad_qkv = zeros(tokens * 96), p.out = zeros(tokens * 32), p.grad_out = zeros(tokens * 32);
  p.q = {p.qkv, p.qkv_stride(), false}, p.k = {(const uint16_t *)p.qkv + p.out_stride(), p.qkv_stride(), false};
  p.lse = zeros(tokens), p.delta = zeros(tokens);
  using F = mb_forward_shape<mb_bf16, 64, 4, 1, 64, false>;
  using B = mb_backward_shape<mb_bf16, 64, false>;
  count(attention_forward<F>, p, F::rows, F::threads, F::shared_bytes);
  count(attention_backward_queries<B>, p, B::rows, B::threads, 6 * B::tile_bytes);
  count(attention_backward_keys<B>, p, B::rows, B::threads, backward_keys_bytes<B>);
}
