/**
 * One fine-tuning step of a sequence classifier (forward, backward, optimizer) on texts of mixed lengths: the trainer's own step, packed, beside
 * torch + transformers, padded, with sdpa and a fused AdamW.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { createOptimizer, objectiveOf, readStepMetrics, trainingStep } from "../../packages/training/dist/index.js";
import { lengthsOf, packedRow, stepOf, sum } from "./cases.mjs";
import { alternate, machine, median, show, table } from "./report.mjs";
import { shapeConfig } from "./shapes.mjs";
import { startTorch } from "./torch-peer.mjs";

/** Shape@case: what each is to reach against torch. The first shape is the one of 17M parameters. */
const goals = { "7x256x4x384@mixed": 2.5, "7x256x4x384@mixed32": 2.5 };
const labels = ["LABEL_0", "LABEL_1"];

/** @param {{ cases?: string[], rounds?: number, backend?: string }} options cases are SHAPE@mixed, SHAPE@mixed32 or SHAPE@BxL */
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
    `${show((100 * r.tokens) / r.padded)} %`,
    show(r.ours),
    show(r.torch),
    show(r.ours / r.torch, 2),
    show(goals[r.case], 2),
  ]);
  const text = [
    `${machine()}; load average ${show(loadavg()[0], 1)}; ours: ${device}; f32, ${threads} threads each; medians of up to ${rounds} rounds.`,
    "",
    table(["shape @ batch", "tokens of the padded batch", "ours tok/s", "torch tok/s", "/ torch", "goal"], cells),
  ];
  return { machine: machine(), device, rounds, rows, text: text.join("\n") };
}

async function measure(runtime, shape, lengths, rounds, threads) {
  const config = { ...shape, labels, problemType: "single_label_classification" };
  const head = "sequence-classification";
  const bert = new ModernBert({
    runtime,
    config,
    head,
    parameters: initialiseParameters(runtime, config, head, { seed: 1 }),
  });
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bench-"));
  const torch = startTorch();
  const model = objectiveOf("sequence_classification").model(bert, { seed: 1 });
  const optimizer = createOptimizer("stable_adamw", model, { maxLearningRate: 1e-4 });
  try {
    await saveModel(folder, bert, {});
    await torch.request?.({ op: "load", folder, threads, head });
    if (torch.reason) console.log(`without torch: ${torch.reason}`);
    const batch = batchOf(lengths);
    let step = 0;
    const engines = {
      async ours() {
        await readStepMetrics(trainingStep(model, optimizer, batch, { step: ++step, learningRate: 1e-4 }));
      },
    };
    if (torch.request) engines.torch = async () => (await torch.request({ op: "train", lengths })).ms;
    const times = await alternate(engines, rounds);
    const speed = (key) => times[key] && sum(lengths) / (median(times[key]) / 1000);
    const padded = lengths.length * Math.max(...lengths);
    return { tokens: sum(lengths), padded, ours: speed("ours"), torch: speed("torch"), milliseconds: times };
  } finally {
    torch.stop?.();
    rmSync(folder, { recursive: true, force: true });
    optimizer.dispose();
    bert.dispose();
  }
}

/** Every other text has the other label, as in torch_peer.py. */
function batchOf(lengths) {
  const row = {
    ...packedRow(lengths),
    examples: [...lengths.keys()],
    firstSequence: Int32Array.from([...lengths.keys(), lengths.length]),
    values: lengths.map((_, at) => Float32Array.of(at % 2)),
    notes: lengths.map(() => null),
  };
  return stepOf(row, lengths, lengths.length);
}
