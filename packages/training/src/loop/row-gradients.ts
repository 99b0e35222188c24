/** Rows forward and backward: one by one, or together where their loss looks at all of them. */
import { add, vjp } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { JointLoss, ObjectiveOutput, TrainableModel } from "../objectives/objective.ts";

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
  const body = (): ObjectiveOutput => model.forward(row);
  return gradientsOf(model, body, ({ lossSum }) => [{ output: lossSum, gradient: outputWeight }]);
}

/** Of all rows at once, through the representations that their loss looks at. */
export function jointGradients<DeviceRow>(
  model: TrainableModel<never, DeviceRow>,
  { represent, loss }: JointLoss<DeviceRow>,
  rows: readonly DeviceRow[],
  outputWeight: Tensor,
): RowGradients {
  const { runtime } = model;
  const representations = rows.map(represent);
  const { value: output, gradients: wanted } = vjp(
    runtime,
    representations,
    () => loss(representations, rows),
    ({ lossSum }) => [{ output: lossSum, gradient: outputWeight }],
  );
  for (const representation of representations) representation.dispose();
  let gradients: RowGradients["gradients"] = [];
  for (const [at, row] of rows.entries()) {
    const gradient = wanted[at];
    if (!gradient) continue;
    const ofRow = runtime.scope(() => {
      const { output: again, gradients: own } = gradientsOf(
        model,
        () => represent(row),
        (made) => [{ output: made, gradient }],
      );
      again.dispose();
      return own;
    });
    gradient.dispose();
    gradients = gradients.length === 0 ? ofRow : gradients.map((sum, index) => sumOf(sum, ofRow[index]));
  }
  return { output, gradients };
}

function gradientsOf<T>(
  { runtime, parameters, frozen, copies: allCopies }: TrainableModel<never>,
  body: () => T,
  seeds: (value: T) => readonly { readonly output: Tensor; readonly gradient: Tensor }[],
): { readonly output: T; readonly gradients: RowGradients["gradients"] } {
  const [learned, copies] = [parameters, allCopies].map((tensors) =>
    [...tensors].filter(([name]) => !frozen?.has(name)),
  ) as [[string, Tensor][], [string, Tensor][]];
  const dtypes = new Map(copies.map(([name, copy]) => [copy, parameters.get(name)!.dtype]));
  const { value, gradients } = vjp(
    runtime,
    [...learned, ...copies].map(([, tensor]) => tensor),
    body,
    seeds,
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
