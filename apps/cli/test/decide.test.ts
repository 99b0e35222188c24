/** `modernbert decide` on a small decision model: the library's answers, and questions that are refused. */
import { decide, openPipeline } from "@modernbert-ts/pipelines";
import type { Decision } from "@modernbert-ts/pipelines";
import { expect, test } from "vitest";
import { folderOf, rows } from "../../../packages/pipelines/test/support/model-table.ts";
import { cli, errorOf } from "./support/cli.ts";

/** Four digits: engines round differently. */
function close(decision: Decision): string {
  return JSON.stringify(decision, (_, value: unknown) => (typeof value === "number" ? value.toFixed(4) : value));
}

test("decide: questions as options, refused where they are malformed", async () => {
  const row = rows.find(({ task }) => task === "decide")!;
  const model = await folderOf(row);
  const state = "a dog ran";
  const asked = ["--choice", "a: which? = dog | cat", "--score", "b: how? = low | mid | high", "--statement", "c: ran"];
  const pair = { type: "choice", instructions: "which?", criteria: ["dog", "cat"] } as const;
  const levels = { type: "score", instructions: "how?", criteria: ["low", "mid", "high"] } as const;
  const questions = { a: pair, b: levels, c: { type: "noul", instructions: "ran" } as const };
  await using pipeline = await openPipeline(model, { backend: "cpu" });
  const wanted = await decide(pipeline, [{ state, questions }], { truncate: true });
  const { stdout } = await cli([
    "decide",
    "--model",
    model,
    "--backend",
    "cpu",
    "--truncate",
    "--json",
    ...asked,
    state,
  ]);
  const [found] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as (typeof wanted)[0]);
  expect(Object.keys(found!)).toEqual(["a", "b", "c"]);
  for (const [name, { type, ...numbers }] of Object.entries(wanted[0]!)) {
    expect(found![name]).toMatchObject({ type });
    expect(close(found![name]!)).toEqual(close({ type, ...numbers } as Decision));
  }
  for (const [args, message] of [
    [[], "expected a question, got none"],
    [["--choice", "a: which?"], '--choice: expected "NAME: QUESTION = OPTION | OPTION …", got "a: which?"'],
    [["--score", "a: how? = low"], "--score: expected"],
    [["--statement", "ran"], '--statement: expected "NAME: STATEMENT", got "ran"'],
    [["--statement", "a: x", "--choice", "a: which? = b | c"], 'two called "a"'],
  ] as const)
    expect(errorOf(await cli(["decide", "--model", model, ...args, state]))).toContain(message);
});
