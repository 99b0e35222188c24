/** The model of a run: from scratch in a configured shape, or from a Hugging Face folder. */
import { join } from "node:path";
import { drawParameters, loadModelFolder } from "@modernbert-ts/encoder";
import type {
  Architecture,
  Encoder,
  EncoderInfo,
  EncoderKind,
  HeadConfig,
  InitialValues,
} from "@modernbert-ts/encoder";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import type { Precision, Runtime } from "@modernbert-ts/tensor-core";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { isAdapter } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { architectureOf, readTrained, shapeOf } from "../../architectures/all.ts";
import type { Shape } from "../../architectures/architecture.ts";
import type { TrainerConfig } from "../../config/config.ts";
import { settingsOf } from "../../config/objective-settings.ts";
import { UsageError, UserError } from "../../errors.ts";
import type { TrainingData } from "../data/training-data.ts";

/** @throws UserError (another tokenizer, sequences that are too long), ConfigError, CheckpointError, SafetensorsError. */
export async function createModel(
  runtime: Runtime,
  config: TrainerConfig,
  data: TrainingData,
  objective: Pick<Objective, "head" | "headSettings" | "settings">,
  precision: Precision,
  onNotice: (notice: string) => void,
): Promise<Encoder> {
  const { from } = config.model;
  const { head } = objective;
  const settings = objective.headSettings?.(settingsOf(config, objective).training, data.labels);
  if (from !== undefined) {
    if (isAdapter(from))
      throw new UserError(
        `${from} holds an adapter, no whole model: make one of it and its base with \`modernbert-train merge ${from} --output FOLDER\``,
      );
    await checkSameTokenizer(from, data.tokenizer);
    const { trained } = await readTrained(from, config.model);
    const { architecture } = trained;
    const configure = (stored: HeadConfig): HeadConfig => {
      const info = architecture.kind.info(stored, head);
      checkLength(config.data.max_length, info);
      checkStated(config.model, { ...shapeOfInfo(info), ...trained.trainedWith?.(stored, config.model) });
      return { ...trained.configure(stored, config.model), ...settings };
    };
    // A classifier is trained from fresh values on whatever the folder was trained for.
    const fresh = settings ? { initialiseMissing: { seed: config.seed } } : {};
    const { model, initialised } = await loadModelFolder(diskFolder(from), [architecture], {
      runtime,
      head,
      configure,
      precision,
      weights: "f32",
      mapped: false,
      ...fresh,
    });
    if (initialised.length > 0) onNotice(`not in ${from}, starting from fresh values: ${initialised.join(", ")}`);
    return model;
  }
  const { kind, shape, create, initial = kind.initial } = plannedModel(config.model, data);
  const own = { ...shape, ...settings };
  checkLength(config.data.max_length, kind.info(own, head));
  const specs = kind.parameters(own, head);
  const first = (name: string): InitialValues => initial(own, head, name, specs.get(name)!);
  const parameters = drawParameters(runtime, specs, first, { seed: config.seed, dtype: "f32" });
  return create({ runtime, config: own, head, parameters, precision });
}

/** What a model from scratch is made of. */
interface PlannedModel {
  readonly kind: EncoderKind;
  readonly shape: HeadConfig;
  readonly create: Architecture["create"];
  readonly initial?: EncoderKind["initial"];
}

/** The preset with what the configuration says in its place, for this tokenizer. @throws UserError, ConfigError. */
export function plannedModel(
  model: TrainerConfig["model"],
  { tokenizer, roles }: Pick<TrainingData, "tokenizer" | "roles">,
): PlannedModel {
  const trained = architectureOf(model);
  const { kind, create } = trained.architecture;
  const size = Math.ceil(tokenizer.vocabSize / 64) * 64;
  const initial = trained.initial?.(model);
  return { kind, create, shape: trained.create(model, shapeOf(model), { size, roles }), ...(initial && { initial }) };
}

function shapeOfInfo({ numLayers, hiddenSize, numHeads, intermediateSize }: EncoderInfo): Shape {
  return {
    num_hidden_layers: numLayers,
    hidden_size: hiddenSize,
    num_attention_heads: numHeads,
    intermediate_size: intermediateSize,
  };
}

/** @param stored by the names of fields. @throws UsageError for what is stated and is not as in the folder. */
function checkStated(model: TrainerConfig["model"], stored: Readonly<Record<string, unknown>>): void {
  for (const [field, own] of Object.entries(stored)) {
    const stated = model[field as keyof Shape];
    if (stated !== undefined && stated !== own)
      throw new UsageError(
        `model.${field}: expected ${String(own)}, which ${model.from} has, got ${stated}: leave it out, or model.from`,
      );
  }
}

function checkLength(maxLength: number, { maxLength: most }: EncoderInfo): void {
  if (maxLength > most)
    throw new UsageError(
      `expected data.max_length of at most the model's max_position_embeddings (${most}), got ${maxLength}: lower it`,
    );
}

async function checkSameTokenizer(folder: string, tokenizer: Tokenizer): Promise<void> {
  const path = join(folder, "tokenizer.json");
  const own = await openTokenizerFile(path);
  if (own === undefined) return;
  if (!sameTokenizer(own, tokenizer))
    throw new UserError(
      `the data were made with another tokenizer than ${folder}: make them again with \`prepare --tokenizer ${path}\``,
    );
}

export function sameTokenizer(a: Tokenizer, b: Tokenizer): boolean {
  return identity(a) === identity(b);
}

function identity(tokenizer: Tokenizer): string {
  return JSON.stringify([tokenizer, tokenizer.toConfigJSON()]);
}
