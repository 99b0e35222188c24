/** A Backend over an injected TensorFlow.js module: every command runs at once, as operations on flat tensors. */
import { Buffers, CallRecorder, captureReplay, Lifetime, Pool, replayCalls } from "@modernbert-ts/device-kit";
import type { Backend, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { BadIds } from "./bad-ids.ts";
import { FlatBlock } from "./block.ts";
import { dtypes, storageOf } from "./dtypes.ts";
import { createKernels } from "./kernels/create.ts";
import { elementwiseKernels } from "./kernels/elementwise.ts";
import { lookupKernels } from "./kernels/lookup.ts";
import { matmulKernels } from "./kernels/matmul.ts";
import { reduceKernels } from "./kernels/reduce.ts";
import type { Operand } from "./operand.ts";
import { checkArithmetic } from "./probe.ts";
import type { TfjsModule, TfTensor } from "./tfjs.ts";

export interface TfjsOptions {
  /** What the backend is called in reports. Default "tfjs". */
  readonly name?: string;
  /** Largest buffer that `allocate` gives. Default 2 GiB. */
  readonly maxBufferBytes?: number;
  /** Most bytes that the pool keeps for reuse. Default: no limit. */
  readonly maxCachedBytes?: number;
}

/**
 * A backend on the backend that `tf` has chosen (`tf.setBackend`).
 * @param tf A module with the API of @tensorflow/tfjs-core: that package with a backend, or @tensorflow/tfjs-node-gpu.
 * @throws UnsupportedError for one that does not compute in f32 and 32-bit integers, or cannot be read synchronously.
 * @example const backend = await createTfjsBackend(await import("@tensorflow/tfjs-node-gpu"));
 */
export async function createTfjsBackend<T extends TfTensor>(
  tf: TfjsModule<T>,
  options: TfjsOptions = {},
): Promise<Backend> {
  const { name = "tfjs", maxBufferBytes = 2 ** 31, maxCachedBytes = Infinity } = options;
  await tf.ready();
  checkArithmetic(tf);
  const heap = { allocate: (bytes: number) => new FlatBlock(tf, bytes), free: (block: FlatBlock) => block.clear() };
  const buffers = new Buffers(new Pool<FlatBlock>(heap, { maxBlockBytes: maxBufferBytes, maxCachedBytes }));
  const lifetime = new Lifetime("backend");
  const recorder = new CallRecorder();
  const badIds = new BadIds(tf);
  const kernels: PrimitiveKernels<Operand> = {
    ...createKernels(tf),
    ...elementwiseKernels(tf),
    ...reduceKernels(tf),
    ...matmulKernels(tf),
    ...lookupKernels(tf, badIds),
  };

  const settle = (operation: string): void => {
    lifetime.check(operation);
    buffers.pool.checkNotRecording(operation);
  };
  return {
    name,
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32"],
      maxBufferBytes,
      deterministic: false,
      device: `TensorFlow.js ${tf.version_core}, backend ${tf.getBackend()}`,
    },
    fused: {},
    allocate(byteLength) {
      lifetime.check("allocate");
      const buffer = buffers.allocate(byteLength);
      const block = buffers.find("allocate", buffer);
      // Tensors need not keep what a pooled block held before.
      recorder.run(() => block.clear());
      return buffer;
    },
    release(buffer) {
      if (!lifetime.ended) buffers.release(buffer);
    },
    write(buffer, data, byteOffset = 0) {
      lifetime.check("write");
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
      const block = buffers.findRange("write", buffer, byteOffset, bytes.length);
      recorder.run(() => block.write(bytes, byteOffset));
    },
    async read(buffer, byteOffset, byteLength) {
      settle("read");
      const block = buffers.findRange("read", buffer, byteOffset, byteLength);
      const [bytes, error] = await Promise.all([block.read(byteOffset, byteLength), badIds.take()]);
      if (error !== undefined) throw error;
      return bytes;
    },
    run(op, outputs, inputs, attrs) {
      lifetime.check(op);
      const operands = (views: readonly View[]): Operand[] =>
        views.map((view) => ({
          ...view,
          storage: storageOf(op, view.dtype),
          block: buffers.find(op, view.buffer),
        }));
      const [to, from] = [operands(outputs), operands(inputs)];
      recorder.run(() => tf.tidy(() => kernels[op](to, from, attrs)));
    },
    flush: () => lifetime.check("flush"),
    async synchronize() {
      settle("synchronize");
      const error = await badIds.take();
      if (error !== undefined) throw error;
    },
    memory: () => buffers.stats(),
    trim(maxBytes) {
      lifetime.check("trim");
      buffers.pool.trim(maxBytes);
    },
    capture: (record) => captureReplay(lifetime, buffers.pool, () => recorder.record(record), replayCalls),
    async [Symbol.asyncDispose]() {
      if (lifetime.ended) return;
      lifetime.end();
      buffers.destroy();
      badIds.dispose();
    },
  };
}
