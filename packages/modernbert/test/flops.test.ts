/** Operations of a forward pass against counts by hand and by enumeration. */
import { expect, test } from "vitest";
import { forwardFlops } from "@modernbert-ts/encoder";
import { countParameters, createConfig, modernbertKind, presets } from "../src/index.ts";

test("of base: twice the encoder's matrices, attention over what a token sees, the tied decoder for each scored token", () => {
  const { perToken, perScored } = forwardFlops(modernbertKind, presets.base, "masked-lm", [1024]);
  const matrices = 22 * (4 * 768 ** 2 + 3 * 768 * 1152);
  let pairs = 0;
  for (let i = 0; i < 1024; i++) for (let j = 0; j < 1024; j++) if (Math.abs(i - j) <= 64) pairs++;
  expect(perToken).toBeCloseTo(2 * matrices + 4 * 768 * (8 * 1024 + (14 * pairs) / 1024), 3);
  expect(perScored).toBe(2 * (768 * 768 + 50_368 * 768));
  // All weights but embedding and norms are in the one or the other.
  const vectors = countParameters(presets.base, "masked-lm") - matrices - 768 * 768 - 50_368 * 768;
  expect(vectors).toBe(768 * (1 + 22 + 21 + 1 + 1) + 50_368);
});

test("short texts meet only their own tokens; long ones weigh by their tokens", () => {
  const config = createConfig({ num_hidden_layers: 2, hidden_size: 8, num_attention_heads: 2, intermediate_size: 8 });
  const linear = 2 * 2 * (4 * 64 + 3 * 64);
  const keys = (lengths: number[]): number =>
    (forwardFlops(modernbertKind, config, "none", lengths).perToken - linear) / (4 * 8);
  expect(keys([10])).toBe(20);
  expect(keys([10, 30])).toBeCloseTo((2 * (100 + 900)) / 40, 10);
  expect(keys([65])).toBe(130);
  expect(keys([])).toBe(0);
  expect(forwardFlops(modernbertKind, config, "none", [10]).perScored).toBe(0);
});
