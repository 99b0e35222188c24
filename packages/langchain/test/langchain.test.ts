/** Embeddings and reranker in the real @langchain/core: its in-memory store and retriever, numbers of pipelines. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Document } from "@langchain/core/documents";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { FakeVectorStore } from "@langchain/core/utils/testing";
import { embed, openPipeline, rerank, similarity } from "@modernbert-ts/pipelines";
import { afterAll, expect, test } from "vitest";
import { ModernBertEmbeddings, ModernBertReranker } from "../src/index.ts";

const fixtures = fileURLToPath(new URL("../../pipelines/test/fixtures/", import.meta.url));
const encoder = mkdtempSync(join(tmpdir(), "modernbert-langchain-"));
cpSync(join(fixtures, "sentence_transformers/base"), encoder, { recursive: true });
const prompts = { query: "cat on: ", document: "mat: " };
writeFileSync(join(encoder, "config_sentence_transformers.json"), JSON.stringify({ prompts }));
const reranker = join(fixtures, "labels/reranker");
afterAll(() => rmSync(encoder, { recursive: true, force: true }));

const texts = ["the cat sat", "on the mat", "the cat sat on the mat", "a dog"];
const query = "a cat";
const near = (numbers: Iterable<number>): unknown[] => Array.from(numbers, (one) => expect.closeTo(one, 5) as unknown);

test("embeds queries and documents with their prompts, and finds what is nearest in a vector store", async () => {
  await using embeddings = new ModernBertEmbeddings({ model: encoder, backend: "cpu" });
  await using model = await openPipeline(encoder, { backend: "cpu" });
  const documents = await embed(model, texts, { role: "document" });
  const [asked] = await embed(model, [query], { role: "query" });
  expect(await embeddings.embedDocuments(texts)).toEqual(documents.map(near));
  expect(await embeddings.embedQuery(query)).toEqual(near(asked!));
  expect(near(asked!)).not.toEqual(near((await embed(model, [query], { role: "document" }))[0]!));
  expect(await embeddings.embedDocuments([])).toEqual([]);

  const metadata = texts.map((_, index) => ({ index }));
  const store = await FakeVectorStore.fromTexts(texts, metadata, embeddings);
  const found = await store.asRetriever(4).invoke(query);
  const cosines = similarity("cosine", [asked!], documents)[0]!;
  const order = [...texts.keys()].toSorted((a, b) => cosines[b]! - cosines[a]!);
  expect(found.map((document) => document.metadata["index"] as number)).toEqual(order);

  const options = { model: encoder, backend: "cpu", normalize: true, dimensions: 8, documentPrompt: "" } as const;
  await using bare = new ModernBertEmbeddings(options);
  const [unit] = await embed(model, texts.slice(0, 1), { normalize: true, dimensions: 8 });
  expect(await bare.embedDocuments(texts.slice(0, 1))).toEqual([near(unit!)]);
  await expect(embeddings.embedDocuments(["a", ""])).rejects.toThrow("got nothing in document 1");
});

test("orders documents by their relevance and keeps the best", async () => {
  await using compressor = new ModernBertReranker({ model: reranker, backend: "cpu", topN: 2, truncate: true });
  expect(BaseDocumentCompressor.isBaseDocumentCompressor(compressor)).toBe(true);
  await using model = await openPipeline(reranker, { backend: "cpu" });
  const documents = texts.map(
    (pageContent, index) => new Document({ pageContent, metadata: { index }, id: `${index}` }),
  );
  const ranked = await rerank(model, query, texts, { truncate: true, topN: 2 });
  expect(await compressor.compressDocuments(documents, query)).toEqual(
    ranked.map(({ index, score }) => {
      const metadata = { index, relevanceScore: expect.closeTo(score, 5) as unknown };
      return new Document({ pageContent: texts[index]!, metadata, id: `${index}` });
    }),
  );
  expect(documents[0]!.metadata).toEqual({ index: 0 });
  expect(await compressor.compressDocuments([], query)).toEqual([]);
  await using wrong = new ModernBertReranker({ model: encoder, backend: "cpu" });
  await expect(wrong.compressDocuments(documents, query)).rejects.toThrow("expected a model with head");
});
