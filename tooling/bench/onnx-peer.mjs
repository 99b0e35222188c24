/** onnxruntime-node on the ONNX graph of the same weights. Installed beside the bench on first use. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { writeModernBertOnnx } from "./onnx/modernbert.mjs";

const peers = fileURLToPath(new URL("peers/", import.meta.url));

async function loadRuntime() {
  const entry = `${peers}node_modules/onnxruntime-node/dist/index.js`;
  if (!existsSync(entry)) {
    console.error("installing onnxruntime-node for the comparison (about 290 MB)");
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    const { status } = spawnSync("npm", args, { cwd: peers, stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) return undefined;
  }
  return (await import(entry)).default;
}

/**
 * @param {{ int8?: boolean }} options passed to the writer of the graph
 * @returns a function (ids [B·S], B, S) → { milliseconds, values } or a reason why there is none
 */
export async function startOnnx(folder, config, weightOf, threads, options = {}) {
  const ort = await loadRuntime();
  if (!ort) return { reason: "onnxruntime-node could not be installed" };
  const shape = { ...config, heads: config.numHeads, eps: config.normEps };
  const file = writeModernBertOnnx(folder, shape, weightOf, options);
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: threads,
    graphOptimizationLevel: "all",
  });
  const tensor = (type, data, dims) => new ort.Tensor(type, data, dims);
  return {
    async forward(ids, batch, length) {
      const width = config.hiddenSize / config.numHeads;
      const feeds = { input_ids: tensor("int64", BigInt64Array.from(ids, BigInt), [batch, length]) };
      for (const kind of ["global", "local"]) {
        feeds[`${kind}_mask`] = tensor("float32", mask(kind, batch, length, config.window), [batch, 1, length, length]);
        const [cos, sin] = ropeTables(config.rope[kind].theta, length, width);
        feeds[`${kind}_cos`] = tensor("float32", cos, [1, 1, length, width]);
        feeds[`${kind}_sin`] = tensor("float32", sin, [1, 1, length, width]);
      }
      const started = performance.now();
      const { last_hidden_state: hidden } = await session.run(feeds);
      return { milliseconds: performance.now() - started, values: hidden.data };
    },
  };
}

function mask(kind, batch, length, window) {
  const values = new Float32Array(batch * length * length);
  if (kind === "global") return values;
  for (let row = 0; row < batch * length; row++) {
    const i = row % length;
    for (let j = 0; j < length; j++) if (Math.abs(i - j) > window) values[row * length + j] = -1e9;
  }
  return values;
}

function ropeTables(theta, length, width) {
  const tables = [new Float32Array(length * width), new Float32Array(length * width)];
  for (let p = 0; p < length; p++) {
    for (let j = 0; j < width; j++) {
      const angle = p * theta ** ((-2 * (j % (width / 2))) / width);
      tables[0][p * width + j] = Math.cos(angle);
      tables[1][p * width + j] = Math.sin(angle);
    }
  }
  return tables;
}
