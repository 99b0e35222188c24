/** Kernels give the same bits in whatever order the emulator runs the threads of a block, and twice in one order. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { missing } from "./library.ts";

const program = fileURLToPath(new URL("support/digest.mjs", import.meta.url));

/** A digest of what all kernels computed in a process of its own, whose emulator runs threads in `order`. */
function digest(order: string): string {
  const env = { ...process.env, MODERNBERT_CUDA_EMULATE: "1", MODERNBERT_CUDA_FIBER_ORDER: order };
  return execFileSync(process.execPath, [program], { env, encoding: "utf8" }).trim();
}

test("the order of threads does not matter", ({ skip }) => {
  if (missing) skip(missing);
  const forward = digest("forward");
  expect(forward).toMatch(/^[0-9a-f]{64}$/);
  expect([digest("forward"), digest("backward"), digest("shuffled")]).toEqual([forward, forward, forward]);
});
