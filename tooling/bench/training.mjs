/** One masked-LM training step (forward, backward, optimizer): ours beside torch + transformers. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, maskedLmLoss, ModernBert, packSequences } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import {
  full,
  Runtime,
  stableAdamW,
  stableAdamWControl,
  valueAndGradients,
  zeros,
} from "../../packages/tensor-core/dist/index.js";
import { lengthsOf, sequencesOf, sum } from "./cases.mjs";
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
    show(r.torch),
    show(r.ours / r.torch, 2),
    show(goals[r.case], 2),
  ]);
  const text = [
    `${machine()}; ours: ${device}; f32, full vocabulary of 50,368, one label in three; medians of up to ${rounds} rounds.`,
    "",
    table(["shape @ batch", "ours tok/s", "torch tok/s", "/ torch", "goal"], cells),
  ];
  return { machine: machine(), device, rounds, rows, text: text.join("\n") };
}

async function measure(runtime, config, lengths, rounds, threads) {
  const parameters = initialiseParameters(runtime, config, "masked-lm", { seed: 1 });
  const model = new ModernBert({ runtime, config, head: "masked-lm", parameters });
  const states = [...parameters.values()].map((parameter) => ({
    parameter,
    m: zeros(runtime, parameter.shape),
    v: zeros(runtime, parameter.shape),
  }));
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bench-"));
  const torch = startTorch();
  try {
    await saveModel(folder, model, {});
    await torch.request?.({ op: "load", folder, threads, head: "masked-lm" });
    if (torch.reason) console.log(`without torch: ${torch.reason}`);
    const engines = { ours: trainingStep(runtime, model, states, lengths) };
    if (torch.request) engines.torch = async () => (await torch.request({ op: "train", lengths })).ms;
    const times = await alternate(engines, rounds);
    const speed = (key) => times[key] && sum(lengths) / (median(times[key]) / 1000);
    return { ours: speed("ours"), torch: speed("torch"), milliseconds: times };
  } finally {
    torch.stop?.();
    rmSync(folder, { recursive: true, force: true });
    for (const { m, v } of states) for (const tensor of [m, v]) tensor.dispose();
    model.dispose();
  }
}

function trainingStep(runtime, model, states, lengths) {
  const sequences = sequencesOf(lengths);
  const packed = packSequences(sequences);
  const labels = packed.ids.map((id, at) => (at % 3 === 0 ? id : -100));
  let count = 0;
  return async () => {
    count++;
    const loss = runtime.scope(() => {
      const parameters = states.map(({ parameter }) => parameter);
      const { value, gradients } = valueAndGradients(
        runtime,
        parameters,
        () => runtime.scope(() => maskedLmLoss(model, model.encode(packed), labels, {})),
        (result) => result.loss,
      );
      const hyper = {
        learningRate: 1e-4,
        beta1: 0.9,
        beta2: 0.98,
        eps: 1e-6,
        weightDecay: 1e-5,
        step: count,
        maxLearningRate: 1e-4,
      };
      const control = runtime.tensor(stableAdamWControl(hyper), [5]);
      const one = full(runtime, [1], 1);
      states.forEach(({ parameter, m, v }, at) => stableAdamW(parameter, gradients[at], m, v, control, one));
      return value.loss;
    });
    await loss.item();
    loss.dispose();
  };
}
