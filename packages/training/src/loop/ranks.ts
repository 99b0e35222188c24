/** How ranks begin together: from the same options, with the same bits. */
import type { Collective } from "@modernbert-ts/tensor-core";
import { gatherJson } from "../collectives/gather.ts";
import { DataError } from "../errors.ts";
import type { TrainerOptions } from "./trainer-options.ts";
import type { TrainingProgress } from "./training-state.ts";

/** @throws DataError where ranks were given other clocks or intervals than the others. */
export async function agreeOnOptions<Row>(
  { totalTokens, evaluation, checkpoints, model }: TrainerOptions<Row>,
  { step, tokens }: TrainingProgress,
  collective: Collective,
): Promise<void> {
  const own = {
    step,
    tokens,
    totalTokens,
    evaluation: evaluation?.every,
    patience: evaluation?.patience,
    checkpoints: checkpoints?.every,
  };
  const [first, ...others] = (await gatherJson(model.runtime, collective, own)) as (typeof own)[];
  for (const [at, other] of others.entries()) {
    for (const name of Object.keys(own) as (keyof typeof own)[]) {
      const [here, there] = [first!, other].map((each) => JSON.stringify(each[name]) ?? "none");
      if (here === there) continue;
      const message = `expected the same ${name} on every rank, got ${here} on 0 and ${there} on ${at + 1}`;
      throw new DataError("mismatch", "train", message);
    }
  }
}

/** Parameters and optimizer of rank 0, on all ranks, but for states that one of them holds for all. */
export function shareParameters<Row>({ model, optimizer }: TrainerOptions<Row>, collective: Collective): void {
  const states = [...optimizer.state()].filter(([name]) => optimizer.ownerOf?.(name) === undefined);
  collective.group(() => {
    for (const [, tensor] of [...model.parameters, ...states]) collective.broadcast(tensor.view);
  });
}
