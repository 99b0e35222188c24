/**
 * What the engines that run each command at once have in common (the TypeScript and the WebAssembly engine): buffers, transfers, captures,
 * and errors of bad values that wait for the next `read`. They differ in where buffers lie and in their kernels. No Node API here.
 */
import { CallRecorder, captureReplay, hostCopy, Lifetime, replayCalls } from "@modernbert-ts/device-kit";
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type {
  Backend,
  BackwardCall,
  BufferId,
  CompositeName,
  DType,
  ForwardCall,
  FusedImplementations,
  FusedKernel,
  PrimitiveKernels,
  View,
} from "@modernbert-ts/tensor-core";
import { elementsOf } from "./typescript/memory.ts";
import type { HostBlock, HostBuffers } from "./typescript/memory.ts";
import type { Operand } from "./typescript/operand.ts";

/** A view of the running command with its memory. */
export type Resolve = (view: View) => Operand;

export interface EngineParts {
  readonly device: string;
  readonly maxBufferBytes: number;
  readonly memory: HostBuffers;
  readonly kernels: PrimitiveKernels<Operand>;
  /** Kernels that meet a bad value finish and throw. */
  readonly fused: (resolve: Resolve) => Partial<FusedImplementations>;
  readonly dispose?: () => Promise<void>;
}

const dtypes: readonly DType[] = ["f32", "f64", "f16", "bf16", "i32", "u32"];

function operandOf(view: View, block: HostBlock): Operand {
  return { ...view, data: elementsOf(block, view.dtype) };
}

export function createEngine({ device, maxBufferBytes, memory, kernels, fused, dispose }: EngineParts): Backend {
  const { pool } = memory;
  const lifetime = new Lifetime("backend");
  const recorder = new CallRecorder();
  /** The memory of the running fused kernel: found when it was queued, because a replay may outlive its buffers. */
  let running: ReadonlyMap<BufferId, HostBlock> = new Map();
  let pending: DeviceValueError | undefined;

  /** Runs or records a kernel. The error of a bad value waits for the next `read` or `synchronize`. */
  function queue(kernel: () => void): void {
    recorder.run(() => {
      try {
        kernel();
      } catch (error) {
        if (!(error instanceof DeviceValueError)) throw error;
        pending ??= error;
      }
    });
  }

  function queueFused(operation: string, views: readonly (View | null)[], kernel: () => void): void {
    lifetime.check(operation);
    const blocks = new Map<BufferId, HostBlock>();
    for (const view of views) if (view) blocks.set(view.buffer, memory.find(operation, view.buffer));
    queue(() => {
      running = blocks;
      kernel();
    });
  }

  function queued<K extends CompositeName>(operation: K, kernel: FusedKernel<K>): FusedKernel<K> {
    const { backward } = kernel;
    const viewsOf = ({ inputs, outputs, saved }: ForwardCall<K> | BackwardCall<K>): (View | null)[] => {
      return [...inputs, ...outputs, ...saved];
    };
    return {
      ...kernel,
      forward: (call) => queueFused(operation, viewsOf(call), () => kernel.forward(call)),
      backward:
        typeof backward === "function"
          ? (call) =>
              queueFused(operation, [...viewsOf(call), ...call.gradOutputs, ...call.gradInputs], () => backward(call))
          : backward,
    };
  }

  function settle(operation: string): void {
    lifetime.check(operation);
    pool.checkNotRecording(operation);
    const error = pending;
    pending = undefined;
    if (error !== undefined) throw error;
  }

  const implementations = Object.entries(fused((view) => operandOf(view, running.get(view.buffer)!))) as [
    CompositeName,
    FusedKernel<CompositeName>,
  ][];
  return {
    name: "cpu",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32"],
      maxBufferBytes,
      deterministic: true,
      device,
    },
    fused: Object.fromEntries(implementations.map(([name, kernel]) => [name, queued(name, kernel)])),
    allocate(byteLength) {
      lifetime.check("allocate");
      return memory.allocate(byteLength);
    },
    release(buffer) {
      if (!lifetime.ended) memory.release(buffer);
    },
    write(buffer, data, byteOffset = 0) {
      lifetime.check("write");
      const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const kept = recorder.recording ? hostCopy("write", source) : source;
      const target = memory.findRange("write", buffer, byteOffset, source.length).data;
      recorder.run(() => target.set(kept, byteOffset));
    },
    async read(buffer, byteOffset, byteLength) {
      settle("read");
      const { data } = memory.findRange("read", buffer, byteOffset, byteLength);
      return hostCopy("read", data.subarray(byteOffset, byteOffset + byteLength)).buffer;
    },
    run(op, outputs, inputs, attrs) {
      lifetime.check(op);
      const operands = (views: readonly View[]): Operand[] => {
        return views.map((view) => operandOf(view, memory.find(op, view.buffer)));
      };
      const [to, from] = [operands(outputs), operands(inputs)];
      queue(() => kernels[op](to, from, attrs));
    },
    flush() {
      lifetime.check("flush");
    },
    async synchronize() {
      settle("synchronize");
    },
    memory: () => memory.stats(),
    trim(maxCachedBytes) {
      lifetime.check("trim");
      pool.trim(maxCachedBytes);
    },
    capture: (record) => captureReplay(lifetime, pool, () => recorder.record(record), replayCalls),
    async [Symbol.asyncDispose]() {
      if (lifetime.ended) return;
      lifetime.end();
      memory.destroy();
      await dispose?.();
    },
  };
}
