import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchSizeSchedule, batchSizeThresholds, learningRateSchedule } from "../src/index.ts";

describe("learningRateSchedule", () => {
  test("ModernBERT-base pretraining: warm-up over 3 B tokens, then constant", () => {
    const factor = learningRateSchedule({ kind: "wsd", warmup: 3e9, total: 1.719e12, decay: 0 });
    expect(factor(0)).toBe(1e-10);
    expect(factor(1.5e9)).toBeCloseTo(0.5, 9);
    for (const tokens of [3e9, 1e12, 1.719e12, 2e12]) expect(factor(tokens)).toBe(1);
  });

  test("ModernBERT decay phase: 1 - sqrt over 50 B tokens to 0.001", () => {
    const factor = learningRateSchedule({ kind: "wsd", total: 50e9, decay: 50e9, alphaF: 0.001 });
    expect(factor(0)).toBe(1);
    expect(factor(12.5e9)).toBeCloseTo(0.001 + 0.999 * 0.5, 12);
    expect(factor(32e9)).toBeCloseTo(0.001 + 0.999 * 0.2, 12);
    expect(factor(50e9)).toBe(0.001);
    expect(factor(60e9)).toBe(0.001);
  });

  test("wsd keeps the rate until the decay begins", () => {
    const factor = learningRateSchedule({ kind: "wsd", warmup: 10, total: 100, decay: 36 });
    expect([5, 10, 64, 73, 100].map((tokens) => Math.round(factor(tokens) * 1e6) / 1e6)).toEqual([0.5, 1, 1, 0.5, 0]);
  });

  test("linear and cosine go from the end of the warm-up to alphaF at the total", () => {
    const linear = learningRateSchedule({ kind: "linear", warmup: 10, total: 110, alphaF: 0.2 });
    expect(linear(60)).toBeCloseTo(0.6, 12);
    expect(linear(110)).toBeCloseTo(0.2, 12);
    const cosine = learningRateSchedule({ kind: "cosine", warmup: 10, total: 110, alphaF: 0.2 });
    expect(cosine(35)).toBeCloseTo(0.2 + 0.8 * ((1 + Math.SQRT1_2) / 2), 12);
    expect(cosine(60)).toBeCloseTo(0.6, 12);
    expect(cosine(1e9)).toBeCloseTo(0.2, 12);
    expect(learningRateSchedule({ kind: "constant" })(0)).toBe(1);
  });

  test("trapezoidal keeps the rate, then falls linearly over the decay", () => {
    const factor = learningRateSchedule({ kind: "trapezoidal", warmup: 10, total: 100, decay: 40, alphaF: 0.1 });
    expect([5, 10, 60].map(factor)).toEqual([expect.closeTo(0.5, 9), 1, 1]);
    for (const tokens of [70, 80, 99]) expect(factor(tokens)).toBeCloseTo(0.1 + 0.9 * (1 - (tokens - 60) / 40), 12);
    expect([100, 1e6].map(factor)).toEqual([0.1, 0.1]);
    expect(learningRateSchedule({ kind: "trapezoidal", total: 100, decay: 0 })(100)).toBe(1);
  });

  test("inverse square root: sqrt(warmup / tokens), or of its own timescale, down to alphaF", () => {
    const factor = learningRateSchedule({ kind: "inverse_sqrt", warmup: 400, alphaF: 0.05 });
    expect(factor(200)).toBeCloseTo(0.5, 9);
    for (const tokens of [400, 401, 1600, 10_000]) expect(factor(tokens)).toBeCloseTo(Math.sqrt(400 / tokens), 12);
    expect(factor(1e9)).toBe(0.05);
    const scaled = learningRateSchedule({ kind: "inverse_sqrt", warmup: 100, timescale: 300 });
    for (const since of [0, 900, 4500]) expect(scaled(100 + since)).toBeCloseTo(Math.sqrt(300 / (300 + since)), 12);
    expect(learningRateSchedule({ kind: "inverse_sqrt", timescale: 300 })(900)).toBe(0.5);
    expect(() => learningRateSchedule({ kind: "inverse_sqrt" })).toThrow("expected timescale in 1..");
  });

  test("rises during warm-up, never rises after, stays within alphaF..1", () => {
    const schedules = fc.record({
      kind: fc.constantFrom("linear" as const, "cosine" as const, "wsd" as const, "trapezoidal" as const),
      warmup: fc.nat(100),
      decay: fc.nat(100),
      stable: fc.nat(100),
      alphaF: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(schedules, fc.nat(400), fc.nat(400), ({ stable, ...schedule }, a, b) => {
        const total = schedule.warmup + schedule.decay + stable;
        const factor = learningRateSchedule({ ...schedule, total });
        const [low, high] = a < b ? [factor(a), factor(b)] : [factor(b), factor(a)];
        if (Math.max(a, b) < schedule.warmup) expect(low).toBeLessThanOrEqual(high);
        if (Math.min(a, b) >= schedule.warmup) {
          expect(high).toBeLessThanOrEqual(low);
          expect(high).toBeGreaterThanOrEqual(schedule.alphaF * (1 - 1e-12));
        }
        expect(Math.max(low, high)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  test("lengths that contradict each other are refused", () => {
    expect(() => learningRateSchedule({ kind: "wsd", warmup: 60, total: 100, decay: 50 })).toThrow(
      "[learningRateSchedule] expected decay in 0..40, got 50",
    );
    expect(() => learningRateSchedule({ kind: "cosine", warmup: 60, total: 50 })).toThrow("expected total in 60..");
    expect(() => learningRateSchedule({ kind: "linear", total: Number.NaN })).toThrow("got NaN");
  });
});

describe("batch-size warm-up", () => {
  test("base: 768 … 3840 sequences for 4,238.6 steps each, then 4608 (8 ranks, rows of 96 × 1024 tokens)", () => {
    const warmup = { minRows: 1, maxRows: 6, warmupTokens: 50e9, world: 8 };
    const perRow = 96 * 1024;
    const thresholds = batchSizeThresholds(warmup);
    expect(thresholds.map((tokens) => Math.round((tokens * 8) / 1e7) / 100)).toEqual([3.33, 10, 20, 33.33, 50]);
    for (const [k, end] of thresholds.entries())
      expect((end - (thresholds[k - 1] ?? 0)) / ((k + 1) * perRow)).toBeCloseTo(4238.6, 1);
    const rows = batchSizeSchedule(warmup);
    expect([0, 3.33e9, 3.34e9, 15e9, 25e9, 49.9e9, 50.1e9, 1e12].map((tokens) => rows(tokens) * 8 * 96)).toEqual([
      768, 768, 1536, 2304, 3072, 3840, 4608, 4608,
    ]);
  });

  test("large: 448 … 4480 in steps of 448 for 396.3 steps each, then 4928", () => {
    const warmup = { minRows: 1, maxRows: 11, warmupTokens: 10e9, world: 8 };
    const thresholds = batchSizeThresholds(warmup);
    expect(thresholds.length).toBe(10);
    for (const [k, end] of thresholds.entries())
      expect((end - (thresholds[k - 1] ?? 0)) / ((k + 1) * 56 * 1024)).toBeCloseTo(396.3, 1);
    expect(batchSizeSchedule(warmup)(10.1e9) * 8 * 56).toBe(4928);
  });

  test("no warm-up is the full size from the first step", () => {
    expect(batchSizeSchedule({ minRows: 4, maxRows: 4, warmupTokens: 1e9 })(0)).toBe(4);
    expect(batchSizeSchedule({ minRows: 1, maxRows: 4, warmupTokens: 0 })(0)).toBe(4);
    expect(() => batchSizeThresholds({ minRows: 5, maxRows: 4, warmupTokens: 0 })).toThrow("minRows");
  });
});
