/** What holds for all sections, and the texts that speed is measured on. */
import { describe, expect, test } from "vitest";
import { budgetMinutes, levels } from "../src/level.ts";
import { sections } from "../src/sections/all.ts";
import { modelNames, pairs } from "../src/sections/pair.ts";
import { drawTexts, padded } from "../src/sections/speed/batches.ts";

describe("sections", () => {
  test.each(levels)("level %s: the planned minutes fit", (level) => {
    const planned = sections.reduce((sum, { minutes }) => sum + (minutes[level] ?? 0), 0);
    expect(planned).toBeGreaterThan(0);
    expect(planned).toBeLessThanOrEqual(budgetMinutes[level]);
  });

  test.each(sections.map((section) => [section.name, section] as const))(
    "%s renders and judges without records",
    (name, section) => {
      expect(name).toMatch(/^[a-z]+$/);
      expect(() => section.render([], "standard")).not.toThrow();
      for (const { verdict } of section.claims?.([]) ?? [])
        expect(["not measured", "cannot be shown on this machine"]).toContain(verdict);
    },
  );

  test("have names of their own", () => {
    expect(new Set(sections.map(({ name }) => name)).size).toBe(sections.length);
  });
});

describe("texts", () => {
  const variable = drawTexts("variable", 512, 2000, 30_522, 42);

  test("are the same for the same seed", () => {
    const few = variable.slice(0, 20);
    expect(drawTexts("variable", 512, 20, 30_522, 42)).toEqual(few);
    expect(drawTexts("variable", 512, 20, 30_522, 43)).not.toEqual(few);
  });

  test("have lengths around half the longest, an eighth of it apart", () => {
    const lengths = variable.map(({ length }) => length);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    const deviation = Math.sqrt(lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / lengths.length);
    expect(mean).toBeGreaterThan(250);
    expect(mean).toBeLessThan(262);
    expect(deviation).toBeGreaterThan(60);
    expect(deviation).toBeLessThan(68);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(16);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(512);
  });

  test("padded are all as long as the longest may be", () => {
    const batch = padded(drawTexts("variable", 64, 3, 200, 1), 64);
    expect([...batch.cuSeqlens]).toEqual([0, 64, 128, 192]);
  });
});

test("the small pair has equal parameters in its layers, within two in a hundred", () => {
  const count = { bert: 0, modernbert: 0 };
  for (const name of modelNames) {
    const { layers, hidden, intermediate } = pairs.small[name];
    const matrices = name === "bert" ? 2 : 3;
    count[name] = layers * (4 * hidden ** 2 + matrices * hidden * intermediate);
  }
  expect(Math.abs(count.modernbert / count.bert - 1)).toBeLessThan(0.02);
});
