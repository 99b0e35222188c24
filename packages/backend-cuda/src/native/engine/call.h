/* One kernel command, as the functions that launch kernels see it. */
#ifndef MB_CALL_H
#define MB_CALL_H

#include "base/view.h"

/* What a bad value was meant to be: an id below `count`, or one of cuSeqlens that rise from 0 to `count`. */
enum mb_value_kind : int32_t { MB_ID, MB_ENDS };

/* The first bad value since the host last looked. In device memory. */
struct mb_fault {
  int taken;
  int32_t operation, id;
  int64_t command, count;
  int64_t replay; /* the number of the replay in progress */
  mb_value_kind kind;
};

class mb_products;

struct mb_call {
  const mb_view *views;
  const double *attributes;
  cudaStream_t stream;
  mb_fault *fault;
  int64_t command; /* its number in the stream; 0 where it is captured: that of the replay */
  int32_t operation;
  mb_products *products;
};

/* Kernel files define one for each name in operations.h. It queues work and does not wait. */
typedef void (*mb_launcher)(const mb_call &call);

/* What a kernel needs to report bad values. */
struct mb_id_check {
  mb_fault *fault;
  int32_t operation;
  int64_t command, count;
  mb_value_kind kind;
};

inline mb_id_check id_check(const mb_call &call, int64_t count) { return {call.fault, call.operation, call.command, count, MB_ID}; }
inline mb_id_check ends_check(const mb_call &call, int64_t count) { return {call.fault, call.operation, call.command, count, MB_ENDS}; }

MB_CLOSE void claim_fault(const mb_id_check &check, int32_t id) {
#if defined(__CUDA_ARCH__) || !defined(__CUDACC__)
  if (atomicCAS(&check.fault->taken, 0, 1) != 0) return;
  check.fault->operation = check.operation;
  check.fault->id = id;
  check.fault->command = check.command != 0 ? check.command : check.fault->replay;
  check.fault->count = check.count;
  check.fault->kind = check.kind;
#endif
}

/* Whether `id` lies outside 0…count-1; reports it if so. */
MB_CLOSE bool bad_id(const mb_id_check &check, int32_t id) {
  if (id >= 0 && id < check.count) return false;
  claim_fault(check, id);
  return true;
}

#endif
