/** What the data tests share: random documents kept in memory, a folder that goes away, shards with given content. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { philox4x32 } from "@modernbert-ts/tensor-core";
import type { DocumentStore } from "../src/index.ts";

export const CLS = 1;
export const SEP = 2;
export const MASK = 3;

/** A deterministic stream of uniform numbers in [0, 1). */
export function uniforms(seed: number): () => number {
  let counter = 0;
  return () => philox4x32([counter++, 0, 0, 0], [seed, 0])[0] / 2 ** 32;
}

/** Lengths like those of web documents: log-normal with this median, heavy tail, cut to 3..max. */
export function logNormalLengths(seed: number, median: number, max: number): () => number {
  const uniform = uniforms(seed);
  return () => {
    const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return Math.min(max, Math.max(3, Math.round(median * Math.exp(1.1 * normal))));
  };
}

/** Documents as arrays; token ids run from 10 so that they never equal a special id. */
export function memoryStore(documents: readonly (readonly number[])[], vocabSize = 1000): DocumentStore {
  return {
    documents: documents.length,
    vocabSize,
    fingerprint: "memory",
    documentLength: (document) => documents[document].length,
    copyDocument: (document, start, end, target, at) => target.set(documents[document].slice(start, end), at),
  };
}

/** `[CLS] … [SEP]` documents of these lengths (each at least 2) with distinct neighbours. */
export function wrappedDocuments(lengths: readonly number[]): number[][] {
  return lengths.map((length, d) => [
    CLS,
    ...Array.from({ length: length - 2 }, (_, i) => 10 + ((d * 37 + i * 7) % 900)),
    SEP,
  ]);
}

export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "modernbert-data-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
