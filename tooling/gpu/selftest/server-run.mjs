/** Texts per second over HTTP, at one connection and at 64. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { saveModel } from "../../../packages/modernbert/dist/node.js";
import { median } from "../../bench/report.mjs";
import { createEncoder } from "./encoder-run.mjs";
import { configOf } from "./workload.mjs";

/** Some 90 tokens. */
const text = "The quick brown fox jumps over the lazy dog while the river runs to the sea. ".repeat(5);
const seconds = 3;

export async function serveAndAsk({ record, backend, emulate }) {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-serve-"));
  let server;
  try {
    await record.part("server starts", async () => {
      // With the vocabulary of the built-in tokenizer.
      const { model } = createEncoder(backend, configOf("base", emulate, { vocab_size: 50_368, num_hidden_layers: 1 }));
      await saveModel(folder, model, {});
      model.dispose();
      server = await start(folder, emulate);
      return { url: server.url };
    });
    if (!server) return;
    for (const connections of [1, 64])
      await record.part(`server, ${connections} connections`, () =>
        ask(server.url, emulate ? 2 : connections, emulate),
      );
  } finally {
    server?.child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(folder, emulate) {
  const program = fileURLToPath(new URL("serve.js", import.meta.url));
  const env = { ...process.env, ...(emulate && { MODERNBERT_CUDA_EMULATE: "1" }) };
  const child = spawn(process.execPath, [program, folder], { env, stdio: ["ignore", "pipe", "inherit"] });
  const { value: url, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (done) throw new Error("the server ended before it listened");
  return { child, url };
}

async function ask(url, connections, emulate) {
  const body = JSON.stringify({ inputs: text, truncate: true });
  const post = async () => {
    const began = performance.now();
    const response = await fetch(`${url}/embed`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const answer = await response.text();
    if (response.status !== 200) throw new Error(`expected 200, got ${response.status}: ${answer.slice(0, 200)}`);
    return performance.now() - began;
  };
  await Promise.all(Array.from({ length: connections }, post));
  const times = [];
  const began = performance.now();
  const ends = began + (emulate ? 0 : seconds * 1000);
  const loop = async () => {
    do times.push(await post());
    while (performance.now() < ends);
  };
  await Promise.all(Array.from({ length: connections }, loop));
  const textsPerSecond = (times.length * 1000) / (performance.now() - began);
  return { connections, textsPerSecond, medianMilliseconds: median(times) };
}
