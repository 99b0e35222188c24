/** A run that is killed again and again, each time inside another call to the file system, and gone on with. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openLatestCheckpoint, readMetrics } from "@modernbert-ts/training";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { start } from "./command-line.ts";
import { corpusFolder, tinyFields } from "./support.ts";

/** Function of node:fs or of its file handles, the how many-th call, when, and what path it is about. */
const points = [
  "writeSync 10 amid", // a line of the metrics, some steps and checkpoints on
  "write 1 before", // the first file of a checkpoint
  "write 9 before", // among its tensors
  "sync 4 before",
  "sync 6 before", // the manifest
  String.raw`renameSync 1 before step-\d+$`, // all written, not there yet
  String.raw`renameSync 1 after step-\d+$`, // there, not told yet
  String.raw`renameSync 1 after \.removed$`, // an old one half gone
  String.raw`rmSync 1 before \.removed$`,
  "writeSync 3 before",
];

const hook = pathToFileURL(join(import.meta.dirname, "support", "kill-at.mjs")).href;

test("killed at any point, a run goes on to the bits of one that was not", { timeout: 900_000 }, async () => {
  const folder = await corpusFolder();
  const config = join(folder, "config.yaml");
  writeFileSync(config, stringify(tinyFields(folder)));
  const run = (name: string, env: Readonly<Record<string, string>> = {}) =>
    start(["run", config, "--resume", "auto", "--set", `output=${join(folder, name)}`], undefined, env).finished;
  const whole = await run("whole");
  expect(whole.code, whole.stderr).toBe(0);
  const checkpoints = join(folder, "killed", "checkpoints");
  for (const point of points) {
    const { signal, stderr } = await run("killed", { NODE_OPTIONS: `--import=${hook}`, KILL_AT: point });
    expect(signal, `${point}: ${stderr}`).toBe("SIGKILL");
    expect(stderr).not.toMatch(/damaged|has lost|superseded/);
    await openLatestCheckpoint(checkpoints, (notice) => expect.fail(`${point}: ${notice}`));
  }
  const last = await run("killed");
  expect(last.code, last.stderr).toBe(0);
  expect(last.stderr).not.toMatch(/damaged|has lost|superseded/);
  for (const file of ["model.safetensors", "optimizer.safetensors"])
    expect(final("killed", file)).toEqual(final("whole", file));
  expect(readdirSync(checkpoints).filter((name) => !/^step-\d+$/.test(name))).toEqual([]);
  expect(numbers("killed")).toEqual(numbers("whole"));

  function final(name: string, file: string): Buffer {
    const directory = join(folder, name, "checkpoints");
    return readFileSync(join(directory, readdirSync(directory).sort().at(-1)!, file));
  }

  /** Of the metrics, each step, evaluation and checkpoint once. */
  function numbers(name: string): unknown[] {
    return readMetrics(join(folder, name, "metrics.jsonl"))
      .map((event) => [event.kind, event.step, "loss" in event ? event.loss : 0] as const)
      .sort(([a, b], [c, d]) => (a === c ? b - d : a < c ? -1 : 1));
  }
});
