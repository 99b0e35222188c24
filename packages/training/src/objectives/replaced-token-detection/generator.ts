/**
 * The model that fills masks with tokens that are hard to tell from the right ones: a masked LM of the same architecture and width with
 * fewer layers (ELECTRA, arXiv 2003.10555), or the model itself under a masked-LM head.
 */
import { drawParameter } from "@modernbert-ts/encoder";
import type { Encoder, HeadConfig } from "@modernbert-ts/encoder";
import { add, assign, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { NamedTensors } from "../../optimizer/optimizer.ts";

/**
 * What the generator and the model have in common: nothing; the token embeddings (ELECTRA); token embeddings of which the model's gradient
 * moves a difference alone (DeBERTaV3, arXiv 2111.09543 §3.2); or everything.
 */
export const generators = ["disentangled", "shared", "separate", "trunk"] as const;

export interface GeneratorOptions {
  readonly kind: (typeof generators)[number];
  /** Of the model's layers, in (0, 1]. */
  readonly layers: number;
  /** Unsigned 32-bit. */
  readonly seed: number;
}

export interface Generator {
  readonly encoder: Encoder;
  /** Those of the model and the generator; what only the generator has is called `generator.…`, but in a trunk. */
  readonly parameters: NamedTensors;
  readonly copies: NamedTensors;
  /** The embedding that follows from others. */
  readonly frozen: ReadonlySet<string> | undefined;
  settle(): void;
  dispose(): void;
}

/** Names of what only the generator has, and of ΔE [V, d] of the disentangled embedding. */
const prefix = "generator.";
const differenceName = "embedding_difference";

/** Changes how the model reads its embedding where that is disentangled. */
export function createGenerator(model: Encoder, { kind, layers, seed }: GeneratorOptions): Generator {
  const { runtime, precision } = model;
  const { embedding } = model.names;
  const config = kind === "trunk" ? model.config : shallower(model, layers);
  const drawn = { seed, dtype: precision.params };
  const own = new Map<string, Tensor>();
  const parameters = new Map<string, Tensor>();
  const labels = new Map<string, string>();
  for (const [name, spec] of model.kind.parameters(config, "masked-lm")) {
    const common =
      kind === "trunk" || (kind === "shared" && name === embedding) ? model.parameters.get(name) : undefined;
    const label = common || kind === "trunk" ? name : prefix + name;
    const draw = (): Tensor =>
      drawParameter(runtime, label, spec.shape, model.kind.initial(config, "masked-lm", name, spec), drawn);
    const tensor = common ?? draw();
    if (!common) own.set(label, tensor);
    parameters.set(name, tensor);
    labels.set(name, label);
  }
  const encoder = model.another({ runtime, precision, config, head: "masked-lm", parameters });
  if (model.checkpointing) encoder.checkpointGradients();
  const { frozen, settle } = kind === "disentangled" ? disentangle(model, own) : plain;
  const ofGenerator = Array.from(encoder.holdCopies(), ([name, copy]) => [labels.get(name)!, copy] as const);
  // One copy of each matrix: those of a trunk are the generator's, whose head has one matrix more.
  const ofModel = kind === "trunk" ? [] : model.holdCopies();
  return {
    encoder,
    parameters: new Map([...model.parameters, ...own]),
    copies: new Map([...ofModel, ...ofGenerator]),
    frozen,
    settle,
    dispose() {
      for (const tensor of [...own.values(), ...ofGenerator.map(([, copy]) => copy)]) tensor.dispose();
    },
  };
}

const plain = { frozen: undefined, settle: (): void => undefined };

/**
 * From now on the model's embedding is the generator's, which its gradient does not reach, and a difference that begins as zero. Both begin
 * as the model's own. Its parameter is brought up to date by `settle`.
 */
function disentangle(model: Encoder, own: Map<string, Tensor>): Pick<Generator, "frozen" | "settle"> {
  const { runtime } = model;
  const { embedding: name } = model.names;
  const embedding = model.parameter(name);
  const ofGenerator = own.get(prefix + name)!;
  assign(ofGenerator, embedding);
  const difference = runtime.keep(zeros(runtime, embedding.shape, embedding.dtype));
  own.set(prefix + differenceName, difference);
  const sum = (): Tensor => add(runtime.own(ofGenerator.alias()), difference);
  model.computeParameter(name, () => runtime.scope(sum));
  return { frozen: new Set([name]), settle: () => runtime.scope(() => assign(embedding, sum())) };
}

/** The first layers of the model's shape: at least one. */
function shallower({ kind, config, info }: Encoder, share: number): HeadConfig {
  const layers = Math.max(1, Math.round(info.numLayers * share));
  const json = kind.configToJSON(config);
  const types = json["layer_types"];
  return kind.parseConfig({
    ...json,
    num_hidden_layers: layers,
    ...(Array.isArray(types) ? { layer_types: types.slice(0, layers) } : {}),
  });
}
