/**
 * Forward pass of the bare model on a WebGPU adapter in Node, alone: tokens per second, share of the adapter's measured multiply-add peak,
 * dispatches and bytes per forward. f32 and 16 bits. The same on a software adapter and on a GPU; the browser and
 * onnxruntime-web are measured by apps/playground.
 */
import { createRequire } from "node:module";
import { createWebGpuBackend } from "../../packages/backend-webgpu/dist/index.js";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert, packSequences } from "../../packages/modernbert/dist/index.js";
import { cast, float16Precision, float32Precision, Runtime } from "../../packages/tensor-core/dist/index.js";
import { lengthsOf, sequencesOf, sum } from "./cases.mjs";
import { alternate, machine, median, show, table } from "./report.mjs";
import { forwardFlops, shapeConfig } from "./shapes.mjs";
import { adapterPeak } from "./webgpu-peak.mjs";

/** Dtype of the matrices, how the model computes, and features that it does without (default: the backend's choice). */
const kinds = {
  f32: { dtype: "f32", precision: float32Precision, tolerance: 1e-3 },
  "f16 weights": { dtype: "f16", precision: float32Precision, tolerance: 1e-2 },
  "bf16 weights": { dtype: "bf16", precision: float32Precision, tolerance: 1e-1 },
  "f16 throughout": { dtype: "f16", precision: float16Precision, tolerance: 2e-2, without: ["shader-f16"] },
  "f16 arithmetic": { dtype: "f16", precision: float16Precision, tolerance: 2e-2, without: [], needs: "shader-f16" },
};
const features = ["shader-f16", "subgroups"];
const limits = ["maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage", "maxBufferSize"];

/** Software adapters get a small shape: they need seconds for what a GPU does in a millisecond. */
const defaults = {
  software: { shape: "4x256x4x384", cases: ["1x16", "4x64"] },
  gpu: { shape: "base", cases: ["1x16", "4x64", "16x512", "mixed", "1x8192"] },
};

/** @param {{ shape?: string, cases?: string[], rounds?: number }} options */
export async function run(options = {}) {
  const found = await openDevice().catch((error) => ({ reason: error.message }));
  if (found.reason !== undefined) return { skipped: true, text: `without WebGPU in Node: ${found.reason}` };
  const { device, description, software } = found;
  const { shape, cases } = { ...defaults[software ? "software" : "gpu"], ...options };
  const { rounds = 5 } = options;
  const peak = await adapterPeak(device);
  const config = shapeConfig(shape);
  let expected;
  const rows = [];
  for (const [kind, { dtype, precision, tolerance, without, needs }] of Object.entries(kinds)) {
    if (needs && !device.features.has(needs)) continue;
    const backend = await createWebGpuBackend({ device, ...(without && { withoutFeatures: without }) });
    const runtime = new Runtime(backend, { fusion: "fused" });
    const masters = initialiseParameters(runtime, config, "none", { seed: 1 });
    expected ??= await forwardOnCpu(config, masters, cases[0]);
    const parameters = new Map(
      [...masters].map(([name, tensor]) => [name, tensor.rank === 2 ? runtime.keep(cast(tensor, dtype)) : tensor]),
    );
    const model = new ModernBert({ runtime, config, head: "none", parameters, precision });
    for (const text of cases) {
      const error = text === cases[0] ? difference(await forward(model, text), expected, tolerance) : undefined;
      rows.push({ kind, error, ...(await measure(model, backend, text, rounds)) });
      console.log(kind, text, JSON.stringify(rows.at(-1).milliseconds));
    }
    for (const tensor of new Set([...parameters.values(), ...masters.values()])) tensor.dispose();
    await backend[Symbol.asyncDispose]();
  }
  device.destroy();
  return { machine: machine(), device: description, shape, rounds, peak, rows, text: report() };

  function report() {
    return [
      `${machine()}; ${description}; shape ${shape}; medians of up to ${rounds} rounds.`,
      `The adapter's f32 multiply-add peak, measured: ${peak.toFixed(1)} GFLOP/s.`,
      "`dispatches` and `MB moved` (operands of each dispatch once) are counted per forward; `error` is the largest difference from the",
      "CPU backend in f32, in parts of the largest value. `f16 arithmetic` multiplies f16 in f16, `f16 throughout` in f32.",
      "",
      table(
        ["case", "kind", "tok/s", "ms", "GFLOP/s", "% of peak", "dispatches", "passes", "MB moved", "error"],
        rows.map((r) => [
          r.case,
          r.kind,
          show(r.tokensPerSecond),
          show(median(r.milliseconds), 1),
          show(r.gflops, 1),
          show((100 * r.gflops) / peak, 1),
          show(r.dispatches),
          show(r.passes),
          show(r.bytesMoved / 1e6, 1),
          r.error === undefined ? "–" : r.error.toExponential(1),
        ]),
      ),
    ].join("\n");
  }
}

/** Dawn ends the process when this is collected. */
let dawn;

/** The first adapter of the package webgpu, with its largest limits. */
async function openDevice() {
  const require = createRequire(new URL("../../packages/backend-webgpu/package.json", import.meta.url));
  const { create } = await import(require.resolve("webgpu"));
  dawn = create([]);
  const adapter = await dawn.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new Error("there is no adapter: install a Vulkan driver");
  const { info } = adapter;
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
    requiredFeatures: features.filter((name) => adapter.features.has(name)),
  });
  const description = [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(", ");
  return { device, description, software: info.isFallbackAdapter };
}

async function forward(model, text) {
  const hidden = model.runtime.scope(() => model.encode(packSequences(sequencesOf(lengthsOf(text)))));
  const values = await hidden.read();
  hidden.dispose();
  return values;
}

async function forwardOnCpu(config, masters, text) {
  const { backend } = await createBackend("cpu");
  const runtime = new Runtime(backend);
  const parameters = new Map();
  for (const [name, tensor] of masters) parameters.set(name, runtime.tensor(await tensor.read(), tensor.shape));
  const model = new ModernBert({ runtime, config, head: "none", parameters });
  const values = await forward(model, text);
  model.dispose();
  await backend[Symbol.asyncDispose]();
  return values;
}

async function measure(model, backend, text, rounds) {
  const lengths = lengthsOf(text);
  const { ours } = await alternate({ ours: async () => void (await forward(model, text)) }, rounds);
  const before = backend.stats();
  await forward(model, text);
  const after = backend.stats();
  const flops = sum(lengths.map((length) => forwardFlops(model.config, length)));
  return {
    case: text,
    tokensPerSecond: sum(lengths) / (median(ours) / 1000),
    gflops: flops / (median(ours) * 1e6),
    dispatches: after.dispatches - before.dispatches,
    passes: after.passes - before.passes,
    bytesMoved: after.bytesMoved - before.bytesMoved,
    milliseconds: ours,
  };
}

function difference(ours, theirs, tolerance) {
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < theirs.length; i++) {
    scale = Math.max(scale, Math.abs(theirs[i]));
    worst = Math.max(worst, Math.abs(ours[i] - theirs[i]));
  }
  if (ours.length !== theirs.length || !(worst / scale < tolerance))
    throw new Error(`[bench] WebGPU and the CPU disagree: ${worst / scale}`);
  return worst / scale;
}
