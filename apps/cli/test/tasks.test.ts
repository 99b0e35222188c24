/** Commands of tasks on small models: answers are the library's goldens, whatever the texts come from and the answers go to. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { ParquetWriter, fileWriter } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { cli, errorOf } from "./support/cli.ts";
import type { Result } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

const fixtures = fileURLToPath(new URL("../../../packages/pipelines/test/fixtures/labels/", import.meta.url));
const golden = JSON.parse(readFileSync(`${fixtures}golden.json`, "utf8")) as {
  readonly nli: Readonly<Record<string, unknown>>;
  readonly rerank: { readonly texts: string[]; readonly sigmoid: { index: number; score: number }[] };
  readonly tokens: Readonly<Record<string, unknown>>;
  readonly spans: { readonly question: string };
};
const folder = temporaryFolder();
const text = "the cat sat on the mat, a dog (red) ran 12x";

function run(command: string, model: string, args: readonly string[], input = ""): Promise<Result> {
  return cli([command, "--model", join(fixtures, model), "--backend", "cpu", ...args], input);
}

async function json(command: string, model: string, args: readonly string[], input = ""): Promise<unknown[]> {
  const { stdout, stderr, code } = await run(command, model, [...args, "--json"], input);
  expect(code, stderr).toBe(0);
  return linesOf(stdout);
}

function linesOf(content: string): unknown[] {
  return content
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

function verify(model: string, args: readonly string[]): Promise<Result> {
  return cli(["verify", join(fixtures, model), "--backend", "cpu", ...args]);
}

/** With room for the rounding of another engine. */
function near(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(near);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, near(item)]));
  return typeof value === "number" && !Number.isInteger(value) ? expect.closeTo(value, 4) : value;
}

const query = "where is the cat";

describe("tasks", () => {
  test("rerank: one query over lines, and records of their own", async () => {
    const { texts, sigmoid } = golden.rerank;
    const wanted = near(sigmoid.map(({ index, score }) => ({ index, score, text: texts[index] })));
    expect(await json("rerank", "reranker", ["--query", query, "--truncate"], texts.join("\n"))).toEqual([wanted]);
    const record = JSON.stringify({ query, texts });
    expect(await json("rerank", "reranker", ["--truncate"], `${record}\n${record}\n`)).toEqual([wanted, wanted]);
    const { stdout } = await run("rerank", "reranker", ["--query", query, "--top-n", "1", ...texts, "--truncate"]);
    expect(stdout).toBe(`${sigmoid[0]!.score.toFixed(4)}  ${sigmoid[0]!.index}  ${texts[sigmoid[0]!.index]}\n`);
  });

  test("classify: pairs, and for people", async () => {
    const pair = JSON.stringify({ text, text_pair: "the dog ran" });
    expect(await json("classify", "nli", ["--jsonl"], pair)).toEqual([near(golden.nli["pair"])]);
    const some = await json("classify", "nli", ["--jsonl", "--function", "sigmoid", "--top-k", "2"], pair);
    expect(some).toEqual([near(golden.nli["pair_sigmoid"])]);
    const { stdout } = await run("classify", "nli", ["the cat\n"]);
    expect(stdout).toMatch(/^(\w+ \d+\.\d %(, )?){3} {2}the cat\\n\n$/);
  });

  test("zero-shot", async () => {
    const labels = ["cat", "red dog", "mat"].flatMap((label) => ["--label", label]);
    expect(await json("zero-shot", "nli", [...labels, "--truncate"], text)).toEqual([near(golden.nli["zero_shot"])]);
    const multi = await json(
      "zero-shot",
      "nli",
      [...labels, "--truncate", "--multi-label", "--template", "a {} ran"],
      text,
    );
    expect(multi).toEqual([near(golden.nli["zero_shot_multi"])]);
    expect(errorOf(await run("zero-shot", "nli", [text]))).toContain("--label: expected at least one, got none");
  });

  test("classify-tokens", async () => {
    expect(await json("classify-tokens", "tokens", [text])).toEqual([near(golden.tokens["text simple"])]);
    const first = await json("classify-tokens", "tokens", [
      "--aggregation",
      "first",
      "--ignore",
      "O",
      "--ignore",
      "PER",
      text,
    ]);
    expect(first).toEqual([near(golden.tokens["without PER"])]);
    const words = JSON.stringify({ words: ["the", "(red)"] });
    const each = await json(
      "classify-tokens",
      "tokens",
      ["--jsonl", "--per-word", "--aggregation", "max", "--ignore", ""],
      words,
    );
    expect(each[0]).toHaveLength(2);
  });

  test("answer", async () => {
    const { question } = golden.spans;
    const [one] = (await json("answer", "spans", ["--question", question, "--top-k", "2", text])) as [
      { start: number; end: number; answer: string }[],
    ];
    expect(one).toHaveLength(2);
    for (const { start, end, answer } of one) expect(text.slice(start, end)).toBe(answer);
    const record = JSON.stringify({ question, context: text });
    expect(await json("answer", "spans", ["--top-k", "2"], record)).toEqual([near(one)]);
  });
});

describe("vectors", () => {
  test("kinds, precisions and roles of embed", async () => {
    const [vector] = (await json("embed", "nli", [text])) as [number[]];
    const [cut] = (await json("embed", "nli", ["--dimensions", "8", text])) as [number[]];
    expect(cut).toEqual(near(vector.slice(0, 8)));
    const [bits] = (await json("embed", "nli", ["--precision", "ubinary", text])) as [number[]];
    expect(bits).toHaveLength(vector.length / 8);
    expect(bits[0]! >> 7).toBe(vector[0]! > 0 ? 1 : 0);
    const corpus = file("calibration.txt", `${text}\nthe dog ran\na red mat\n`);
    const bytes = (await json("embed", "nli", [
      "--precision",
      "uint8",
      "--calibration",
      corpus,
      "--input",
      corpus,
    ])) as number[][];
    for (const column of bytes[0]!.keys()) {
      const values = bytes.map((row) => row[column]!);
      expect(Math.min(...values)).toBe(0);
      expect(Math.max(...values)).toBeGreaterThanOrEqual(254);
    }
    const [tokens] = (await json("embed", "nli", ["--kind", "tokens", text])) as [
      { ids: number[]; vectors: number[][] },
    ];
    expect(tokens.vectors).toHaveLength(tokens.ids.length);
    const mean = vector.map((_, at) => tokens.vectors.reduce((sum, row) => sum + row[at]!, 0) / tokens.ids.length);
    expect(mean).toEqual(near(vector));
    const [chunks] = (await json("embed", "nli", ["--kind", "chunks", "--chunk-tokens", "4", text])) as [
      { start: number; vector: number[] }[],
    ];
    expect(chunks.length).toBeGreaterThan(2);
    expect(errorOf(await run("embed", "nli", ["--kind", "tokens", "--dimensions", "8", "a"]))).toMatch(
      /^error: --dimensions: expected another kind than tokens/,
    );
    expect(errorOf(await run("embed", "nli", ["--precision", "int8", "a"]))).toContain("expected --calibration");
    expect(errorOf(await run("embed", "nli", ["--kind", "multi", "a"]))).toContain("[embedMulti]");
  });

  test("similarity and search agree with the vectors", async () => {
    const texts = ["the cat sat", "a red dog", "the mat ran"];
    const vectors = (await json("embed", "nli", [], texts.join("\n"))) as number[][];
    const [score] = (await json("similarity", "nli", ["--similarity", "dot", texts[0]!, texts[1]!])) as [number];
    expect(score).toBeCloseTo(dot(vectors[0]!, vectors[1]!), 3);
    const csv = file("corpus.csv", `id,body\n${texts.map((one, at) => `${at},${one}`).join("\n")}\n`);
    const args = ["--corpus", csv, "--corpus-field", "body", "--top-k", "2", "--similarity", "dot"];
    const [found] = (await json("search", "nli", args, "the cat sat")) as [
      { hits: { text: string; id: string; score: number }[] },
    ];
    const ranked = texts.map((one, at) => ({
      text: one,
      index: at,
      id: `${csv}:${at + 2}`,
      score: expect.closeTo(dot(vectors[0]!, vectors[at]!), 3) as number,
    }));
    const order = vectors.map((vector, at) => [dot(vectors[0]!, vector), at] as const).toSorted(([a], [b]) => b - a);
    expect(found).toEqual({ query: "the cat sat", hits: order.slice(0, 2).map(([, at]) => ranked[at]) });
    expect((await run("search", "nli", args, "the cat sat")).stdout).toMatch(
      /^the cat sat\n *-?[\d.]+ {2}\S+corpus\.csv:\d {2}/,
    );
  });
});

describe("files", () => {
  test("text, JSON lines, CSV and Parquet give the same; JSON lines and Parquet come out", async () => {
    const texts = ["the cat sat", "a red dog"];
    const parquet = join(folder, "texts.parquet");
    const writer = new ParquetWriter({
      writer: fileWriter(parquet),
      schema: [
        { name: "root", num_children: 1 },
        { name: "body", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
      ],
    });
    await writer.write({ columnData: [{ name: "body", data: texts }] });
    await writer.finish();
    const inputs = [
      file("texts.txt", `${texts.join("\n")}\n`),
      file("texts.jsonl", texts.map((body) => `${JSON.stringify({ body })}\n`).join("")),
      file("texts.csv", `body\n${texts.join("\n")}\n`),
      parquet,
    ];
    const plain = await json("classify", "nli", [], texts.join("\n"));
    for (const input of inputs) {
      const output = join(folder, "labels.jsonl");
      const result = await run("classify", "nli", ["--input", input, "--field", "body", "--output", output]);
      expect(result, input).toMatchObject({ code: 0, stdout: "" });
      const wanted = plain.map((answer, at) => ({
        id: `${input}:${at + (input.endsWith(".csv") ? 2 : 1)}`,
        answer: near(answer),
      }));
      expect(linesOf(readFileSync(output, "utf8"))).toEqual(wanted);
    }
    const vectors = join(folder, "vectors.parquet");
    await run("embed", "nli", ["--input", inputs[0]!, "--output", vectors]);
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(vectors) });
    const wanted = (await json("embed", "nli", [], texts.join("\n"))) as number[][];
    expect(rows).toEqual(wanted.map((embedding, at) => ({ id: `${inputs[0]}:${at + 1}`, embedding: near(embedding) })));
  });

  test("a bad record is named, with the nearest field, and leaves no output", async () => {
    const output = join(folder, "none.jsonl");
    const bad = file("bad.jsonl", `{"text":"a cat"}\n{"txt":"a dog"}\n`);
    const error = errorOf(await run("classify", "nli", ["--input", bad, "--output", output]));
    expect(error).toBe(`error: ${bad}:2: expected text in field text, got no such field (there is txt; is txt meant?)`);
    const broken = file("broken.jsonl", `{"text":"a cat"}\n{"text\n`);
    expect(errorOf(await run("classify", "nli", ["--input", broken, "--output", output]))).toContain(
      `${broken}:2: expected one JSON object a line`,
    );
    expect(existsSync(output)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
    expect(errorOf(await run("classify", "nli", ["--output", join(folder, "x.csv"), "a"]))).toContain(
      "ends in .jsonl or .parquet",
    );
    expect(errorOf(await run("classify", "nli", ["--jsonl"], "a cat"))).toContain(
      "line 1: expected one JSON object a line",
    );
    expect(errorOf(await run("classify", "nli", ["a", "--input", bad]))).toContain(
      "--input: expected it without texts as arguments",
    );
    expect((await run("classify", "nli", ["--topk", "1", "a"])).stderr).toContain("Did you mean --top-k?");
  });
});

describe("verify", () => {
  test.each(["nli", "reranker", "tokens", "spans"])(
    "%s: int8 weights beside f32, and f32 beside itself",
    async (model) => {
      const same = JSON.parse((await verify(model, ["--json", text, "a dog"])).stdout) as Record<string, unknown>;
      expect(same).toMatchObject({ texts: 2, error: 0, ok: true, logits: { difference: 0, agreement: 1 } });
      expect(same["cosine"]).toBeCloseTo(1, 6);
      const loose = ["--max-error", "9", "--min-cosine", "0", "--max-logit-difference", "9", "--min-agreement", "0"];
      const int8 = JSON.parse((await verify(model, ["--weights", "int8", "--json", ...loose, text])).stdout) as {
        error: number;
        cosine: number;
      };
      expect(int8.error).toBeGreaterThan(1e-4);
      expect(int8.cosine).toBeGreaterThan(0.9);
      for (const options of [[], ["--dtype", "f16"], ["--dtype", "bf16"], ["--weights", "int8"]]) {
        const { code, stdout, stderr } = await verify(model, [...options, "--truncate", "--json"]);
        expect(code, stderr).toBe(0);
        expect((JSON.parse(stdout) as { texts: number }).texts).toBe(9);
      }
    },
  );

  test("limits are those of the coarsest format, so what int8 may is a fault in f32", async () => {
    const limitsOf = async (...args: string[]): Promise<unknown> =>
      (JSON.parse((await verify("nli", [...args, "--json", text])).stdout) as { limits: unknown }).limits;
    const f32 = { maxError: 1e-5, minCosine: 0.999999, maxLogitDifference: 1e-4, minAgreement: 0.999 };
    const int8 = { maxError: 0.15, minCosine: 0.998, maxLogitDifference: 1, minAgreement: 0.85 };
    expect(await limitsOf()).toEqual(f32);
    expect(await limitsOf("--weights", "int8", "--dtype", "bf16")).toEqual(int8);
    expect(await limitsOf("--weights", "bf16")).toEqual(await limitsOf("--dtype", "bf16"));
    expect(await limitsOf("--max-error", "0.2")).toEqual({ ...f32, maxError: 0.2 });
    const inF32 = Object.entries(f32).flatMap(([name, value]) => [
      `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(value),
    ]);
    expect(errorOf(await verify("nli", ["--weights", "int8", ...inF32, text]))).toMatch(/error.*cosine.*logits/);
  });

  test("a limit that is passed is exit code 1, and stdout has the numbers", async () => {
    const result = await verify("nli", [
      "--weights",
      "int8",
      "--max-error",
      "1e-9",
      "--min-cosine",
      "0",
      "--json",
      text,
    ]);
    expect(errorOf(result)).toMatch(/int8 weights: expected an error of at most 1e-9, got 0\.\d+ in the text/);
    expect(JSON.parse(result.stdout)).toMatchObject({
      ok: false,
      failures: [expect.stringContaining("an error of at most")],
    });
    const { stdout, code } = await verify("nli", ["--truncate"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^worst cosine {2}1\.000000 \(built-in text \d\)$/m);
  });
});
