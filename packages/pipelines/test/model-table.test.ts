/**
 * Layouts of published models, each as a tiny folder with weights by a formula: what it answers is what transformers and sentence-transformers
 * answer, or it is refused with what to do. `docs/models.md` lists the same rows.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { float32ToBfloat16, float32ToFloat16 } from "@modernbert-ts/safetensors";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterAll, expect, test } from "vitest";
import {
  classify,
  classifyTokens,
  decide,
  embed,
  embedMulti,
  embedSparse,
  fillMask,
  openFolder,
} from "../src/index.ts";
import {
  openPipeline,
  readInfo,
  readTextSide,
  rerank,
  resolveModelFolder,
  targetTokens,
  zeroShot,
} from "../src/index.ts";
import type { DecisionQuestion, Json, Pipeline, TokenVectors } from "../src/index.ts";

type Files = Readonly<Record<string, object | null>>;

/** Made by tooling/reference/model_table_fixture.py. */
interface Row {
  readonly model: string;
  readonly task: keyof typeof asked;
  readonly files: Files;
  readonly tokenizer: string;
  /** Where the tokenizer lies, "" where not elsewhere. */
  readonly tokenizerFolder?: string;
  readonly dtype: "F32" | "F16" | "BF16";
  readonly texts?: readonly string[];
  readonly targets?: readonly string[];
  readonly weights: Readonly<Record<string, readonly (readonly [name: string, shape: readonly number[]])[]>>;
  readonly answer: unknown;
}

interface Table {
  readonly given: {
    readonly texts: readonly string[];
    readonly pairs: readonly (readonly [string, string])[];
    readonly masked: readonly string[];
    readonly state: Json;
    readonly questions: Readonly<Record<string, DecisionQuestion>>;
    readonly tokenizerConfig: object;
  };
  readonly rows: readonly Row[];
  readonly refused: readonly { readonly model: string; readonly files: Files; readonly todo: string }[];
}

const fixture = fileURLToPath(new URL("fixtures/model_table", import.meta.url));
const { given, rows, refused } = JSON.parse(readFileSync(join(fixture, "table.json"), "utf8")) as Table;
const root = mkdtempSync(join(tmpdir(), "modernbert-table-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Multiples of 1/64 between -1/2 and 1/2, of the tensor's name and the place; norms lie around 1. */
function valuesOf(name: string, size: number): Float32Array {
  let hash = 2166136261;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 16777619);
  const norm = /(norm\.weight|LayerNorm\.(weight|gamma)|scorer\.0\.weight)$/.test(name);
  return Float32Array.from({ length: size }, (_, at) => {
    let x = Math.imul(at + 1, 0x9e3779b1) ^ hash;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    const value = ((x ^ (x >>> 16)) >>> 26) / 64 - 0.5;
    return norm ? 1 + value / 2 : value;
  });
}

const inDtype = {
  F32: (data: Float32Array) => data,
  F16: float32ToFloat16,
  BF16: float32ToBfloat16,
};

function writeFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content === null ? "" : JSON.stringify(content));
  }
}

let folders = 0;
async function folderOf({ files, tokenizer, tokenizerFolder = "", dtype, weights }: Row): Promise<string> {
  const folder = join(root, String(folders++));
  writeFiles(folder, { ...files, [`${tokenizerFolder}tokenizer_config.json`]: given.tokenizerConfig });
  cpSync(join(fixture, `${tokenizer}.json`), join(folder, tokenizerFolder, "tokenizer.json"));
  for (const [path, tensors] of Object.entries(weights)) {
    const entries = tensors.map(([name, shape]) => {
      const data = valuesOf(
        name,
        shape.reduce((size, axis) => size * axis, 1),
      );
      if (path !== "model.safetensors") return { name, dtype: "F32" as const, shape, data };
      return { name, dtype, shape, data: inDtype[dtype](data) };
    });
    await writeSafetensors(join(folder, path), entries);
  }
  return folder;
}

function rowsOf({ values, width }: TokenVectors): number[][] {
  return Array.from({ length: values.length / width }, (_, row) => [
    ...values.subarray(row * width, (row + 1) * width),
  ]);
}

/** What a row asks of its model, by task. */
const asked = {
  "fill-mask": async (model: Pipeline, { targets }: Row) => {
    const filled = await fillMask(model, given.masked, {
      topK: 2,
      ...(targets && { targets: targetTokens(model, targets) }),
    });
    return filled.map(([mask]) => mask!.map(({ token, score }) => ({ token, score })));
  },
  embed: async (model: Pipeline, { texts = given.texts }: Row) =>
    (await embed(model, texts)).map((vector) => Array.from(vector)),
  rerank: (model: Pipeline) =>
    rerank(
      model,
      given.pairs[0]![0],
      given.pairs.map(([, text]) => text),
    ),
  classify: (model: Pipeline) => classify(model, given.texts),
  "zero-shot": (model: Pipeline) => zeroShot(model, given.texts, ["cat", "dog"]),
  "token-classification": (model: Pipeline) => classifyTokens(model, given.texts, { aggregationStrategy: "simple" }),
  "token-pairs": async (model: Pipeline) => {
    const [entities] = await classifyTokens(model, [given.pairs[0]!], { ignoreLabels: [] });
    return entities!.filter(({ text_index }) => text_index === 1).map(({ score }) => score);
  },
  "embed-multi": async (model: Pipeline) => {
    const [query, document] = given.pairs[0]!;
    const [ofQuery] = await embedMulti(model, [query], { role: "query" });
    const [ofDocument] = await embedMulti(model, [document], { role: "document" });
    return { query: rowsOf(ofQuery!), document: rowsOf(ofDocument!) };
  },
  decide: async (model: Pipeline) => (await decide(model, [given], { truncate: true, maxTokensPerPack: 200 }))[0],
  "embed-sparse": async (model: Pipeline) =>
    (await embedSparse(model, given.texts)).map(({ indices, values }) => ({
      indices: [...indices],
      values: [...values],
    })),
} satisfies Record<string, (model: Pipeline, row: Row) => Promise<unknown>>;

/** Fractions may differ by 1e-4. */
function near(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(near);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, near(item)]));
  }
  return typeof value === "number" && !Number.isInteger(value) ? expect.closeTo(value, 4) : value;
}

test.each(rows.map((row) => [row.model, row] as const))("%s loads and is right", async (_, row) => {
  await using pipeline = await openPipeline(await folderOf(row), { backend: "cpu", cpuEngine: "typescript" });
  expect(await asked[row.task](pipeline, row)).toEqual(near(row.answer));
});

test.each(refused.map((row) => [row.model, row] as const))("%s is refused", async (_, { files, todo }) => {
  const folder = join(root, String(folders++));
  writeFiles(folder, files);
  const open = async (): Promise<unknown> => {
    const opened = await openFolder(await resolveModelFolder(folder));
    return readTextSide(opened, await readInfo(opened));
  };
  await expect(open()).rejects.toThrow(todo);
});
