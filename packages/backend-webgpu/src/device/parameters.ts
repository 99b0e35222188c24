/** The parameters of all dispatches of a recording, in one uniform buffer that is written once, before the submit. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Parameter } from "./dispatch.ts";
import { parameterBytes } from "./pipelines.ts";
import { usage } from "./usage.ts";

export interface Parameters {
  readonly buffer: GPUBuffer;
  /** Dispatches since the last `upload`. */
  readonly count: number;
  /** Keeps the parameters of one more dispatch; gives its offset in the buffer, in bytes. */
  write(parameters: readonly Parameter[]): number;
  /** Writes them to the device and begins anew. */
  upload(): void;
}

export function createParameters(device: GPUDevice, maxDispatches: number): Parameters {
  const buffer = device.createBuffer({ size: maxDispatches * parameterBytes, usage: usage.uniform | usage.copyTarget });
  const words = new Uint32Array((maxDispatches * parameterBytes) / 4);
  const signed = new Int32Array(words.buffer);
  const floats = new Float32Array(words.buffer);
  let count = 0;
  return {
    buffer,
    get count() {
      return count;
    },
    write(parameters) {
      const most = parameterBytes / 4;
      if (parameters.length > most)
        throw new TensorError("dispatch", `expected ${most} parameters or fewer, got ${parameters.length}`);
      const start = count * most;
      parameters.forEach(([, type, value], at) => {
        if (type === "f32") floats[start + at] = value;
        else if (type === "i32") signed[start + at] = value;
        else words[start + at] = value;
      });
      count++;
      return start * 4;
    },
    upload() {
      if (count > 0) device.queue.writeBuffer(buffer, 0, words, 0, (count * parameterBytes) / 4);
      count = 0;
    },
  };
}
