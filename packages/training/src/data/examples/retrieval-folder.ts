/** A retrieval test in the layout of BEIR: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError, ioError } from "../../errors.ts";
import type { Relevance } from "../../metrics/ranking.ts";
import { RecordError, RecordFields } from "./record-fields.ts";
import { RecordSource } from "./records.ts";

export interface RetrievalTest {
  /** Texts by id; of documents the title, where there is one, and the text. */
  readonly corpus: ReadonlyMap<string, string>;
  /** Those that are judged. */
  readonly queries: ReadonlyMap<string, string>;
  readonly judged: ReadonlyMap<string, Relevance>;
}

/** @throws DataError `missing`; `invalid` for a record without id or text, and for judgements of what is not there, with their place. */
export async function readRetrievalTest(folder: string, split = "test"): Promise<RetrievalTest> {
  const corpus = await readTexts(join(folder, "corpus.jsonl"));
  const all = await readTexts(join(folder, "queries.jsonl"));
  const judged = new Map<string, Map<string, number>>();
  const path = join(folder, "qrels", `${split}.tsv`);
  for (const [at, line] of readText(path).split(/\r?\n/).entries()) {
    if (at === 0 || line === "") continue;
    const [query, document, score] = line.split("\t") as (string | undefined)[];
    const refuse = (expected: string, found: string): never => {
      throw new DataError("invalid", "retrieval", `expected ${expected}, got ${found} at ${path}:${at + 1}`);
    };
    if (score === undefined || !/^-?\d+$/.test(score)) refuse("query-id, corpus-id and a whole score", line);
    if (!all.has(query!)) refuse("a query of queries.jsonl", query!);
    if (!corpus.has(document!)) refuse("a document of corpus.jsonl", document!);
    let relevance = judged.get(query!);
    if (!relevance) judged.set(query!, (relevance = new Map()));
    relevance.set(document!, Number(score));
  }
  if (judged.size === 0) throw new DataError("invalid", "retrieval", `expected judgements in ${path}, got none`);
  return { corpus, queries: new Map([...all].filter(([id]) => judged.has(id))), judged };
}

async function readTexts(path: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const record of new RecordSource([path])) {
    const fields = new RecordFields(record, { id: "_id" });
    try {
      const title = fields.has("title") ? String(fields.raw("title")) : "";
      const text = fields.has("text") ? String(fields.raw("text")) : "";
      const whole = `${title} ${text}`.trim();
      if (whole === "") throw new RecordError("a text", "none");
      texts.set(fields.label("id"), whole);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      throw new DataError("invalid", "retrieval", `${error.message} at ${record.id}`);
    }
  }
  return texts;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw ioError("retrieval", path, error);
  }
}
