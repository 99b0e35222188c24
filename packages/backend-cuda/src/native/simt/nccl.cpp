/* The functions of NCCL that collective-nccl calls, between processes of this machine: each has a part of a file in shared memory, and what they wait
 * for never comes where one of them is gone, as on GPUs, until ncclCommAbort. Exported: the library is opened by its path. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <vector>

#include "base/convert.h"
#include "kit/stream_api.h"
#include "simt/faults.h"
#include "simt/runtime.h"

namespace {

enum result { success, system_error = 2, invalid_argument = 4, invalid_usage = 5, remote_error = 6, in_progress = 7 };
enum element { i32 = 2, u32 = 3, f16 = 6, f32 = 7, bf16 = 9 };
enum reduction { sum, most = 2 };

struct unique_id {
  char internal[128];
};

struct config {
  size_t size;
  unsigned magic, version;
  int blocking;
};

constexpr size_t part_bytes = 1 << 16;

struct shared {
  std::atomic<int32_t> joined, arrived, round;
};

struct communicator {
  int rank, world;
  shared *memory;
  std::atomic<bool> aborted{false};
  std::atomic<int64_t> done{0};

  char *part(int of) const { return (char *)memory + 4096 + (size_t)of * part_bytes; }

  bool wait_for(const std::atomic<int32_t> &value, int32_t other_than) const {
    while (value == other_than && !aborted) {
      const timespec rest = {0, 20000};
      nanosleep(&rest, nullptr);
    }
    return !aborted;
  }

  bool meet() {
    const int32_t round = memory->round;
    if (++memory->arrived != world) return wait_for(memory->round, round);
    memory->arrived = 0;
    memory->round++;
    return !aborted;
  }
};

/* mb_dtype; -1 for others. */
int32_t dtype_of(int type) {
  switch (type) {
    case i32: return MB_I32;
    case u32: return MB_U32;
    case f16: return MB_F16;
    case f32: return MB_F32;
    case bf16: return MB_BF16;
    default: return -1;
  }
}

/* Rounded after each rank, as NCCL rounds. */
void reduce(int32_t dtype, int kind, void *into, const void *other, size_t count) {
  for (size_t at = 0; at < count; at++) {
    const double a = load_f64(into, dtype, at), b = load_f64(other, dtype, at);
    store_f64(into, dtype, at, kind == sum ? a + b : a != a || a > b ? a : b);
  }
}

/* Each rank's `count` elements at `data`, in blocks: `take` gets the number of the first element, how many they are, and where those of a rank lie. */
template <typename Take> void exchange(communicator *comm, const void *data, size_t count, size_t bytes, const Take &take) {
  comm->done++;
  const size_t most_elements = part_bytes / bytes;
  for (size_t from = 0; from < count; from += most_elements) {
    const size_t now = count - from < most_elements ? count - from : most_elements;
    memcpy(comm->part(comm->rank), (const char *)data + from * bytes, now * bytes);
    if (!comm->meet()) return;
    take(from, now);
    if (!comm->meet()) return;
  }
}

struct operation {
  cudaStream_t stream;
  std::function<void()> work;
};

thread_local int depth = 0;
thread_local std::vector<operation> group;

result queue(communicator *comm, cudaStream_t stream, int type, std::function<void()> work) {
  if (comm == nullptr || dtype_of(type) < 0) return invalid_argument;
  if (comm->aborted) return invalid_usage;
  if (depth > 0) group.push_back({stream, std::move(work)});
  else simt::enqueue(stream, std::move(work));
  return success;
}

} // namespace

extern "C" {

MB_API result ncclGetVersion(int *version) { return *version = 23007, success; }

MB_API const char *ncclGetErrorString(result error) { return error == success ? "no error" : "an emulated error of NCCL"; }

/* The name of a file, which the first rank of all makes. */
MB_API result ncclGetUniqueId(unique_id *id) {
  snprintf(id->internal, sizeof id->internal, "/dev/shm/modernbert-nccl-%d-%lld", (int)getpid(), (long long)time(nullptr));
  const int file = open(id->internal, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file < 0) return system_error;
  close(file);
  return success;
}

MB_API result ncclCommInitRankConfig(communicator **comm, int world, unique_id id, int rank, const config *how) {
  if (rank < 0 || rank >= world || how->magic != 0xcafebeef || how->blocking != 0) return invalid_argument;
  const size_t bytes = 4096 + (size_t)world * part_bytes;
  const int file = open(id.internal, O_RDWR);
  if (file < 0 || ftruncate(file, (off_t)bytes) != 0) return system_error;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return system_error;
  *comm = new communicator{rank, world, (shared *)memory};
  if (++(*comm)->memory->joined == world) unlink(id.internal);
  return in_progress;
}

/* Of a rank that is to fail by itself, after so many operations: as a link that breaks. */
MB_API result ncclCommGetAsyncError(communicator *comm, result *error) {
  static const int64_t bad = simt::fault_number("nccl fails at operation %lld");
  *error = comm->memory->joined < comm->world ? in_progress : bad && comm->done >= bad ? remote_error : success;
  return success;
}

MB_API result ncclCommAbort(communicator *comm) { return comm->aborted = true, success; }
MB_API result ncclCommDestroy(communicator *) { return success; }

MB_API result ncclGroupStart() { return depth++, success; }

MB_API result ncclGroupEnd() {
  if (--depth > 0) return success;
  for (operation &each : group) simt::enqueue(each.stream, std::move(each.work));
  group.clear();
  return success;
}

MB_API result ncclAllReduce(const void *from, void *to, size_t count, int type, int kind, communicator *comm, cudaStream_t stream) {
  const int32_t dtype = dtype_of(type);
  return queue(comm, stream, type, [=] {
    const size_t bytes = bytes_of(dtype);
    exchange(comm, from, count, bytes, [=](size_t first, size_t now) {
      char *const target = (char *)to + first * bytes;
      memcpy(target, comm->part(0), now * bytes);
      for (int rank = 1; rank < comm->world; rank++) reduce(dtype, kind, target, comm->part(rank), now);
    });
  });
}

MB_API result ncclBroadcast(const void *from, void *to, size_t count, int type, int root, communicator *comm, cudaStream_t stream) {
  if (root < 0 || comm == nullptr || root >= comm->world) return invalid_argument;
  const int32_t dtype = dtype_of(type);
  return queue(comm, stream, type, [=] {
    const size_t bytes = bytes_of(dtype);
    exchange(comm, from, count, bytes, [=](size_t first, size_t now) { memcpy((char *)to + first * bytes, comm->part(root), now * bytes); });
  });
}

MB_API result ncclAllGather(const void *from, void *to, size_t count, int type, communicator *comm, cudaStream_t stream) {
  const int32_t dtype = dtype_of(type);
  return queue(comm, stream, type, [=] {
    const size_t bytes = bytes_of(dtype);
    exchange(comm, from, count, bytes, [=](size_t first, size_t now) {
      for (int rank = 0; rank < comm->world; rank++) memcpy((char *)to + (rank * count + first) * bytes, comm->part(rank), now * bytes);
    });
  });
}

/* `count` is of the output. */
MB_API result ncclReduceScatter(const void *from, void *to, size_t count, int type, int kind, communicator *comm, cudaStream_t stream) {
  const int32_t dtype = dtype_of(type);
  return queue(comm, stream, type, [=] {
    const size_t bytes = bytes_of(dtype), begin = comm->rank * count, end = begin + count;
    exchange(comm, from, comm->world * count, bytes, [=](size_t first, size_t now) {
      const size_t low = first > begin ? first : begin, high = first + now < end ? first + now : end;
      if (low >= high) return;
      char *const target = (char *)to + (low - begin) * bytes;
      memcpy(target, comm->part(0) + (low - first) * bytes, (high - low) * bytes);
      for (int rank = 1; rank < comm->world; rank++) reduce(dtype, kind, target, comm->part(rank) + (low - first) * bytes, high - low);
    });
  });
}

} // extern "C"
