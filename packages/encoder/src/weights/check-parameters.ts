/** That a model is given the parameters that its architecture names, in their shapes. */
import type { Tensor } from "@modernbert-ts/tensor-core";
import { CheckpointError } from "../errors.ts";
import type { Head } from "../info.ts";
import type { ParameterSpecs } from "../kind.ts";
import { wordsShape } from "./formats.ts";
import type { QuantizedMatrix } from "./formats.ts";

/** @throws CheckpointError when a parameter is missing, unexpected or of another shape. */
export function checkParameters(
  specs: ParameterSpecs,
  head: Head,
  parameters: ReadonlyMap<string, Tensor>,
  quantized: ReadonlyMap<string, QuantizedMatrix>,
): void {
  for (const [name, { shape: wanted }] of specs) {
    const matrix = quantized.get(name);
    const shape = matrix ? wordsShape(matrix.format, wanted as readonly [number, number]) : wanted;
    const found = (matrix?.words ?? parameters.get(name))?.shape;
    if (!found || found.length !== shape.length || found.some((extent, axis) => extent !== shape[axis])) {
      const got = found ? `[${found.join(", ")}]` : "none";
      throw new CheckpointError("model", `expected ${name} of shape [${shape.join(", ")}], got ${got}`);
    }
  }
  for (const name of [...parameters.keys(), ...quantized.keys()]) {
    if (!specs.has(name)) throw new CheckpointError("model", `expected no parameter ${name} with head "${head}"`);
  }
}
