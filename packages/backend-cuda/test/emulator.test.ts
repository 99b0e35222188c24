/** The emulator: barriers and collectives wait, what lacks them shows. */
import { spawnSync } from "node:child_process";
import type { SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { missing } from "./library.ts";

const native = fileURLToPath(new URL("../src/native", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "modernbert-emulator-"));
afterAll(() => rmSync(folder, { recursive: true }));
const program = join(folder, "emulator");
const orders = ["forward", "backward", "shuffled"];

function run(kernel: string, order: string): SpawnSyncReturns<string> {
  const env = { ...process.env, MODERNBERT_CUDA_FIBER_ORDER: order };
  return spawnSync(program, [kernel], { env, encoding: "utf8" });
}

/** What each of 64 threads computed. */
function results(kernel: string, order: string): number[] {
  return run(kernel, order).stdout.trim().split(" ").map(Number);
}

const threads = Array.from({ length: 64 }, (_, thread) => thread);

beforeAll(() => {
  if (missing) return;
  const sources = ["simt/fiber.cpp", "simt/block.cpp"].map((name) => join(native, name));
  const check = fileURLToPath(new URL("support/emulator.cu", import.meta.url));
  const options = ["-x", "c++", "-std=c++17", "-O1", "-I", native, "-o", program];
  const { stderr } = spawnSync(process.env["CXX"] ?? "g++", [...options, ...sources, check], { encoding: "utf8" });
  expect(stderr).toBe("");
}, 120_000);

describe.each(orders)("threads in order %s", (order) => {
  beforeEach(({ skip }) => {
    if (missing) skip(missing);
  });

  test("a barrier is waited for", () => {
    expect(results("turn", order)).toEqual(threads.map((thread) => 63 - thread));
  });

  test("a missing barrier gives other results", () => {
    expect(results("turn without a barrier", order)).not.toEqual(threads.map((thread) => 63 - thread));
  });

  test("the lanes of a warp exchange values", () => {
    expect(results("sum of a warp", order)).toEqual(threads.map((thread) => (thread < 32 ? 496 : 1520)));
  });

  test("a barrier joins values", () => {
    expect(results("any", order)).toEqual(threads.map(() => 10));
  });

  test("shared memory begins with NaN", () => {
    expect(results("unwritten", order)).toEqual(threads.map(() => 1));
  });

  test("blocks lie along two axes", () => {
    const blocks = [0, 1, 2].flatMap((y) => [0, 1, 2, 3].map((x) => 10 * y + x));
    expect(results("grid", order).slice(0, 12)).toEqual(blocks);
  });

  test("a block has the shared memory that the launch asks for, full of NaN", () => {
    expect(results("dynamic", order)).toEqual(threads.map((thread) => 163 - thread));
  });

  test("a thread waits for a condition", () => {
    expect(results("in turn", order)).toEqual(threads);
  });

  test("a condition that never holds ends the process, with the reason", () => {
    expect(run("never", order)).toMatchObject({
      signal: "SIGABRT",
      stderr: expect.stringContaining("never holds") as string,
    });
  });

  test("a collective that not all lanes come to ends the process, with the reason", () => {
    const { signal, stderr } = run("a lone lane", order);
    expect(signal).toBe("SIGABRT");
    expect(stderr).toContain("the threads of a block wait for one another");
  });
});
