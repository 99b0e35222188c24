/** Memory of the JavaScript host. */
import { OutOfMemoryError } from "@modernbert-ts/tensor-core";

/** So many zeros. @throws OutOfMemoryError where JavaScript's own error would be a RangeError without the operation. */
export function hostBytes(operation: string, byteLength: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength);
  } catch (error) {
    throw new OutOfMemoryError(operation, `expected ${byteLength} bytes of the host's memory, got none`, {
      cause: error,
    });
  }
}

/** The same bytes in memory of their own. @throws OutOfMemoryError when there is no room. */
export function hostCopy(operation: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = hostBytes(operation, bytes.length);
  copy.set(bytes);
  return copy;
}
