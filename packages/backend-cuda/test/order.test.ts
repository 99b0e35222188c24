/** Kernels give the same bits in whatever order the emulator runs the threads of a block, and twice in one order. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { missing } from "./library.ts";

/** A digest of what kernels computed in a process of its own, whose emulator runs threads in `order`. */
function digest(name: string, order: string): string {
  const program = fileURLToPath(new URL(`support/${name}.mjs`, import.meta.url));
  const env = { ...process.env, MODERNBERT_CUDA_EMULATE: "1", MODERNBERT_CUDA_FIBER_ORDER: order };
  return execFileSync(process.execPath, [program], { env, encoding: "utf8" }).trim();
}

test.for(["digest", "attention-digest"])(
  "the order of threads does not matter: %s",
  { timeout: 120_000 },
  (name, { skip }) => {
    if (missing) skip(missing);
    const forward = digest(name, "forward");
    expect(forward).toMatch(/^[0-9a-f]{64}$/);
    const again = ["forward", "backward", "shuffled"].map((order) => digest(name, order));
    expect(again).toEqual([forward, forward, forward]);
  },
);
