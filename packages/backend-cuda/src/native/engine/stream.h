/* A command stream: JavaScript encodes, submits and goes on; one thread queues the commands on a CUDA stream and does not wait for them
 * either. A batch of commands is done when CUDA calls back. */
#ifndef MB_STREAM_H
#define MB_STREAM_H

#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>
#include <vector>

#include "engine/api.h"
#include "engine/blocks.h"
#include "engine/call.h"
#include "products/products.h"

struct mb_stream {
  int device;
  cudaStream_t stream = nullptr;
  mb_blocks blocks;
  mb_products products;
  mb_fault *fault = nullptr;      /* of the device */
  mb_fault *seen_fault = nullptr; /* the host's copy of it */

  std::thread thread;
  std::mutex mutex;
  std::condition_variable queued, executed;
  std::deque<std::vector<double>> batches; /* of doubles for their alignment */
  bool stop = false;
  std::atomic<bool> abandoned{false}, lost{false};
  std::atomic<int64_t> completed{0};
  std::atomic<int64_t> launched{0};

  /* The first error since the last mb_stream_take_error, and the command that met it; that of a lost device stays. */
  bool failed = false;
  int64_t failed_at = 0;
  char error[512] = "";

  static constexpr int remembered = 8;
  std::atomic<int32_t> recent[remembered] = {}; /* operations, by the number of the command */

  explicit mb_stream(int32_t device) : device(device) {}
  ~mb_stream();
  /* Whether the device had room and a thread began. */
  bool begin();
  void complete(int64_t count);
  /* Keeps an error, unless an earlier one waits to be taken. */
  void report(int64_t command, const char *kind, const char *operation, const char *message);
  /* The device answers no more: every command counts as done, and every wait fails. */
  void lose(cudaError_t error);

private:
  void main();
  void execute_batch(const std::vector<double> &batch);
  void execute(const mb_command *command);
  void report_fault();
};

#endif
