/** The page of the benchmark: ours and onnxruntime-web, each on WebGPU and on WebAssembly, on the weights that the server gives. */
import { createWasmBackend } from "../../../packages/backend-cpu/dist/engines/wasm/index.js";
import { createWebGpuBackend } from "../../../packages/backend-webgpu/dist/index.js";
import { loadModelFolder, packSequences } from "../../../packages/modernbert/dist/index.js";
import { blobSource } from "../../../packages/safetensors/dist/index.js";
import { Runtime } from "../../../packages/tensor-core/dist/index.js";
import { lengthsOf, sequencesOf, unpadded } from "../cases.mjs";
import { feedsOf } from "../onnx/feeds.mjs";
import { adapterPeak } from "../webgpu-peak.mjs";

const folder = {
  name: "/model",
  async open(path) {
    const response = await fetch(`/model/${path}`);
    return response.ok ? blobSource(await response.blob(), path) : undefined;
  },
};

/** @returns an engine: forward(lengths) → { milliseconds, values } */
async function startOurs(backend) {
  const runtime = new Runtime(backend);
  const { model } = await loadModelFolder(folder, { runtime });
  return {
    backend,
    model,
    async forward(lengths) {
      const sequences = sequencesOf(lengths);
      const started = performance.now();
      const hidden = runtime.scope(() => model.encode(packSequences(sequences)));
      const values = await hidden.read();
      const milliseconds = performance.now() - started;
      hidden.dispose();
      return { milliseconds, values };
    },
  };
}

async function startOnnx(bundle, provider, config, threads) {
  const ort = await import(/* @vite-ignore */ `/ort/${bundle}`);
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create("/model/model.onnx", {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    externalData: [{ path: "weights.bin", data: "/model/weights.bin" }],
  });
  return {
    async forward(lengths) {
      const feeds = {};
      for (const [name, parts] of Object.entries(feedsOf(config, lengths))) feeds[name] = new ort.Tensor(...parts);
      const started = performance.now();
      const { last_hidden_state: hidden } = await session.run(feeds);
      const values = await hidden.getData();
      const milliseconds = performance.now() - started;
      return { milliseconds, values: unpadded(values, lengths, config.hiddenSize) };
    },
  };
}

/** Everything about one case, numbers compared first. `peers` names what to run beside ours. */
async function run({ name, rounds, threads, peers }) {
  const ours = await startOurs(await createWebGpuBackend());
  const { config } = ours.model;
  const engines = { ours, "ours WASM": await startOurs(await createWasmBackend({ threads })) };
  const reasons = {};
  for (const [peer, [bundle, provider]] of Object.entries(peers)) {
    try {
      engines[peer] = await startOnnx(bundle, provider, config, threads);
    } catch (error) {
      reasons[peer] = String(error);
    }
  }
  const lengths = lengthsOf(name);
  const { values: wanted } = await ours.forward(lengths);
  const errors = {};
  for (const [peer, engine] of Object.entries(engines)) {
    if (peer !== "ours") errors[peer] = relativeError(wanted, (await engine.forward(lengths)).values);
  }
  await ours.forward(lengths);
  const before = ours.backend.stats();
  await ours.forward(lengths);
  const after = ours.backend.stats();
  const counts = Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));
  const times = Object.fromEntries(Object.keys(engines).map((each) => [each, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [each, engine] of Object.entries(engines)) {
      times[each].push((await engine.forward(lengths)).milliseconds);
    }
  }
  return { device: ours.backend.capabilities.device, errors, reasons, counts, times, fmaPeak: await measurePeak() };
}

function relativeError(got, wanted) {
  let [scale, worst] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    scale = Math.max(scale, Math.abs(wanted[i]));
    worst = Math.max(worst, Math.abs(got[i] - wanted[i]));
  }
  return worst / scale;
}

globalThis.bench = run;

/** f32 FLOP/s of the adapter, on a device of its own. */
async function measurePeak() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const device = await adapter.requestDevice();
  try {
    return 1e9 * (await adapterPeak(device));
  } finally {
    device.destroy();
  }
}
