/** What the emulator does for warps: products of matrices, asynchronous copies, and what the hardware does not allow. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { missing } from "./library.ts";
import { compileProgram, fiberOrders } from "./support/compile.ts";
import type { Program } from "./support/compile.ts";

let program: Program | undefined;
beforeAll(() => {
  if (!missing) program = compileProgram("warp.cu");
}, 600_000);
afterAll(() => program?.[Symbol.dispose]());
beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

describe.each(fiberOrders)("threads in order %s", (order) => {
  test.each([
    "products of bf16",
    "products of bf16, loaded across",
    "products of f16",
    "products of f16, loaded across",
    "copies",
    "votes and conversions",
  ])("%s are what they should be", (what) => {
    expect(program!.run(what, order).stdout).toBe("right\n");
  });
});

test.each([
  ["a row off its place", "is not at a multiple"],
  ["a row outside", "lies outside of the shared memory"],
  ["a copy to a wrong place", "is not at a multiple"],
  ["a copy from a wrong place", "reads 16 bytes at a multiple of 16"],
  ["half a warp", "wait for one another"],
])("%s ends the process, with the reason", (what, reason) => {
  expect(program!.run(what)).toMatchObject({ signal: "SIGABRT", stderr: expect.stringContaining(reason) as string });
});
