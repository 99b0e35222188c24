#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* statx */
#endif
#include "runtime/mapping.h"

#include <stddef.h>

#if defined(_WIN32)

mb_mapping *mb_mapping_open(int32_t file, int64_t bytes) { return (void)file, (void)bytes, NULL; }
void *mb_mapping_data(const mb_mapping *mapping) { return (void)mapping, NULL; }
int mb_mapping_changed(const mb_mapping *mapping) { return (void)mapping, 0; }
void mb_mapping_close(mb_mapping *mapping) { (void)mapping; }

#else

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a file that nobody changes keeps. */
typedef struct {
  int64_t bytes, seconds, nanoseconds; /* of the last write */
} state;

struct mb_mapping {
  void *data;
  state found;
  int file; /* a descriptor of its own */
};

/* False of what is no file. */
static bool look_at(int file, state *found) {
#if defined(__GLIBC__)
  /* fstat would want a newer one than the rest of the library. */
  struct statx is;
  if (statx(file, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE | STATX_MTIME, &is) != 0 || !S_ISREG(is.stx_mode)) return false;
  *found = (state){(int64_t)is.stx_size, is.stx_mtime.tv_sec, is.stx_mtime.tv_nsec};
#else
  struct stat is;
  if (fstat(file, &is) != 0 || !S_ISREG(is.st_mode)) return false;
#if defined(__APPLE__)
  *found = (state){is.st_size, is.st_mtimespec.tv_sec, is.st_mtimespec.tv_nsec};
#else
  *found = (state){is.st_size, is.st_mtim.tv_sec, is.st_mtim.tv_nsec};
#endif
#endif
  return true;
}

mb_mapping *mb_mapping_open(int32_t file, int64_t bytes) {
  state found;
  if (bytes <= 0 || !look_at(file, &found) || found.bytes != bytes) return NULL;
  mb_mapping *mapping = malloc(sizeof *mapping);
  if (mapping == NULL) return NULL;
  *mapping = (mb_mapping){.found = found, .file = dup(file)};
  mapping->data = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (mapping->file >= 0 && mapping->data != MAP_FAILED) {
    madvise(mapping->data, (size_t)bytes, MADV_WILLNEED);
    return mapping;
  }
  if (mapping->data != MAP_FAILED) munmap(mapping->data, (size_t)bytes);
  if (mapping->file >= 0) close(mapping->file);
  free(mapping);
  return NULL;
}

void *mb_mapping_data(const mb_mapping *mapping) { return mapping->data; }

int mb_mapping_changed(const mb_mapping *mapping) {
  state now;
  const state *then = &mapping->found;
  return !look_at(mapping->file, &now) || now.bytes != then->bytes || now.seconds != then->seconds || now.nanoseconds != then->nanoseconds;
}

void mb_mapping_close(mb_mapping *mapping) {
  munmap(mapping->data, (size_t)mapping->found.bytes);
  close(mapping->file);
  free(mapping);
}

#endif
