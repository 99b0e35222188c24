/** Medians, tables and the machine's name: what every benchmark prints. */
import { cpus, totalmem } from "node:os";
import { setTimeout } from "node:timers/promises";

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const pause = 100;
const short = 150;
/** Milliseconds of calls after which JavaScript and caches are warm. */
const warm = 1500;

/**
 * Runs `engines` in turn: `rounds` times, or three when those take long. Each is warmed up by one call, or by calls for a second and a
 * half where they are short, as a service would be. Before each turn a pause, because idle threads of the engine before spin for a while;
 * an engine that takes a fraction of a second runs once unmeasured, then five times.
 * @returns milliseconds by engine
 */
export async function alternate(engines, rounds, enoughSeconds = 60) {
  const times = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
  const isShort = {};
  for (const [name, run] of Object.entries(engines)) {
    const began = performance.now();
    isShort[name] = (await timeOnce(run)) < short;
    while (isShort[name] && performance.now() - began < warm) await timeOnce(run);
  }
  const began = performance.now();
  for (let round = 0; round < rounds; round++) {
    if (round >= 3 && performance.now() - began > enoughSeconds * 1000) break;
    for (const [name, run] of Object.entries(engines)) {
      await setTimeout(pause);
      if (isShort[name]) await timeOnce(run);
      for (let call = 0; call < (isShort[name] ? 5 : 1); call++) times[name].push(await timeOnce(run));
    }
  }
  return times;
}

/** Milliseconds of one call: what the engine reports, else what passed here. */
async function timeOnce(run) {
  const started = performance.now();
  const reported = await run();
  return typeof reported === "number" ? reported : performance.now() - started;
}

/** A number for people; a dash where there is none. */
export function show(value, digits = 0) {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
}

const line = (cells) => `| ${cells.join(" | ")} |`;

/** A Markdown table. */
export function table(header, rows) {
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

export function machine() {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}
