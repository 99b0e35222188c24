/**
 * The server over HTTP: tokens/s and latencies by number of connections beside the engine alone, what HTTP adds to a short query, float
 * JSON and base64 apart; and the same weights behind transformers.js and fastify.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert, packSequences, pool } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { loadModernBertTokenizer } from "../../packages/tokenizer/dist/index.js";
import { writeModernBertOnnx } from "./onnx/modernbert.mjs";
import { machine, median } from "./report.mjs";
import { load, quantile } from "./server/load.mjs";
import { report } from "./server/report.mjs";
import { shapeConfig } from "./shapes.mjs";

const peers = fileURLToPath(new URL("peers-server/", import.meta.url));
const ours = fileURLToPath(new URL("../../apps/server/dist/main.js", import.meta.url));
const words =
  "the of and to in a is that for it was on are as with his they be at one have this from or had by but".split(" ");
/** Tokens of the texts, special ones included: many short, some long. */
const lengths = [8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
const packTokens = 8192;

/** @param {{ shape?: string, cases?: string[], rounds?: number }} options cases: numbers of connections */
export async function run({ shape = "17m", cases = ["1", "8", "64", "512"], rounds = 3 } = {}) {
  const folder = join(mkdtempSync(join(tmpdir(), "modernbert-bench-server-")), "model");
  const engine = await openEngine(shape, folder);
  const servers = { ours: await startOurs(folder), "transformers.js": await startPeer(folder) };
  try {
    for (const [name, { reason }] of Object.entries(servers)) if (reason) console.log(`without ${name}: ${reason}`);
    await expectEqual(Object.values(servers).flatMap(({ url }) => url ?? []));
    const rows = [];
    for (const connections of cases.map(Number)) {
      rows.push(await measure({ connections, rounds, engine, servers }));
      console.log(JSON.stringify(rows.at(-1)));
    }
    const short = await measureShort({ rounds: 3 * rounds, engine, url: servers.ours.url });
    const bulk = await measureForms({ rounds, url: servers.ours.url });
    return { machine: machine(), shape, rounds, rows, short, bulk, text: report({ shape, rows, short, bulk }) };
  } finally {
    for (const { stop } of Object.values(servers)) stop?.();
    rmSync(join(folder, ".."), { recursive: true, force: true });
    await engine.close();
  }
}

/** A model with random weights, saved for both servers, and its forward pass and mean without a server. */
async function openEngine(shape, folder) {
  const { backend } = await createBackend("cpu", { threads: availableParallelism() });
  const runtime = new Runtime(backend);
  const config = shapeConfig(shape);
  const parameters = initialiseParameters(runtime, config, "none", { seed: 1 });
  const model = new ModernBert({ runtime, config, head: "none", parameters });
  const tokenizer = await loadModernBertTokenizer();
  mkdirSync(join(folder, "onnx"), { recursive: true });
  await saveModel(folder, model, {});
  const settings = { tokenizer_class: "PreTrainedTokenizerFast", model_max_length: config.maxPositionEmbeddings };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer.toJSON()));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ ...settings, pad_token: "[PAD]" }));
  const host = new Map();
  for (const [key, tensor] of parameters) host.set(key, await tensor.read());
  const graph = { ...config, heads: config.numHeads, eps: config.normEps };
  writeModernBertOnnx(join(folder, "onnx"), graph, (key) => host.get(key), { masksInside: true });
  const ids = (text) => tokenizer.encode(text).ids;
  const embed = async (sequences) => {
    const vectors = model.run(packSequences(sequences), (hidden, batch) => pool(hidden, batch, "mean"));
    const values = await vectors.read();
    vectors.dispose();
    return values;
  };
  const close = async () => {
    model.dispose();
    await backend[Symbol.asyncDispose]();
  };
  return { ids, embed, close, width: config.hiddenSize };
}

/** A text of so many tokens, special ones included. */
function textOf(length) {
  return Array.from({ length: length - 2 }, (_, at) => words[(at * 7 + length) % words.length]).join(" ");
}

/** Rejects unless all servers give the same vectors. */
async function expectEqual(urls) {
  const body = JSON.stringify({ inputs: [textOf(12), textOf(200)] });
  const headers = { "content-type": "application/json" };
  const answers = await Promise.all(
    urls.map(async (url) => (await (await fetch(`${url}/embed`, { method: "POST", headers, body })).json()).flat()),
  );
  for (const values of answers) {
    const error = Math.max(...values.map((value, at) => Math.abs(value - answers[0][at])));
    if (!(error < 1e-4)) throw new Error(`[bench] expected equal vectors, got ${error} apart`);
  }
}

/** Real tokens a second of the engine alone, in packs, and of each server in turn. */
async function measure({ connections, rounds, engine, servers }) {
  const texts = Array.from({ length: Math.max(240, 2 * connections) }, (_, at) =>
    textOf(lengths[(at * 5) % lengths.length]),
  );
  const sequences = texts.map(engine.ids);
  const tokens = sequences.reduce((sum, { length }) => sum + length, 0);
  const bodies = texts.map((text) => JSON.stringify({ inputs: [text] }));
  const speeds = { engine: [] };
  const times = {};
  for (let round = -1; round < rounds; round++) {
    const began = performance.now();
    for (const pack of packs(sequences)) await engine.embed(pack);
    if (round >= 0) speeds.engine.push((1000 * tokens) / (performance.now() - began));
    for (const [name, { url }] of Object.entries(servers)) {
      if (!url) continue;
      const part = name === "ours" ? bodies : bodies.slice(0, Math.max(120, connections));
      const partTokens = sequences.slice(0, part.length).reduce((sum, { length }) => sum + length, 0);
      const { times: each, milliseconds } = await load({ url: `${url}/embed`, connections, bodies: part });
      if (round < 0) continue;
      (speeds[name] ??= []).push((1000 * partTokens) / milliseconds);
      (times[name] ??= []).push(...each);
    }
  }
  const latency = (name) => times[name] && [quantile(times[name], 0.5), quantile(times[name], 0.99)];
  return {
    connections,
    tokensPerSecond: Object.fromEntries(Object.entries(speeds).map(([name, values]) => [name, median(values)])),
    ours: latency("ours"),
    peer: latency("transformers.js"),
  };
}

function* packs(sequences) {
  let pack = [];
  let tokens = 0;
  for (const sequence of sequences) {
    if (tokens + sequence.length > packTokens) {
      yield pack;
      [pack, tokens] = [[], 0];
    }
    pack.push(sequence);
    tokens += sequence.length;
  }
  yield pack;
}

/** Milliseconds of a query of 10 tokens: the engine alone, and over HTTP, in turn. */
async function measureShort({ rounds, engine, url }) {
  const text = textOf(10);
  const sequence = engine.ids(text);
  const body = JSON.stringify({ inputs: text });
  const times = { engine: [], http: [] };
  for (let round = -1; round < rounds; round++) {
    const alone = [];
    for (let call = 0; call < 100; call++) {
      const began = performance.now();
      await engine.embed([sequence]);
      alone.push(performance.now() - began);
    }
    const { times: each } = await load({ url: `${url}/embed`, connections: 1, bodies: Array(100).fill(body) });
    if (round < 0) continue;
    times.engine.push(median(alone));
    times.http.push(median(each));
  }
  return { engine: median(times.engine), http: median(times.http) };
}

/** Milliseconds of a request of 256 short texts, by the form of its vectors. */
async function measureForms({ rounds, url }) {
  const input = Array.from({ length: 256 }, () => textOf(10));
  const times = { float: [], base64: [] };
  for (let round = -1; round < rounds; round++) {
    for (const form of Object.keys(times)) {
      const body = JSON.stringify({ input, encoding_format: form });
      const { milliseconds } = await load({ url: `${url}/v1/embeddings`, connections: 1, bodies: Array(4).fill(body) });
      if (round >= 0) times[form].push(milliseconds / 4);
    }
  }
  return { float: median(times.float), base64: median(times.base64) };
}

async function startOurs(folder) {
  const port = await freePort();
  const args = [ours, "--backend", "cpu", "--port", String(port), "--model", folder, "--log-level", "error"];
  const child = spawn(process.execPath, [...args, "--max-concurrent-requests", "2048"], { stdio: "inherit" });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 600; tries++) {
    if (
      await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { url, stop: () => child.kill() };
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  throw new Error("[bench] expected the server to be ready in a minute, got no answer");
}

async function startPeer(folder) {
  if (!existsSync(`${peers}node_modules/@huggingface/transformers`)) {
    console.error("installing transformers.js and fastify for the comparison (about 500 MB)");
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    const { status } = spawnSync("npm", args, { cwd: peers, stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) return { reason: "transformers.js could not be installed" };
  }
  const port = await freePort();
  const peer = fileURLToPath(new URL("server/peer.mjs", import.meta.url));
  const child = spawn(process.execPath, [peer, peers, folder, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, "line"), once(child, "exit")]);
  return line === "ready"
    ? { url: `http://127.0.0.1:${port}`, stop: () => child.kill() }
    : { reason: "it did not start" };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}
