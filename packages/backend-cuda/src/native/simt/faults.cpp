/* The variable is one of:
 *   no driver, old driver, no device, mig    what the driver shows
 *   no kernel image, old ptx                 the library has no code for the device
 *   oom after N bytes                        the device has no more memory
 *   no room at kernel N                      the N-th launch of the process finds no room for its code
 *   no room at product N                     the N-th product of the process finds no room
 *   no room for a graph                      the first graph of the process finds none
 *   illegal address at kernel N              the N-th kernel of the process ends the context
 *   uncapturable                             a kernel may not be captured
 *   nccl fails at operation N                NCCL has an error after the N-th operation of the process */
#include "simt/faults.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace simt {

static const char *fault() {
  const char *text = getenv("MODERNBERT_CUDA_EMULATED_FAULT");
  return text ? text : "";
}

bool fault_is(const char *name) { return strcmp(fault(), name) == 0; }

int64_t fault_number(const char *format) {
  long long number = 0;
  return sscanf(fault(), format, &number) == 1 ? (int64_t)number : 0;
}

} // namespace simt
