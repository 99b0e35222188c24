/** Vectors against those of sentence-transformers, for each kind of file that it reads beside a model. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterAll, expect, test } from "vitest";
import { embed, openPipeline } from "../src/index.ts";

/** Made by tooling/reference/sentence_fixture.py. */
interface Variant {
  readonly name: string;
  /** Files over those of the base folder. */
  readonly files: Readonly<Record<string, unknown>>;
  /** Weights of modules by the folder of each: numbers, or rows of them. */
  readonly weights?: Readonly<Record<string, Readonly<Record<string, readonly number[] | readonly number[][]>>>>;
  readonly texts: readonly string[];
  readonly promptName?: string;
  readonly vectors: readonly (readonly number[])[];
}

const fixture = fileURLToPath(new URL("fixtures/sentence_transformers", import.meta.url));
const variants = JSON.parse(readFileSync(join(fixture, "variants.json"), "utf8")) as Variant[];

const root = mkdtempSync(join(tmpdir(), "modernbert-sentence-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function folderOf({ name, files, weights = {} }: Variant): Promise<string> {
  const folder = join(root, name);
  cpSync(join(fixture, "base"), folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(content));
  }
  for (const [path, tensors] of Object.entries(weights)) {
    const entries = Object.entries(tensors).map(([tensor, rows]) => {
      const data = Float32Array.from(rows.flat());
      const shape = Array.isArray(rows[0]) ? [rows.length, data.length / rows.length] : [data.length];
      return { name: tensor, dtype: "F32" as const, shape, data };
    });
    await writeSafetensors(join(folder, path, "model.safetensors"), entries);
  }
  return folder;
}

test.each(variants)("$name", async (variant) => {
  const { texts, promptName, vectors: golden } = variant;
  await using pipeline = await openPipeline(await folderOf(variant), { backend: "cpu" });
  const vectors = await embed(pipeline, texts, { truncate: true, ...(promptName !== undefined && { promptName }) });
  expect(vectors.map(({ length }) => length)).toEqual(golden.map(({ length }) => length));
  const errors = vectors.flatMap((vector, row) =>
    Array.from(vector, (value, at) => Math.abs(value - golden[row]![at]!)),
  );
  expect(Math.max(...errors)).toBeLessThan(1e-5);
});

test("the variants differ where their files do", () => {
  const [first] = variants;
  const same = variants.filter(({ vectors }) => JSON.stringify(vectors) === JSON.stringify(first!.vectors));
  expect(same.map(({ name }) => name)).toEqual([
    "no modules.json",
    "flags, mean",
    "mode mean",
    "list of one mode",
    "pooling at another path",
    "include_prompt false, no prompt",
  ]);
});
