/**
 * Stands in for the model's worker, behind the same messages (src/model/protocol.ts), and misbehaves when the first token of a
 * sequence says so. Tells each batch in a notice; the test sends it "load" and "release" when those are to be waited for.
 */
import { parentPort, workerData } from "node:worker_threads";

const { magic, hiddenSize, holdLoad, failLoad } = workerData;
const mask = 50_284;
const send = (message) => parentPort.postMessage(message, []);

/** Resolves when the test sends the word. */
const words = new Map();
const hear = (word) => new Promise((resolve) => words.set(word, resolve));
const released = hear("release");
let last = holdLoad ? hear("load") : Promise.resolve();

/** A vector that only these ids give. */
function vectorOf(ids) {
  const vector = Float32Array.from({ length: hiddenSize }, (_, index) => Math.sin(index + 1));
  ids.forEach((id, index) => (vector[index % hiddenSize] += id / 1000));
  if (ids[0] === magic.nan) vector[0] = Number.NaN;
  return vector;
}

function predictionsOf(ids, topK) {
  const masks = ids.filter((id) => id === mask).length;
  const prediction = (token) => ({ score: 1 / (token + 2), token, token_str: String(token), sequence: ids.join(" ") });
  return Array.from({ length: masks }, () => Array.from({ length: topK }, (_, token) => prediction(token)));
}

/** What a sequence gives, by task. */
const tasks = {
  embed: vectorOf,
  "embed-tokens": (ids) => ({ values: Float32Array.from(ids.flatMap((id) => [...vectorOf([id])])), width: hiddenSize }),
  "embed-sparse": (ids) => ({ indices: Int32Array.from([ids.length]), values: Float32Array.of(ids[0] / 8) }),
  "embed-multi": ([, ...ids]) => ({ values: Float32Array.from(ids), width: 1 }),
  "embed-chunks": ([places, ...ids]) => Array.from({ length: places / 2 }, () => vectorOf(ids)),
  "fill-mask": (ids, { topK }) => predictionsOf(ids, topK),
  "pseudo-log-likelihood": ([, place]) => -place / 8,
};

async function run({ id, task, pack: { ids, cuSeqlens } }) {
  const sequences = Array.from(cuSeqlens.subarray(1), (end, index) => [...ids.subarray(cuSeqlens[index], end)]);
  send({ type: "notice", message: JSON.stringify(sequences) });
  const starts = sequences.map(([first]) => first);
  if (starts.includes(magic.hold)) await released;
  if (starts.includes(magic.crash)) throw new Error("the stub was told to crash");
  if (starts.includes(magic.fail)) return send({ type: "failed", id, message: "[stub] expected other ids" });
  return send({ type: "done", id, results: sequences.map((sequence) => tasks[task.name](sequence, task.options)) });
}

parentPort.on("message", (message) => {
  if (typeof message === "string") words.get(message)?.();
  else if (message.type === "close") process.exit();
  else last = last.then(() => run(message));
});

await last;
if (failLoad) {
  send({ type: "load-failed", message: "[stub] expected a model, got none" });
  process.exit();
}
send({ type: "ready", backend: "stub", device: "none", bytes: 4000 });
