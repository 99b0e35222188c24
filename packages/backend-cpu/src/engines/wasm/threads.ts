/**
 * Fork and join: a job is a kernel, its arguments and a number of tasks, which the main thread and the workers take one by one
 * (wasm/worker/run-tasks.js). The main thread works too and returns when all tasks are done.
 */
import { TensorError } from "@modernbert-ts/tensor-core";
import { runTasks, WORKER } from "../../../generated/wasm.js";
import type { Arena } from "./arena.ts";
import { startThread, webAssembly } from "./platform.ts";
import type { Thread, WasmModule } from "./platform.ts";

/** The kernels of wasm/assembly/index.ts. */
export type KernelName =
  | "addColumns"
  | "attentionBackward"
  | "attentionForward"
  | "crossEntropyRow"
  | "dotProducts"
  | "gluBackward"
  | "gluForward"
  | "int8Linear"
  | "layerNormBackward"
  | "layerNormForward"
  | "matmul"
  | "narrowLinear"
  | "quantizeRows"
  | "rope"
  | "scaleInto"
  | "stableAdamWSquares"
  | "stableAdamWUpdate"
  | "sumParts";

export interface Threads {
  readonly count: number;
  /** Runs tasks 0 … tasks-1 of a kernel; `args` follow its scratch memory and task number. */
  run(kernel: KernelName, tasks: number, ...args: readonly number[]): void;
  dispose(): Promise<void>;
}

/** Workers do not start here: the policy of a page may forbid them. */
export class WasmWorkersError extends TensorError {}

/** Addresses in the first page: the control words and the arguments of the job. */
const controlAddress = 1024;
const controlWords = 8;
const valuesAddress = 2048;
const valueCount = 32;
/** The control words, in the order that run-tasks.js and worker.js know. */
const [signalAt, stopAt, remainingAt, completedAt, failedAt, kernelAt, tasksAt, argumentsAt] = [0, 1, 2, 3, 4, 5, 6, 7];

/** Bytes at the start of memory that the threads need. */
export const controlBytes = 65536;
/** What the largest kernel asks for (attention with heads of 256, backward), rounded up. */
const scratchBytes = 2 ** 20;
/** How often the end of a job is looked for before the main thread sleeps, where it may. */
const looks = 20_000;

/** `count` threads, this one included. Rejects when a worker cannot be started. */
export async function createThreads(module: WasmModule, arena: Arena, count: number): Promise<Threads> {
  const { Instance, Module } = webAssembly()!;
  const { memory } = arena;
  const scratch = Array.from({ length: count }, () => arena.allocate(scratchBytes).byteOffset);
  const { exports } = new Instance(module, { env: { memory } });
  const names = Module.exports(module).map(({ name }) => name);
  const kernels = names.map((name) => exports[name]!);
  const control = new Int32Array(memory.buffer, controlAddress, controlWords);
  const values = new Float64Array(memory.buffer, valuesAddress, valueCount);
  const workers = await startWorkers(scratch.slice(1).map((address) => ({ module, memory, scratch: address })));
  const mayWait = canWait(control);

  function signal(): void {
    Atomics.add(control, signalAt, 1);
    Atomics.notify(control, signalAt);
  }

  /** A browser's main thread may not sleep: it looks again and again. */
  function join(tasks: number): void {
    for (let look = 0; ; look++) {
      const completed = Atomics.load(control, completedAt);
      if (completed === tasks) return;
      if (mayWait && look > looks) Atomics.wait(control, completedAt, completed);
    }
  }

  return {
    count,
    run(kernel, tasks, ...args) {
      if (tasks <= 0) return;
      if (tasks === 1 || count === 1) {
        for (let task = 0; task < tasks; task++) exports[kernel]!(scratch[0]!, task, ...args);
        return;
      }
      values.set(args);
      control[kernelAt] = names.indexOf(kernel);
      control[tasksAt] = tasks;
      control[argumentsAt] = args.length;
      control[failedAt] = 0;
      Atomics.store(control, completedAt, 0);
      Atomics.store(control, remainingAt, tasks);
      signal();
      const cause = runTasks(control, values, kernels, scratch[0]!);
      join(tasks);
      if (control[failedAt] !== 0)
        throw new TensorError(kernel, "expected the kernel to finish, got a trap", { cause });
    },
    async dispose() {
      Atomics.store(control, stopAt, 1);
      signal();
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

async function startWorkers(seats: readonly object[]): Promise<Thread[]> {
  const place = { controlAddress, controlWords, valuesAddress, valueCount };
  const started = await Promise.allSettled(seats.map((seat) => startThread(WORKER, { ...seat, ...place })));
  const workers = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = started.find((result) => result.status === "rejected");
  if (failed === undefined) return workers;
  await Promise.all(workers.map((worker) => worker.terminate()));
  throw new WasmWorkersError(
    "createWasmBackend",
    `expected ${seats.length} workers to start, got: ${String(failed.reason)}; allow workers from blob: URLs, or ask for threads: 1`,
    { cause: failed.reason },
  );
}

/** Whether this thread may sleep: a value that differs makes `wait` return at once where it may and throw where it may not. */
function canWait(control: Int32Array): boolean {
  try {
    Atomics.wait(control, completedAt, Atomics.load(control, completedAt) + 1, 0);
    return true;
  } catch {
    return false;
  }
}
