/** One model folder of several: each tensor of the new one from those of the same name, one at a time. */
import fs from "node:fs";
import { dirname, join } from "node:path";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { ioError } from "../errors.ts";
import { AtomicDirectory } from "../files/atomic-directory.ts";
import { CheckpointError } from "./errors.ts";
import type { CombineRule } from "./combine-rules.ts";
import { checkpointFiles, filesBesideWeights } from "./format.ts";

/**
 * Weights in f32; config and tokenizer are those of the first folder. The new folder appears whole or not at all.
 * @param folders of models or checkpoints. @throws CheckpointError `mismatch` (tensors of other names or shapes, named), `io`; SafetensorsError; DataError.
 */
export async function combineModels(folders: readonly string[], target: string, rule: CombineRule): Promise<void> {
  const readers = await Promise.all(folders.map((folder) => openSafetensors(folder)));
  const aside = new AtomicDirectory(target);
  try {
    const [first, ...others] = readers as [(typeof readers)[0], ...typeof readers];
    for (const [at, other] of others.entries()) {
      const [here, there] = [first, other].map((reader) =>
        reader.names().map((name) => `${name} [${reader.info(name).shape.join(", ")}]`),
      ) as [string[], string[]];
      const odd = here.find((name) => !there.includes(name)) ?? there.find((name) => !here.includes(name));
      if (odd === undefined) continue;
      const message = `expected models of one shape, got ${odd} in only one of ${folders[0]} and ${folders[at + 1]}`;
      throw new CheckpointError("mismatch", "combineModels", message);
    }
    const entries = first.names().map((name): TensorEntry => ({
      name,
      dtype: "F32",
      shape: first.info(name).shape,
      data: async () => rule(await Promise.all(readers.map((reader) => reader.readFloat32(name)))),
    }));
    await writeSafetensors(join(aside.path, checkpointFiles.model), entries);
    for (const file of filesBesideWeights) {
      const from = join(folders[0]!, file);
      if (!fs.existsSync(from)) continue;
      const to = join(aside.path, file);
      fs.mkdirSync(dirname(to), { recursive: true });
      fs.writeFileSync(to, fs.readFileSync(from), { flush: true });
    }
    aside.commit();
  } catch (error) {
    throw error instanceof Error && "code" in error && error.code === "ENOSPC"
      ? ioError("combineModels", target, error)
      : error;
  } finally {
    aside.discard();
    for (const reader of readers) await reader.close();
  }
}
