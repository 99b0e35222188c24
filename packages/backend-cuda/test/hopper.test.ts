/** The emulator of sm_90a: wgmma, TMA and mbarriers against plain definitions, and what it refuses. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { missing } from "./library.ts";
import { compileProgram, fiberOrders } from "./support/compile.ts";
import type { FiberOrder, Program } from "./support/compile.ts";

let program: Program | undefined;
beforeAll(() => {
  if (!missing) program = compileProgram("hopper.cu", "hopper-memory.cu");
}, 600_000);
afterAll(() => program?.[Symbol.dispose]());

const run = (kernel: string, order: FiberOrder): ReturnType<Program["run"]> => program!.run(kernel, order);

function results(kernel: string, order: FiberOrder): number[] {
  const { stdout, stderr } = run(kernel, order);
  expect(stderr).toBe("");
  return stdout.trim().split(" ").map(Number);
}

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

/** Kernel → what the emulator says of it. */
const refusals: Readonly<Record<string, string>> = {
  "no wait": "a block ends while products are under way",
  "no fence": "a product without wgmma_fence",
  "no proxy fence": "wgmma meets bytes at 0 that threads wrote: fence_async is missing",
  overwritten: "shared memory was written while a product reads it",
  "register overwritten": "a register operand was written while its product is under way",
  "accumulator written": "an accumulator was written while products are under way",
  "one warp": "the threads of a warpgroup commit different groups",
  different: "the threads of a warpgroup queue different products",
  "read before the bytes come": "a block ends while loads are under way",
  "bytes nobody expects": "which lacks 1 arrivals and -512 bytes",
  "too few bytes expected": "got 16 bytes more than it expects",
  "barrier without its fence": "before fence_barrier_init",
  "no barrier": "there is no barrier at byte 2048",
  "store without proxy fence": "a store meets bytes at 1024 that threads wrote",
  "store overwritten": "was overwritten while a store reads it",
  "store nobody waits for": "a block ends while stores read its shared memory",
  "load over a load": "two loads to the same shared memory are under way",
  "load nobody waits for": "a block ends while loads are under way",
  "ring without waits": "32 wait for phase",
  "a named barrier of too many": "64 wait for named barrier 1, where 64 of 128 threads are",
  "too many registers": "wait for setmaxnreg to 240: 64256 of 64512 registers are in use",
};

describe.each(fiberOrders)("threads in order %s", (order) => {
  test("products are those of the definition: widths, swizzles, directions, register operands", () => {
    expect(results("products", order)).toEqual(Array.from({ length: 72 }, () => 0));
  });

  test("accumulators are NaN until the wait", () => {
    expect(results("early read", order)).toEqual([4096]);
  });

  test("boxes are loaded and stored as defined, cut at the tensor's ends", () => {
    expect(results("boxes", order)).toEqual(Array.from({ length: 96 }, () => 0));
  });

  test("a ring of barriers", () => {
    const sums = Array.from({ length: 32 }, (_, lane) => 4500 + 10 * (31 - lane));
    expect(results("ring", order).slice(0, 64)).toEqual([...sums.map(() => 0), ...sums]);
  });

  test("named barriers of half a block", () => {
    const expected = Array.from({ length: 128 }, (_, at) => 64 * Math.floor(at / 64) + 63 - (at % 64));
    expect(results("named barriers", order).slice(0, 128)).toEqual(expected);
  });

  test("matrices go to the rows that lanes name", () => {
    // Row r of matrix m is 31 - (8 m + r) in memory and comes from lanes 4 r … 4 r + 3.
    const expected = Array.from({ length: 128 }, (_, at) => {
      const row = 31 - Math.floor(at / 4);
      return 100 * Math.floor(row / 8) + 4 * (row % 8) + (at % 4);
    });
    expect(results("matrices", order).slice(0, 128)).toEqual(expected);
  });

  test("registers that were given back are taken", () => {
    expect(results("registers", order)).toEqual(Array.from({ length: 384 }, () => 1));
  });

  test.for(Object.entries(refusals))("refused: %s", ([kernel, reason]) => {
    expect(run(kernel, order)).toMatchObject({
      signal: "SIGABRT",
      stderr: expect.stringContaining(reason) as string,
    });
  });
});

test("maps are refused that the driver refuses", () => {
  expect(results("maps", "forward")).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
});
