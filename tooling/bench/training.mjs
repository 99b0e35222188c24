/** One masked-LM training step (forward, backward, optimizer), the trainer's own: ours in f32 and in bf16 with f32 masters, beside torch + transformers in f32. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import { precisions, Runtime } from "../../packages/tensor-core/dist/index.js";
import { createOptimizer, objectiveOf, readStepMetrics, trainingStep } from "../../packages/training/dist/index.js";
import { lengthsOf, packedRow, stepOf, sum } from "./cases.mjs";
import { alternate, machine, median, show, table } from "./report.mjs";
import { shapeConfig } from "./shapes.mjs";
import { startTorch } from "./torch-peer.mjs";

/** Shape@case: what each is to reach against torch. */
const goals = { "7x256x4x384@16x256": 2.5, "base@2x256": 2 };

/** @param {{ cases?: string[], rounds?: number, backend?: string }} options cases are SHAPE@BxL */
export async function run({ cases = Object.keys(goals), rounds = 5, backend: name = "cpu" } = {}) {
  const threads = availableParallelism();
  const { backend } = await createBackend(name, { threads });
  const { device } = backend.capabilities;
  const runtime = new Runtime(backend);
  const rows = [];
  try {
    for (const text of cases) {
      const [shape, batch] = text.split("@");
      rows.push({ case: text, ...(await measure(runtime, shapeConfig(shape), lengthsOf(batch), rounds, threads)) });
      backend.trim();
    }
  } finally {
    await backend[Symbol.asyncDispose]();
  }
  const cells = rows.map((r) => [
    r.case,
    show(r.ours),
    show(r.bf16),
    show(r.torch),
    show(r.ours / r.torch, 2),
    show(goals[r.case], 2),
    show(r.bf16 / r.ours, 2),
  ]);
  const text = [
    `${machine()}; ours: ${device}; full vocabulary of 50,368, one label in three; medians of up to ${rounds} rounds.`,
    "",
    table(
      ["shape @ batch", "f32 tok/s", "bf16 tok/s", "torch f32 tok/s", "f32 / torch", "goal", "bf16 / f32 (1.5)"],
      cells,
    ),
  ];
  return { machine: machine(), device, rounds, rows, text: text.join("\n") };
}

async function measure(runtime, config, lengths, rounds, threads) {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bench-"));
  const torch = startTorch();
  const models = ["f32", "bf16"].map((dtype) => createModel(runtime, config, dtype));
  try {
    await saveModel(folder, models[0].encoder, {});
    await torch.request?.({ op: "load", folder, threads, head: "masked-lm" });
    if (torch.reason) console.log(`without torch: ${torch.reason}`);
    const batch = batchOf(lengths);
    const engines = Object.fromEntries(models.map(({ dtype, step }) => [dtype, () => step(batch)]));
    if (torch.request) engines.torch = async () => (await torch.request({ op: "train", lengths })).ms;
    const times = await alternate(engines, rounds);
    const speed = (key) => times[key] && sum(lengths) / (median(times[key]) / 1000);
    return { ours: speed("f32"), bf16: speed("bf16"), torch: speed("torch"), milliseconds: times };
  } finally {
    torch.stop?.();
    rmSync(folder, { recursive: true, force: true });
    for (const { dispose } of models) dispose();
  }
}

function createModel(runtime, config, dtype) {
  const parameters = initialiseParameters(runtime, config, "masked-lm", { seed: 1 });
  const encoder = new ModernBert({ runtime, config, head: "masked-lm", parameters, precision: precisions[dtype] });
  const model = objectiveOf("masked_lm").model(encoder, { seed: 1 });
  const optimizer = createOptimizer("stable_adamw", model, { maxLearningRate: 1e-4 });
  let step = 0;
  return {
    dtype,
    encoder,
    step: async (batch) => {
      await readStepMetrics(trainingStep(model, optimizer, batch, { step: ++step, learningRate: 1e-4 }));
    },
    dispose() {
      optimizer.dispose();
      encoder.dispose();
    },
  };
}

/** Every third token is predicted, as in torch_peer.py. */
function batchOf(lengths) {
  const row = packedRow(lengths);
  const maskedPositions = Int32Array.from(row.ids.keys()).filter((at) => at % 3 === 0);
  const maskedLabels = maskedPositions.map((at) => row.ids[at]);
  return stepOf({ ...row, maskedPositions, maskedLabels }, lengths, maskedLabels.length);
}
