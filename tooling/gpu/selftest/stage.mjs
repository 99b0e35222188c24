/** One stage, in a process of its own: `stage.js NAME --results DIR`. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { clocks, driver } from "./gpu.mjs";
import { openBackend } from "./open.mjs";
import { Recorder } from "./recorder.mjs";

const stages = {
  probe: () => import("./stages/probe.mjs"),
  conformance: () => import("./stages/conformance.mjs"),
  kernels: () => import("./stages/kernels.mjs"),
  training: () => import("./stages/training.mjs"),
  inference: () => import("./stages/inference.mjs"),
  peers: () => import("./stages/peers.mjs"),
};

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    emulate: { type: "boolean", default: false },
    results: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const [name] = positionals;
const root = fileURLToPath(new URL("../", import.meta.url));
const { commit } = JSON.parse(readFileSync(`${root}manifest.json`, "utf8"));
const { run } = await stages[name]();
const backend = await openBackend(options.emulate).catch((error) => {
  console.error(`[selftest] ${error.message}`);
  process.exit(1);
});
const began = performance.now();
const circumstances = {
  emulated: options.emulate,
  device: backend.capabilities.device,
  driver: driver(),
  date: new Date().toISOString(),
  commit,
  node: process.versions.node,
  clocks: { begin: clocks() },
};
const record = new Recorder(options.results, name, circumstances, new RegExp(options.only));
const line = await run({ record, backend, emulate: options.emulate, results: options.results, root });
const ended = { clocks: { ...circumstances.clocks, end: clocks() }, totalSeconds: (performance.now() - began) / 1000 };
record.end(line, ended);
await backend[Symbol.asyncDispose]();
process.exit(0);
