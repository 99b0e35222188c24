/** How alike texts are. node embed/main.ts MODEL "a text" "another" … */
import { embed, openPipeline, similarity, similarityOf } from "@modernbert-ts/pipelines";

const [source, ...texts] = process.argv.slice(2);
if (source === undefined || texts.length < 2)
  throw new Error("expected a model folder or hub id, and two texts or more");

const model = await openPipeline(source, { onNotice: console.error });
const vectors = await embed(model, texts, { pooling: "mean" });
for (const row of similarity(similarityOf(model), vectors, vectors))
  console.log(Array.from(row, (value) => value.toFixed(3)).join("  "));
await model[Symbol.asyncDispose]();
