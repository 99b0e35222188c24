/* Shared memory as the parts of the emulator of sm_90a see it. */
#ifndef MB_SIMT_HOPPER_MEMORY_H
#define MB_SIMT_HOPPER_MEMORY_H

#include "simt/hopper.h"

namespace simt {

/* Ends the process with a printf text. */
[[noreturn]] __attribute__((format(printf, 1, 2))) void refuse(const char *text, ...);

/* `bytes` of the block's shared memory. */
unsigned char *at_shared(uint32_t address, size_t bytes, const char *what);

/* Where a byte lies whose place in rows is `address`. */
inline uint32_t permuted(uint32_t address, swizzle mode) {
  switch (mode) {
    case swizzle::bytes_128: return address ^ (address >> 3 & 0x70);
    case swizzle::bytes_64: return address ^ (address >> 3 & 0x30);
    case swizzle::bytes_32: return address ^ (address >> 3 & 0x10);
    default: return address;
  }
}

/* The pattern repeats after so many bytes. */
inline uint32_t pattern_bytes(swizzle mode) { return mode == swizzle::none ? 128 : 128u << (4 - (unsigned)mode); }

/* What a TMA load writes: seen by all. */
void write_shared(uint32_t address, const void *data, size_t bytes);

/* Refuses bytes that threads wrote and no fence_async made known to the asynchronous units. */
void expect_published(uint32_t address, size_t bytes, const char *what);

/* Bytes of a load have come. */
void barrier_bytes(uint32_t barrier, unsigned bytes);
/* Refuses a barrier that loads may not use yet. */
void expect_loadable(uint32_t barrier);
/* Ends the loads that are under way to a barrier. */
void end_loads(uint32_t barrier);

} // namespace simt

#endif
