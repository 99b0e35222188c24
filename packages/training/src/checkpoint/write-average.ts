/** The moving average in a checkpoint, as a file of weights. */
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { CheckpointError } from "./errors.ts";
import { checkpointFiles } from "./format.ts";

/** Parameters that it does not hold (frozen ones) are written as they are. @throws CheckpointError `missing` when there is no average in it. */
export async function writeAverage(checkpoint: string, target: string): Promise<void> {
  await using model = await openSafetensors(join(checkpoint, checkpointFiles.model));
  await using optimizer = await openSafetensors(join(checkpoint, checkpointFiles.optimizer));
  if (!optimizer.names().some((name) => name.startsWith("ema.")))
    throw new CheckpointError(
      "missing",
      "export",
      `expected an average in ${checkpoint}, got none: it was trained without optimizer.ema_decay`,
    );
  const entries = model.names().map((name): TensorEntry => {
    const [reader, key] = optimizer.has(`ema.${name}`) ? [optimizer, `ema.${name}`] : [model, name];
    const { shape } = reader.info(key);
    return { name, dtype: "F32", shape, data: () => reader.readFloat32(key) };
  });
  await writeSafetensors(target, entries);
}
