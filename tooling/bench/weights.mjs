/** Forward pass with weights in f32, bf16 and int8: ours beside onnxruntime in f32 and dynamically quantised, and how near each is to f32. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert, packSequences, withWeights } from "../../packages/modernbert/dist/index.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { lengthsOf, sequencesOf } from "./cases.mjs";
import { startOnnx } from "./onnx-peer.mjs";
import { alternate, machine, median, show, table } from "./report.mjs";
import { shapeConfig } from "./shapes.mjs";

const defaultCases = ["1x8", "1x128", "4x512"];
const formats = ["f32", "bf16", "int8"];

/** @param {{ shape?: string, cases?: string[], rounds?: number, backend?: string }} options */
export async function run({ shape = "base", cases = defaultCases, rounds = 5, backend: name = "cpu" } = {}) {
  const threads = availableParallelism();
  const { backend } = await createBackend(name, { threads });
  const runtime = new Runtime(backend);
  const config = shapeConfig(shape);
  const fresh = () => {
    const parameters = initialiseParameters(runtime, config, "none", { seed: 1 });
    return new ModernBert({ runtime, config, head: "none", parameters });
  };
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bench-"));
  const engines = {};
  const models = [];
  try {
    const host = new Map();
    for (const format of formats) {
      const model = await withWeights(fresh(), format);
      models.push(model);
      if (format === "f32") for (const [key, tensor] of model.parameters) host.set(key, await tensor.read());
      engines[format] = ours(model);
    }
    for (const [peer, int8] of Object.entries({ "onnxruntime f32": false, "onnxruntime int8": true })) {
      const place = join(folder, peer);
      mkdirSync(place);
      const { forward, reason } = await startOnnx(place, config, (key) => host.get(key), threads, { int8 });
      if (forward) engines[peer] = forward;
      else console.log(`without ${peer}: ${reason}`);
    }
    host.clear();
    const rows = [];
    for (const text of cases) rows.push(await measure(text, rounds, engines));
    const refused = runtime.fusedReport().filter((record) => record.reason !== undefined);
    if (refused.length > 0) console.log("not fused:", refused);
    const { device } = backend.capabilities;
    return { machine: machine(), device, shape, rounds, rows, text: report({ device, shape, rounds, rows }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const model of models) model.dispose();
    await backend[Symbol.asyncDispose]();
  }
}

/** The model as a function like those of `startOnnx`. */
function ours(model) {
  return async (lengths) => {
    const packed = packSequences(sequencesOf(lengths));
    const started = performance.now();
    const hidden = model.runtime.scope(() => model.encode(packed));
    const values = await hidden.read();
    hidden.dispose();
    return { milliseconds: performance.now() - started, values };
  };
}

async function measure(text, rounds, engines) {
  const lengths = lengthsOf(text);
  const exact = (await engines.f32(lengths)).values;
  const close = {};
  const timed = {};
  for (const [name, forward] of Object.entries(engines)) {
    close[name] = cosine((await forward(lengths)).values, exact);
    timed[name] = async () => (await forward(lengths)).milliseconds;
    if (!(close[name] > 0.99)) throw new Error(`[bench] ${name} is far from f32 at ${text}: cosine ${close[name]}`);
  }
  const times = await alternate(timed, rounds);
  const milliseconds = Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, median(ms)]));
  console.log(`${text} in ms:`, milliseconds);
  return { case: text, milliseconds, cosine: close, times };
}

function report({ device, shape, rounds, rows }) {
  const names = Object.keys(rows[0].milliseconds);
  const speeds = rows.map((r) => [
    r.case,
    ...names.map((name) => show(r.milliseconds[name], 1)),
    faster(r, "onnxruntime f32", "bf16"),
    faster(r, "onnxruntime f32", "int8"),
    faster(r, "onnxruntime int8", "int8"),
  ]);
  const header = ["case", ...names.map((name) => `${name}, ms`), "bf16 / ORT f32", "int8 / ORT f32", "int8 / ORT int8"];
  return [
    `${machine()}; ours: ${device}; shape ${shape}; medians of up to ${rounds} rounds in alternation.`,
    "",
    table(header, speeds),
    "",
    "Cosine to our f32, all tokens as one vector:",
    "",
    table(
      ["case", ...names.slice(1)],
      rows.map((r) => [r.case, ...names.slice(1).map((name) => show(r.cosine[name], 6))]),
    ),
  ].join("\n");
}

const faster = (row, peer, mine) => show(row.milliseconds[peer] / row.milliseconds[mine], 2);

function cosine(a, b) {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return dot / Math.sqrt(aa * bb);
}
