/** `plan`: what a configuration needs of given devices, from formulas, before anything is bought, prepared or run. */
import { onDocuments } from "../config/data-section.ts";
import { foldersOf } from "../config/documents-section.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ModernBertConfig } from "@modernbert-ts/modernbert";
import { readConfig as readModelConfig } from "@modernbert-ts/modernbert/node";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import type { TrainerConfig } from "../config/config.ts";
import { phasesIn } from "../config/read-config.ts";
import { suggestionFor, UsageError } from "../errors.ts";
import { describePlan } from "../estimate/describe.ts";
import { devices } from "../estimate/devices.ts";
import { estimatePhase } from "../estimate/estimate.ts";
import type { Hardware } from "../estimate/estimate.ts";
import { modelConfig, withThetas } from "../run/model.ts";
import { roleTokens } from "../run/token-roles.ts";
import { dataLayout } from "../run/training-data.ts";

export interface PlanOptions {
  readonly device: string;
  readonly devices: number;
  readonly mfu: number;
  /** For one hour of one device. */
  readonly price?: number;
  /** In the place of what is known of the device. */
  readonly tflops?: number;
  readonly memory?: number;
}

/** Lines for people. @throws UsageError, UserError, ConfigError. */
export async function planCommand(config: TrainerConfig, options: PlanOptions): Promise<string[]> {
  const hardware = hardwareOf(config, options);
  const phases = [];
  for (const { name, config: own } of phasesIn(config)) {
    const model = await modelOf(own, shardsOf(own)[0]);
    phases.push({ name, config: own, estimate: estimatePhase(own, model, hardware) });
  }
  const [path] = shardsOf(config);
  const vocabulary = existsSync(join(path, dataLayout.tokenizer)) || config.model.from !== undefined;
  return [
    ...describePlan(phases, { ...hardware, device: options.device, dtype: config.dtype, price: options.price }),
    ...(vocabulary ? [] : [`There is no ${path} yet: planned with ModernBERT's own vocabulary.`]),
  ];
}

function hardwareOf({ dtype }: TrainerConfig, options: PlanOptions): Hardware {
  const known = devices[options.device.toLowerCase()];
  const tflops = options.tflops ?? known?.tflops[dtype];
  const gigabytes = options.memory ?? known?.gigabytes;
  if (!known && (tflops === undefined || gigabytes === undefined)) {
    const names = Object.keys(devices);
    const guess = suggestionFor(options.device, names);
    throw new UsageError(
      `expected --device of ${names.join(", ")}, got ${options.device}${guess ? ` (did you mean ${guess}?)` : ""}: or say what it can with --tflops and --memory`,
    );
  }
  if (tflops === undefined)
    throw new UsageError(`${options.device} has no ${dtype}: set another dtype, or say what it can with --tflops`);
  return { devices: options.devices, flops: tflops * 1e12, memory: gigabytes! * 1e9, mfu: options.mfu };
}

/** Without weights: by the folder to start from, or by the preset for the data's vocabulary. */
async function modelOf({ model }: TrainerConfig, path: string): Promise<ModernBertConfig> {
  if (model.from !== undefined) {
    const { config } = await readModelConfig(model.from);
    return { ...config, rope: withThetas(config.rope, model) };
  }
  const tokenizer = (await openTokenizerFile(join(path, dataLayout.tokenizer))) ?? (await loadModernBertTokenizer());
  return modelConfig(model, { tokenizer, roles: roleTokens(tokenizer) });
}

/** @throws UsageError for a run on labelled records, whose steps have no fixed size. */
function shardsOf({ data, objective }: TrainerConfig): [string, ...string[]] {
  if (onDocuments(data)) return foldersOf(data);
  throw new UsageError(`expected an objective that trains on documents to plan with, got ${objective}`);
}
