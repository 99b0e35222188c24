/** onnxruntime-node on the ONNX graph of the same weights. Installed beside the bench on first use. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { paddedIds } from "./cases.mjs";
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
 * @returns a function (lengths) → { milliseconds, values of the padded batch [B · S · d] }, or a reason why there is none
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
    async forward(lengths) {
      const [batch, length] = [lengths.length, Math.max(...lengths)];
      const width = config.hiddenSize / config.numHeads;
      const ids = BigInt64Array.from(paddedIds(lengths), BigInt);
      const feeds = { input_ids: tensor("int64", ids, [batch, length]) };
      for (const kind of ["global", "local"]) {
        const window = kind === "global" ? Infinity : config.window;
        feeds[`${kind}_mask`] = tensor("float32", mask(window, lengths, length), [batch, 1, length, length]);
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

/** [B, 1, S, S]: 0 where a token sees another, -1e9 beyond the window and the sequence's end. */
function mask(window, lengths, width) {
  const values = new Float32Array(lengths.length * width * width);
  lengths.forEach((length, row) => {
    for (let i = 0; i < width; i++) {
      const at = (row * width + i) * width;
      values.fill(-1e9, at + length, at + width);
      if (i > window) values.fill(-1e9, at, at + i - window);
      if (i + window + 1 < width) values.fill(-1e9, at + i + window + 1, at + width);
    }
  });
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
