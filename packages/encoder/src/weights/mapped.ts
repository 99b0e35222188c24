/** Weights that stay in the file where they are stored: no copy, nothing read before it is used, memory that processes share. */
import { bytesOf } from "@modernbert-ts/tensor-core";
import type { DType, FileMapping, Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";
import type { ByteSource, SafetensorsDType, SafetensorsReader } from "@modernbert-ts/safetensors";
import { safetensorsDType } from "./stored-dtype.ts";

/** Of an open checkpoint, whose files it maps one by one where the backend can. */
export class MappedWeights implements Disposable {
  readonly #runtime: Runtime;
  readonly #checkpoint: SafetensorsReader;
  /** undefined for a file that cannot be mapped. */
  readonly #files = new Map<ByteSource, FileMapping | undefined>();

  constructor(runtime: Runtime, checkpoint: SafetensorsReader) {
    this.#runtime = runtime;
    this.#checkpoint = checkpoint;
  }

  /**
   * A stored tensor where it lies, owned by the caller; undefined where it is to be read: of another dtype than `stored`, not aligned, in no
   * file. `shape` counts elements of `dtype`.
   */
  tensor(
    name: string,
    shape: Shape,
    dtype: DType,
    stored: SafetensorsDType = safetensorsDType[dtype],
  ): Tensor | undefined {
    const { dtype: found, byteOffset, byteLength } = this.#checkpoint.info(name);
    if (found !== stored || byteOffset % bytesOf(dtype) !== 0 || byteLength === 0) return undefined;
    const buffer = this.#mapped(this.#checkpoint.source(name))?.buffer(byteOffset, byteLength);
    return buffer && this.#runtime.keep(this.#runtime.adopt(buffer, shape, dtype));
  }

  #mapped(source: ByteSource): FileMapping | undefined {
    const { descriptor, size } = source;
    if (descriptor !== undefined && !this.#files.has(source)) {
      this.#files.set(source, this.#runtime.backend.mapFile?.(descriptor, size));
    }
    return this.#files.get(source);
  }

  /** Files are let go with the last tensor. */
  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file?.close();
  }
}
