/* Opens cuBLASLt at run time. */
#include "products/cublaslt.h"

#include <dlfcn.h>

#include <cstdio>

namespace cublaslt {

bool open(const char *path, functions &to, char *reason, size_t capacity) {
  void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    snprintf(reason, capacity, "%s", dlerror());
    return false;
  }
#define MB_FIND(member, symbol, result, parameters)                    \
  to.member = (result(*) parameters)dlsym(library, #symbol);           \
  if (to.member == nullptr) {                                          \
    snprintf(reason, capacity, "%s has no " #symbol, path);            \
    dlclose(library);                                                  \
    return false;                                                      \
  }
  MB_CUBLASLT_FUNCTIONS(MB_FIND)
#undef MB_FIND
  return true;
}

} // namespace cublaslt
