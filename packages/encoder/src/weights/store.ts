/** The weights of a model on their way from the host to the device, each in its format. */
import { cast, quantizeInt8 } from "@modernbert-ts/tensor-core";
import type { DType, Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";
import type { ParameterRole, ParameterSpec } from "../kind.ts";
import type { Int8Matrix, WeightFormat } from "./formats.ts";

/** Collects the weights of a model as they come from the host, each in its format. */
export class WeightStore {
  readonly parameters: Map<string, Tensor> = new Map();
  readonly int8: Map<string, Int8Matrix> = new Map();
  readonly runtime: Runtime;
  readonly #format: WeightFormat;
  readonly #dtype: DType;

  /** @param dtype of what is not stored in fewer bytes. */
  constructor(runtime: Runtime, format: WeightFormat, dtype: DType) {
    this.runtime = runtime;
    this.#format = format;
    this.#dtype = dtype;
  }

  /** The dtype of a parameter that is held as one tensor; undefined of one in bytes. */
  held({ shape, role }: ParameterSpec): DType | undefined {
    const dtype = storedAs(role, shape, this.#format) ?? this.#dtype;
    return dtype === "int8" ? undefined : dtype;
  }

  /** `values` may be overwritten as soon as the call returns. */
  put(name: string, spec: ParameterSpec, values: Float32Array): void {
    const { runtime } = this;
    const { shape } = spec;
    const dtype = this.held(spec);
    if (dtype === undefined) {
      const [rows, columns] = shape as readonly [number, number];
      const { words, scales } = quantizeInt8(values, rows, columns);
      this.int8.set(name, {
        words: runtime.tensor(words, [rows, words.length / rows], "i32"),
        scales: runtime.tensor(scales, [rows]),
      });
    } else if (dtype === "f64") {
      this.parameters.set(name, runtime.tensor(Float64Array.from(values), shape, dtype));
    } else {
      const stored = runtime.scope(() => cast(runtime.tensor(values, shape), dtype));
      this.parameters.set(name, stored);
    }
  }

  dispose(): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
    for (const { words, scales } of this.int8.values()) for (const tensor of [words, scales]) tensor.dispose();
  }
}

const int8Roles: readonly ParameterRole[] = ["input-projection", "output-projection", "transform"];

/** How a parameter is held, where its format says so. */
function storedAs(role: ParameterRole, shape: Shape, format: WeightFormat): "bf16" | "int8" | undefined {
  if (format === "f32" || shape.length < 2) return undefined;
  return format === "int8" && int8Roles.includes(role) ? "int8" : "bf16";
}
