/**
 * A second architecture, as small as one can be: learned positions, token types, biases everywhere, norms after the residual, no gate.
 * Made of the package's public parts alone, as packages of other architectures will be.
 */
import {
  activationExpression,
  add,
  gather,
  layerNorm,
  map,
  reshape,
  varlenAttention,
  x,
} from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import {
  classifierToJSON,
  Encoder,
  fail,
  heads,
  isJsonObject,
  JsonFields,
  maskedLmToJSON,
  parseClassifier,
  parseMaskedLm,
} from "../../src/index.ts";
import type {
  Architecture,
  CreateOptions,
  DeviceBatch,
  EncoderKind,
  HeadConfig,
  ParameterRole,
  ParameterSpec,
} from "../../src/index.ts";

export interface PostNormConfig extends HeadConfig {
  readonly numLayers: number;
  readonly maxLength: number;
}

const names = {
  embedding: "trunk.word.weight",
  decoder: "lm.decoder.weight",
  decoderBias: "lm.bias",
  classifier: "score",
  nextSentence: "next",
};

function parseConfig(json: unknown): PostNormConfig {
  if (!isJsonObject(json)) fail("config.json", "an object", json);
  const fields = new JsonFields(json);
  return {
    vocabSize: fields.integer("vocab_size", 30),
    hiddenSize: fields.integer("hidden_size", 8),
    numLayers: fields.integer("num_hidden_layers", 2),
    maxLength: fields.integer("max_position_embeddings", 16),
    ...parseMaskedLm(fields),
    ...parseClassifier(fields),
    dropout: { classifier: 0 },
  };
}

const kind: EncoderKind<PostNormConfig> = {
  modelType: "post-norm",
  className: "PostNorm",
  names: () => names,
  parseConfig,
  configToJSON: (config) => ({
    model_type: "post-norm",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.numLayers,
    max_position_embeddings: config.maxLength,
    ...maskedLmToJSON(config),
    ...classifierToJSON(config),
  }),
  floatFields: [],
  info: (config, head) => ({
    ...config,
    modelType: "post-norm",
    typeVocabSize: 2,
    numHeads: 2,
    intermediateSize: 2 * config.hiddenSize,
    head,
    tokens: { bos: null, cls: 1, eos: null, sep: 2, pad: 0 },
  }),
  layers: ({ numLayers, hiddenSize: d }) =>
    Array.from({ length: numLayers }, () => ({ window: null, held: { compute: 8 * d, f32: 4 * d } })),
  describe: () => [],
  parameters(config, head) {
    const { hiddenSize: d, vocabSize, maxLength } = config;
    const specs = new Map<string, ParameterSpec>();
    const linear = (name: string, role: ParameterRole, outputs: number, inputs: number): void => {
      specs.set(`${name}.weight`, { shape: [outputs, inputs], role, head: false });
      specs.set(`${name}.bias`, { shape: [outputs], role: "bias", head: false });
    };
    const norm = (name: string): void => {
      specs.set(`${name}.weight`, { shape: [d], role: "norm", head: false });
      specs.set(`${name}.bias`, { shape: [d], role: "bias", head: false });
    };
    specs.set(names.embedding, { shape: [vocabSize, d], role: "embedding", head: false });
    specs.set("trunk.position.weight", { shape: [maxLength, d], role: "embedding", head: false });
    specs.set("trunk.type.weight", { shape: [2, d], role: "embedding", head: false });
    norm("trunk.norm");
    for (let layer = 0; layer < config.numLayers; layer++) {
      linear(`trunk.${layer}.qkv`, "input-projection", 3 * d, d);
      linear(`trunk.${layer}.out`, "output-projection", d, d);
      norm(`trunk.${layer}.attention_norm`);
      linear(`trunk.${layer}.up`, "input-projection", 2 * d, d);
      linear(`trunk.${layer}.down`, "output-projection", d, 2 * d);
      norm(`trunk.${layer}.output_norm`);
    }
    for (const [name, spec] of heads[head].parameters(config, names)) specs.set(name, spec);
    return specs;
  },
  storedNames: (name) => [name, name.replace(/^trunk\./, "")],
  bareName: (name) => name.replace(/^trunk\./, ""),
  initial(_config, _head, _name, { role }) {
    if (role === "norm") return { kind: "constant", value: 1 };
    if (role === "bias" || role === "decoder-bias") return { kind: "constant", value: 0 };
    return { kind: "truncated-normal", std: 0.3, cutoff: 2 };
  },
};

const gelu = activationExpression("gelu", x(0));

class PostNorm extends Encoder<PostNormConfig> {
  constructor(options: CreateOptions<PostNormConfig>) {
    super({ ...options, kind });
  }

  forward({ ids, positions, typeIds, cuSeqlens, host }: DeviceBatch): Tensor {
    const { runtime, config } = this;
    return runtime.scope(() => {
      let hidden = add(
        gather(this.parameter(names.embedding), ids),
        gather(this.parameter("trunk.position.weight"), positions),
      );
      if (typeIds) hidden = add(hidden, gather(this.parameter("trunk.type.weight"), typeIds));
      hidden = this.#normed(hidden, "trunk.norm");
      for (let layer = 0; layer < config.numLayers; layer++) {
        const qkv = reshape(this.project(hidden, `trunk.${layer}.qkv`), [ids.size, 3, 2, config.hiddenSize / 2]);
        const attended = varlenAttention(qkv, cuSeqlens, { scale: 0.5, window: null, maxSeqlen: host.maxSeqlen });
        const mixed = this.project(reshape(attended, [ids.size, config.hiddenSize]), `trunk.${layer}.out`);
        const middle = this.#normed(add(hidden, mixed), `trunk.${layer}.attention_norm`);
        const fed = this.project(map(gelu, [this.project(middle, `trunk.${layer}.up`)]), `trunk.${layer}.down`);
        hidden = this.#normed(add(middle, fed), `trunk.${layer}.output_norm`);
      }
      return hidden;
    });
  }

  /** This architecture's heads read hidden states as they are. */
  another(options: CreateOptions<PostNormConfig>): PostNorm {
    return new PostNorm(options);
  }

  headFeatures(rows: Tensor): Tensor {
    return rows;
  }

  #normed(rows: Tensor, name: string): Tensor {
    const [weight, bias] = this.norm(name);
    return layerNorm(rows, weight, bias, 1e-12);
  }
}

export const postNormArchitecture: Architecture<PostNormConfig> = {
  kind,
  create: (options) => new PostNorm(options),
};
