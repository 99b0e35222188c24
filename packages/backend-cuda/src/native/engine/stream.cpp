#include "engine/stream.h"

#include <cinttypes>
#include <cstdio>
#include <new>

#include "engine/table.h"

static void *address_of(double number) { return (void *)(intptr_t)number; }

bool mb_stream::begin() {
  if (cudaSetDevice(device) != cudaSuccess) return false;
  if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) return false;
  fault = (mb_fault *)blocks.allocate(sizeof *fault, false);
  seen_fault = (mb_fault *)blocks.allocate(sizeof *seen_fault, true);
  if (fault == nullptr || seen_fault == nullptr) return false;
  cudaMemsetAsync(fault, 0, sizeof *fault, stream);
  thread = std::thread(&mb_stream::main, this);
  return true;
}

mb_stream::~mb_stream() {
  if (thread.joinable()) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stop = true;
    }
    queued.notify_all();
    thread.join();
  }
  cudaSetDevice(device);
  if (stream) {
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
  }
}

void mb_stream::main() {
  cudaSetDevice(device);
  for (;;) {
    std::unique_lock<std::mutex> lock(mutex);
    queued.wait(lock, [this] { return stop || !batches.empty(); });
    if (batches.empty()) return;
    const std::vector<double> batch = std::move(batches.front());
    batches.pop_front();
    lock.unlock();
    execute_batch(batch);
  }
}

namespace {

struct batch_end {
  mb_stream *stream;
  int64_t count;
};

void end_batch(void *data) {
  batch_end *end = static_cast<batch_end *>(data);
  end->stream->complete(end->count);
  delete end;
}

} // namespace

void mb_stream::execute_batch(const std::vector<double> &batch) {
  const char *at = (const char *)batch.data(), *const end = at + batch.size() * sizeof(double);
  while (at < end && !abandoned) {
    const mb_command *command = (const mb_command *)at;
    recent[++launched % remembered] = command->operation;
    if (!lost) execute(command);
    at += command->bytes;
  }
  if (lost) return complete(launched);
  cudaMemcpyAsync(seen_fault, fault, sizeof *fault, cudaMemcpyDefault, stream);
  cudaMemsetAsync(fault, 0, sizeof *fault, stream);
  cudaLaunchHostFunc(stream, end_batch, new batch_end{this, launched});
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) lose(error);
}

void mb_stream::execute(const mb_command *command) {
  const mb_view *views = (const mb_view *)(command + 1);
  const double *attributes = (const double *)(views + command->views);
  switch (command->operation) {
    case MB_WRITE_INLINE: /* pageable memory: CUDA has read it when the call returns */
      cudaMemcpyAsync(address_of(attributes[0]), attributes + 2, (size_t)attributes[1], cudaMemcpyDefault, stream);
      break;
    case MB_COPY_BYTES:
      cudaMemcpyAsync(address_of(attributes[0]), address_of(attributes[1]), (size_t)attributes[2], cudaMemcpyDefault, stream);
      break;
    case MB_FREE:
      cudaStreamSynchronize(stream);
      blocks.free(address_of(attributes[0]));
      break;
    default: mb_operations[command->operation].launch({views, attributes, stream, fault, launched, command->operation});
  }
}

void mb_stream::complete(int64_t count) {
  if (seen_fault->taken && !lost) report_fault();
  const std::lock_guard<std::mutex> lock(mutex);
  if (count > completed) completed = count;
  executed.notify_all();
}

void mb_stream::report_fault() {
  char message[128];
  const int32_t value = seen_fault->id;
  if (seen_fault->kind == MB_ID) snprintf(message, sizeof message, "expected ids from 0 to %" PRId64 ", got %d", seen_fault->count - 1, value);
  else snprintf(message, sizeof message, "expected cuSeqlens that rise from 0 to %" PRId64 ", got %d where it does not fit", seen_fault->count, value);
  report(seen_fault->command, "value", mb_operations[seen_fault->operation].shown, message);
}

void mb_stream::report(int64_t command, const char *kind, const char *operation, const char *message) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (failed) return;
  snprintf(error, sizeof error, "%s\n%s\n%s", kind, operation, message);
  failed_at = command;
  failed = true;
}

void mb_stream::lose(cudaError_t cause) {
  if (lost.exchange(true)) return;
  char message[400];
  int length = snprintf(message, sizeof message, "the GPU stopped (%s): make a new process; its last commands were", cudaGetErrorString(cause));
  const int64_t last = launched;
  for (int64_t at = last < remembered ? 1 : last - remembered + 1; at <= last && length < (int)sizeof message; at++) {
    const int32_t operation = recent[at % remembered];
    length += snprintf(message + length, sizeof message - (size_t)length, " %s", operation >= 0 ? mb_operations[operation].shown : "copy");
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    failed = false;
  }
  report(0, "lost", "cuda", message);
  complete(last);
}
