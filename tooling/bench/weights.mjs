/** Forward pass with weights in f32, bf16 and int8: ours beside onnxruntime in f32 and dynamically quantised, and how near each is to f32. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert, packSequences, withWeights } from "../../packages/modernbert/dist/index.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
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
    const names = Object.keys(engines);
    console.log(`\n${machine()}; ours: ${backend.capabilities.device}; shape ${shape}, median of ${rounds}\n`);
    const columns = ["batch × length", ...names.map((each) => `${each} ms`), "int8 speed-up", "bf16 speed-up"];
    console.log(
      table(
        columns,
        rows.map((r) => [
          r.case,
          ...names.map((each) => show(r.milliseconds[each], 1)),
          show(r.milliseconds["onnxruntime int8"] / r.milliseconds.int8, 2),
          show(r.milliseconds["onnxruntime f32"] / r.milliseconds.bf16, 2),
        ]),
      ),
    );
    console.log(
      "\nSpeed-ups: over onnxruntime int8, and over onnxruntime f32. Cosines to our f32, all tokens as one vector:\n",
    );
    console.log(
      table(
        ["batch × length", ...names.slice(1)],
        rows.map((r) => [r.case, ...names.slice(1).map((each) => show(r.cosine[each], 6))]),
      ),
    );
    const refused = runtime.fusedReport().filter((record) => record.reason !== undefined);
    if (refused.length > 0) console.log("not fused:", refused);
    return { benchmark: "weights", shape, machine: machine(), device: backend.capabilities.device, rounds, rows };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const model of models) model.dispose();
    await backend[Symbol.asyncDispose]();
  }
}

/** The model as a function like those of `startOnnx`. */
function ours(model) {
  return async (ids, batch, length) => {
    const sequences = Array.from({ length: batch }, (_, row) => ids.subarray(row * length, (row + 1) * length));
    const packed = packSequences(sequences);
    const started = performance.now();
    const hidden = model.runtime.scope(() => model.encode(packed));
    const values = await hidden.read();
    hidden.dispose();
    return { milliseconds: performance.now() - started, values };
  };
}

async function measure(text, rounds, engines) {
  const [batch, length] = text.split("x").map(Number);
  const ids = Int32Array.from(
    { length: batch * length },
    (_, at) => (7 * (at % length) + 11 * Math.floor(at / length)) % 50000,
  );
  const exact = (await engines.f32(ids, batch, length)).values;
  const close = {};
  const timed = {};
  for (const [name, forward] of Object.entries(engines)) {
    close[name] = cosine((await forward(ids, batch, length)).values, exact);
    timed[name] = async () => (await forward(ids, batch, length)).milliseconds;
    if (!(close[name] > 0.99)) throw new Error(`[bench] ${name} is far from f32 at ${text}: cosine ${close[name]}`);
  }
  const times = await alternate(timed, rounds);
  const milliseconds = Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, median(ms)]));
  console.log(`${text} in ms:`, milliseconds);
  return { case: text, milliseconds, cosine: close, times };
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
