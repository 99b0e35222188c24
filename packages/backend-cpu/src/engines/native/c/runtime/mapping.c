#include "runtime/mapping.h"

#include <stddef.h>

#if defined(_WIN32)

mb_mapping *mb_mapping_open(int32_t file, int64_t bytes) { return (void)file, (void)bytes, NULL; }
void *mb_mapping_data(const mb_mapping *mapping) { return (void)mapping, NULL; }
int mb_mapping_changed(const mb_mapping *mapping) { return (void)mapping, 0; }
void mb_mapping_close(mb_mapping *mapping) { (void)mapping; }

#else

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__APPLE__)
#define WRITTEN st_mtimespec
#else
#define WRITTEN st_mtim
#endif

struct mb_mapping {
  void *data;
  int64_t bytes;
  int file; /* a descriptor of its own */
  struct timespec written;
};

mb_mapping *mb_mapping_open(int32_t file, int64_t bytes) {
  struct stat found;
  if (bytes <= 0 || fstat(file, &found) != 0 || !S_ISREG(found.st_mode) || (int64_t)found.st_size != bytes) return NULL;
  mb_mapping *mapping = malloc(sizeof *mapping);
  if (mapping == NULL) return NULL;
  *mapping = (mb_mapping){.bytes = bytes, .file = dup(file), .written = found.WRITTEN};
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
  struct stat found;
  return fstat(mapping->file, &found) != 0 || (int64_t)found.st_size != mapping->bytes ||
         found.WRITTEN.tv_sec != mapping->written.tv_sec || found.WRITTEN.tv_nsec != mapping->written.tv_nsec;
}

void mb_mapping_close(mb_mapping *mapping) {
  munmap(mapping->data, (size_t)mapping->bytes);
  close(mapping->file);
  free(mapping);
}

#endif
