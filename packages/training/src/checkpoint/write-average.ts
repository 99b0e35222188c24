/** The moving average of the weights in a checkpoint: as a file, and in the place of a model's parameters. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { averagePrefix, isAverageState } from "../optimizer/averaged-optimizer.ts";
import type { NamedTensors } from "../optimizer/optimizer.ts";
import { checkpointFiles } from "./format.ts";

/**
 * Parameters that the average does not hold (frozen ones) are written as they are. Resolves to false, and writes nothing, where the checkpoint has
 * no average.
 */
export async function writeAverage(checkpoint: string, target: string): Promise<boolean> {
  await using model = await openSafetensors(join(checkpoint, checkpointFiles.model));
  await using optimizer = await openSafetensors(join(checkpoint, checkpointFiles.optimizer));
  if (!optimizer.names().some(isAverageState)) return false;
  const entries = model.names().map((name): TensorEntry => {
    const average = averagePrefix + name;
    const [reader, key] = optimizer.has(average) ? [optimizer, average] : [model, name];
    const { shape } = reader.info(key);
    return { name, dtype: "F32", shape, data: () => reader.readFloat32(key) };
  });
  await writeSafetensors(target, entries);
  return true;
}

/** Parameters that the average does not hold stay. Resolves to false, and changes nothing, where the folder has no average. */
export async function loadAverage(folder: string, parameters: NamedTensors): Promise<boolean> {
  const file = join(folder, checkpointFiles.optimizer);
  if (!existsSync(file)) return false;
  await using optimizer = await openSafetensors(file);
  const held = [...parameters].filter(([name]) => optimizer.has(averagePrefix + name));
  for (const [name, tensor] of held) tensor.runtime.write(tensor, await optimizer.readFloat32(averagePrefix + name));
  return held.length > 0;
}
