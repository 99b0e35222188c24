/** What a training step on the CPU really takes of memory at its peak, against `trainingMemory`. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { trainingMemory } from "@modernbert-ts/encoder";
import { createConfig, initialiseParameters, ModernBert, modernbertKind } from "@modernbert-ts/modernbert";
import { Runtime } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { uploadStep } from "../src/loop/device-step.ts";
import { queueStep } from "../src/loop/training-step.ts";
import { maskedLmObjective } from "../src/objectives/masked-lm/objective.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { batchOfLength } from "./support/masked-batch.ts";

const [tokens, length, head] = [2048, 512, "masked-lm"] as const;

test.each([false, true])("with checkpointed gradients: %s", { timeout: 60_000 }, async (checkpointing) => {
  const runtime = new Runtime(await createCpuBackend());
  const config = createConfig({
    vocab_size: 512,
    hidden_size: 256,
    num_hidden_layers: 7,
    num_attention_heads: 4,
    intermediate_size: 384,
  });
  const parameters = initialiseParameters(runtime, config, head, { seed: 1 });
  const bert = new ModernBert({ runtime, config, head, parameters });
  if (checkpointing) bert.checkpointGradients();
  const model = maskedLmObjective.model(bert, { seed: 1 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 1e-3 });
  for (let step = 1; step <= 2; step++)
    runtime.scope(() =>
      queueStep(
        model,
        optimizer,
        uploadStep(model, optimizer, batchOfLength(tokens, length), { step, learningRate: 1e-3 }),
      ),
    );
  await runtime.backend.synchronize();
  const trained = [...parameters.values()].reduce((sum, { size }) => sum + size, 0);
  const shape = { bytes: 4, microBatches: 1, scoredShare: 0.3, trained, checkpointing } as const;
  const held = trainingMemory(modernbertKind, config, head, shape);
  const planned = held.parameters + held.gradients + 8 * trained + (held.perToken + held.workingPerToken) * tokens;
  expect(Math.abs(runtime.backend.memory().peakBytes / planned - 1)).toBeLessThan(0.08);
});
