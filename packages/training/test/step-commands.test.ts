/** What a training step of the base model asks of a device: commands and bytes held. The numbers may only shrink. */
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { bfloat16Precision, Runtime } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { queueStep } from "../src/loop/training-step.ts";
import { uploadStep } from "../src/loop/device-step.ts";
import type { MaskedRow } from "../src/objectives/masked-lm/mask.ts";
import { maskedLmObjective } from "../src/objectives/masked-lm/objective.ts";
import type { TrainableModel } from "../src/objectives/objective.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { batchOfLength } from "./support/masked-batch.ts";
import { createRecordingBackend } from "./support/recording-backend.ts";

const [tokens, length] = [65_536, 1024];

/** Of a base step in bf16 with dropout. */
function measure(checkpointing: boolean) {
  const { backend, counts, commands, bytes } = createRecordingBackend();
  const runtime = new Runtime(backend, { fusion: "fused" });
  const config = createConfig({ attn_out_dropout_prob: 0.1 });
  const head = "masked-lm";
  const parameters = initialiseParameters(runtime, config, head, { seed: 1 });
  const bert = new ModernBert({ runtime, config, head, parameters, precision: bfloat16Precision });
  if (checkpointing) bert.checkpointGradients();
  const model = maskedLmObjective.model(bert, { seed: 1 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 1e-3 });
  const marks = { begin: [0, 0], forward: [0, 0], update: [0, 0], end: [0, 0] };
  const mark = (name: keyof typeof marks): void => void (marks[name] = [commands(), bytes()]);
  const watched: TrainableModel<MaskedRow> = {
    ...model,
    forward(row) {
      mark("begin");
      const output = model.forward(row);
      mark("forward");
      return output;
    },
  };
  const update = optimizer.update.bind(optimizer);
  optimizer.update = (gradients) => {
    mark("update");
    const norm = update(gradients);
    mark("end");
    return norm;
  };
  const drawn = counts.get("randomBits");
  for (let step = 1; step <= 2; step++) {
    runtime.scope(() => {
      const device = uploadStep(watched, optimizer, batchOfLength(tokens, length), { step, learningRate: 1e-3 });
      queueStep(watched, optimizer, device);
    });
  }
  const between = (from: keyof typeof marks, to: keyof typeof marks): number => marks[to][0]! - marks[from][0]!;
  // Dropout is drawn inside the norms: there is no mask.
  expect(counts.get("randomBits")).toBe(drawn);
  return {
    forward: between("begin", "forward"),
    backward: between("forward", "update"),
    optimizer: between("update", "end"),
    kilobytesPerToken: Math.round((marks.forward[1]! - marks.begin[1]!) / tokens / 1000),
  };
}

test("a step", () => {
  expect(measure(false)).toEqual({ forward: 144, backward: 148, optimizer: 8, kilobytesPerToken: 450 });
});

test("a step with gradient checkpointing runs the layers again and holds their inputs", () => {
  expect(measure(true)).toEqual({ forward: 144, backward: 281, optimizer: 8, kilobytesPerToken: 109 });
});
