/**
 * The server under mixed good and hostile traffic for a while: `node apps/server/check/soak.mjs [--seconds 180] [--connections 8]`. Fails where a
 * status is not the expected one, an answer differs from what the command line prints for the text (every 100th is compared), a request is
 * lost, or memory grows. Wants the built packages; makes a small model by itself.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createBackend } from "@modernbert-ts/backends";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { saveModel } from "@modernbert-ts/modernbert/node";
import { Runtime } from "@modernbert-ts/tensor-core";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "180" }, connections: { type: "string", default: "8" } },
});
const [seconds, connections] = [Number(values.seconds), Number(values.connections)];
const built = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "modernbert-soak-"));

async function makeModel() {
  const config = createConfig({
    vocab_size: 50368,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 4,
    num_attention_heads: 2,
    max_position_embeddings: 8192,
  });
  const { backend } = await createBackend("cpu");
  const runtime = new Runtime(backend);
  const head = "masked-lm";
  const model = new ModernBert({
    runtime,
    config,
    head,
    parameters: initialiseParameters(runtime, config, head, { seed: 7 }),
  });
  await saveModel(folder, model);
  model.dispose();
  await backend[Symbol.asyncDispose]();
}

/** The server in a process of its own, so that its memory is its own. */
async function startServer() {
  const child = spawn(
    process.execPath,
    [built("server/dist/main.js"), "--model-id", folder, "--port", "0", "--backend", "cpu", "--log-level", "info"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines = createInterface(child.stdout);
  const url = await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`[soak] the server ended with code ${code}`)));
    lines.on("line", (line) => {
      const address = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
      if (address) resolve(address);
    });
  });
  while ((await fetch(`${url}/health`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
  return { child, url };
}

/** Megabytes that the process has in memory. */
const memoryOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

let state = 1;
const random = (below) => (state = (state * 48271) % 2147483647) % below;
const words = ["the", "river", "house", "naïve", "Kyōto", "🙂", "cat", "stands", "1999", "[MASK]"];
const text = (most) => Array.from({ length: 1 + random(most) }, () => words[random(words.length - 1)]).join(" ");

/** Bodies and the statuses that they may have. */
const traffic = [
  { weight: 60, make: () => ["/embed", { inputs: text(20) }, [200], "compare"] },
  { weight: 15, make: () => ["/v1/embeddings", { input: [text(30), text(5)], encoding_format: "base64" }, [200]] },
  { weight: 5, make: () => ["/fill-mask", { inputs: `${text(10)} [MASK]` }, [200]] },
  { weight: 2, make: () => ["/embed", { inputs: text(9000) }, [200]] },
  { weight: 2, make: () => ["/embed", { inputs: Array.from({ length: 32 }, () => text(100)) }, [200]] },
  { weight: 3, make: () => ["/embed", "{", [400]] },
  { weight: 3, make: () => ["/embed", { inputs: [-1] }, [422]] },
  { weight: 3, make: () => ["/embed", { inputs: ["\ud800"] }, [400]] },
  { weight: 1, make: () => ["/embed", `{"inputs":${"[".repeat(9000)}${"]".repeat(9000)}}`, [422]] },
  { weight: 1, make: () => ["/embed", { inputs: "a".repeat(1_500_000) }, [200]] },
  { weight: 1, make: () => ["/embed", "x".repeat(3_000_000), [413]] },
  { weight: 4, make: () => ["/embed", { inputs: text(3000) }, "hang up"] },
];
const sum = traffic.reduce((total, { weight }) => total + weight, 0);

function pick() {
  let left = random(sum);
  return traffic.find(({ weight }) => (left -= weight) < 0).make();
}

const seen = { requests: 0, compared: 0, overloaded: 0, hungUp: 0 };
const compared = [];
const faults = [];

async function one(url) {
  const [path, body, wanted, compare] = pick();
  const number = ++seen.requests;
  const hangUp = wanted === "hang up";
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(hangUp ? 1 + random(20) : 120_000),
  }).catch((error) => {
    // A refusal of a body that is still being sent may close the connection before it is read.
    if (!hangUp && !wanted.includes(413)) faults.push(`${path}: ${error.message}`);
    seen.hungUp++;
  });
  if (!response) return;
  const answer = await response.text().catch(() => "");
  if (response.status === 429) seen.overloaded++;
  else if (!hangUp && !wanted.includes(response.status))
    faults.push(`${path}: ${response.status} ${answer.slice(0, 200)}`);
  else if (compare && response.status === 200 && number % 100 === 0)
    compared.push([body.inputs, JSON.parse(answer)[0]]);
}

/** What the command line prints for the same texts. */
function compareWithCommandLine() {
  if (compared.length === 0) return faults.push("nothing was compared");
  const input = compared.map(([given]) => given).join("\n");
  const run = spawnSync(
    process.execPath,
    [built("cli/dist/main.js"), "embed", "--model", folder, "--backend", "cpu", "--normalize"],
    { input, encoding: "utf8", maxBuffer: 1 << 30 },
  );
  if (run.status !== 0) return faults.push(`the command line: ${run.stderr}`);
  const lines = run.stdout.trim().split("\n");
  for (const [index, [given, vector]] of compared.entries()) {
    const parsed = JSON.parse(lines[index]);
    const other = parsed.embedding ?? parsed;
    const worst = Math.max(...vector.map((value, at) => Math.abs(value - other[at])));
    if (!(worst < 1e-5)) faults.push(`"${given}" differs from the command line's vector by ${worst}`);
    seen.compared++;
  }
}

await makeModel();
const { child, url } = await startServer();
try {
  const end = performance.now() + seconds * 1000;
  const memory = [];
  const watch = setInterval(() => memory.push(memoryOf(child.pid)), 1000);
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end && faults.length < 10) await one(url);
    }),
  );
  clearInterval(watch);
  compareWithCommandLine();
  // The first third warms pools and caches; then the level of the second must hold.
  const third = Math.floor(memory.length / 3);
  const [before, after] = [memory.slice(third, 2 * third), memory.slice(2 * third)].map((part) => Math.max(...part));
  console.log(JSON.stringify({ ...seen, megabytes: [memory[0], before, after].map(Math.round), faults }));
  if (after > before * 1.2 + 50) faults.push(`memory grew from ${before} to ${after} MB`);
  const health = await fetch(`${url}/health`);
  if (health.status !== 200) faults.push(`/health says ${health.status} at the end`);
} finally {
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.error(`[soak] ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
