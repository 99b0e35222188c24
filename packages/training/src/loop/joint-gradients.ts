/**
 * The rows of a step whose loss looks at all of them: represented one by one, differentiated in the representations, and gone through once more.
 * Ranks represent every `world`-th row and get the others from each other, so each computes the whole loss and its own rows' gradients.
 */
import { vjp } from "@modernbert-ts/tensor-core";
import type { Collective, Tensor } from "@modernbert-ts/tensor-core";
import type { JointLoss, ObjectiveOutput, TrainableModel } from "../objectives/objective.ts";
import { addGradients } from "./row-gradients.ts";
import type { StepGradients } from "./step-gradients.ts";

/**
 * @param rows of all ranks; a rank without own rows adds nothing.
 * @param outputWeight what the gradient of the sum of losses is, [1].
 * @returns what rank 0 counts; all have computed the same.
 */
export function addRowsTogether<DeviceRow>(
  model: TrainableModel<never, DeviceRow>,
  joint: JointLoss<DeviceRow>,
  rows: readonly DeviceRow[],
  outputWeight: Tensor,
  gradients: StepGradients,
  collective?: Collective,
): ObjectiveOutput | undefined {
  const { runtime } = model;
  const { rank, world } = collective ?? { rank: 0, world: 1 };
  const isOwn = (_: unknown, at: number): boolean => at % world === rank;
  const representations = representAll(model, joint, rows, collective);
  const { value: output, gradients: wanted } = vjp(
    runtime,
    representations.filter(isOwn),
    () => joint.loss(representations, rows),
    ({ lossSum }) => [{ output: lossSum, gradient: outputWeight }],
  );
  for (const representation of representations) representation.dispose();
  const asked = rows.filter(isOwn).flatMap((row, at) => (wanted[at] ? [{ row, gradient: wanted[at] }] : []));
  for (const [at, { row, gradient }] of asked.entries()) {
    if (at === asked.length - 1) gradients.lastRow();
    const again = addGradients(
      model,
      () => joint.represent(row),
      (made) => [{ output: made, gradient }],
      gradients,
    );
    again.dispose();
    gradient.dispose();
  }
  return rank === 0 ? output : undefined;
}

/** Of all rows, each from the rank that has it. */
function representAll<DeviceRow>(
  { runtime }: TrainableModel<never, DeviceRow>,
  { represent, representation }: JointLoss<DeviceRow>,
  rows: readonly DeviceRow[],
  collective: Collective | undefined,
): Tensor[] {
  if (!collective || collective.world === 1) return rows.map(represent);
  const { rank, world } = collective;
  const all = rows.map((row, at) => {
    if (at % world === rank) return represent(row);
    const { shape, dtype } = representation(row);
    return runtime.empty(shape, dtype);
  });
  collective.group(() => {
    // By owner: neighbours of one root can travel together.
    for (let owner = 0; owner < world; owner++)
      for (let at = owner; at < all.length; at += world) collective.broadcast(all[at]!.view, owner);
  });
  return all;
}
