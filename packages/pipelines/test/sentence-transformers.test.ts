/** Vectors against those of sentence-transformers, for each kind of file that it reads beside a model. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterAll, expect, test } from "vitest";
import { classify, embed, openPipeline, rerank } from "../src/index.ts";

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

/** Made by the same file: cross-encoders in modules. */
interface CrossEncoders {
  readonly query: string;
  readonly documents: readonly string[];
  readonly models: readonly (Pick<Variant, "name" | "files" | "weights"> & {
    /** Of each document, one or several. */
    readonly logits: readonly number[];
    readonly ranked: readonly (readonly [index: number, score: number])[] | null;
  })[];
}
const { query, documents, models } = JSON.parse(
  readFileSync(join(fixture, "cross_encoders.json"), "utf8"),
) as CrossEncoders;

async function folderOf({ name, files, weights = {} }: Pick<Variant, "name" | "files" | "weights">): Promise<string> {
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
  // In parts of the largest number: vectors that nothing normalises are long.
  expect(Math.max(...errors)).toBeLessThan(1e-5 * Math.max(1, ...golden.flat().map(Math.abs)));
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

test.each(models)("cross-encoder in modules: $name", async (model) => {
  await using pipeline = await openPipeline(await folderOf(model), { backend: "cpu" });
  const pairs = documents.map((text) => [query, text] as const);
  const scored = await classify(pipeline, pairs, { functionToApply: "none", truncate: true });
  const byLabel = scored.map((labels) => labels.toSorted((a, b) => (a.label < b.label ? -1 : 1)));
  const logits = byLabel.flatMap((labels) => labels.map(({ score }) => score));
  expect(logits).toEqual(model.logits.map((logit) => expect.closeTo(logit, 4) as number));
  await expect(embed(pipeline, ["a text"], { pooling: "mean" })).rejects.toThrow("it scores pairs, rerank with it");
  const ranking = rerank(pipeline, query, documents, { truncate: true });
  if (!model.ranked) return await expect(ranking).rejects.toThrow("expected a model with one label, got 3");
  const ranked = model.ranked.map(([index, score]) => ({ index, score: expect.closeTo(score, 5) as number }));
  return await expect(ranking).resolves.toEqual(ranked);
});

test("a cross-encoder whose modules are not all computed is refused by name", async () => {
  const [model] = models;
  const modules = model!.files["modules.json"] as readonly object[];
  const odd = {
    idx: 5,
    name: "5",
    path: "5_LogitScore",
    type: "sentence_transformers.cross_encoder.modules.LogitScore",
  };
  const folder = await folderOf({
    ...model!,
    name: "odd",
    files: { ...model!.files, "modules.json": [...modules, odd] },
  });
  await using pipeline = await openPipeline(folder, { backend: "cpu" });
  await expect(rerank(pipeline, query, documents, { truncate: true })).rejects.toThrow(
    /got LogitScore \(5_LogitScore\), no Dense at the end with module_output_name "scores"/,
  );
});
