/**
 * A model opened in a fresh process, its file in the system's cache: weights that stay in their file beside weights that are read. Two
 * processes at a time, so that the second tells what they share.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCpuBackend } from "../../packages/backend-cpu/dist/index.js";
import { initialiseParameters, ModernBert } from "../../packages/modernbert/dist/index.js";
import { loadModel, saveModel } from "../../packages/modernbert/dist/node.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { machine, median, show, table } from "./report.mjs";
import { shapeConfig } from "./shapes.mjs";

const worker = fileURLToPath(new URL("opening-worker.mjs", import.meta.url));
const formats = ["f32", "bf16"];
const ways = { "in their file": true, read: false };

/** @param {{ shape?: string, rounds?: number }} options */
export async function run({ shape = "base", rounds = 5 } = {}) {
  if (!existsSync("/proc/self/smaps_rollup")) return { skipped: true, text: "Skipped: there is no /proc here." };
  const folder = mkdtempSync(join(tmpdir(), "modernbert-bench-"));
  try {
    await saveFolders(folder, shapeConfig(shape));
    const rows = [];
    for (const format of formats) {
      const measured = { "in their file": [], read: [] };
      for (let round = -1; round < rounds; round++) {
        for (const [way, mapped] of Object.entries(ways)) {
          const twice = await openedTwice([join(folder, format), format, String(mapped)]);
          if (round >= 0) measured[way].push(twice);
        }
      }
      for (const [way, all] of Object.entries(measured)) {
        const medians = Object.keys(all[0]).map((key) => [key, median(all.map((one) => one[key]))]);
        rows.push({ weights: `${format}, ${way}`, ...Object.fromEntries(medians) });
      }
    }
    return { machine: machine(), shape, rounds, rows, text: report({ shape, rounds, rows }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder for each format. */
async function saveFolders(folder, config) {
  const backend = await createCpuBackend();
  const runtime = new Runtime(backend);
  const parameters = initialiseParameters(runtime, config, "none", { seed: 1 });
  await saveModel(join(folder, "f32"), new ModernBert({ runtime, config, head: "none", parameters }));
  const precision = { params: "bf16", compute: "f32", reduce: "f32" };
  const { model } = await loadModel(join(folder, "f32"), { runtime, precision });
  await saveModel(join(folder, "bf16"), model);
  await backend[Symbol.asyncDispose]();
}

/** What the first process measured, and as `shared` what the second has of its own while the first lives. */
async function openedTwice(options) {
  const children = [];
  const open = async () => {
    const child = spawn(process.execPath, [worker, ...options], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    return JSON.parse((await once(child.stdout, "data"))[0]);
  };
  try {
    return { ...(await open()), shared: (await open()).alone };
  } finally {
    for (const child of children) {
      child.stdin.end();
      await once(child, "exit");
    }
  }
}

function report({ shape, rounds, rows }) {
  const cells = rows.map(({ weights, opening, first, second, before, resident, alone, shared }) => [
    weights,
    show(opening),
    show(first),
    show(second),
    ...[before, resident, alone, shared].map((megabytes) => show(megabytes)),
  ]);
  const header = [
    "weights",
    "open, ms",
    "first answer, ms",
    "next, ms",
    "RSS before, MB",
    "RSS after",
    "PSS alone",
    "PSS of two, each",
  ];
  return [
    `${machine()}; shape ${shape}; backend and model opened, then 1x8 twice; medians of ${rounds} rounds.`,
    "",
    table(header, cells),
  ].join("\n");
}
