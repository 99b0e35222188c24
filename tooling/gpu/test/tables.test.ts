/** tables.mjs: what was asked for beside what was measured. */
import { spawnSync } from "node:child_process";
import type { SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const program = fileURLToPath(new URL("../tables.mjs", import.meta.url));
let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "modernbert-tables-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
}

function write(stage: string, rest: object): void {
  const result = { stage, outcome: "complete", date: "2026-11-28", commit: "abc", parts: [], ...rest };
  writeFileSync(join(folder, `${stage}.json`), JSON.stringify(result));
}

const part = { name: "base 1024, f32 residual", tokensPerSecond: 412_345.6, times: [1, 2] };

test("a figure stands beside the one that was asked for", () => {
  write("training", { device: "CUDA device 0, NVIDIA H100 80GB HBM3", parts: [part] });
  const { stdout } = run(folder);
  expect(stdout).toContain("| 3 | training base 1024, f32 residual | ≥ 400,000 tok/s, H100 | 412,346 tok/s | yes |");
  expect(stdout).toContain("| 3 | inference base 512 | ≥ 1,500,000 tok/s, H100 | never measured |  |");
  expect(stdout).toContain("| base 1024, f32 residual | tokensPerSecond 412,346 |");
});

test("a figure of another card meets nothing", () => {
  write("training", { device: "CUDA device 0, NVIDIA A100", parts: [part] });
  expect(run(folder).stdout).toContain("| 412,346 tok/s | another card |");
});

test("a rehearsal has no figures; a stage that was cut off says so", () => {
  write("training", { emulated: true, device: "emulated", parts: [part] });
  write("kernels", { outcome: "stopped after 180 s", device: "NVIDIA H100" });
  const { stdout } = run(folder);
  expect(stdout).toContain("training: **a rehearsal, no figures**");
  expect(stdout).toContain("kernels (stopped after 180 s): NVIDIA H100");
  expect(stdout).not.toContain("412,346");
});

test("a folder without results is refused", () => {
  expect(run(folder)).toMatchObject({ status: 2, stderr: expect.stringContaining("found none") as string });
});
