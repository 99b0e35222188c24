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
  X(glu_product, "mlp")             \
  X(glu_product_backward, "mlp")

#endif
