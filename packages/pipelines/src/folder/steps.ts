/** Settings of the modules behind the pooling: Dense, LayerNorm and Normalize, or why one is not computed. */
import type { JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { activationOf } from "./activations.ts";
import { field, isCount, isFlag, isText, readJsonObject } from "./json-file.ts";
import { configOf } from "./modules.ts";
import type { StepModule } from "./modules.ts";

export type Step = DenseStep | LayerNormStep | NormalizeStep;

/** activation(W x + b), and x itself or a projection of it added. */
export interface DenseStep {
  readonly kind: "Dense";
  readonly path: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  /** A class of torch. */
  readonly activation: string;
  readonly residual: boolean;
}

export interface LayerNormStep {
  readonly kind: "LayerNorm";
  readonly path: string;
  readonly width: number;
}

interface NormalizeStep {
  readonly kind: "Normalize";
}

interface Steps {
  readonly steps: readonly Step[];
  /** Numbers of a vector behind them. */
  readonly width: number;
  /** What is asked for and not computed. */
  readonly refused: readonly string[];
}

const keys = {
  Dense: [
    "in_features",
    "out_features",
    "bias",
    "activation_function",
    "module_input_name",
    "module_output_name",
    "use_residual",
  ],
  LayerNorm: ["dimension"],
  Normalize: ["module_input_name", "module_output_name"],
} as const;

/** What a step reads and writes: the vector of a text, or those of its tokens. */
type Feature = "sentence_embedding" | "token_embeddings";

/**
 * @param pooled numbers of a vector before the steps.
 * @param result what the last step writes; the feature itself by default.
 * @throws CheckpointError on malformed files.
 */
export async function readSteps(
  folder: Folder,
  modules: readonly StepModule[],
  pooled: number,
  feature: Feature = "sentence_embedding",
  result: string = feature,
): Promise<Steps> {
  const steps: Step[] = [];
  const refused: string[] = [];
  let width = pooled;
  for (const [at, { kind, path }] of modules.entries()) {
    const file = configOf(path);
    const json = await readJsonObject(folder, file);
    if (json === undefined && kind !== "Normalize") {
      refused.push(`${kind} without ${file}`);
      continue;
    }
    const step = stepOf(folder, kind, path, file, json);
    const names = { module_input_name: feature, module_output_name: at === modules.length - 1 ? result : feature };
    const found = [...foreign(kind, file, json, names), ...mismatch(step, file, width)];
    refused.push(...found);
    if (found.length > 0) continue;
    steps.push(step);
    if (step.kind === "Dense") width = step.outputs;
  }
  return { steps, width, refused };
}

function stepOf(folder: Folder, kind: StepModule["kind"], path: string, file: string, json: JsonObject = {}): Step {
  const count = (key: string): number => field(folder, file, json, key, "a positive whole number", isCount) ?? 0;
  const flag = (key: string): boolean | undefined => field(folder, file, json, key, "true or false", isFlag);
  switch (kind) {
    case "Normalize":
      return { kind };
    case "LayerNorm":
      return { kind, path, width: count("dimension") };
    case "Dense":
      return {
        kind,
        path,
        inputs: count("in_features"),
        outputs: count("out_features"),
        bias: flag("bias") ?? true,
        activation:
          field(folder, file, json, "activation_function", "the name of a class", isText) ??
          "torch.nn.modules.activation.Tanh",
        residual: flag("use_residual") ?? false,
      };
    default:
      throw new Error(`internal: unknown step ${String(kind satisfies never)}`);
  }
}

/** Settings that are not known, or that read or write something else than these. */
function foreign(
  kind: StepModule["kind"],
  file: string,
  json: JsonObject = {},
  names: Readonly<Record<string, string>>,
): string[] {
  const known: readonly string[] = keys[kind];
  return Object.entries(json).flatMap(([key, value]) => {
    if (!known.includes(key)) return [`${key} of ${file}`];
    const other = key in names && value !== null && value !== names[key];
    return other ? [`${key} ${JSON.stringify(value)} of ${file}`] : [];
  });
}

function mismatch(step: Step, file: string, width: number): string[] {
  if (step.kind === "Normalize") return [];
  const wants = step.kind === "Dense" ? step.inputs : step.width;
  const found = wants === width ? [] : [`vectors of ${wants} numbers in ${file} behind one of ${width}`];
  if (step.kind === "LayerNorm") return found;
  if (step.outputs === 0) found.push(`no out_features in ${file}`);
  if (!activationOf(step.activation)) found.push(`activation_function ${step.activation} of ${file}`);
  return found;
}
