/** Steps of masked language modelling on one batch. */
import { initialiseParameters, ModernBert } from "../../../packages/modernbert/dist/index.js";
import { Runtime } from "../../../packages/tensor-core/dist/index.js";
import { maskedLmObjective, StableAdamW, trainingStep } from "../../../packages/training/dist/index.js";
import { maskedBatch } from "./workload.mjs";

/** A model, its optimizer, and `step()`, which queues a step and gives its numbers on the device. */
export function createTraining(backend, { config, precision, lengths }) {
  const runtime = new Runtime(backend);
  const head = "masked-lm";
  const parameters = initialiseParameters(runtime, config, head, { seed: 1 });
  const bert = new ModernBert({ runtime, config, head, parameters, precision });
  const model = maskedLmObjective.model(bert, { seed: 1 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 1e-4 });
  const batch = maskedBatch(lengths, config);
  let step = 0;
  return {
    runtime,
    bert,
    step: () => trainingStep(model, optimizer, batch, { step: ++step, learningRate: 1e-4 }),
    dispose() {
      optimizer.dispose();
      bert.dispose();
      backend.trim();
    },
  };
}

/** What did not run fused, with the reasons. */
export function notFused(runtime) {
  const slow = runtime.fusedReport().filter(({ reason }) => reason !== undefined);
  return Object.fromEntries(slow.map(({ composite, reason }) => [composite, reason]));
}
