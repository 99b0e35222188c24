/** One row forward and backward. */
import { add, vjp } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ObjectiveOutput, TrainableModel } from "../objectives/objective.ts";

export interface RowGradients {
  readonly output: ObjectiveOutput;
  /** In the order of the parameters and in their dtypes, those of their copies among them; undefined where the loss depends on neither, and for frozen ones. */
  readonly gradients: readonly (Tensor | undefined)[];
}

/** @param outputWeight what the gradient of the sum of losses is, [1]. */
export function rowGradients<DeviceRow>(
  model: TrainableModel<never, DeviceRow>,
  row: DeviceRow,
  outputWeight: Tensor,
): RowGradients {
  const { runtime, parameters, frozen } = model;
  const [learned, copies] = [parameters, model.copies].map((tensors) =>
    [...tensors].filter(([name]) => !frozen?.has(name)),
  ) as [[string, Tensor][], [string, Tensor][]];
  const dtypes = new Map(copies.map(([name, copy]) => [copy, parameters.get(name)!.dtype]));
  const { value, gradients } = vjp(
    runtime,
    [...learned, ...copies].map(([, tensor]) => tensor),
    () => model.forward(row),
    ({ lossSum }) => [{ output: lossSum, gradient: outputWeight }],
    (input) => dtypes.get(input) ?? input.dtype,
  );
  const ofLearned = new Map(learned.map(([name], at) => [name, gradients[at]]));
  const ofCopies = new Map(copies.map(([name], at) => [name, gradients[learned.length + at]]));
  const ofParameters = [...parameters.keys()].map((name) => sumOf(ofLearned.get(name), ofCopies.get(name)));
  return { output: value, gradients: ofParameters };
}

/** a + b, both let go at once: at most one sum of gradients and one row's gradients are alive. */
export function sumOf(a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  if (!a || !b) return a ?? b;
  const sum = add(a, b);
  a.dispose();
  b.dispose();
  return sum;
}
