/** A model folder with matrices in fewer bytes, made of another: what `--weights` makes each time that a model is opened, on disk. */
import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { WeightFormat } from "@modernbert-ts/encoder";
import { saveModel } from "@modernbert-ts/encoder/node";
import { CheckpointError } from "@modernbert-ts/encoder";
import { resolveModelFolder } from "./hub/model-folder.ts";
import { moduleFiles, settingsFiles, weightsFile } from "./hub/model-files.ts";
import { checkConfig, openModel } from "./model.ts";

/** How matrices are stored. */
export type StoredFormat = Exclude<WeightFormat, "f32"> | "f16";

export const storedFormats: readonly StoredFormat[] = ["int8", "bf16", "f16"];

export interface QuantizeOptions {
  readonly format: StoredFormat;
  readonly onNotice?: (notice: string) => void;
}

/**
 * Writes `output`: the weights in the format, and the settings, tokenizer and modules of `source`, a folder or hub id. `int8` is
 * compressed-tensors' "int-quantized"; opened again it gives the bits that `source` gives with such weights.
 * @throws CheckpointError where there is something at `output`, and for folders of other forms or in bytes already; WriteError.
 */
export async function quantizeFolder(
  source: string,
  output: string,
  { format, onNotice }: QuantizeOptions,
): Promise<void> {
  if (existsSync(output))
    throw new CheckpointError(
      "quantize",
      `expected a new folder, got ${output}, which exists: choose another name or delete it`,
    );
  const notices = onNotice && { onNotice };
  const folder = await resolveModelFolder(source, { check: checkConfig, ...notices });
  if (!existsSync(join(folder, "config.json")))
    throw new CheckpointError(
      "quantize",
      `expected config.json in ${folder}, got none: decision models keep their form`,
    );
  const weights = format === "f16" ? "f32" : format;
  await using open = await openModel(folder, { backend: "cpu", weights, ...notices });
  for (const path of await otherFiles(folder)) {
    await mkdir(dirname(join(output, path)), { recursive: true });
    await copyFile(join(folder, path), join(output, path));
  }
  await saveModel(output, open.model, format === "f16" ? { matrices: "f16" } : {});
}

/** What a model is read from besides its config and weights. */
async function otherFiles(folder: string): Promise<readonly string[]> {
  const has = (path: string): boolean => existsSync(join(folder, path));
  const settings = settingsFiles(has).filter((path) => path !== "config.json");
  const modules = await Promise.all(["config.json", weightsFile].map((file) => moduleFiles(folder, file)));
  return [...new Set([...settings, ...modules.flat().filter(has)])];
}
