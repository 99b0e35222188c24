/** The weights of an open checkpoint on their way into a store: those that are stored as they are held in their file, others by way of the host. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { SafetensorsReader } from "@modernbert-ts/safetensors";
import { CheckpointError } from "../errors.ts";
import { scaleOf } from "./quantization.ts";
import type { ParameterSpec, ParameterSpecs } from "../kind.ts";
import type { Int8Matrix } from "../weights/formats.ts";
import type { MappedWeights } from "../weights/mapped.ts";
import type { WeightStore } from "../weights/store.ts";

export interface LoaderOptions {
  /** Linear layers are stored in bytes: as the folder's config.json says. */
  readonly quantized: boolean;
  /** Where weights may stay in their files. */
  readonly files?: MappedWeights | undefined;
}

export class WeightLoader {
  readonly #checkpoint: SafetensorsReader;
  readonly #store: WeightStore;
  readonly #options: LoaderOptions;
  readonly #largest: number;
  /** As large as the largest parameter, for all that are read. */
  #buffer: Float32Array | undefined;

  constructor(checkpoint: SafetensorsReader, specs: ParameterSpecs, store: WeightStore, options: LoaderOptions) {
    this.#checkpoint = checkpoint;
    this.#store = store;
    this.#options = options;
    this.#largest = Math.max(...Array.from(specs.values(), ({ shape }) => sizeOf(shape)));
  }

  /** @param source The name in the checkpoint. @throws CheckpointError where a folder in bytes has others in bytes than are computed with so. */
  async load(name: string, spec: ParameterSpec, source: string): Promise<void> {
    const store = this.#store;
    const dtype = store.held(spec);
    const inBytes = this.#checkpoint.info(source).dtype === "I8";
    if (this.#options.quantized && inBytes !== (dtype === undefined)) {
      throw new CheckpointError(
        "loadModel",
        `expected ${source} in ${inBytes ? "floating point" : "I8"}, got ${this.#checkpoint.info(source).dtype}: only all linear layers of encoder and head together are computed in bytes`,
      );
    }
    if (inBytes && this.#options.quantized) {
      store.int8.set(name, await this.#matrix(source, spec.shape as readonly [number, number]));
      return;
    }
    const inPlace = dtype && this.#options.files?.tensor(source, spec.shape, dtype);
    if (inPlace) store.parameters.set(name, inPlace);
    else store.put(name, spec, await this.#values(source, sizeOf(spec.shape)));
  }

  /** A matrix in bytes with the scales of its channels. */
  async #matrix(source: string, shape: readonly [number, number]): Promise<Int8Matrix> {
    const [rows, columns] = shape;
    const width = Math.ceil(columns / 4);
    const scales = await this.#scales(source, rows);
    const whole = columns % 4 === 0;
    const inPlace = whole ? this.#options.files?.tensor(source, [rows, width], "i32", "I8") : undefined;
    const words = inPlace ?? this.#store.runtime.tensor(await this.#words(source, rows, columns), [rows, width], "i32");
    return { words, scales: this.#store.runtime.tensor(scales, [rows]) };
  }

  async #scales(source: string, rows: number): Promise<Float32Array> {
    const name = scaleOf(source);
    const values = await this.#checkpoint.readFloat32(name);
    if (values.length === rows && values.every((scale) => Number.isFinite(scale))) return values;
    const { shape } = this.#checkpoint.info(name);
    throw new CheckpointError("loadModel", `expected ${name} of ${rows} finite numbers, got [${shape.join(", ")}]`);
  }

  /** Rows of bytes, each filled up with zeros to whole words. */
  async #words(source: string, rows: number, columns: number): Promise<Int32Array> {
    const width = Math.ceil(columns / 4);
    const words = new Int32Array(rows * width);
    const bytes = new Uint8Array(words.buffer);
    await this.#checkpoint.readInto(source, bytes.subarray(0, rows * columns));
    if (columns % 4 !== 0) {
      for (let row = rows - 1; row >= 0; row--) {
        bytes.copyWithin(4 * width * row, columns * row, columns * (row + 1));
        bytes.fill(0, 4 * width * row + columns, 4 * width * (row + 1));
      }
    }
    return words;
  }

  #values(source: string, size: number): Promise<Float32Array> {
    this.#buffer ??= new Float32Array(this.#largest);
    return this.#checkpoint.readFloat32(source, this.#buffer.subarray(0, size));
  }
}
