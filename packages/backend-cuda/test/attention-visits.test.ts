/** Tiles that the window leaves out are never visited: local attention costs O(T · window). */
import { expect, test } from "vitest";
import { missing } from "./library.ts";
import { compileProgram } from "./support/compile.ts";

/** A tile of 64 tokens, itself and its neighbours: two of the tiles have one neighbour only. */
const visits = (tokens: number): number => 3 * (tokens / 64) - 2;

test("visits as many tiles as the window asks for", ({ skip }) => {
  if (missing) skip(missing);
  using program = compileProgram("attention-visits.cu");
  for (const tokens of [64, 256, 512]) {
    const counted = program.run(String(tokens)).stdout.trim().split(" ").map(Number);
    expect(counted).toEqual([visits(tokens), visits(tokens), visits(tokens)]);
  }
}, 600_000);
