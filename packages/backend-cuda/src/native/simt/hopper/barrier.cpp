/* mbarriers: arrivals and bytes end a phase, and the next begins with the same count. */
#include <unordered_map>

#include "simt/hopper/memory.h"

namespace simt {

namespace {

struct memory_barrier {
  unsigned count, pending, phase = 0;
  int64_t bytes = 0; /* expected and not there */
  bool fenced = false;
};

struct memory_barriers {
  uint64_t block = 0;
  std::unordered_map<uint32_t, memory_barrier> all;
};

thread_local memory_barriers made;

memory_barriers &own() {
  if (made.block != block_serial()) made = {block_serial(), {}};
  return made;
}

/* What lies in memory where a barrier is. */
uint64_t mark_of(uint32_t address) { return 0x6d62617272696572 ^ address; }

memory_barrier &find(uint32_t address) {
  const auto found = own().all.find(address);
  if (found == own().all.end()) refuse("there is no barrier at byte %u of shared memory: barrier_init comes first, and a barrier of the block", address);
  const uint64_t mark = mark_of(address);
  if (memcmp(at_shared(address, 8, "a barrier"), &mark, 8) != 0) refuse("the barrier at byte %u of shared memory was overwritten", address);
  return found->second;
}

void end_if_complete(memory_barrier &barrier, uint32_t address) {
  if (barrier.pending > 0) return;
  if (barrier.bytes < 0) refuse("the barrier at byte %u got %lld bytes more than it expects", address, -(long long)barrier.bytes);
  if (barrier.bytes > 0) return;
  barrier.phase ^= 1;
  barrier.pending = barrier.count;
}

void arrive(uint32_t address, int64_t bytes) {
  memory_barrier &barrier = find(address);
  if (barrier.pending == 0) refuse("more than %u threads arrive in a phase of the barrier at byte %u", barrier.count, address);
  barrier.bytes += bytes;
  barrier.pending--;
  end_if_complete(barrier, address);
}

} // namespace

void barrier_init(uint32_t address, unsigned count) {
  if (address % 8 != 0) stop("a barrier lies at a multiple of 8 bytes");
  if (count == 0 || count >= 1u << 20) stop("a barrier counts 1 to 2^20 - 1 arrivals");
  memory_barrier fresh{count, count};
  if (!own().all.emplace(address, fresh).second) refuse("the barrier at byte %u is there already", address);
  const uint64_t mark = mark_of(address);
  memcpy(at_shared(address, 8, "a barrier"), &mark, 8);
}

void fence_barrier_init() {
  for (auto &[address, barrier] : own().all) barrier.fenced = true;
}

void barrier_arrive(uint32_t address) { arrive(address, 0); }

void barrier_expect(uint32_t address, unsigned bytes) {
  if (bytes >= 1u << 20) stop("a barrier expects less than 2^20 bytes");
  arrive(address, bytes);
}

void barrier_bytes(uint32_t address, unsigned bytes) {
  memory_barrier &barrier = find(address);
  barrier.bytes -= bytes;
  end_if_complete(barrier, address);
}

void expect_loadable(uint32_t address) {
  if (!find(address).fenced) refuse("a load uses the barrier at byte %u before fence_barrier_init", address);
}

void barrier_wait(uint32_t address, unsigned parity) {
  const auto passed = [&] {
    end_loads(address);
    return find(address).phase != parity % 2;
  };
  wait_until(passed, [&] {
    const memory_barrier &barrier = find(address);
    return "phase " + std::to_string(parity) + " of the barrier at byte " + std::to_string(address) + ", which lacks " +
           std::to_string(barrier.pending) + " arrivals and " + std::to_string(barrier.bytes) + " bytes";
  });
}

} // namespace simt
