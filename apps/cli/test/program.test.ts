/** The command tree: help that can be read, exit codes, closed pipes, measuring. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { bin, cli, startBin } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

const commands =
  "info tokenize forward fill-mask embed similarity search rerank classify zero-shot decide classify-tokens answer pseudo-log-likelihood quantize verify bench compare".split(
    " ",
  );
const folder = temporaryFolder();

describe("help", () => {
  test("names every command", async () => {
    const { code, stdout } = await bin(["--help"]);
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
  });
  test.each(commands)("%s: fits 80 columns, has a description, explains every option", async (command) => {
    const { code, stdout, stderr } = await cli([command, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(new RegExp(`^Usage: modernbert ${command} `));
    const options = stdout.slice(stdout.indexOf("Options:")).matchAll(/^ {2}(-\S.*)$/gm);
    for (const [, option] of options) expect(option).toMatch(/\S {2,}\S/);
  });
});

describe("exit codes", () => {
  test.each([
    [[]],
    [["nonsense"]],
    [["info"]],
    [["info", "--model"]],
    [["embed", "--model", "x", "--pooling", "max"]],
    [["embed", "--model", "x", "--backend", "abacus"]],
    [["embed", "--model", "x", "--threads", "1.5"]],
    [["forward", "--model", "x"]],
    [["bench", "--shape", "base"]],
    [["bench", "--length", "8"]],
    [["bench", "--length", "8", "--shape", "2x30x4x8"]],
    [["bench", "--length", "8", "--shape", "base", "--model", "x"]],
    [["bench", "--length", "8", "--shape", "base", "--train", "--weights", "int8"]],
    [["embed", "--model", "x", "--weights", "int2"]],
    [["quantize", "x"]],
    [["quantize", "x", "--out", "y", "--dtype", "bf16", "--smooth"]],
    [["quantize", "x", "--out", "y", "--dtype", "int2"]],
    [["compare", "--quick", "--full"]],
    [["compare", "--threads", "0"]],
  ])("2 for wrong usage: %j", async (args) => {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toBe("");
  });
});

test.each(["tokenize", "embed"])("%s ends quietly when the reader goes away", async (command) => {
  const model = join(folder, command);
  await saveTinyModel(model);
  const child = startBin([command, "--model", model, ...(command === "embed" ? ["--backend", "cpu"] : [])]);
  let stderr = "";
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin!.on("error", () => {});
  const feeding = setInterval(() => child.stdin!.write('"some text"\n'.repeat(500)), 5); // never ends by itself
  child.stdout!.once("data", () => child.stdout!.destroy());
  const exit = await new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
  clearInterval(feeding);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
});

describe("bench", () => {
  const shape = ["bench", "--shape", "2x32x2x48", "--vocab", "100", "--backend", "cpu", "--runs", "3", "--warmup", "1"];
  test.each([
    ["inference", []],
    ["training", ["--train"]],
  ])("%s --json", async (task, more) => {
    const { code, stdout, stderr } = await cli([...shape, "--batch", "3", "--length", "8,12", "--json", ...more]);
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout) as Record<string, number>;
    expect(result).toMatchObject({
      task,
      runs: 3,
      backend: "cpu",
      dtype: "f32",
      device: expect.any(String),
      tokens: 28,
    });
    expect(result["tokensPerSecond"]).toBeCloseTo(28 / (result["medianMs"]! / 1000), 3);
    expect(result["minMs"]).toBeLessThanOrEqual(result["medianMs"]!);
    expect(result["medianMs"]).toBeLessThanOrEqual(result["p90Ms"]!);
    expect(result["peakMemoryBytes"]).toBeGreaterThan(4 * result["parameters"]!);
  });
  test.each(["bf16", "int8"])("inference with %s weights", async (weights) => {
    const { code, stdout, stderr } = await cli([...shape, "--length", "8", "--json", "--weights", weights]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ task: "inference", dtype: "f32", weights });
  });
  test("for people, on a model folder", async () => {
    const model = join(folder, "bench");
    await saveTinyModel(model);
    const { stdout, code } = await cli([
      "bench",
      "--model",
      model,
      "--length",
      "16",
      "--runs",
      "2",
      "--backend",
      "cpu",
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^speed +[\d,]+ tokens\/s$/m);
    expect(stdout).toMatch(/^time +[\d.,]+ ms median/m);
  });
});
