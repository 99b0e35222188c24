/** A Blob or File as a ByteSource: a page reads a checkpoint tensor by tensor from where the browser keeps it. */

import { SafetensorsError } from "./errors.ts";
import type { ByteSource } from "./reader.ts";

/** What is used of a Blob. */
export interface BlobLike {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** `name` is what errors and shard indexes call it. */
export function blobSource(blob: BlobLike, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    async readInto(offset, target) {
      const part = blob.slice(offset, offset + target.length);
      const bytes = await part.arrayBuffer().catch((cause: Error) => {
        throw new SafetensorsError(
          name,
          `expected a readable file, got ${cause.message}; was it moved or changed? Choose it again`,
          undefined,
          { cause },
        );
      });
      if (bytes.byteLength < target.length)
        throw new SafetensorsError(name, `expected ${target.length} bytes at ${offset}, got ${bytes.byteLength}`);
      target.set(new Uint8Array(bytes));
    },
  };
}
