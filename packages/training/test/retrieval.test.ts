import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readFileSync } from "node:fs";
import { readRetrievalTest } from "../src/data/examples/retrieval-folder.ts";
import { bm25 } from "../src/metrics/bm25.ts";
import { rankingScores } from "../src/metrics/ranking.ts";

interface RankingGolden {
  readonly queries: readonly { readonly ranked: string[]; readonly relevant: Record<string, number> }[];
  readonly ndcg10: number;
  readonly map: number;
  readonly mrr10: number;
  readonly recall10: number;
}

test("rankings beside scikit-learn's nDCG and sentence-transformers' evaluator", () => {
  const path = new URL("fixtures/metrics/ranking.json", import.meta.url);
  const { queries, ...wanted } = JSON.parse(readFileSync(path, "utf8")) as RankingGolden;
  const scores = rankingScores(
    queries.map(({ ranked, relevant }) => ({ ranked, relevant: new Map(Object.entries(relevant)) })),
  );
  for (const [name, value] of Object.entries(wanted))
    expect(scores[name as keyof typeof scores]).toBeCloseTo(value, 10);
});

function testFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "retrieval-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "qrels"));
  const usual = {
    "corpus.jsonl": '{"_id":"a","title":"Cats","text":"sleep"}\n{"_id":"b","text":"dogs run"}\n',
    "queries.jsonl": '{"_id":"q1","text":"who sleeps"}\n{"_id":"q2","text":"unjudged"}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t0\n",
  };
  for (const [name, text] of Object.entries({ ...usual, ...files })) writeFileSync(join(folder, name), text);
  return folder;
}

test("a folder in BEIR's layout", async () => {
  const { corpus, queries, judged } = await readRetrievalTest(testFolder({}));
  expect([...corpus]).toEqual([
    ["a", "Cats sleep"],
    ["b", "dogs run"],
  ]);
  expect([...queries]).toEqual([["q1", "who sleeps"]]);
  expect([...judged.get("q1")!]).toEqual([
    ["a", 2],
    ["b", 0],
  ]);
});

test.each([
  [{ "qrels/test.tsv": "h\nq1\tc\t1\n" }, /expected a document of corpus\.jsonl, got c at .*test\.tsv:2/],
  [{ "qrels/test.tsv": "h\nq3\ta\t1\n" }, /expected a query of queries\.jsonl, got q3 at .*:2/],
  [{ "qrels/test.tsv": "h\nq1 a 1\n" }, /expected query-id, corpus-id and a whole score, got q1 a 1/],
  [{ "qrels/test.tsv": "h\n" }, /expected judgements in/],
  [{ "corpus.jsonl": '{"text":"x"}\n' }, /expected a field "_id", got none \(there is text\) at .*corpus\.jsonl:1/],
  [{ "queries.jsonl": '{"_id":"q1"}\n' }, /expected a text, got none at .*queries\.jsonl:1/],
])("%j is refused with its place", async (files, message) => {
  await expect(readRetrievalTest(testFolder(files))).rejects.toThrow(message);
});

test("BM25 by hand", () => {
  const corpus = new Map([
    ["a", "red cat"],
    ["b", "the red red dog"],
    ["c", "a bird"],
  ]);
  expect(bm25(corpus)("Red!", 10)).toEqual(["b", "a"]);
  // dog is rarer than red.
  expect(bm25(corpus)("dog cat", 1)).toEqual(["a"]);
  expect(bm25(corpus)("fish", 10)).toEqual([]);
});
