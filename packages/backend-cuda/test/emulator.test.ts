/** The emulator: barriers and collectives wait, what lacks them shows. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { missing } from "./library.ts";
import { compileProgram, fiberOrders } from "./support/compile.ts";
import type { FiberOrder, Program } from "./support/compile.ts";

let program: Program | undefined;
beforeAll(() => {
  if (!missing) program = compileProgram("emulator.cu");
}, 600_000);
afterAll(() => program?.[Symbol.dispose]());

const run = (kernel: string, order: FiberOrder): ReturnType<Program["run"]> => program!.run(kernel, order);

/** What each of 64 threads computed. */
function results(kernel: string, order: FiberOrder): number[] {
  return run(kernel, order).stdout.trim().split(" ").map(Number);
}

const threads = Array.from({ length: 64 }, (_, thread) => thread);

describe.each(fiberOrders)("threads in order %s", (order) => {
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

describe("a captured stream", () => {
  beforeEach(({ skip }) => {
    if (missing) skip(missing);
  });

  test("keeps kernels with their arguments, which run at each launch of the graph", () => {
    expect(results("replayed", "forward")).toEqual(threads.map(() => 12));
  });

  test.each(["malloc", "free", "wait", "query", "copy of pageable memory"])("does not allow: %s", (call) => {
    expect(results(`captured ${call}`, "forward").slice(0, 3)).toEqual([900, 901, 1]);
  });

  test("allows copies of device memory", () => {
    expect(results("captured copy", "forward").slice(0, 3)).toEqual([0, 0, 0]);
  });
});
