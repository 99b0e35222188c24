/* A command stream: JavaScript encodes, submits and goes on; one thread queues the commands on a CUDA stream and does not wait for them
 * either. A batch of commands is done when CUDA calls back. */
#ifndef MB_STREAM_H
#define MB_STREAM_H

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/api.h"
#include "engine/blocks.h"
#include "engine/history.h"
#include "engine/side.h"
#include "engine/timeline.h"
#include "products/products.h"

/* Recorded commands: what becomes of them at a replay. */
struct mb_recording {
  bool warm = false; /* they ran once */
  cudaGraphExec_t graph = nullptr;
  /* Why there is no graph, and the command that CUDA does not capture. */
  cudaError_t refusal = cudaSuccess;
  int32_t refused = 0;
};

struct mb_stream {
  const int device;
  const int32_t flags;
  mb_blocks blocks;
  mb_products products;

  std::mutex mutex;
  std::condition_variable queued, executed;
  std::deque<std::vector<double>> batches; /* of doubles for their alignment */
  bool stop = false;
  std::atomic<bool> abandoned{false}, lost{false};
  std::atomic<int64_t> completed{0};
  cudaStream_t stream = nullptr;

  /* The first error since the last mb_stream_take_error, and the command that met it; that of a lost device stays. */
  bool failed = false;
  int64_t failed_at = 0;
  std::string error;
  bool lasting = false; /* nobody takes it away */

  mb_stream(int32_t device, int32_t flags) : device(device), flags(flags) {}
  ~mb_stream();
  /* Whether the device had room and a thread began. `timeline` may be nullptr. */
  bool begin(FILE *timeline);
  void complete(int64_t count);
  /* The device answers no more: every command counts as done, and every wait fails. `cause` is CUDA's word. */
  void lose(const std::string &message);
  void lose(cudaError_t cause);

private:
  std::thread thread;
  mb_fault *fault = nullptr;      /* of the device */
  mb_fault *seen_fault = nullptr; /* the host's copy of it */
  mb_history history;
  std::unique_ptr<mb_timeline> timeline;
  std::unique_ptr<mb_side> side;
  int64_t launched = 0;
  std::atomic<mb_device_function *> called{nullptr}; /* the last one */
  std::unordered_map<void *, mb_recording> recordings; /* by the address of their commands */
  cudaStream_t capturing = nullptr;                    /* nobody asks this one how far it is, which would end the capture */

  void main();
  void execute_batch(const std::vector<double> &batch);
  /* One command, now. */
  void execute(const mb_command *command);
  /* Queues it on a CUDA stream; `number` is 0 where that is captured. */
  void queue(const mb_command *command, cudaStream_t to, int64_t number);
  /* Loses the device where CUDA says so. */
  void check(int32_t operation);
  /* Keeps an error, unless an earlier one waits to be taken. */
  void report(int64_t command, const char *kind, const char *operation, const std::string &message);
  void report_fault();
  /* An error as functions of other libraries give it. */
  void report_call(int64_t command, const char *text);

  /* replay.cpp */
  void replay(const double *attributes);
  void capture(mb_recording &recording, const void *commands, int64_t bytes);
  void forget(void *address);
};

#endif
