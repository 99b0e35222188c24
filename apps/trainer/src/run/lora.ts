/** The adapters of a run with LoRA: beside the model of `model.from`, and the files that say so in its checkpoints. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { addLora, adapterDescription, adapterFiles } from "@modernbert-ts/training";
import type { Lora } from "@modernbert-ts/training";
import type { Encoder } from "@modernbert-ts/encoder";
import type { TrainerConfig } from "../config/config.ts";
import { UsageError, UserError } from "../errors.ts";

export interface RunAdapters {
  readonly lora: Lora;
  /** By name. */
  readonly files: Readonly<Record<string, string>>;
}

/** @throws UsageError for what an adapter could not carry. */
export function checkLora({ lora, model }: Pick<TrainerConfig, "lora" | "model">): void {
  if (lora.rank === undefined) return;
  if (model.from === undefined)
    throw new UsageError("lora.rank: expected model.from, the model that stays as it is, got none");
  for (const field of ["global_rope_theta", "local_rope_theta"] as const)
    if (model[field] !== undefined)
      throw new UsageError(
        `lora.rank: expected no model.${field}, which an adapter cannot change, got ${model[field]}`,
      );
}

/** undefined for a run that trains the whole model. @throws DataError for targets or a rank that cannot be. */
export async function openAdapters(
  bert: Encoder,
  config: TrainerConfig,
  tell: (notice: string) => void,
): Promise<RunAdapters | undefined> {
  const { rank, ...settings } = config.lora;
  if (rank === undefined) return undefined;
  const from = config.model.from!;
  const options = { rank, ...settings, seed: config.seed };
  const lora = addLora(bert, options);
  const learned = [...lora.of({ parameters: bert.parameters, copies: new Map() }).parameters.values()];
  const count = learned.reduce((sum, { size }) => sum + size, 0);
  tell(`LoRA: ${count} parameters are trained, ${bert.parameterCount()} are in ${from}`);
  return { lora, files: await adapterDescription(bert, lora, options, from) };
}

/** @throws UserError where a checkpoint was trained beside other weights than those of `model.from`. */
export function expectBaseOf(checkpoint: string, files: Readonly<Record<string, string>>): void {
  const path = join(checkpoint, adapterFiles.base);
  const own = files[adapterFiles.base];
  if (own === undefined || !existsSync(path)) return;
  const [was, is] = [readFileSync(path, "utf8"), own].map((text) =>
    JSON.stringify((JSON.parse(text) as { sha256: unknown }).sha256),
  );
  if (was !== is)
    throw new UserError(
      `${checkpoint} was trained beside other weights than those in model.from: set it back, or another output for a new run`,
    );
}
