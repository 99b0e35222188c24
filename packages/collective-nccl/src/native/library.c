#include "library.h"

#include <stdio.h>
#include <string.h>

#include "kit/open_library.h"

mb_nccl nccl;

static const char *find_functions(void *library) {
  const mb_symbol functions[] = {
      {"ncclGetVersion", (void **)&nccl.get_version},
      {"ncclGetUniqueId", (void **)&nccl.unique_id},
      {"ncclCommInitRankConfig", (void **)&nccl.init},
      {"ncclCommGetAsyncError", (void **)&nccl.async_error},
      {"ncclCommAbort", (void **)&nccl.abort},
      {"ncclCommDestroy", (void **)&nccl.destroy},
      {"ncclGetErrorString", (void **)&nccl.error_string},
      {"ncclGroupStart", (void **)&nccl.group_start},
      {"ncclGroupEnd", (void **)&nccl.group_end},
      {"ncclAllReduce", (void **)&nccl.all_reduce},
      {"ncclBroadcast", (void **)&nccl.broadcast},
      {"ncclAllGather", (void **)&nccl.all_gather},
      {"ncclReduceScatter", (void **)&nccl.reduce_scatter},
  };
  return mb_find_functions(library, functions, sizeof functions / sizeof *functions);
}

bool mb_nccl_open(const char *names, char *error, size_t capacity) {
  char name[512], reason[512];
  void *library = mb_open_first(names, RTLD_NOW | RTLD_LOCAL, name, reason);
  if (library == NULL) {
    snprintf(error, capacity, "expected an NCCL library, found none (%s): install it (pip install nvidia-nccl-cu13), or set MODERNBERT_NCCL_LIBRARY", reason);
    return false;
  }
  const char *lacking = find_functions(library);
  if (lacking != NULL) {
    snprintf(error, capacity, "expected the function %s in the NCCL library %s, found none: install NCCL 2.14 or later", lacking, name);
    return false;
  }
  return nccl.get_version(&nccl.version) == MB_NCCL_OK;
}
