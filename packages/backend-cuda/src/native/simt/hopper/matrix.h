/* Matrix descriptors, decoded. */
#ifndef MB_SIMT_HOPPER_MATRIX_H
#define MB_SIMT_HOPPER_MATRIX_H

#include <cstdint>

namespace simt {

/* Copies an operand of a product, `rows` × 16, from shared memory to `out`, row by row. `transposed`: rows of memory are its columns.
 * `begins`: what threads wrote must be known to the unit. */
void read_matrix(uint64_t descriptor, unsigned rows, bool transposed, bool begins, uint16_t *out);

} // namespace simt

#endif
