/** The architectures that can be trained: the only place of the trainer that names them. */
import { readFolderConfig } from "@modernbert-ts/encoder";
import type { Architecture, HeadConfig } from "@modernbert-ts/encoder";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import type { ModelConfig } from "../config/model-section.ts";
import { UsageError } from "../errors.ts";
import type { Shape, TrainedArchitecture } from "./architecture.ts";
import { trainedBert } from "./bert.ts";
import { trainedModernBert } from "./modernbert.ts";
import { trainedVariant } from "./variant.ts";

const trained: readonly TrainedArchitecture[] = [trainedModernBert, trainedBert, trainedVariant];

export const architectures: readonly Architecture[] = trained.map(({ architecture }) => architecture);

/** The architecture of `model.preset`. @throws UsageError for fields of another. */
export function architectureOf(model: ModelConfig): TrainedArchitecture {
  const found = trained.find(({ presets }) => Object.hasOwn(presets, model.preset))!;
  checkFields(found, model, `preset ${model.preset}`);
  return found;
}

/** The architecture and the config of a folder. @throws UsageError for fields of another, CheckpointError, ConfigError */
export async function readTrained(
  from: string,
  model: ModelConfig,
): Promise<{ readonly trained: TrainedArchitecture; readonly config: HeadConfig }> {
  const { architecture, config } = await readFolderConfig(diskFolder(from), architectures);
  const found = trained.find((one) => one.architecture === architecture)!;
  checkFields(found, model, from);
  return { trained: found, config };
}

/** That of the preset where a configuration says no other. */
export function shapeOf(model: Pick<ModelConfig, "preset" | keyof Shape>): Shape {
  const { presets, architecture } = trained.find((one) => Object.hasOwn(one.presets, model.preset))!;
  const { numLayers, hiddenSize, numHeads, intermediateSize } = architecture.kind.info(presets[model.preset]!, "none");
  return {
    num_hidden_layers: model.num_hidden_layers ?? numLayers,
    hidden_size: model.hidden_size ?? hiddenSize,
    num_attention_heads: model.num_attention_heads ?? numHeads,
    intermediate_size: model.intermediate_size ?? intermediateSize,
  };
}

function checkFields({ fields, architecture: { kind } }: TrainedArchitecture, model: ModelConfig, of: string): void {
  const others = trained.flatMap((one) => one.fields).filter((field) => !fields.includes(field));
  const stray = others.find((field) => model[field] !== undefined);
  if (stray === undefined) return;
  throw new UsageError(
    `model.${stray}: expected none for model_type ${kind.modelType} (${of}), which has ${fields.join(", ")}: leave it out`,
  );
}
