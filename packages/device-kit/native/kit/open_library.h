/* Libraries that are opened at run time, and their functions. */
#ifndef MB_OPEN_LIBRARY_H
#define MB_OPEN_LIBRARY_H

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  const char *name;
  void **function;
} mb_symbol;

/* Opens the first of `names` (one a line) that there is; `name` gets that one, or the last. NULL: none, and `reason` says why the first was not. */
static inline void *mb_open_first(const char *names, int flags, char name[512], char reason[512]) {
  void *library = NULL;
  name[0] = reason[0] = 0;
  for (const char *at = names; library == NULL && *at != 0;) {
    const size_t length = strcspn(at, "\n");
    snprintf(name, 512, "%.*s", (int)length, at);
    at += length + (at[length] == '\n');
    library = dlopen(name, flags);
    if (library == NULL && reason[0] == 0) snprintf(reason, 512, "%s", dlerror());
  }
  return library;
}

/* The name of the first that is missing; NULL: all are found. */
static inline const char *mb_find_functions(void *library, const mb_symbol *symbols, size_t count) {
  for (size_t at = 0; at < count; at++) {
    *symbols[at].function = dlsym(library, symbols[at].name);
    if (*symbols[at].function == NULL) return symbols[at].name;
  }
  return NULL;
}

#endif
