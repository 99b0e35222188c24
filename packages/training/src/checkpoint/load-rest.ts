/** What an objective trains beside the model that a folder is opened as, such as a generator: read from the same file. */
import { join } from "node:path";
import { openSafetensors } from "@modernbert-ts/safetensors/node";
import type { TrainableModel } from "../objectives/objective.ts";
import { CheckpointError } from "./errors.ts";
import { checkpointFiles } from "./format.ts";

/**
 * @param loaded names of parameters that are there already. @throws CheckpointError `missing` where the folder lacks one of the others, or has
 * it in another size.
 */
export async function loadRest(
  folder: string,
  { parameters }: Pick<TrainableModel<never>, "parameters">,
  loaded: { has(name: string): boolean },
): Promise<void> {
  const rest = [...parameters].filter(([name]) => !loaded.has(name));
  if (rest.length === 0) return;
  await using file = await openSafetensors(join(folder, checkpointFiles.model));
  for (const [name, tensor] of rest) {
    const shape = file.has(name) ? file.info(name).shape.join(", ") : undefined;
    if (shape !== tensor.shape.join(", "))
      throw new CheckpointError(
        "missing",
        "loadRest",
        `expected ${name} [${tensor.shape.join(", ")}] in ${folder}, got ${shape === undefined ? "none" : `[${shape}]`}: it was not trained with these settings of the objective`,
      );
    tensor.runtime.write(tensor, await file.readFloat32(name));
  }
}
