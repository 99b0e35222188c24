/** Fresh parameters from what an architecture says of their first values. */
import { cast, full, map, scalar, truncatedNormal, uniform, x } from "@modernbert-ts/tensor-core";
import type { DType, Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";
import type { InitialValues, ParameterSpecs } from "../kind.ts";
import { streamOf } from "../random-streams.ts";

export interface DrawOptions {
  /** Unsigned 32-bit. The same seed gives a parameter the same values on every backend, whatever else the model has. */
  readonly seed: number;
  readonly dtype: DType;
}

/** Fresh parameters, owned by the caller: give them to a model or dispose them. */
export function drawParameters(
  runtime: Runtime,
  specs: ParameterSpecs,
  initial: (name: string) => InitialValues,
  options: DrawOptions,
): Map<string, Tensor> {
  const parameters = new Map<string, Tensor>();
  try {
    for (const [name, { shape }] of specs) {
      parameters.set(name, drawParameter(runtime, name, shape, initial(name), options));
    }
  } catch (error) {
    for (const tensor of parameters.values()) tensor.dispose();
    throw error;
  }
  return parameters;
}

/** One parameter, owned by the caller; drawn from the stream of its name. */
export function drawParameter(
  runtime: Runtime,
  name: string,
  shape: Shape,
  initial: InitialValues,
  { seed, dtype }: DrawOptions,
): Tensor {
  const draw = { seed, stream: streamOf(name) };
  const values = (): Tensor => {
    switch (initial.kind) {
      case "constant":
        return full(runtime, shape, initial.value, dtype);
      case "truncated-normal":
        return cast(truncatedNormal(runtime, shape, initial.std, initial.cutoff, draw), dtype);
      case "uniform": {
        const centred = scalar.sub(scalar.mul(2, x(0)), 1);
        return cast(map(scalar.mul(initial.bound, centred), [uniform(runtime, shape, draw)]), dtype);
      }
      default:
        throw new Error(`internal: unknown initial values ${String(initial satisfies never)}`);
    }
  };
  return runtime.keep(runtime.scope(values));
}
