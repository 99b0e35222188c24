/** Every example as a person runs it: the programs under Node 22, which takes TypeScript as it is, on a tiny model and built packages. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { node22 } from "@modernbert-ts/node22";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { saveTinyModel } from "../../packages/pipelines/test/support/tiny-model.ts";

const examples = join(import.meta.dirname, "..");
const work = mkdtempSync(join(tmpdir(), "modernbert-examples-"));
const model = join(work, "model");

beforeAll(() => saveTinyModel(model));
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function run(name: string, ...args: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(node22!, [join(examples, name, "main.ts"), ...args]);
  return stdout.trim().split("\n");
}

describe.skipIf(node22 === undefined)("examples, under Node 22 (npm has it for linux-x64)", () => {
  test("embed", async () => {
    const rows = await run("embed", model, "the cat", "the dog", "the cat");
    const numbers = rows.map((row) => row.split("  ").map(Number));
    expect(numbers.map((row) => row.length)).toEqual([3, 3, 3]);
    expect(numbers.map((row, at) => row[at])).toEqual([1, 1, 1]);
    expect(numbers[0]![2]).toBe(1);
    expect(numbers[0]![1]).toBeLessThan(1);
  });

  test("search", async () => {
    const texts = join(work, "texts");
    cpSync(join(examples, "README.md"), join(texts, "README.md"));
    cpSync(join(examples, "next-page"), join(texts, "next-page"), { recursive: true });
    const rows = await run("search", model, texts, "a page whose model runs in a worker");
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row).toMatch(/^-?\d\.\d{3} {2}.+\.md: /);
  });

  test("fine-tune", async () => {
    expect(await run("fine-tune", model, join(work, "tuned"))).toEqual([
      expect.stringMatching(/^the music was wonderful: good [01]\.\d{3}$/),
      expect.stringMatching(/^the music was terrible: bad [01]\.\d{3}$/),
    ]);
  });

  test("custom-backend", async () => {
    const [first, ...counts] = await run("custom-backend", model);
    expect(first).toBe(`${7 * 32} numbers`);
    expect(counts.join("\n")).toMatch(/^ +3 varlenAttention$/m);
  });

  test("each says what it wants when it is given nothing", async () => {
    for (const name of ["embed", "search", "fine-tune", "custom-backend"])
      await expect(run(name)).rejects.toThrow(/expected a model folder/);
  });
});
