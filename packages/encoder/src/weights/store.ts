/** The weights of a model on their way from the host to the device, each in its format. */
import { cast } from "@modernbert-ts/tensor-core";
import type { DType, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { ParameterRole, ParameterSpec } from "../kind.ts";
import { isQuantizedFormat, quantizeMatrix } from "./formats.ts";
import type { QuantizedFormat, QuantizedMatrix, WeightFormat } from "./formats.ts";

/** Collects the weights of a model as they come from the host, each in its format. */
export class WeightStore {
  readonly parameters: Map<string, Tensor> = new Map();
  readonly quantized: Map<string, QuantizedMatrix> = new Map();
  readonly runtime: Runtime;
  readonly #format: WeightFormat;
  readonly #dtype: DType;

  /** @param dtype of what is not stored in fewer bytes. */
  constructor(runtime: Runtime, format: WeightFormat, dtype: DType) {
    this.runtime = runtime;
    this.#format = format;
    this.#dtype = dtype;
  }

  /** How a parameter is held: as a tensor of a dtype, or quantised. */
  held({ shape, role }: ParameterSpec): DType | QuantizedFormat {
    if (this.#format === "f32" || shape.length < 2) return this.#dtype;
    return quantizedRoles.includes(role) ? this.#format : "bf16";
  }

  /** `values` may be overwritten as soon as the call returns. */
  put(name: string, spec: ParameterSpec, values: Float32Array): void {
    const { runtime } = this;
    const { shape } = spec;
    const held = this.held(spec);
    if (isQuantizedFormat(held)) {
      this.quantized.set(name, quantizeMatrix(runtime, held, shape as readonly [number, number], values));
    } else if (held === "f64") {
      this.parameters.set(name, runtime.tensor(Float64Array.from(values), shape, held));
    } else {
      const stored = runtime.scope(() => cast(runtime.tensor(values, shape), held));
      this.parameters.set(name, stored);
    }
  }

  dispose(): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
    for (const { words, scales } of this.quantized.values()) for (const tensor of [words, scales]) tensor.dispose();
  }
}

const quantizedRoles: readonly ParameterRole[] = ["input-projection", "output-projection", "transform"];
