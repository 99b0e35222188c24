/* Shared memory twice: as threads see it, and as wgmma and TMA see it, which know what threads wrote when a fence told them. */
#include "simt/hopper/memory.h"

#include <cstdarg>
#include <cstdio>
#include <vector>

namespace simt {

namespace {

struct known_memory {
  uint64_t block = 0;
  std::vector<unsigned char> bytes;
};

thread_local known_memory made;

/* As the units know it. */
unsigned char *known() {
  if (made.block != block_serial()) {
    made.block = block_serial();
    made.bytes.assign(dynamic_shared_bytes(), 0xff);
  }
  return made.bytes.data();
}

} // namespace

void refuse(const char *text, ...) {
  char reason[400];
  va_list values;
  va_start(values, text);
  vsnprintf(reason, sizeof reason, text, values);
  va_end(values);
  stop(reason);
}

uint32_t shared_address(const void *data) {
  const intptr_t address = static_cast<const unsigned char *>(data) - dynamic_shared();
  if (address < 0 || (size_t)address >= dynamic_shared_bytes()) stop("an address lies outside the block's dynamic shared memory");
  return (uint32_t)address;
}

unsigned char *at_shared(uint32_t address, size_t bytes, const char *what) {
  if (address + bytes > dynamic_shared_bytes())
    refuse("%s reaches to byte %zu of shared memory, of %zu that the launch asked for", what, address + bytes, dynamic_shared_bytes());
  return dynamic_shared() + address;
}

void write_shared(uint32_t address, const void *data, size_t bytes) {
  memcpy(at_shared(address, bytes, "a load"), data, bytes);
  memcpy(known() + address, data, bytes);
}

void expect_published(uint32_t address, size_t bytes, const char *what) {
  if (memcmp(at_shared(address, bytes, what), known() + address, bytes) != 0)
    refuse("%s meets bytes at %u that threads wrote: fence_async is missing between", what, address);
}

void fence_async() {
  unsigned char *const to = known();
  if (memcmp(to, dynamic_shared(), dynamic_shared_bytes()) != 0) memcpy(to, dynamic_shared(), dynamic_shared_bytes());
}

} // namespace simt
