/** Rotary frequencies against transformers 5.17 (`ModernBertRotaryEmbedding`, head size 64), bit for bit. */
import { expect, it } from "vitest";
import { createConfig, presets } from "../src/index.ts";
import type { RopeSettings } from "../src/index.ts";
import { ropeFrequencies, ropeValues } from "../src/rope-tables.ts";

const yarn = createConfig({
  rope_parameters: {
    full_attention: { rope_type: "yarn", rope_theta: 160000, factor: 4, original_max_position_embeddings: 2048 },
    sliding_attention: {
      rope_type: "yarn",
      rope_theta: 10000,
      factor: 8,
      original_max_position_embeddings: 1024,
      beta_fast: 16,
      beta_slow: 2,
      mscale: 0.7,
      mscale_all_dim: 0.4,
    },
  },
});

/** Frequencies 0, 5, 12, 20 and 31. */
const reference: [string, RopeSettings, number[], number][] = [
  [
    "global",
    presets.base.rope.global,
    [1, 0.15376456081867218, 0.011180340312421322, 0.0005590170039795339, 9.088847036764491e-6],
    1,
  ],
  [
    "local",
    presets.base.rope.local,
    [1, 0.23713736236095428, 0.03162277862429619, 0.003162277862429619, 0.0001333521504420787],
    1,
  ],
  [
    "global YaRN",
    yarn.rope.global,
    [1, 0.15376456081867218, 0.006149187218397856, 0.00013975425099488348, 2.272211759191123e-6],
    1.138629436111989,
  ],
  [
    "local YaRN",
    yarn.rope.local,
    [1, 0.23713736236095428, 0.017787812277674675, 0.00039528473280370235, 1.666901880525984e-5],
    1.0575928109100559,
  ],
];

it.each(reference)("%s", (_, settings, frequencies, factor) => {
  const computed = ropeFrequencies(settings, 64);
  expect([0, 5, 12, 20, 31].map((j) => computed[j])).toEqual(frequencies);
  expect(settings.type === "yarn" ? settings.attentionFactor : 1).toBeCloseTo(factor, 14);
});

it("rounds angles to f32 as the reference does, which shows at far positions", () => {
  const { cos } = ropeValues(presets.base.rope.local, 64, 8192);
  const at = 8191 * 32 + 1;
  expect(cos[at]).toBeCloseTo(Math.cos(Math.fround(8191 * Math.fround(0.7498942017555237))), 9);
  expect(Math.abs(cos[at]! - Math.cos(8191 * 10000 ** (-2 / 64)))).toBeGreaterThan(1e-5);
});
