/** A row forward and backward. */
import { vjp } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ObjectiveOutput, TrainableModel } from "../objectives/objective.ts";
import { sumOf } from "./step-gradients.ts";
import type { StepGradients } from "./step-gradients.ts";

/** @param outputWeight what the gradient of the sum of losses is, [1]. */
export function addRow<DeviceRow>(
  model: TrainableModel<never, DeviceRow>,
  row: DeviceRow,
  outputWeight: Tensor,
  gradients: StepGradients,
): ObjectiveOutput {
  const body = (): ObjectiveOutput => model.forward(row);
  return addGradients(model, body, ({ lossSum }) => [{ output: lossSum, gradient: outputWeight }], gradients);
}

/** Adds the gradients of what `body` makes, from those that `seeds` gives; those of parameters and of their copies together. */
export function addGradients<T>(
  { runtime, parameters, frozen, copies }: TrainableModel<never>,
  body: () => T,
  seeds: (value: T) => readonly { readonly output: Tensor; readonly gradient: Tensor }[],
  gradients: StepGradients,
): T {
  const learned = [...parameters, ...copies].filter(([name]) => !frozen?.has(name));
  const names = new Map(learned.map(([name, tensor]) => [tensor, name]));
  const places = new Map(Array.from(parameters.keys(), (name, at) => [name, at]));
  /** Of parameters with a copy, when one of the two has its gradient. */
  const halves = new Map<string, Tensor | undefined>();
  return vjp(
    runtime,
    learned.map(([, tensor]) => tensor),
    body,
    seeds,
    (input) => parameters.get(names.get(input)!)!.dtype,
    (input, gradient) => {
      const name = names.get(input)!;
      if (copies.has(name) && !halves.has(name)) return void halves.set(name, gradient);
      return void gradients.add(places.get(name)!, sumOf(halves.get(name), gradient));
    },
  ).value;
}
