#include "engine/stream.h"

#include <cstring>
#include <system_error>

#include "engine/guard.h"

constexpr int64_t all_commands = (int64_t)1 << 53;

bool mb_stream::begin(FILE *file) {
  if (file) timeline = std::make_unique<mb_timeline>(file);
  if (cudaSetDevice(device) != cudaSuccess) return false;
  if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) return false;
  if (cudaStreamCreateWithFlags(&capturing, cudaStreamNonBlocking) != cudaSuccess) return false;
  side = std::make_unique<mb_side>();
  if (blocks.allocate((void **)&fault, sizeof *fault, false) != cudaSuccess) return false;
  if (blocks.allocate((void **)&seen_fault, sizeof *seen_fault, true) != cudaSuccess) return false;
  cudaMemsetAsync(fault, 0, sizeof *fault, stream);
  try {
    thread = std::thread(&mb_stream::main, this);
  } catch (const std::system_error &) {
    return false;
  }
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
  if (stream) cudaStreamSynchronize(stream);
  timeline.reset();
  side.reset();
  while (!recordings.empty()) forget(recordings.begin()->first);
  if (capturing) cudaStreamDestroy(capturing);
  if (stream) cudaStreamDestroy(stream);
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
  const bool whole = each_command(batch.data(), (int64_t)(batch.size() * sizeof(double)), [&](const mb_command *command) {
    if (abandoned || lost) return false;
    launched++;
    if (command->operation == MB_REPLAY) replay(attributes_of(command));
    else execute(command);
    return true;
  });
  if (!whole) lose("expected whole commands of this library after command " + std::to_string(launched) + ", got other bytes");
  if (lost) return;
  cudaMemcpyAsync(seen_fault, fault, sizeof *fault, cudaMemcpyDefault, stream);
  cudaMemsetAsync(fault, 0, sizeof *fault, stream);
  cudaLaunchHostFunc(stream, end_batch, new batch_end{this, launched});
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) lose(error);
}

void mb_stream::execute(const mb_command *command) {
  if (command->operation > MB_GUARD) history.add(command->operation);
  if (timeline) timeline->begin(stream);
  queue(command, stream, launched);
  if (timeline) timeline->end(command, stream);
  check(command->operation);
}

void mb_stream::queue(const mb_command *command, cudaStream_t to, int64_t number) {
  const int32_t operation = command->operation;
  const double *attributes = attributes_of(command);
  switch (operation) {
    case MB_WRITE_INLINE: /* CUDA has read pageable memory when the call returns; a capture reads the recording, which is pinned */
      cudaMemcpyAsync(address_of(attributes[0]), attributes + 2, (size_t)attributes[1], cudaMemcpyDefault, to);
      break;
    case MB_COPY_BYTES:
      cudaMemcpyAsync(address_of(attributes[0]), address_of(attributes[1]), (size_t)attributes[2], cudaMemcpyDefault, to);
      break;
    case MB_FREE:
      cudaStreamSynchronize(to);
      forget(address_of(attributes[0]));
      blocks.free(address_of(attributes[0]));
      break;
    case MB_GUARD: return guard_buffer((char *)address_of(attributes[0]), (int64_t)attributes[1], to);
    case MB_CHECK_GUARD:
      return check_guard((const char *)address_of(attributes[0]), (int64_t)attributes[1], {fault, operation, number, (int64_t)attributes[1], MB_ID}, to);
    case MB_CALL: {
      mb_device_function *const function = (mb_device_function *)address_of(attributes[0]);
      called = function;
      return report_call(launched, function(views_of(command), command->views, attributes + 1, to));
    }
    case MB_BESIDE: {
      mb_device_function *const function = (mb_device_function *)address_of(attributes[0]);
      called = function;
      const cudaStream_t beside = side->begin(to);
      return beside ? report_call(launched, function(views_of(command), command->views, attributes + 1, beside)) : void();
    }
    case MB_SETTLE: return side->settle(to);
    case MB_REPLAY: return lose("expected no replay inside a replay");
    default:
      mb_operations[operation].launch({views_of(command), attributes, to, fault, number, operation, &products});
      if (const auto [kind, failure] = products.take_failure(); failure) report(launched, kind, shown_operation(operation), failure);
  }
}

void mb_stream::check(int32_t operation) {
  const bool waits = flags & MB_STREAM_SYNCHRONIZES;
  const cudaError_t awaited = waits ? cudaStreamSynchronize(stream) : cudaSuccess;
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess && awaited == cudaSuccess) return;
  const cudaError_t cause = awaited != cudaSuccess ? awaited : error;
  /* For the code of a kernel, which is loaded when it is first launched, or for a graph. */
  if (cause == cudaErrorMemoryAllocation)
    return report(launched, "memory", shown_operation(operation), "expected room for code in the device's memory, got none: use smaller batches, or release tensors");
  /* An error that is forgotten now is that of the call itself: the device lives, but the command did not run. */
  const bool certain = waits || cudaGetLastError() == cudaSuccess;
  if (!certain) return lose(cause);
  lose("the GPU stopped at " + std::string(shown_operation(operation)) + ", command " + std::to_string(launched) + " (" +
       cudaGetErrorString(cause) + "): make a new process");
}

void mb_stream::complete(int64_t count) {
  if (seen_fault->taken && !lost) report_fault();
  if (mb_device_function *const function = called) report_call(0, function(nullptr, -1, nullptr, nullptr));
  const std::lock_guard<std::mutex> lock(mutex);
  if (count > completed) completed = count;
  executed.notify_all();
}

void mb_stream::report_fault() {
  const mb_fault &seen = *seen_fault;
  const char *operation = shown_operation(seen.operation);
  const std::string count = std::to_string(seen.count), value = std::to_string(seen.id);
  if (seen.operation == MB_CHECK_GUARD)
    return report(seen.command, "value", operation,
                  "expected writes inside buffers only, got one at byte " + value + " of a buffer of " + count + " bytes, before command " +
                      std::to_string(seen.command) + "; the last commands were " + history.names());
  if (seen.kind == MB_ENDS)
    return report(seen.command, "value", operation, "expected cuSeqlens that rise from 0 to " + count + ", got " + value + " where it does not fit");
  report(seen.command, "value", operation, "expected ids from 0 to " + std::to_string(seen.count - 1) + ", got " + value);
}

void mb_stream::report(int64_t command, const char *kind, const char *operation, const std::string &message) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (failed) return;
  error = std::string(kind) + "\n" + operation + "\n" + message;
  failed_at = command;
  failed = true;
}

void mb_stream::report_call(int64_t command, const char *text) {
  if (text == nullptr) return;
  const std::lock_guard<std::mutex> lock(mutex);
  if (lasting || lost) return;
  lasting = strncmp(text, "collective\n", 11) == 0;
  if (failed && !lasting) return;
  error = text;
  failed_at = command;
  failed = true;
}

void mb_stream::lose(cudaError_t cause) {
  lose(std::string("the GPU stopped (") + cudaGetErrorString(cause) + "): make a new process; its last commands were " + history.names());
}

void mb_stream::lose(const std::string &message) {
  if (lost.exchange(true)) return;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    failed = lasting = false;
  }
  report(0, "lost", "cuda", message);
  complete(all_commands);
}
