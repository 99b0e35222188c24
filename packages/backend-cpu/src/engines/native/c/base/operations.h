/* The operations of the command stream, one X(name) each. Kernel files define `void MB_FN(mb_op_NAME)(const mb_view*, const double*)`
 * for each; a name without a function fails to link. The library resolves names to numbers when JavaScript loads it
 * (native/operations.ts has the same names), so the order here is free. */
#ifndef MB_OPERATIONS_H
#define MB_OPERATIONS_H

#define MB_OPERATIONS(X)                                                                          \
  /* primitives */                                                                                \
  X(fill)                                                                                         \
  X(iota)                                                                                         \
  X(random_bits)                                                                                  \
  X(copy)                                                                                         \
  X(map)                                                                                          \
  X(reduce)                                                                                       \
  X(matmul)                                                                                       \
  X(gather)                                                                                       \
  X(segment_sum)                                                                                  \
  X(take_along)                                                                                   \
  X(put_along)                                                                                    \
  /* fused */                                                                                     \
  X(layer_norm_forward)                                                                           \
  X(layer_norm_backward)                                                                          \
  X(glu_forward)                                                                                  \
  X(glu_backward)                                                                                 \
  X(rope)                                                                                         \
  X(attention_forward)                                                                            \
  X(attention_backward)                                                                           \
  X(cross_entropy_forward)                                                                        \
  X(cross_entropy_backward)                                                                       \
  X(stable_adamw)                                                                                 \
  X(linear)                                                                                       \
  X(int8_linear)                                                                                  \
  X(int4_linear)

#endif
