/**
 * Forward pass with weights in f32, bf16, int8 and int4, and what lies between in f32 or bf16: ours beside onnxruntime in f32 and dynamically
 * quantised and torch in bf16, and how near each is to f32.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert, packSequences, withWeights } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import { bfloat16Precision, map, Runtime, x } from "../../packages/tensor-core/dist/index.js";
import { lengthsOf, sequencesOf, sum, unpadded } from "./cases.mjs";
import { startOnnx } from "./onnx-peer.mjs";
import { alternate, machine, median, show, table } from "./report.mjs";
import { shapeConfig } from "./shapes.mjs";
import { startTorch } from "./torch-peer.mjs";

const defaultCases = ["1x8", "1x128", "8x128", "4x512", "mixed"];
const formats = ["f32", "bf16", "int8", "int4"];
/** Columns of speeds: the second engine's over the first's. */
const ratios = [
  ["f32", "bf16"],
  ["torch bf16", "bf16"],
  ["onnxruntime f32", "bf16"],
  ["f32", "bf16 weights"],
  ["onnxruntime int8", "int8"],
  ["onnxruntime int8", "int8, bf16 between"],
  ["onnxruntime f32", "int8, bf16 between"],
  ["onnxruntime f32", "int4, bf16 between"],
];

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
  const torch = startTorch();
  try {
    const host = new Map();
    for (const format of formats) {
      const model = await withWeights(fresh(), format);
      models.push(model);
      if (format === "f32") for (const [key, tensor] of model.parameters) host.set(key, await tensor.read());
      if (format !== "int4") engines[format === "bf16" ? "bf16 weights" : format] = ours(model);
      if (format === "f32") await saveModel(folder, model, {});
      if (format !== "f32")
        engines[format === "bf16" ? "bf16" : `${format}, bf16 between`] = ours(computingIn(model, bfloat16Precision));
    }
    await torch.request?.({ op: "load", folder, threads, dtype: "bfloat16" });
    if (torch.request) engines["torch bf16"] = torchForward(torch);
    else console.log(`without torch: ${torch.reason}`);
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
    torch.stop?.();
    rmSync(folder, { recursive: true, force: true });
    for (const model of models) model.dispose();
    await backend[Symbol.asyncDispose]();
  }
}

/** The same parameters, which still belong to `model`. */
function computingIn({ runtime, config, head, parameters, quantized }, precision) {
  return new ModernBert({ runtime, config, head, parameters, quantized, precision });
}

/** Like those of `startOnnx`, but for the values: it answers the first numbers of the last tokens only. */
function torchForward(torch) {
  return async (lengths) => {
    const { ms, values } = await torch.request({ op: "forward", lengths });
    return { milliseconds: ms, lastTokens: values.flat() };
  };
}

/** Rows that are tokens: all of ours, those of a padded batch without the padding. */
function tokensOf(values, lengths, exact) {
  return values.length === exact.length ? values : unpadded(values, lengths, exact.length / sum(lengths));
}

/** The first 8 numbers of each sequence's last token, as the torch peer answers. */
function lastTokens(values, lengths) {
  const width = values.length / sum(lengths);
  let end = 0;
  return lengths.flatMap((length) => {
    end += length;
    return [...values.subarray((end - 1) * width, (end - 1) * width + 8)];
  });
}

/** The model as a function like those of `startOnnx`. */
function ours(model) {
  // As pipelines do: short queries are replayed.
  if (model.runtime.backend.capture) model.captureForwards();
  return async (lengths) => {
    const packed = packSequences(sequencesOf(lengths));
    const started = performance.now();
    const hidden = model.run(packed, (states) => map(x(0), [states]));
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
    const got = await forward(lengths);
    close[name] = got.lastTokens
      ? cosine(got.lastTokens, lastTokens(exact, lengths))
      : cosine(tokensOf(got.values, lengths, exact), exact);
    timed[name] = async () => (await forward(lengths)).milliseconds;
    if (!(close[name] > 0.95)) throw new Error(`[bench] ${name} is far from f32 at ${text}: cosine ${close[name]}`);
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
    ...ratios.map(([slow, fast]) => show(r.milliseconds[slow] / r.milliseconds[fast], 2)),
  ]);
  const header = [
    "case",
    ...names.map((name) => `${name}, ms`),
    ...ratios.map((pair) => pair.toReversed().join(" / ")),
  ];
  return [
    `${machine()}; ours: ${device}; shape ${shape}; medians of up to ${rounds} rounds in alternation.`,
    "",
    table(header, speeds),
    "",
    "Cosine to our f32, all tokens as one vector (torch: 8 numbers of each sequence's last one):",
    "",
    table(
      ["case", ...names.slice(1)],
      rows.map((r) => [r.case, ...names.slice(1).map((name) => show(r.cosine[name], 6))]),
    ),
  ].join("\n");
}

function cosine(a, b) {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return dot / Math.sqrt(aa * bb);
}
