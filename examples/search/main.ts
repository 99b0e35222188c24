/** The paragraphs of a folder's .txt and .md files that are nearest to a query. node search/main.ts MODEL FOLDER "a query" */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openPipeline, semanticSearch } from "@modernbert-ts/pipelines";

const [source, folder, query] = process.argv.slice(2);
if (source === undefined || folder === undefined || query === undefined)
  throw new Error("expected a model folder or hub id, a folder, and a query");

const paragraphs = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(txt|md)$/.test(file))
  .toSorted()
  .flatMap((file) =>
    readFileSync(join(folder, file), "utf8")
      .split(/\n\s*\n/)
      .map((text) => ({ file, text: text.trim() })),
  )
  .filter(({ text }) => text !== "");

const model = await openPipeline(source, { onNotice: console.error });
const texts = paragraphs.map(({ text }) => text);
const [hits] = await semanticSearch(model, [query], texts, { topK: 3, truncate: true, pooling: "mean" });
for (const { index, score } of hits!) {
  const { file, text } = paragraphs[index]!;
  console.log(`${score.toFixed(3)}  ${file}: ${text.replaceAll(/\s+/g, " ").slice(0, 100)}`);
}
await model[Symbol.asyncDispose]();
