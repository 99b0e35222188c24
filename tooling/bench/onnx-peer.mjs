/** onnxruntime-node on the ONNX graph of the same weights. Installed beside the bench on first use. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { feedsOf } from "./onnx/feeds.mjs";
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
  return {
    async forward(lengths) {
      const feeds = Object.fromEntries(
        Object.entries(feedsOf(config, lengths)).map(([name, [type, data, dims]]) => [
          name,
          new ort.Tensor(type, data, dims),
        ]),
      );
      const started = performance.now();
      const { last_hidden_state: hidden } = await session.run(feeds);
      return { milliseconds: performance.now() - started, values: hidden.data };
    },
  };
}
