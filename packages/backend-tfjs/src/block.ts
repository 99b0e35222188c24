/**
 * A block of memory: bytes on the host, or a flat tensor of the dtype in which it was last used. Another dtype is another view of the
 * same bits, and the way to it leads through the host. What was never written is zeros.
 */
import type { Block } from "@modernbert-ts/device-kit";
import { elementBytes } from "./dtypes.ts";
import type { Storage, TfModule, TfTensor } from "./tfjs.ts";

interface Held {
  readonly storage: Storage;
  readonly flat: TfTensor;
}

export class FlatBlock implements Block {
  readonly bytes: number;
  readonly #tf: TfModule;
  /** What is known of the bytes where there is no tensor; whole elements. */
  #host: Uint8Array = new Uint8Array(0);
  #held: Held | undefined;

  constructor(tf: TfModule, bytes: number) {
    this.#tf = tf;
    this.bytes = bytes;
  }

  /** Elements up to the last one that was written. */
  get length(): number {
    return this.#held?.flat.size ?? this.#host.length / elementBytes;
  }

  /** Forgets the content. */
  clear(): void {
    this.#become(new Uint8Array(0), undefined);
  }

  /** The content as a flat tensor of at least `length` elements, which stays the block's. */
  elements(storage: Storage, length: number): TfTensor {
    const tf = this.#tf;
    if (this.#held?.storage !== storage) {
      const host = this.#download();
      const { buffer, byteOffset, byteLength } = host;
      const array = storage === "float32" ? Float32Array : Int32Array;
      this.replace(
        storage,
        tf.tensor1d(new array(buffer as ArrayBuffer, byteOffset, byteLength / elementBytes), storage),
      );
    }
    const { flat } = this.#held!;
    if (flat.size < length) this.replace(storage, tf.concat([flat, tf.zeros([length - flat.size], storage)], 0));
    return this.#held!.flat;
  }

  /** Takes the elements of `value` for the whole content. */
  replace(storage: Storage, value: TfTensor): void {
    this.#become(new Uint8Array(0), { storage, flat: this.#tf.keep(this.#tf.reshape(value, [value.size])) });
  }

  write(data: Uint8Array, byteOffset: number): void {
    const end = byteOffset + data.length;
    const before = byteOffset === 0 && end >= this.length * elementBytes ? new Uint8Array(0) : this.#download();
    const size = Math.ceil(Math.max(before.length, end) / elementBytes) * elementBytes;
    const host = new Uint8Array(size);
    host.set(before);
    host.set(data, byteOffset);
    this.#become(host, undefined);
  }

  /** The bytes as they are at the call. */
  async read(byteOffset: number, byteLength: number): Promise<ArrayBuffer> {
    const result = new Uint8Array(byteLength);
    let content = this.#host;
    if (this.#held) {
      const held = this.#tf.keep(this.#held.flat.clone());
      try {
        content = bytesOf(await held.data());
      } finally {
        held.dispose();
      }
    }
    result.set(content.subarray(byteOffset, byteOffset + byteLength));
    return result.buffer;
  }

  /** Not to be changed: it may be the tensor's own memory. */
  #download(): Uint8Array {
    return this.#held ? bytesOf(this.#held.flat.dataSync()) : this.#host;
  }

  #become(host: Uint8Array, held: Held | undefined): void {
    const before = this.#held;
    this.#host = host;
    this.#held = held;
    before?.flat.dispose();
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
