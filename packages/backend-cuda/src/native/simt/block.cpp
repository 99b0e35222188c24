/* Runs the threads of a block as fibers, each until it waits or ends, in an order that MODERNBERT_CUDA_FIBER_ORDER names: forward (default),
 * backward, or shuffled. A kernel that lacks a barrier gives other results in another order. */
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "simt/emulated.h"
#include "simt/fiber.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(data, bytes)
#define ASAN_UNPOISON_MEMORY_REGION(data, bytes)
#endif

namespace simt {

void stop(const char *reason) {
  fprintf(stderr, "[backend-cuda] the emulator: %s\n", reason);
  abort();
}

namespace {

constexpr unsigned most_threads = 1024;
constexpr size_t stack_bytes = (64 << 10) + 13 * 64; /* no power of two: their ends would share lines of the cache */
constexpr size_t static_bytes = 48 << 10;   /* of MB_SHARED */
constexpr size_t dynamic_bytes = 227 << 10; /* the most that a block of sm_90 may ask for */
constexpr uint32_t nobody = 0x7fc0dead;     /* a NaN */

enum class state { fresh, ready, at_warp, at_block, at_condition, ended };

struct fiber {
  void *stack = nullptr; /* where it goes on */
  char *top = nullptr;
  state is = state::fresh;
  const std::function<bool()> *condition = nullptr;
  const std::function<std::string()> *description = nullptr;
  size_t shared_used = 0;
};

struct warp {
  unsigned arrived = 0, turn = 0;
  /* By turns: a lane may give its next value before another has read this one. */
  uint32_t given[2][32];
  void *lanes[32];
};

/* The blocks of one thread of the system. */
struct machine {
  char *stacks;
  alignas(256) char memory[static_bytes];
  alignas(1024) unsigned char dynamic[dynamic_bytes];
  size_t asked = 0; /* of `dynamic` */
  uint64_t serial = 0;
  fiber fibers[most_threads];
  warp warps[most_threads / 32];
  std::vector<unsigned> order;
  std::vector<char *> free_stacks; /* their ends; the last used is the first to be used again */
  const std::function<void()> *body = nullptr;
  void *scheduler = nullptr;
  place at{};
  unsigned alive = 0, at_barrier = 0, barrier_turn = 0;
  int joined[2] = {0, 0}; /* by turns, as in `warp` */
  std::vector<void (*)()> checks; /* of the end of a block */
  uint64_t random = 0x9e3779b97f4a7c15;
  const char *wish = getenv("MODERNBERT_CUDA_FIBER_ORDER");

  machine() {
    const int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *data = mmap(nullptr, most_threads * stack_bytes, PROT_READ | PROT_WRITE, kind, -1, 0);
    if (data == MAP_FAILED) stop("there is no memory for stacks");
    stacks = static_cast<char *>(data);
    for (unsigned i = most_threads; i > 0; i--) free_stacks.push_back(stacks + i * stack_bytes);
  }
  ~machine() { munmap(stacks, most_threads * stack_bytes); }

  fiber &running() { return fibers[at.thread.x]; }

  void suspend(state reason) {
    running().is = reason;
    mb_switch_stack(&running().stack, scheduler);
  }

  void release(unsigned first, unsigned end, state waiting) {
    for (unsigned i = first; i < end; i++)
      if (fibers[i].is == waiting) fibers[i].is = state::ready;
  }

  void release_block() {
    at_barrier = 0;
    joined[++barrier_turn % 2] = 0;
    release(0, at.threads.x, state::at_block);
  }

  void arrange() {
    order.resize(at.threads.x);
    const bool backward = wish && strcmp(wish, "backward") == 0;
    for (unsigned i = 0; i < at.threads.x; i++) order[i] = backward ? at.threads.x - 1 - i : i;
    if (wish && strcmp(wish, "shuffled") == 0) {
      for (unsigned i = at.threads.x; i > 1; i--) {
        random = random * 6364136223846793005 + 1442695040888963407;
        std::swap(order[i - 1], order[(random >> 33) % i]);
      }
    }
  }

  void run_block(void (*enter)()) {
    memset(memory, 0xff, sizeof memory);
    memset(dynamic, 0xff, asked);
    serial++;
    for (unsigned w = 0; w < at.threads.x / 32; w++) {
      warps[w] = {};
      for (auto &turn : warps[w].given)
        for (uint32_t &value : turn) value = nobody;
    }
    for (unsigned i = 0; i < at.threads.x; i++) fibers[i] = {};
    alive = at.threads.x;
    at_barrier = 0;
    joined[0] = joined[1] = 0;
    while (alive > 0) {
      bool moved = false;
      arrange();
      for (const unsigned i : order) {
        fiber &next = fibers[i];
        at.thread.x = i;
        if (next.is == state::at_condition && (*next.condition)()) next.is = state::ready;
        if (next.is != state::fresh && next.is != state::ready) continue;
        if (next.is == state::fresh) {
          next.top = free_stacks.back();
          free_stacks.pop_back();
          next.stack = fresh_stack(next.top, enter);
        }
        moved = true;
        mb_switch_stack(&scheduler, next.stack);
        if (next.is == state::ended) free_stacks.push_back(next.top);
      }
      if (!moved) stop_waiting();
    }
    for (void (*const check)() : checks) check();
  }

  [[noreturn]] void stop_waiting() {
    std::map<std::string, unsigned> waiting;
    for (unsigned i = 0; i < at.threads.x; i++) {
      const fiber &one = fibers[i];
      if (one.is == state::at_warp) waiting["a collective of a warp"]++;
      if (one.is == state::at_block) waiting["the barrier of the block"]++;
      if (one.is == state::at_condition) waiting[(*one.description)()]++;
    }
    std::string reason = "the threads of a block wait for one another: not all of them come to a barrier or a collective, or a condition never holds";
    for (const auto &[what, count] : waiting) reason += "; " + std::to_string(count) + " wait for " + what;
    stop(reason.c_str());
  }
};

thread_local std::unique_ptr<machine> made;
/* The same: reached faster. */
thread_local machine *current = nullptr;

machine &own() { return *current; }

void enter() {
  machine &m = own();
  (*m.body)();
  m.alive--;
  if (m.at_barrier > 0 && m.at_barrier == m.alive) m.release_block();
  m.suspend(state::ended);
}

} // namespace

const place &position() { return own().at; }

void *shared(size_t bytes) {
  machine &m = own();
  size_t &used = m.running().shared_used;
  void *const data = m.memory + used;
  used += (bytes + 255) / 256 * 256;
  if (used > static_bytes) stop("a kernel has more than 48 KiB of MB_SHARED");
  return data;
}

unsigned char *dynamic_shared() { return own().dynamic; }

size_t dynamic_shared_bytes() { return own().asked; }

uint64_t block_serial() { return own().serial; }

void at_block_end(void (*check)()) {
  std::vector<void (*)()> &checks = own().checks;
  if (std::find(checks.begin(), checks.end(), check) == checks.end()) checks.push_back(check);
}

void wait_until(const std::function<bool()> &holds, const std::function<std::string()> &describe) {
  machine &m = own();
  if (holds()) return;
  m.running().condition = &holds;
  m.running().description = &describe;
  m.suspend(state::at_condition);
}

int sync_block(int value) {
  machine &m = own();
  const unsigned turn = m.barrier_turn % 2;
  m.joined[turn] |= value;
  if (++m.at_barrier == m.alive) m.release_block();
  else m.suspend(state::at_block);
  return m.joined[turn];
}

uint32_t exchange(uint32_t value, unsigned source) {
  machine &m = own();
  const unsigned lane = m.at.thread.x % 32, first = m.at.thread.x - lane;
  warp &w = m.warps[first / 32];
  const unsigned turn = w.turn % 2;
  w.given[turn][lane] = value;
  if (++w.arrived < 32) {
    m.suspend(state::at_warp);
  } else {
    w.arrived = 0;
    w.turn++;
    for (uint32_t &next : w.given[w.turn % 2]) next = nobody;
    m.release(first, first + 32, state::at_warp);
  }
  return w.given[turn][source];
}

/* What the pointers of the other lanes point to stays: they wait until the last has computed. */
void together(void *data, void (*compute)(void *const *lanes)) {
  machine &m = own();
  const unsigned lane = m.at.thread.x % 32;
  void *(&lanes)[32] = m.warps[m.at.thread.x / 32].lanes;
  lanes[lane] = data;
  const bool last = m.warps[m.at.thread.x / 32].arrived == 31;
  if (last) compute(lanes);
  exchange(0, 0);
}

void run(mb_grid grid, unsigned threads, int shared_bytes, const std::function<void()> &body) {
  if (shared_bytes < 0 || (size_t)shared_bytes > dynamic_bytes) stop("a block has at most 227 KiB of dynamic shared memory");
  if (grid.x == 0 || grid.y == 0) stop("a grid has one block or more along x and y");
  if (grid.x > INT32_MAX || grid.y > 65535) stop("a grid has at most 2^31 - 1 blocks along x and 65535 along y");
  if (threads == 0 || threads > most_threads || threads % 32 != 0) stop("a block has 32 to 1024 threads, in whole warps");
  if (!made) {
    made = std::make_unique<machine>();
    current = made.get();
  }
  machine &m = own();
  m.body = &body;
  m.asked = (size_t)shared_bytes;
  ASAN_UNPOISON_MEMORY_REGION(m.dynamic, m.asked);
  ASAN_POISON_MEMORY_REGION(m.dynamic + m.asked, dynamic_bytes - m.asked);
  m.at = {{0, 0}, {0, 0}, {threads, 1}, {grid.x, grid.y}};
  for (m.at.block.y = 0; m.at.block.y < grid.y; m.at.block.y++)
    for (m.at.block.x = 0; m.at.block.x < grid.x; m.at.block.x++) m.run_block(enter);
}

} // namespace simt
