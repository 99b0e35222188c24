/* wgmma. A product is queued by each of 128 threads on its own; the first one's shared operands are kept, and read again where the warpgroup waits:
 * they must be the same. Accumulators hold NaN until then. */
#include "simt/wgmma.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "simt/hopper/matrix.h"
#include "simt/hopper/memory.h"

namespace simt {

namespace {

constexpr unsigned rows = 64, depth = 16, most_columns = 256;
constexpr uint32_t poison = 0x7fc0acc0;

/* The array d of 128 threads while products are under way. */
struct accumulator {
  unsigned columns = 0, products = 0; /* no columns: done with */
  float *at[warpgroup_threads] = {};
  std::vector<float> values; /* rows × columns */
};

struct product {
  unsigned columns;
  uint64_t a, b;
  bool registers, accumulate, transposed_a, transposed_b;
  std::vector<uint16_t> left, right; /* as the first thread found them */
  std::vector<uint32_t> given;       /* registers: 4 of each thread */
  const uint32_t *places[warpgroup_threads] = {};
  accumulator *to = nullptr;
  unsigned queued = 0;

  bool same(const product &other) const {
    return columns == other.columns && a == other.a && b == other.b && registers == other.registers && accumulate == other.accumulate &&
           transposed_a == other.transposed_a && transposed_b == other.transposed_b;
  }
};

struct thread_state {
  size_t queued = 0, groups = 0, waits = 0; /* since the block began */
  bool fenced = false;
};

struct warpgroup {
  thread_state threads[warpgroup_threads];
  std::deque<product> products; /* under way */
  size_t ended = 0;             /* products that are not in the list any more */
  std::vector<size_t> groups;   /* how many products there were at the end of each */
  std::deque<accumulator> accumulators;
  unsigned arrived = 0, left = 0; /* at a wait */
  size_t waits = 0;
};

struct warpgroups {
  uint64_t block = 0;
  std::vector<warpgroup> all;
};

thread_local warpgroups made;

void end_block() {
  if (made.block != block_serial()) return;
  for (const warpgroup &group : made.all)
    if (!group.products.empty()) stop("a block ends while products are under way: wgmma_commit or wgmma_wait is missing");
}

warpgroup &own() {
  if (made.block != block_serial()) {
    made.block = block_serial();
    made.all.clear();
    made.all.resize((position().threads.x + warpgroup_threads - 1) / warpgroup_threads);
    at_block_end(end_block);
  }
  return made.all[position().thread.x / warpgroup_threads];
}

unsigned own_thread() { return position().thread.x % warpgroup_threads; }

/* Which number of D a register is. */
unsigned place_in(unsigned thread, unsigned at, unsigned columns) {
  const unsigned row = 16 * (thread / 32) + thread % 32 / 4 + 8 * (at / 2 % 2);
  return row * columns + 8 * (at / 4) + 2 * (thread % 4) + at % 2;
}

/* The array's accumulator: of the products before this one, or a new one. */
accumulator *accumulator_of(warpgroup &group, const product &one, const float *d, unsigned thread) {
  if (one.to) return one.to;
  for (accumulator &known : group.accumulators)
    if (known.at[thread] == d) return &known;
  group.accumulators.push_back({one.columns, 0, {}, std::vector<float>(rows * one.columns)});
  return &group.accumulators.back();
}

/* Takes a thread's numbers and leaves NaN. */
void take(accumulator &to, float *d, unsigned thread, unsigned columns) {
  if (to.columns != columns) stop("products of different widths use one accumulator: wgmma_wait is missing between");
  if (to.at[thread] == d) return;
  if (to.at[thread] != nullptr) stop("the threads of a warpgroup use different accumulators in one product");
  to.at[thread] = d;
  for (unsigned at = 0; at < columns / 2; at++) {
    to.values[place_in(thread, at, columns)] = d[at];
    memcpy(d + at, &poison, 4);
  }
}

void give_back(const accumulator &from) {
  for (unsigned thread = 0; thread < warpgroup_threads; thread++)
    for (unsigned at = 0; at < from.columns / 2; at++) {
      float *const d = from.at[thread] + at;
      if (memcmp(d, &poison, 4) != 0) stop("an accumulator was written while products are under way: wgmma_wait comes first");
      *d = from.values[place_in(thread, at, from.columns)];
    }
}

void read_registers(const product &one, uint16_t *left) {
  for (unsigned thread = 0; thread < warpgroup_threads; thread++)
    for (unsigned at = 0; at < 4; at++) {
      const uint32_t value = one.given[4 * thread + at];
      if (one.places[thread][at] != value) stop("a register operand was written while its product is under way: wgmma_wait comes first");
      uint16_t *const to = left + (16 * (thread / 32) + thread % 32 / 4 + 8 * (at % 2)) * depth + 8 * (at / 2) + 2 * (thread % 4);
      to[0] = (uint16_t)value;
      to[1] = (uint16_t)(value >> 16);
    }
}

float f32_of(uint16_t bits) {
  const uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, 4);
  return value;
}

__attribute__((optimize("O3"))) void multiply(const uint16_t *left, const uint16_t *right, float *out, unsigned columns, bool accumulate) {
  float transposed[depth][most_columns];
  for (unsigned column = 0; column < columns; column++)
    for (unsigned k = 0; k < depth; k++) transposed[k][column] = f32_of(right[column * depth + k]);
  if (!accumulate) std::fill(out, out + rows * columns, 0.0f);
  for (unsigned row = 0; row < rows; row++)
    for (unsigned k = 0; k < depth; k++) {
      const float factor = f32_of(left[row * depth + k]);
      float *const to = out + row * columns;
      const float *const from = transposed[k];
      for (unsigned column = 0; column < columns; column++) to[column] += factor * from[column];
    }
}

void end_first(warpgroup &group) {
  product &one = group.products.front();
  if (one.queued != warpgroup_threads) stop("not all 128 threads of a warpgroup queue a product");
  std::vector<uint16_t> left(rows * depth), right(one.columns * depth);
  if (one.registers) read_registers(one, left.data());
  else read_matrix(one.a, rows, one.transposed_a, false, left.data());
  read_matrix(one.b, one.columns, one.transposed_b, false, right.data());
  if ((!one.registers && left != one.left) || right != one.right)
    stop("shared memory was written while a product reads it: wgmma_wait comes first, or a barrier is missing before the product");
  multiply(left.data(), right.data(), one.to->values.data(), one.columns, one.accumulate);
  if (--one.to->products == 0) {
    give_back(*one.to);
    *one.to = {};
    while (!group.accumulators.empty() && group.accumulators.front().columns == 0) group.accumulators.pop_front();
  }
  group.products.pop_front();
  group.ended++;
}

} // namespace

void wgmma(float *d, unsigned columns, const uint32_t *registers, uint64_t a, uint64_t b, bool accumulate, bool transposed_a, bool transposed_b) {
  warpgroup &group = own();
  const unsigned thread = own_thread();
  thread_state &state = group.threads[thread];
  if (!state.fenced) stop("a product without wgmma_fence since the last wgmma_wait");
  if (columns % 8 != 0 || columns == 0 || columns > most_columns) stop("a product has 8 to 256 columns, in eights");
  product fresh{columns, a, b, registers != nullptr, accumulate, transposed_a, transposed_b, {}, {}, {}};
  const size_t index = state.queued++ - group.ended;
  if (index == group.products.size()) {
    if (!fresh.registers) fresh.left.resize(rows * depth), read_matrix(a, rows, transposed_a, true, fresh.left.data());
    else fresh.given.resize(4 * warpgroup_threads);
    fresh.right.resize(columns * depth);
    read_matrix(b, columns, transposed_b, true, fresh.right.data());
    group.products.push_back(fresh);
  }
  product &one = group.products[index];
  if (!one.same(fresh)) stop("the threads of a warpgroup queue different products, or with different descriptors");
  if (one.to == nullptr) {
    one.to = accumulator_of(group, one, d, thread);
    one.to->products++;
  }
  take(*one.to, d, thread, columns);
  if (one.to->at[thread] != d) stop("the threads of a warpgroup use different accumulators in one product");
  if (registers) memcpy(&one.given[4 * thread], registers, 16);
  one.places[thread] = registers;
  one.queued++;
}

void wgmma_fence() { own().threads[own_thread()].fenced = true; }

void wgmma_commit() {
  warpgroup &group = own();
  thread_state &state = group.threads[own_thread()];
  if (state.groups == group.groups.size()) group.groups.push_back(state.queued);
  if (group.groups[state.groups++] != state.queued) stop("the threads of a warpgroup commit different groups");
}

void wgmma_wait(unsigned left) {
  warpgroup &group = own();
  thread_state &state = group.threads[own_thread()];
  state.fenced = false;
  const size_t turn = state.waits++;
  if (group.arrived > 0 && group.left != left) stop("the threads of a warpgroup wait for different groups");
  group.left = left;
  if (++group.arrived == warpgroup_threads) {
    for (const thread_state &other : group.threads)
      if (other.groups != group.groups.size()) stop("not all 128 threads of a warpgroup commit a group");
    const size_t last = group.groups.size() > left ? group.groups[group.groups.size() - left - 1] : 0;
    while (group.ended < last) end_first(group);
    group.arrived = 0;
    group.waits++;
  }
  wait_until([&] { return group.waits > turn; }, [&] { return "wgmma_wait of a warpgroup, where " + std::to_string(group.arrived) + " of 128 threads are"; });
}

} // namespace simt
