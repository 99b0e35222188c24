/* What kernels use of CUDA, on the CPU. The threads of a block are fibers of one thread; blocks run one after another. A barrier or a warp's
 * collective is where a fiber waits for the others. Shared memory is full of NaN when a block begins; so are values of lanes that gave none. */
#ifndef MB_SIMT_EMULATED_H
#define MB_SIMT_EMULATED_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>

#include "simt/runtime.h"

#define __global__
#define __device__
#define __host__
#define __restrict__
#define __launch_bounds__(...)
#define __grid_constant__
#define __syncthreads() simt::sync_block(0)
#define __syncthreads_or(value) simt::sync_block(value)
#define __syncwarp(...) simt::exchange(0, 0)
#define threadIdx (simt::position().thread)
#define blockIdx (simt::position().block)
#define blockDim (simt::position().threads)
#define gridDim (simt::position().blocks)
#define __forceinline__ inline
#define MB_CLOSE inline
#define MB_SHARED(type, name, extents)      \
  using name##_shared = type extents;       \
  name##_shared &name = *static_cast<name##_shared *>(simt::shared(sizeof(name##_shared)))
#define MB_DYNAMIC_SHARED(name) unsigned char *const name = simt::dynamic_shared()

struct float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

/* Blocks along x and y. */
struct mb_grid {
  unsigned x, y;
  mb_grid(int64_t x, int64_t y = 1) : x((unsigned)x), y((unsigned)y) {}
};

namespace simt {

struct index {
  unsigned x, y;
};

/* Where the running thread is. */
struct place {
  index thread, block, threads, blocks;
};

const place &position();

/* The next part of the block's shared memory: the same one for all threads, which ask in one order. */
void *shared(size_t bytes);

/* The bytes that the launch asked for, the same for all threads. */
unsigned char *dynamic_shared();

/* Counts the blocks that have run in this thread of the system: what belongs to a block begins anew when it changes. */
uint64_t block_serial();

/* How many they are. */
size_t dynamic_shared_bytes();

/* The thread goes on when `holds` does; others run meanwhile. Where it never does, the process ends with what `describe` says of it. */
void wait_until(const std::function<bool()> &holds, const std::function<std::string()> &describe = [] { return std::string("a condition"); });

/* From this block on `check` is called when all threads of a block have ended: to look for what they left undone. */
void at_block_end(void (*check)());

/* Barrier `id` (1 to 15) of `count` threads: whole warps of the block that need not be all of them. The second only arrives. */
void sync_threads(unsigned id, unsigned count);
void arrive_threads(unsigned id, unsigned count);

/* All 32 lanes of the warp come here, each with what `own` points to; then `compute` runs once, with the pointers of all of them. */
void together(void *own, void (*compute)(void *const *lanes));

/* Ends the process: a kernel did what the hardware does not allow. */
[[noreturn]] void stop(const char *reason);

/* All threads of the block wait for one another; returns the values that they give, joined by or. */
int sync_block(int value);

/* All 32 lanes of the warp give a value; returns that of `source`. */
uint32_t exchange(uint32_t value, unsigned source);

/* Runs `body` once for each thread of each block. `threads` is a multiple of 32. */
void run(mb_grid grid, unsigned threads, int shared_bytes, const std::function<void()> &body);

} // namespace simt

template <typename... Parameters, typename... Arguments>
void launch_shared(void (*kernel)(Parameters...), mb_grid grid, unsigned threads, int bytes, cudaStream_t stream, const Arguments &...arguments) {
  const std::tuple<Parameters...> kept{Parameters(arguments)...};
  simt::enqueue_kernel(stream, [=] { simt::run(grid, threads, bytes, [&] { std::apply(kernel, kept); }); });
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), mb_grid grid, unsigned threads, cudaStream_t stream, const Arguments &...arguments) {
  launch_shared(kernel, grid, threads, 0, stream, arguments...);
}

template <typename T> T __shfl_xor_sync(unsigned, T value, int mask) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "one or two registers");
  uint32_t words[sizeof(T) / 4];
  memcpy(words, &value, sizeof value);
  for (uint32_t &word : words) word = simt::exchange(word, (simt::position().thread.x ^ (unsigned)mask) % 32);
  memcpy(&value, words, sizeof value);
  return value;
}

inline int atomicCAS(int *at, int expected, int desired) {
  const int found = *at;
  if (found == expected) *at = desired;
  return found;
}

inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
inline float rsqrtf(float a) { return 1.0f / sqrtf(a); }
inline int __popc(unsigned a) { return __builtin_popcount(a); }
using std::isfinite;
using std::max;
using std::min;

#endif
