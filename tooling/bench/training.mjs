/** One masked-LM training step (forward, backward, optimizer): ours beside torch + transformers. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, maskedLmLoss, ModernBert, packSequences } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import {
  Runtime,
  stableAdamW,
  stableAdamWControl,
  valueAndGradients,
  zeros,
  full,
} from "../../packages/tensor-core/dist/index.js";
import { alternate, machine, median, show, table } from "./report.mjs";
import { shapeConfig } from "./shapes.mjs";
import { startTorch } from "./torch-peer.mjs";

/** @param {{ shape?: string, cases?: string[], rounds?: number, backend?: string }} options */
export async function run({ shape = "7x256x4x384", cases = ["16x256"], rounds = 5, backend: name = "cpu" } = {}) {
  const threads = availableParallelism();
  const { backend } = await createBackend(name, { threads });
  const runtime = new Runtime(backend);
  const config = shapeConfig(shape);
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
    const rows = [];
    for (const text of cases) {
      const [batch, length] = text.split("x").map(Number);
      const step = trainingStep(runtime, model, states, batch, length);
      const engines = { ours: step };
      if (torch.request)
        engines.torch = async () => (await torch.request({ op: "train", batch, length, mask: 0.3 })).ms;
      const times = await alternate(engines, rounds);
      rows.push({
        case: text,
        ...Object.fromEntries(Object.entries(times).map(([key, ms]) => [key, (batch * length) / (median(ms) / 1000)])),
        milliseconds: times,
      });
    }
    console.log(
      `\n${machine()}; ours: ${backend.capabilities.device}; shape ${shape}, f32, one label in three, median of ${rounds}\n`,
    );
    console.log(
      table(
        ["batch × length", "ours tok/s", "torch tok/s", "ours / torch"],
        rows.map((r) => [r.case, show(r.ours), show(r.torch), show(r.ours / r.torch, 2)]),
      ),
    );
    return { benchmark: "training", shape, machine: machine(), device: backend.capabilities.device, rounds, rows };
  } finally {
    torch.stop?.();
    rmSync(folder, { recursive: true, force: true });
    await backend[Symbol.asyncDispose]();
  }
}

function trainingStep(runtime, model, states, batch, length) {
  const ids = Int32Array.from(
    { length: batch * length },
    (_, at) => (7 * (at % length) + 11 * Math.floor(at / length)) % 50000,
  );
  const packed = packSequences(
    Array.from({ length: batch }, (_, row) => ids.subarray(row * length, (row + 1) * length)),
  );
  const labels = ids.map((id, at) => (at % 3 === 0 ? id : -100));
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
