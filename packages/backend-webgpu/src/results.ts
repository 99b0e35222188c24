/** Bytes from the device, and with them what went wrong before: bad values that kernels met, and faults. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Faults } from "./device/faults.ts";
import type { DeviceBuffer, Memory } from "./device/memory.ts";
import type { Stream } from "./device/stream.ts";
import { badValueError } from "./kernels/bad-values.ts";

export interface Results {
  /** The next download must look at `errors`. */
  markErrors(): void;
  /** Resolves when all commands so far are done, with the bytes of each range; rejects with what went wrong in them. */
  download(operation: string, ranges: Parameters<Stream["download"]>[0]): Promise<Uint8Array[]>;
}

/** What kernels set when they meet a bad value: a code, the value, the limit, and one word more. */
export const errorBytes = 16;

/** @param errors The words that kernels set when they meet a bad value. */
export function createResults(
  device: GPUDevice,
  stream: Stream,
  memory: Memory,
  faults: Faults,
  errors: DeviceBuffer,
): Results {
  let errorsMarked = false;
  return {
    markErrors() {
      errorsMarked = true;
    },
    async download(operation, ranges) {
      faults.throwIfAny(operation);
      memory.pool.checkNotRecording(operation);
      const marked = errorsMarked;
      errorsMarked = false;
      const wanted = marked ? [...ranges, { buffer: errors, byteOffset: 0, byteLength: errorBytes }] : ranges;
      let parts: Uint8Array[];
      try {
        const pending = wanted.length === 0 ? undefined : stream.download(wanted, marked ? errors : undefined);
        if (pending === undefined) {
          stream.flush();
          await device.queue.onSubmittedWorkDone();
        }
        parts = (await pending) ?? [];
      } catch (cause) {
        // A lost device rejects the mapping first and says why a little later.
        await Promise.race([device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
        faults.throwIfAny(operation);
        throw new TensorError(operation, "expected the device to hand over bytes, got an error", { cause });
      }
      await faults.settle();
      faults.throwIfAny(operation);
      if (!marked) return parts;
      const error = badValueError(new Uint32Array(parts.pop()!.slice().buffer));
      if (error !== undefined) throw error;
      return parts;
    },
  };
}
