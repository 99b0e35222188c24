/** The programs that probes/*.cu became. */
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";

/** @returns {object[]} the lines that the program printed; the last one has an `error` where it failed */
export function probe(root, emulate, args) {
  const program = join(root, "probes", emulate ? "probes-emulated" : "probes");
  // Copying to the box may have lost it.
  chmodSync(program, 0o755);
  const { stdout, stderr, status, signal, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 1 << 26,
  });
  const lines = parseLines(stdout ?? "");
  if (status !== 0 && !lines.at(-1)?.error) {
    lines.push({ name: args[0], error: error?.message ?? `${signal ?? `code ${status}`} ${stderr.trim()}` });
  }
  return lines;
}

export const parseLines = (text) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
