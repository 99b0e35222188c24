/** `plan`: what a configuration needs of given devices, from formulas, before anything is bought, prepared or run. */
import { onDocuments } from "../config/data-section.ts";
import { foldersOf } from "../config/documents-section.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import { readTrained } from "../architectures/all.ts";
import type { TrainerConfig } from "../config/config.ts";
import { phasesIn } from "../config/read-config.ts";
import { objectiveOf, suggestionFor } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { settingsOf } from "../config/objective-settings.ts";
import { UsageError } from "../errors.ts";
import { describePlan } from "../estimate/describe.ts";
import { devices } from "../estimate/devices.ts";
import { estimatePhase } from "../estimate/estimate.ts";
import type { Hardware, ModelPlan } from "../estimate/estimate.ts";
import { plannedData } from "../estimate/planned-data.ts";
import type { PlannedData } from "../estimate/planned-data.ts";
import { plannedModel } from "../run/model.ts";
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
  const notices = new Set<string>();
  for (const { name, config: own } of phasesIn(config)) {
    const objective = objectiveOf(own.objective)!;
    const data = await plannedData(own, objective, (notice) => notices.add(notice));
    const model = await modelOf(own, objective, data.labels);
    phases.push({ name, config: own, data, estimate: estimatePhase(own, model, hardware, data) });
  }
  return [
    ...notices,
    ...describePlan(phases, { ...hardware, device: options.device, dtype: config.dtype, price: options.price }),
    ...assumptions(config, phases[0]!.data),
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

/** Where the data are not there yet. */
function assumptions({ data, model: { from } }: TrainerConfig, { measured }: PlannedData): string[] {
  if (!onDocuments(data))
    return measured ? [] : [`There is no ${data.train.join(", ")} yet: planned for texts of data.max_length.`];
  const [path] = foldersOf(data);
  const vocabulary = existsSync(join(path, dataLayout.tokenizer)) || from !== undefined;
  return vocabulary ? [] : [`There is no ${path} yet: planned with ModernBERT's own vocabulary.`];
}

/** Without weights: by the folder to start from, or by the preset for the data's vocabulary. */
async function modelOf(config: TrainerConfig, objective: Objective, labels: readonly string[]): Promise<ModelPlan> {
  const { data, model } = config;
  const { training } = settingsOf(config, objective);
  const head = labels.length === 0 ? {} : (objective.headSettings?.(training, labels) ?? {});
  if (model.from !== undefined) {
    const { trained, config: stored } = await readTrained(model.from, model);
    return { kind: trained.architecture.kind, config: { ...trained.configure(stored, model), ...head } };
  }
  const path = onDocuments(data) ? join(foldersOf(data)[0], dataLayout.tokenizer) : data.tokenizer;
  const tokenizer = (path && (await openTokenizerFile(path))) || (await loadModernBertTokenizer());
  const { kind, shape } = plannedModel(model, { tokenizer, roles: roleTokens(tokenizer) });
  return { kind, config: { ...shape, ...head } };
}
