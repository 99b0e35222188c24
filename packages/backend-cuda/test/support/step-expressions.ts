/** The expressions that a training step of a masked-language model maps, where every composite has a kernel, as scripts/map-expressions.json writes them. */
import { createConfig, initialiseParameters, ModernBert } from "../../../modernbert/src/index.ts";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Expression, Precision, PrimitiveAttrs } from "@modernbert-ts/tensor-core";
import { uploadStep } from "../../../training/src/loop/device-step.ts";
import { queueStep } from "../../../training/src/loop/training-step.ts";
import type { MaskedRow } from "../../../training/src/objectives/masked-lm/mask.ts";
import { maskedLmObjective } from "../../../training/src/objectives/masked-lm/objective.ts";
import { StableAdamW } from "../../../training/src/optimizer/stable-adamw.ts";
import { createRecordingBackend } from "../../../training/test/support/recording-backend.ts";

/** Constants become c0, c1, … in the order in which new ones come. */
function textOf(expression: Expression, constants: number[] = []): string {
  if (expression.kind === "input") return `x${expression.index}`;
  if (expression.kind === "call")
    return `${expression.name}(${expression.args.map((arg) => textOf(arg, constants)).join(",")})`;
  const known = constants.findIndex((value) => Object.is(value, expression.value));
  return `c${known >= 0 ? known : constants.push(expression.value) - 1}`;
}

/** One row of two sequences; the first token is [PAD]. */
function batchOf(pad: number) {
  const tokens = 32;
  const maskedPositions = Int32Array.of(3, 6, 9);
  const row: MaskedRow = {
    ids: Int32Array.from({ length: tokens }, (_, at) => (at === 0 ? pad : 9)),
    cuSeqlens: Int32Array.of(0, 16, tokens),
    maxSeqlen: 16,
    sequences: [0, 1].map((document) => ({ document, chunk: 0, epoch: 0, length: 16 })),
    labels: new Int32Array(tokens),
    maskedPositions,
    maskedLabels: maskedPositions.map(() => 9),
  };
  return { rows: [row, row], sequences: 2, tokens, weight: 6, packingEfficiency: 1 };
}

/** Of one step with two rows, every kind of dropout and, as for f16, a scaled loss. */
export function stepExpressions(precision: Precision, lossScale: boolean): ReadonlyMap<string, Expression> {
  const texts = new Map<string, Expression>();
  let stepping = false;
  const { backend: plain } = createRecordingBackend();
  const backend: Backend = {
    ...plain,
    run(op, outputs, inputs, attrs) {
      const { expression } = attrs as PrimitiveAttrs["map"];
      if (stepping && op === "map") texts.set(textOf(expression), expression);
      plain.run(op, outputs, inputs, attrs);
    },
  };
  const runtime = new Runtime(backend, { fusion: "fused" });
  const rates = { attn_out_dropout_prob: 0.1, mlp_dropout: 0.1, embedding_dropout: 0.1 };
  const config = createConfig({ num_hidden_layers: 2, ...rates });
  const parameters = initialiseParameters(runtime, config, "masked-lm", { seed: 1 });
  const bert = new ModernBert({ runtime, config, head: "masked-lm", parameters, precision });
  const model = maskedLmObjective.model(bert, { seed: 1 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 1e-3, ...(lossScale ? { lossScale: {} } : {}) });
  stepping = true;
  runtime.scope(() => {
    const device = uploadStep(model, optimizer, batchOf(config.tokens.pad!), { step: 1, learningRate: 1e-3 });
    queueStep(model, optimizer, device);
  });
  return texts;
}
