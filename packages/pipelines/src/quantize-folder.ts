/** A model folder with matrices in fewer bytes, made of another: what `--weights` makes each time that a model is opened, on disk. */
import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { EncoderInfo, PackedBatch, WeightFormat } from "@modernbert-ts/encoder";
import { saveModel } from "@modernbert-ts/encoder/node";
import { CheckpointError, packSequences, smoothedInt8 } from "@modernbert-ts/encoder";
import { resolveModelFolder } from "./hub/model-folder.ts";
import { moduleFiles, settingsFiles, weightsFile } from "./hub/model-files.ts";
import { checkConfig, openModel } from "./model.ts";

/** How matrices are stored. */
export type StoredFormat = Exclude<WeightFormat, "f32"> | "f16";

export const storedFormats: readonly StoredFormat[] = ["int8", "int4", "bf16", "f16"];

export interface QuantizeOptions {
  readonly format: StoredFormat;
  /** Of int8: shares the range of channels with large numbers between activations and weights, see `smoothedInt8`. Default false. */
  readonly smooth?: boolean;
  readonly onNotice?: (notice: string) => void;
}

/**
 * Writes `output`: the weights in the format, and the settings, tokenizer and modules of `source`, a folder or hub id. `int8` and
 * `int4` are compressed-tensors' "int-quantized" and "pack-quantized"; opened again such a folder gives the bits that `source` gives with such weights.
 * @throws CheckpointError where there is something at `output`, and for folders of other forms or in bytes already; WriteError.
 */
export async function quantizeFolder(
  source: string,
  output: string,
  { format, smooth = false, onNotice }: QuantizeOptions,
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
  if (smooth && format !== "int8") throw new CheckpointError("quantize", `expected int8 to be smoothed, got ${format}`);
  const weights = format === "f16" || smooth ? "f32" : format;
  await using open = await openModel(folder, { backend: "cpu", weights, ...notices });
  const model = smooth ? await smoothedInt8(open.model, someBatches(open.model.info)) : open.model;
  for (const path of await otherFiles(folder)) {
    await mkdir(dirname(join(output, path)), { recursive: true });
    await copyFile(join(folder, path), join(output, path));
  }
  await saveModel(output, model, format === "f16" ? { matrices: "f16" } : {});
  if (model !== open.model) model.dispose();
}

/** Texts of any tokens, always the same ones: channels of large numbers are so whatever is said. */
function someBatches({ vocabSize, maxLength }: EncoderInfo): PackedBatch[] {
  const length = Math.min(128, maxLength);
  let state = 1;
  const id = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabSize);
  };
  return Array.from({ length: 8 }, () => packSequences([Array.from({ length }, id)]));
}

/** What a model is read from besides its config and weights. */
async function otherFiles(folder: string): Promise<readonly string[]> {
  const has = (path: string): boolean => existsSync(join(folder, path));
  const settings = settingsFiles(has).filter((path) => path !== "config.json");
  const modules = await Promise.all(["config.json", weightsFile].map((file) => moduleFiles(folder, file)));
  return [...new Set([...settings, ...modules.flat().filter(has)])];
}
