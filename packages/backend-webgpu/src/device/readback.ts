/** Buffers that the host may read, kept for reuse in sizes that are powers of two. */
import { hostCopy } from "@modernbert-ts/device-kit";
import { mapModeRead, usage } from "./usage.ts";

export interface Readbacks {
  /** A buffer of at least `byteLength` bytes to copy into. */
  take(byteLength: number): GPUBuffer;
  /** Its first bytes, once the queue is done with it; the buffer goes back. */
  read(buffer: GPUBuffer, byteLength: number): Promise<Uint8Array>;
  destroy(): void;
}

const maxKept = 4;
const maxKeptBytes = 32 * 2 ** 20;

export function createReadbacks(device: GPUDevice): Readbacks {
  const kept = new Map<number, GPUBuffer[]>();
  return {
    take(byteLength) {
      const size = Math.max(256, 2 ** Math.ceil(Math.log2(byteLength)));
      return kept.get(size)?.pop() ?? device.createBuffer({ size, usage: usage.mapRead | usage.copyTarget });
    },
    async read(buffer, byteLength) {
      await buffer.mapAsync(mapModeRead, 0, byteLength);
      const bytes = hostCopy("read", new Uint8Array(buffer.getMappedRange(0, byteLength)));
      buffer.unmap();
      const waiting = kept.get(buffer.size) ?? [];
      kept.set(buffer.size, waiting);
      if (waiting.length < maxKept && buffer.size <= maxKeptBytes) waiting.push(buffer);
      else buffer.destroy();
      return bytes;
    },
    destroy() {
      for (const buffers of kept.values()) for (const buffer of buffers) buffer.destroy();
    },
  };
}
