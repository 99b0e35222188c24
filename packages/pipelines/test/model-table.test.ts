/**
 * Layouts of published models, each as a tiny folder with weights by a formula: what it answers is what transformers and sentence-transformers
 * answer, or it is refused with what to do. `docs/models.md` lists the same rows.
 */
import { expect, test } from "vitest";
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
import type { Pipeline, TokenVectors } from "../src/index.ts";
import { folderOf, folderOfFiles, given, refused, rows } from "./support/model-table.ts";
import type { Row } from "./support/model-table.ts";

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
  expect(await asked[row.task as keyof typeof asked](pipeline, row)).toEqual(near(row.answer));
});

test.each(refused.map((row) => [row.model, row] as const))("%s is refused", async (_, { files, todo }) => {
  const folder = folderOfFiles(files);
  const open = async (): Promise<unknown> => {
    const opened = await openFolder(await resolveModelFolder(folder));
    return readTextSide(opened, await readInfo(opened));
  };
  await expect(open()).rejects.toThrow(todo);
});
