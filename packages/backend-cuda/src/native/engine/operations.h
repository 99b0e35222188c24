/* The operations: X(name in commands, name in errors). Kernel files define `void op_NAME(const mb_call &)` for each; src/library.ts asks for the
 * same names and finds their numbers when the library is loaded. */
#ifndef MB_OPERATIONS_H
#define MB_OPERATIONS_H

#define MB_OPERATIONS(X)            \
  X(fill, "fill")                   \
  X(iota, "iota")                   \
  X(random_bits, "randomBits")      \
  X(copy, "copy")                   \
  X(map, "map")                     \
  X(reduce, "reduce")               \
  X(matmul, "matmul")               \
  X(gather, "gather")               \
  X(segment_sum, "segmentSum")      \
  X(take_along, "takeAlong")        \
  X(put_along, "putAlong")          \
  X(attention_forward, "varlenAttention") \
  X(attention_backward, "varlenAttention") \
  X(put_along_sorted, "putAlong")   \
  X(reduce_in_parts, "reduce")      \
  X(entropy_rows, "linearCrossEntropy") \
  X(scale_gradient, "linearCrossEntropy") \
  X(stable_adamw, "stableAdamW")    \
  X(global_norm, "globalNorm")      \
  X(int8_linear, "int8Linear")     \
  X(layer_norm_forward, "layerNorm")  \
  X(layer_norm_backward, "layerNorm") \
  X(glu_forward, "glu")             \
  X(glu_backward, "glu")            \
  X(rope, "rope")                   \
  X(linear, "linear")               \
  X(column_sums, "linear")          \
  X(glu_product, "mlp")             \
  X(glu_product_backward, "mlp")

#endif
