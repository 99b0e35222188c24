/** The inputs of the ONNX graph in modernbert.mjs as plain arrays: { name: [type, data, dims] }. */
import { paddedIds } from "../cases.mjs";

/** @param {import("../../../packages/modernbert/dist/index.js").ModernBertConfig} config @param {readonly number[]} lengths */
export function feedsOf(config, lengths) {
  const [batch, length] = [lengths.length, Math.max(...lengths)];
  const width = config.hiddenSize / config.numHeads;
  const feeds = { input_ids: ["int64", BigInt64Array.from(paddedIds(lengths), BigInt), [batch, length]] };
  for (const kind of ["global", "local"]) {
    const window = kind === "global" ? Infinity : config.window;
    feeds[`${kind}_mask`] = ["float32", mask(window, lengths, length), [batch, 1, length, length]];
    const [cos, sin] = ropeTables(config.rope[kind].theta, length, width);
    feeds[`${kind}_cos`] = ["float32", cos, [1, 1, length, width]];
    feeds[`${kind}_sin`] = ["float32", sin, [1, 1, length, width]];
  }
  return feeds;
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
