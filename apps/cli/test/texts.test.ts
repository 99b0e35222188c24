/** `modernbert fill-mask`, `embed`, `classify`, `pseudo-log-likelihood` and `info` on a tiny model, in their human and machine forms. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import type { PseudoLogLikelihood } from "@modernbert-ts/pipelines";
import { bin, cli, errorOf } from "./support/cli.ts";
import type { Result } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

const folder = temporaryFolder();
const model = join(folder, "masked-lm");
await saveTinyModel(model);
const classifier = join(folder, "classifier");
await saveTinyModel(classifier, { head: "sequence-classification", config: { id2label: { 0: "ham", 1: "spam" } } });

function run(command: string, args: readonly string[], input = "", from = model): Promise<Result> {
  return cli([command, "--model", from, "--backend", "cpu", ...args], input);
}

describe("fill-mask", () => {
  test("--json is transformers' form: a list, with several masks a list of lists", async () => {
    const one = JSON.parse((await run("fill-mask", ["The [MASK] is", "--json", "--top-k", "3"])).stdout) as object[];
    expect(one).toHaveLength(3);
    expect(Object.keys(one[0]!)).toEqual(["score", "token", "token_str", "sequence"]);
    const two = JSON.parse((await run("fill-mask", ["[MASK] is [MASK]", "--json"])).stdout) as object[][];
    expect(two.map((mask) => mask.length)).toEqual([5, 5]);
  });

  test("for people: a table, one row for each prediction, a block for each mask", async () => {
    const { stdout, code } = await run("fill-mask", ["a [MASK] b [MASK]", "--top-k", "2"]);
    expect(code).toBe(0);
    const [first, second] = stdout.trimEnd().split("\n\n");
    for (const block of [first!, second!]) {
      const rows = block.split("\n");
      expect(rows).toHaveLength(2);
      for (const row of rows) expect(row).toMatch(/^ *\d+\.\d % {2} *\d+ {2}".*" +\S/);
    }
  });

  test("control characters are shown, not obeyed", async () => {
    const { stdout } = await run("fill-mask", ["a\n\u001b[31m [MASK]\u009b", "--top-k", "300"]);
    const rows = stdout.trimEnd().split("\n");
    expect(rows).toHaveLength(300);
    for (const row of rows) expect(row).toMatch(/a\\n\\u001b\[31m.*\\u009b$/u);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  test("a text without a mask, an empty one, and no text", async () => {
    expect(errorOf(await run("fill-mask", ["nothing here"]))).toMatch(/expected \[MASK\].*in the text/);
    expect(errorOf(await run("fill-mask", [""]))).toMatch(/expected text, got nothing in the text/);
    expect(await run("fill-mask", [])).toMatchObject({ code: 0, stdout: "" });
    expect((await run("fill-mask", ["[MASK]", "--top-k", "0"])).code).toBe(2);
  });

  test("a classifier has no masked-LM head", async () => {
    expect(errorOf(await run("fill-mask", ["[MASK]"], "", classifier))).toMatch(/decoder\.bias.*for head "masked-lm"/);
  });
});

describe("embed", () => {
  const lines = Array.from({ length: 300 }, (_, at) => `text number ${at}`);
  test("one JSON array a line, in order, whatever the blocks", async () => {
    const all = await run("embed", ["--pooling", "mean"], lines.join("\n"));
    expect(all.code, all.stderr).toBe(0);
    const vectors = all.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as number[]);
    expect(vectors).toHaveLength(300);
    expect(vectors.every((vector) => vector.length === 32)).toBe(true);
    const alone = JSON.parse((await run("embed", ["--pooling", "mean"], lines[299])).stdout) as number[];
    vectors[299]!.forEach((value, at) => expect(value).toBeCloseTo(alone[at]!, 5));
  });

  test("--normalize and --pooling", async () => {
    const vector = JSON.parse((await run("embed", ["--normalize"], "a")).stdout) as number[];
    expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    const [cls, mean] = [
      await run("embed", ["--pooling", "cls"], "a b c"),
      await run("embed", ["--pooling", "mean"], "a b c"),
    ];
    expect(cls.stdout).not.toBe(mean.stdout);
  });

  test("an empty line and one that is too long are named; --truncate cuts", async () => {
    expect(errorOf(await run("embed", [], "a\n\nb"))).toMatch(/got nothing in line 2/);
    const long = `a\n${"x y ".repeat(100)}`;
    expect(errorOf(await run("embed", [], long))).toMatch(/at most 64 tokens, got \d+ in line 2/);
    expect((await run("embed", ["--truncate"], long)).stdout.trimEnd().split("\n")).toHaveLength(2);
  });

  test("no input is no error", async () => {
    expect(await run("embed", [], "")).toMatchObject({ code: 0, stdout: "" });
  });
});

test("classify: all labels of each line, best first", async () => {
  const { stdout, code } = await run("classify", ["--json"], "one\ntwo\n", classifier);
  expect(code).toBe(0);
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { label: string; score: number }[]);
  expect(answers).toHaveLength(2);
  for (const [best, other] of answers as [{ label: string; score: number }, { label: string; score: number }][]) {
    expect([best.label, other.label].toSorted()).toEqual(["ham", "spam"]);
    expect(best.score).toBeGreaterThanOrEqual(other.score);
    expect(best.score + other.score).toBeCloseTo(1, 6);
  }
  expect(errorOf(await run("classify", [], "one"))).toMatch(/classifier\.weight.*"sequence-classification"/);
});

test("pseudo-log-likelihood: sum and tokens of each line; what cannot be scored is named", async () => {
  const { stdout, code } = await run("pseudo-log-likelihood", ["--json"], "The capital\na\n");
  expect(code).toBe(0);
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as PseudoLogLikelihood);
  expect(answers.map(({ num_tokens, tokens }) => [num_tokens, tokens.length])).toEqual([
    [2, 2],
    [1, 1],
  ]);
  const [{ tokens, pseudo_log_likelihood }] = answers as [PseudoLogLikelihood];
  expect(tokens.map(({ token_str }) => token_str)).toEqual(["The", " capital"]);
  expect(pseudo_log_likelihood).toBe(tokens.reduce((sum, { log_probability }) => sum + log_probability, 0));
  expect(errorOf(await run("pseudo-log-likelihood", [], "a\n[MASK]"))).toMatch(/only special tokens in line 2/);
  expect(errorOf(await run("pseudo-log-likelihood", [], "a\n\nb"))).toMatch(/got nothing in line 2/);
  const long = "x y ".repeat(100);
  expect(errorOf(await run("pseudo-log-likelihood", [], long))).toMatch(/at most 64 tokens, got \d+ in line 1/);
  const cut = JSON.parse(
    (await run("pseudo-log-likelihood", ["--truncate", "--json"], long)).stdout,
  ) as PseudoLogLikelihood;
  expect(cut.num_tokens).toBe(62);
});

describe("info", () => {
  test("in words", async () => {
    const { stdout, code } = await cli(["info", "--model", classifier]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^head +sequence-classification$/m);
    expect(stdout).toMatch(/^layers +3: 1 global, 2 local \(±4 tokens\)$/m);
    expect(stdout).toMatch(/^width +32, in 2 heads of 16$/m);
    expect(stdout).toMatch(/^stored as +F32$/m);
    expect(stdout).toMatch(/^vocabulary +300 tokens/m);
    expect(stdout).toMatch(/^labels +2: ham, spam$/m);
    expect(stdout).toMatch(/model\.safetensors \(\d+\.?\d* kB\)/);
  });

  test("of BERT", async () => {
    const bert = fileURLToPath(new URL("../../../packages/pipelines/test/fixtures/bert/nli", import.meta.url));
    const { stdout, code } = await cli(["info", "--model", bert]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^architecture +bert$/m);
    expect(stdout).toMatch(/^width +16, in 4 heads of 4$/m);
    expect(stdout).toMatch(/^token types +2$/m);
    expect(stdout).toMatch(/^longest text +48 tokens$/m);
    expect(stdout).toMatch(/^labels +3: contradiction, neutral, entailment$/m);
  });

  test("of a backend: what it runs on, without a model", async () => {
    const { stdout, code } = await cli(["info", "--backend", "cpu"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^backend +cpu\ndevice +CPU, .+\n$/);
    expect(JSON.parse((await cli(["info", "--backend", "cpu", "--json"])).stdout)).toMatchObject({ backend: "cpu" });
  });

  test("as JSON; the parameters are those of the file", async () => {
    const info = JSON.parse((await cli(["info", "--model", model, "--json"])).stdout) as {
      parameters: number;
      files: { name: string; bytes: number }[];
    };
    const { bytes } = info.files.find(({ name }) => name === "model.safetensors")!;
    expect(bytes).toBeGreaterThan(4 * info.parameters);
    expect(bytes).toBeLessThan(4 * info.parameters + 8192); // the header
  });

  test("without weights", async () => {
    const bare = join(folder, "bare");
    await saveTinyModel(bare);
    rmSync(join(bare, "model.safetensors"));
    expect((await cli(["info", "--model", bare])).stdout).toMatch(/^stored as +no weights here$/m);
  });
});

test("a folder that is not there, as the bin says it", async () => {
  const result = await bin(["embed", "--model", "/no/such/folder"]);
  expect(errorOf(result)).toMatch(
    /^error: \[model\] there is no folder \/no\/such\/folder: give an existing folder or a hub id/,
  );
  const debug = await bin(["--debug", "embed", "--model", "/no/such/folder"]);
  expect(debug.code).toBe(1);
  expect(debug.stderr).toMatch(/^ {4}at /m);
});
