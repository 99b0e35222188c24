/** The weights of an open checkpoint on their way into a store: those that are stored as they are held in their file, others by way of the host. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { SafetensorsDType, SafetensorsReader } from "@modernbert-ts/safetensors";
import { CheckpointError } from "../errors.ts";
import { inGroups } from "./packed-words.ts";
import { matrixTensors } from "./quantized-tensors.ts";
import type { ParameterSpec, ParameterSpecs } from "../kind.ts";
import { isQuantizedFormat, scalesShape, wordsShape } from "../weights/formats.ts";
import type { QuantizedFormat, QuantizedMatrix } from "../weights/formats.ts";
import type { MappedWeights } from "../weights/mapped.ts";
import type { WeightStore } from "../weights/store.ts";

export interface LoaderOptions {
  /** What linear layers are stored in, as the folder's config.json says. */
  readonly quantized: QuantizedFormat | undefined;
  /** Where weights may stay in their files. */
  readonly files?: MappedWeights | undefined;
}

/** The dtype of units. */
const unitsOf: Readonly<Record<QuantizedFormat, SafetensorsDType>> = { int8: "I8", int4: "I32" };

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

  /** @param source The name in the checkpoint. @throws CheckpointError where a quantised folder has others quantised than are computed with so. */
  async load(name: string, spec: ParameterSpec, source: string): Promise<void> {
    const store = this.#store;
    const held = store.held(spec);
    const { quantized } = this.#options;
    if (quantized) {
      const wanted = isQuantizedFormat(held);
      const found = this.#unitsDtype(quantized, source);
      if ((found === unitsOf[quantized]) !== wanted) {
        throw new CheckpointError(
          "loadModel",
          `expected ${source} in ${wanted ? unitsOf[quantized] : "floating point"}, got ${found}: only all linear layers of encoder and head together are computed in ${quantized}`,
        );
      }
      if (wanted) {
        store.quantized.set(name, await this.#matrix(quantized, source, spec.shape as readonly [number, number]));
        return;
      }
    }
    const inPlace = isQuantizedFormat(held) ? undefined : this.#options.files?.tensor(source, spec.shape, held);
    if (inPlace) store.parameters.set(name, inPlace);
    else store.put(name, spec, await this.#values(source, sizeOf(spec.shape)));
  }

  /** The dtype of the units of a matrix, or of a tensor in floating point. */
  #unitsDtype(format: QuantizedFormat, source: string): string {
    const { units } = matrixTensors(format, source);
    return this.#checkpoint.info(this.#checkpoint.has(units) ? units : source).dtype;
  }

  /** A quantised matrix with its scales. */
  async #matrix(format: QuantizedFormat, source: string, shape: readonly [number, number]): Promise<QuantizedMatrix> {
    const { runtime } = this.#store;
    const { units, scales: name } = matrixTensors(format, source);
    const [scalesOf, wordsOf] = [scalesShape(format, shape), wordsShape(format, shape)];
    const scales = await this.#scales(name, sizeOf(scalesOf));
    const whole = format === "int8" && shape[1] % 4 === 0;
    const inPlace = whole ? this.#options.files?.tensor(units, wordsOf, "i32", "I8") : undefined;
    const read = (): Promise<Int32Array> =>
      format === "int8" ? this.#words(units, ...shape) : this.#packed(units, ...shape);
    const words = inPlace ?? runtime.tensor(await read(), wordsOf, "i32");
    return { format, words, scales: runtime.tensor(scales, scalesOf) };
  }

  async #scales(name: string, count: number): Promise<Float32Array> {
    const values = await this.#checkpoint.readFloat32(name);
    if (values.length === count && values.every((scale) => Number.isFinite(scale))) return values;
    const { shape } = this.#checkpoint.info(name);
    throw new CheckpointError("loadModel", `expected ${name} of ${count} finite numbers, got [${shape.join(", ")}]`);
  }

  async #packed(units: string, rows: number, columns: number): Promise<Int32Array> {
    const width = Math.ceil(columns / 8);
    const { shape } = this.#checkpoint.info(units);
    if (shape.length !== 2 || shape[0] !== rows || shape[1] !== width)
      throw new CheckpointError(
        "loadModel",
        `expected ${units} of shape [${rows}, ${width}], got [${shape.join(", ")}]`,
      );
    const ordered = new Int32Array(rows * width);
    await this.#checkpoint.readInto(units, new Uint8Array(ordered.buffer));
    return inGroups(ordered, rows, columns);
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
