/** That a model is given the parameters that its architecture names, in their shapes. */
import type { Tensor } from "@modernbert-ts/tensor-core";
import { CheckpointError } from "../errors.ts";
import type { Head } from "../info.ts";
import type { ParameterSpecs } from "../kind.ts";
import type { Int8Matrix } from "./formats.ts";

/** @throws CheckpointError when a parameter is missing, unexpected or of another shape. */
export function checkParameters(
  specs: ParameterSpecs,
  head: Head,
  parameters: ReadonlyMap<string, Tensor>,
  int8: ReadonlyMap<string, Int8Matrix>,
): void {
  for (const [name, { shape: wanted }] of specs) {
    const words = int8.get(name)?.words;
    const shape = words ? [wanted[0]!, Math.ceil(wanted[1]! / 4)] : wanted;
    const found = (words ?? parameters.get(name))?.shape;
    if (!found || found.length !== shape.length || found.some((extent, axis) => extent !== shape[axis])) {
      const got = found ? `[${found.join(", ")}]` : "none";
      throw new CheckpointError("model", `expected ${name} of shape [${shape.join(", ")}], got ${got}`);
    }
  }
  for (const name of [...parameters.keys(), ...int8.keys()]) {
    if (!specs.has(name)) throw new CheckpointError("model", `expected no parameter ${name} with head "${head}"`);
  }
}
