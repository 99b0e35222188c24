/* Ids come from data, so kernels meet bad ones while they run: they put zeros in their place and report. */
#ifndef MB_IDS_H
#define MB_IDS_H

#include "base/command.h"

/* Whether `id` lies outside 0…count-1; reports it if so. */
static inline int mb_bad_id(const char *operation, int32_t id, int64_t count) {
  if (id >= 0 && id < count) return 0;
  mb_value_error(operation, "expected ids from 0 to %lld, got %d", (long long)count - 1, id);
  return 1;
}

#endif
