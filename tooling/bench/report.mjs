/** Medians, tables and the machine's name: what every benchmark prints. */
import { cpus, totalmem } from "node:os";

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Runs `engines` in turn after one warm-up each: `rounds` times, or three when those take long. @returns milliseconds by engine */
export async function alternate(engines, rounds, enoughSeconds = 60) {
  const times = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
  let began = performance.now();
  for (let round = -1; round < rounds; round++) {
    if (round >= 3 && performance.now() - began > enoughSeconds * 1000) break;
    for (const [name, run] of Object.entries(engines)) {
      const started = performance.now();
      const reported = await run();
      if (round >= 0) times[name].push(typeof reported === "number" ? reported : performance.now() - started);
    }
    if (round < 0) began = performance.now();
  }
  return times;
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
