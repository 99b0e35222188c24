/** Forward pass of the bare model: ours beside onnxruntime-node and torch + transformers, same weights, numbers compared first. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert, packSequences } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { startOnnx } from "./onnx-peer.mjs";
import { alternate, machine, median, show, table } from "./report.mjs";
import { forwardFlops, shapeConfig } from "./shapes.mjs";
import { startTorch } from "./torch-peer.mjs";

const defaultCases = ["1x128", "8x128", "4x512", "1x2048"];

/** @param {{ shape?: string, cases?: string[], rounds?: number, backend?: string }} options */
export async function run({ shape = "base", cases = defaultCases, rounds = 5, backend: name = "cpu" } = {}) {
  const threads = availableParallelism();
  const { backend } = await createBackend(name, { threads });
  const runtime = new Runtime(backend);
  const config = shapeConfig(shape);
  const parameters = initialiseParameters(runtime, config, "none", { seed: 1 });
  const model = new ModernBert({ runtime, config, head: "none", parameters });
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bench-"));
  const torch = startTorch();
  try {
    const host = new Map();
    for (const [key, tensor] of parameters) host.set(key, await tensor.read());
    const onnx = await startOnnx(
      folder,
      config,
      (key) => host.get(key.replace(/^model\./, "")) ?? host.get(key),
      threads,
    );
    host.clear();
    await saveModel(folder, model, {});
    await torch.request?.({ op: "load", folder, threads });
    for (const [peer, engine] of Object.entries({ onnxruntime: onnx, torch }))
      if (engine.reason) console.log(`without ${peer}: ${engine.reason}`);
    const rows = [];
    for (const text of cases) rows.push(await measure({ text, rounds, config, model, runtime, onnx, torch }));
    console.log(`\n${machine()}; ours: ${backend.capabilities.device}; shape ${shape}, f32, median of ${rounds}\n`);
    console.log(
      table(
        [
          "batch × length",
          "ours tok/s",
          "onnxruntime tok/s",
          "torch tok/s",
          "ours / onnxruntime",
          "ours / torch",
          "ours GFLOP/s",
          "max error",
        ],
        rows.map((r) => [
          r.case,
          show(r.ours),
          show(r.onnxruntime),
          show(r.torch),
          show(r.ours / r.onnxruntime, 2),
          show(r.ours / r.torch, 2),
          show(r.gflops),
          r.error.toExponential(1),
        ]),
      ),
    );
    const refused = runtime.fusedReport().filter((record) => record.reason !== undefined);
    if (refused.length > 0) console.log("not fused:", refused);
    return { benchmark: "inference", shape, machine: machine(), device: backend.capabilities.device, rounds, rows };
  } finally {
    torch.stop?.();
    rmSync(folder, { recursive: true, force: true });
    model.dispose();
    await backend[Symbol.asyncDispose]();
  }
}

async function measure({ text, rounds, config, model, runtime, onnx, torch }) {
  const [batch, length] = text.split("x").map(Number);
  const ids = Int32Array.from(
    { length: batch * length },
    (_, at) => (7 * (at % length) + 11 * Math.floor(at / length)) % 50000,
  );
  const packed = packSequences(
    Array.from({ length: batch }, (_, row) => ids.subarray(row * length, (row + 1) * length)),
  );
  const forward = async () => {
    const hidden = runtime.scope(() => model.encode(packed));
    const values = await hidden.read();
    hidden.dispose();
    return values;
  };
  const engines = { ours: async () => void (await forward()) };
  let error = 0;
  const compare = (ours, theirs) => {
    let scale = 0;
    let worst = 0;
    for (let i = 0; i < theirs.length; i++) {
      scale = Math.max(scale, Math.abs(theirs[i]));
      worst = Math.max(worst, Math.abs(ours[i] - theirs[i]));
    }
    error = Math.max(error, worst / scale);
    if (!(error < 1e-3)) throw new Error(`[bench] the engines disagree at ${text}: ${error}`);
  };
  const ours = await forward();
  if (onnx.forward) {
    compare(ours, (await onnx.forward(ids, batch, length)).values);
    engines.onnxruntime = async () => (await onnx.forward(ids, batch, length)).milliseconds;
  }
  if (torch.request) {
    compare(ours, (await torch.request({ op: "forward", batch, length })).values);
    engines.torch = async () => (await torch.request({ op: "forward", batch, length })).ms;
  }
  const times = await alternate(engines, rounds);
  const speed = Object.fromEntries(
    Object.entries(times).map(([key, ms]) => [key, (batch * length) / (median(ms) / 1000)]),
  );
  return {
    case: text,
    ...speed,
    gflops: (batch * forwardFlops(config, length)) / (median(times.ours) * 1e6),
    error,
    milliseconds: times,
  };
}
