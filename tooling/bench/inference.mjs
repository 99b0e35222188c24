/** Forward pass of the bare model: ours beside onnxruntime-node and torch + transformers, same weights, numbers compared first. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert, packSequences } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { lengthsOf, sequencesOf, sum, unpadded } from "./cases.mjs";
import { startOnnx } from "./onnx-peer.mjs";
import { fmaPeak } from "./peak.mjs";
import { alternate, machine, median, show, table } from "./report.mjs";
import { forwardFlops, shapeConfig } from "./shapes.mjs";
import { startTorch } from "./torch-peer.mjs";

/** What each case is to reach, against the faster peer. */
const goals = { "1x8": 1 / 0.6, "1x128": 1.5, "8x128": 1.5, "4x512": 1.5, mixed: 3.5, "1x2048": 2.2, "1x8192": 3.5 };

/** @param {{ shape?: string, cases?: string[], rounds?: number, backend?: string }} options */
export async function run({ shape = "base", cases = Object.keys(goals), rounds = 5, backend: name = "cpu" } = {}) {
  const threads = availableParallelism();
  const peak = name === "cpu" ? fmaPeak(threads) : undefined;
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
    const weightOf = (key) => host.get(key.replace(/^model\./, "")) ?? host.get(key);
    const onnx = await startOnnx(folder, config, weightOf, threads);
    host.clear();
    await saveModel(folder, model, {});
    await torch.request?.({ op: "load", folder, threads });
    for (const [peer, engine] of Object.entries({ onnxruntime: onnx, torch }))
      if (engine.reason) console.log(`without ${peer}: ${engine.reason}`);
    const rows = [];
    for (const text of cases) {
      rows.push(await measure({ text, rounds, config, model, runtime, onnx, torch }));
      console.log(text, JSON.stringify(rows.at(-1).milliseconds));
    }
    const refused = runtime.fusedReport().filter((record) => record.reason !== undefined);
    if (refused.length > 0) console.log("not fused:", refused);
    const { device } = backend.capabilities;
    return {
      machine: machine(),
      device,
      shape,
      rounds,
      peak,
      rows,
      text: report({ device, shape, rounds, peak, rows }),
    };
  } finally {
    torch.stop?.();
    rmSync(folder, { recursive: true, force: true });
    model.dispose();
    await backend[Symbol.asyncDispose]();
  }
}

/** Times one case; rejects when the engines' numbers differ. */
async function measure({ text, rounds, config, model, runtime, onnx, torch }) {
  const lengths = lengthsOf(text);
  const packed = packSequences(sequencesOf(lengths));
  const forward = async () => {
    const hidden = runtime.scope(() => model.encode(packed));
    const values = await hidden.read();
    hidden.dispose();
    return values;
  };
  const ours = await forward();
  let error = 0;
  const engines = { ours: async () => void (await forward()) };
  if (onnx.forward) {
    const { values } = await onnx.forward(lengths);
    error = Math.max(error, difference(text, ours, unpadded(values, lengths, config.hiddenSize)));
    engines.onnxruntime = async () => (await onnx.forward(lengths)).milliseconds;
  }
  if (torch.request) {
    const { values } = await torch.request({ op: "forward", lengths });
    error = Math.max(error, difference(text, lastTokens(ours, lengths, config.hiddenSize), values.flat()));
    engines.torch = async () => (await torch.request({ op: "forward", lengths })).ms;
  }
  const times = await alternate(engines, rounds);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await forward();
  delay.disable();
  const speed = (key) => times[key] && sum(lengths) / (median(times[key]) / 1000);
  return {
    case: text,
    ours: speed("ours"),
    onnxruntime: speed("onnxruntime"),
    torch: speed("torch"),
    gflops: sum(lengths.map((length) => forwardFlops(config, length))) / (median(times.ours) * 1e6),
    delay: delay.max / 1e6,
    error,
    milliseconds: times,
  };
}

function report({ device, shape, rounds, peak, rows }) {
  const header = ["case", "ours tok/s", "onnxruntime", "torch", "/ onnxruntime", "/ torch", "goal", "ms", "GFLOP/s"];
  const of = peak ? [`% of ${peak.toFixed(0)}`] : [];
  const cells = rows.map((r) => [
    r.case,
    show(r.ours),
    show(r.onnxruntime),
    show(r.torch),
    show(r.ours / r.onnxruntime, 2),
    show(r.ours / r.torch, 2),
    show(goals[r.case], 2),
    show(median(r.milliseconds.ours), 1),
    show(r.gflops),
    ...(peak ? [show((100 * r.gflops) / peak)] : []),
    show(r.delay),
    r.error.toExponential(1),
  ]);
  const lines = [
    `${machine()}; ours: ${device}; shape ${shape}, f32; medians of up to ${rounds} rounds in alternation.`,
    ...(peak ? [`The machine's f32 multiply-add peak, measured: ${peak.toFixed(0)} GFLOP/s.`] : []),
    "`goal` is against the faster peer; `delay` is how late a timer of 1 ms came during a forward, at worst (ms);",
    "`error` is the largest difference between engines, in parts of the largest value.",
    "",
    table([...header, ...of, "delay", "error"], cells),
  ];
  return lines.join("\n");
}

/** The first 8 numbers of each sequence's last token. */
function lastTokens(values, lengths, width) {
  let end = 0;
  return lengths.flatMap((length) => {
    end += length;
    return [...values.subarray((end - 1) * width, (end - 1) * width + 8)];
  });
}

function difference(name, ours, theirs) {
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < theirs.length; i++) {
    scale = Math.max(scale, Math.abs(theirs[i]));
    worst = Math.max(worst, Math.abs(ours[i] - theirs[i]));
  }
  if (ours.length !== theirs.length || !(worst / scale < 1e-3))
    throw new Error(`[bench] the engines disagree at ${name}: ${worst / scale}`);
  return worst / scale;
}
