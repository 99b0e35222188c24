/** One stage, in a process of its own: `stage.js NAME --results DIR`. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { clocks, driver } from "./gpu.mjs";
import { findLibraries } from "./libraries.mjs";
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
const began = performance.now();
const before = clocks();
const record = new Recorder(
  options.results,
  name,
  {
    emulated: options.emulate,
    driver: driver(),
    date: new Date().toISOString(),
    commit,
    node: process.versions.node,
    clocks: { begin: before },
  },
  new RegExp(options.only),
);
const backend = await openBackend(options.emulate).catch(stop);
record.note({ device: backend.capabilities.device });
const line = await run({ record, backend, emulate: options.emulate, results: options.results, root });
record.note({
  clocks: { begin: before, end: clocks() },
  totalSeconds: (performance.now() - began) / 1000,
});
record.end(line);
await backend[Symbol.asyncDispose]();
process.exit(0);

/** No backend: what there is of libraries helps to see why. */
async function stop(error) {
  await record.part("libraries", findLibraries);
  await record.part("backend", () => {
    throw error;
  });
  process.exit(1);
}
