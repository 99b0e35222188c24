/* Recorded commands. The first replay executes them one by one, which loads kernels and lets libraries choose; the second makes a CUDA graph of
 * them, and from then on a replay is one launch. */
#include "engine/stream.h"

/* What bad ids of the graph that follows are counted as. */
static __global__ void number_replay(mb_fault *fault, int64_t number) {
  if (threadIdx.x == 0) fault->replay = number;
}

void mb_stream::replay(const double *attributes) {
  void *const commands = address_of(attributes[0]);
  const int64_t bytes = (int64_t)attributes[1];
  mb_recording &recording = recordings[commands];
  if (!recording.warm || timeline || flags & (MB_STREAM_SYNCHRONIZES | MB_STREAM_WITHOUT_GRAPHS)) {
    recording.warm = true;
    const bool whole = each_command(commands, bytes, [&](const mb_command *command) {
      execute(command);
      return !abandoned && !lost;
    });
    if (!whole) lose("expected whole commands of this library in a recording, got other bytes");
    return;
  }
  if (!recording.graph && recording.refusal == cudaSuccess) capture(recording, commands, bytes);
  if (lost) return;
  if (recording.refusal == cudaErrorMemoryAllocation) {
    recording.refusal = cudaSuccess; /* there may be room next time */
    return report(launched, "memory", shown_operation(MB_REPLAY), "expected room for a graph in the device's memory, got none: use smaller batches, or release tensors");
  }
  if (recording.refusal != cudaSuccess)
    return report(launched, "unsupported", shown_operation(recording.refused),
                  std::string("expected a command that a CUDA graph can hold, got \"") + cudaGetErrorString(recording.refusal) +
                      "\": with MODERNBERT_CUDA_GRAPHS=0 captured commands are queued one by one");
  history.add(MB_REPLAY);
  launch(number_replay, 1, 32, stream, fault, launched);
  cudaGraphLaunch(recording.graph, stream);
  check(MB_REPLAY);
}

void mb_stream::capture(mb_recording &recording, const void *commands, int64_t bytes) {
  recording.refused = MB_REPLAY;
  cudaError_t error = cudaStreamBeginCapture(capturing, cudaStreamCaptureModeThreadLocal);
  if (error == cudaSuccess) {
    each_command(commands, bytes, [&](const mb_command *command) {
      queue(command, capturing, 0);
      error = cudaGetLastError();
      if (error != cudaSuccess) recording.refused = command->operation;
      return error == cudaSuccess;
    });
    cudaGraph_t graph = nullptr;
    const cudaError_t ended = cudaStreamEndCapture(capturing, &graph);
    if (error == cudaSuccess) error = ended;
    if (error == cudaSuccess) error = cudaGraphInstantiate(&recording.graph, graph, 0);
    if (graph) cudaGraphDestroy(graph);
  }
  recording.refusal = error;
  cudaGetLastError();
  const cudaError_t lasting = cudaGetLastError(); /* what is not forgotten is the device's end */
  if (lasting != cudaSuccess) lose(lasting);
}

void mb_stream::forget(void *address) {
  const auto found = recordings.find(address);
  if (found == recordings.end()) return;
  if (found->second.graph) cudaGraphExecDestroy(found->second.graph);
  recordings.erase(found);
}
