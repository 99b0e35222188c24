/* What MODERNBERT_CUDA_EMULATED_FAULT makes the emulated device suffer. */
#ifndef MB_SIMT_FAULTS_H
#define MB_SIMT_FAULTS_H

#include <cstdint>

namespace simt {

/* Whether the variable is `name`. */
bool fault_is(const char *name);

/* The number in the variable where it has the form of `format` ("oom after %lld bytes"), else 0. */
int64_t fault_number(const char *format);

} // namespace simt

#endif
