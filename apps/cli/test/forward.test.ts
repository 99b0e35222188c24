/** `modernbert forward` gives the numbers of transformers (golden fixtures), and says what is wrong with inputs that it cannot take. */
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { bin, cli, errorOf } from "./support/cli.ts";
import type { Result } from "./support/cli.ts";
import { cosine, goldenCase } from "./support/golden.ts";
import type { GoldenCase } from "./support/golden.ts";
import { temporaryFolder } from "./support/temporary.ts";
import { goldenFailure, relativeError } from "../../../packages/modernbert/test/support/compare.ts";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";

const folder = temporaryFolder();

async function expectGolden(path: string, { expected }: GoldenCase, gradients: boolean): Promise<void> {
  await using output = await openSafetensors(path);
  const wanted = [...expected.keys()].filter((name) => gradients || !name.startsWith("grad."));
  expect(output.names().toSorted()).toEqual(wanted.toSorted());
  for (const name of wanted) {
    const { shape, values } = expected.get(name)!;
    expect(output.info(name).shape, name).toEqual(shape);
    expect(goldenFailure(name, await output.readFloat32(name), values)).toBeUndefined();
  }
}

describe("golden fixtures", () => {
  const cases = [
    ["masked_lm", "config.json"],
    ["masked_lm", "config.v4.json"],
    ["untied", "config.json"],
    ["biases", "config.json"],
    ["sequence_single_label", "config.json"],
    ["sequence_multi_label", "config.json"],
    ["sequence_regression", "config.json"],
    ["token_classification", "config.json"],
    ["question_answering", "config.json"],
    ["question_answering_ragged", "config.json"],
    ["multiple_choice", "config.json"],
    ["pretraining", "config.json", "bert"],
    ["sequence", "config.json", "bert"],
  ] as const;
  test.each(cases)("%s with %s: outputs, loss and every gradient", async (fixture, config, owner?: string) => {
    const golden = await goldenCase(join(folder, fixture), fixture, config, owner);
    const output = join(folder, fixture, "out.safetensors");
    const result = await cli([
      "forward",
      "--model",
      golden.model,
      "--input",
      golden.input,
      "--output",
      output,
      "--gradients",
    ]);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toBe("");
    await expectGolden(output, golden, true);
  });

  test("on the emulated CUDA device: outputs, loss and every gradient", async ({ skip }) => {
    vi.stubEnv("MODERNBERT_CUDA_EMULATE", "1");
    onTestFinished(() => void vi.unstubAllEnvs());
    const golden = await goldenCase(join(folder, "cuda"), "sequence_single_label");
    const output = join(folder, "cuda", "out.safetensors");
    const files = ["--model", golden.model, "--input", golden.input, "--output", output];
    const result = await cli(["forward", ...files, "--gradients", "--backend", "cuda"]);
    if (result.stderr.includes("there is no emulated library")) skip("there is no emulated CUDA library");
    expect(result.code, result.stderr).toBe(0);
    await expectGolden(output, golden, true);
  });

  test.each([
    ["bf16", 0.9999],
    ["int8", 0.999],
  ])("%s weights are near the reference, and give no gradients", async (weights, least) => {
    const golden = await goldenCase(join(folder, weights), "masked_lm");
    const output = join(folder, weights, "out.safetensors");
    const files = ["--model", golden.model, "--input", golden.input, "--output", output];
    const result = await cli(["forward", ...files, "--weights", weights]);
    expect(result.code, result.stderr).toBe(0);
    const got = await hidden(output);
    const wanted = golden.expected.get("last_hidden_state")!.values;
    expect(cosine(got, wanted)).toBeGreaterThan(least);
    const refused = await cli(["forward", ...files, "--weights", weights, "--gradients"]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/expected --weights f32 with --gradients/);
  });

  test("the bin, without gradients, says which backend it took", async () => {
    const golden = await goldenCase(join(folder, "bin"), "masked_lm");
    const output = join(folder, "bin", "out.safetensors");
    const result = await bin(["forward", "--model", golden.model, "--input", golden.input, "--output", output]);
    expect(result).toMatchObject({ code: 0, stdout: "" });
    expect(result.stderr).toMatch(/^CPU, .*cuda.*webgpu/m);
    await expectGolden(output, golden, false);
  });
});

async function hidden(path: string): Promise<Float32Array> {
  await using file = await openSafetensors(path);
  return file.readFloat32("last_hidden_state");
}

describe("inputs", async () => {
  const model = join(folder, "tiny");
  await saveTinyModel(model);
  const ids: TensorEntry = { name: "input_ids", dtype: "U8", shape: [2, 3], data: Uint8Array.of(2, 9, 3, 2, 3, 4) };
  const mask: TensorEntry = {
    name: "attention_mask",
    dtype: "BOOL",
    shape: [2, 3],
    data: Uint8Array.of(1, 1, 1, 1, 1, 0),
  };
  let count = 0;
  const forward = async (tensors: readonly TensorEntry[], ...more: string[]): Promise<Result & { output: string }> => {
    const place = join(folder, `case-${count++}`);
    mkdirSync(place);
    const [input, output] = [join(place, "in.safetensors"), join(place, "out.safetensors")];
    await writeSafetensors(input, tensors);
    const result = await cli([
      "forward",
      "--model",
      model,
      "--backend",
      "cpu",
      "--input",
      input,
      "--output",
      output,
      ...more,
    ]);
    return { ...result, output };
  };

  test("any integer dtype; padding is zero and changes nothing", async () => {
    const padded = await forward([ids, mask]);
    expect(padded).toMatchObject({ code: 0, stderr: "" });
    const alone = await forward([{ name: "input_ids", dtype: "I64", shape: [1, 2], data: BigInt64Array.of(2n, 3n) }]);
    const [both, second] = [await hidden(padded.output), await hidden(alone.output)];
    expect(both.slice(5 * 32).every((value) => value === 0)).toBe(true);
    expect(relativeError(both.slice(3 * 32, 5 * 32), second)).toBeLessThan(1e-6);
  });

  const lossWith = async (labels: readonly number[]): Promise<Float32Array> => {
    const data = Int32Array.from(labels);
    const result = await forward([ids, mask, { name: "labels", dtype: "I32", shape: [2, 3], data }]);
    expect(result.code, result.stderr).toBe(0);
    await using file = await openSafetensors(result.output);
    return file.readFloat32("loss");
  };

  test("a label on padding does not count", async () => {
    const loss = await lossWith([-100, 9, -100, -100, 4, -100]);
    expect(loss[0]).toBeGreaterThan(0);
    expect(await lossWith([-100, 9, -100, -100, 4, 9])).toEqual(loss);
  });

  test.each([
    ["bf16", 3e-2],
    ["f16", 4e-3],
  ])("%s is close to f32 and written as F32", async (dtype, limit) => {
    const [f32, other] = [await forward([ids, mask]), await forward([ids, mask], "--dtype", dtype)];
    expect(other.code, other.stderr).toBe(0);
    const error = relativeError(await hidden(other.output), await hidden(f32.output));
    expect(error).toBeGreaterThan(1e-6);
    expect(error).toBeLessThan(limit);
  });

  test("tensors without a meaning are named", async () => {
    const result = await forward([ids, mask, { ...ids, name: "token_type_ids" }]);
    expect(result).toMatchObject({ code: 0, stderr: "not used: token_type_ids\n" });
  });

  const bad: [string, TensorEntry[], string[], RegExp][] = [
    ["no input_ids", [mask], [], /input_ids.*got no tensor of that name/],
    [
      "an id outside the vocabulary",
      [{ ...ids, dtype: "U16", data: Uint16Array.of(2, 9, 3, 2, 300, 4) }, mask],
      [],
      /input_ids from 0 to 299 .*got 300 in row 1, column 1/,
    ],
    [
      "a negative id",
      [{ ...ids, dtype: "I8", data: Int8Array.of(2, -1, 3, 2, 3, 4) }],
      [],
      /got -1 in row 0, column 1/,
    ],
    [
      "ids that are floats",
      [{ ...ids, dtype: "F32", data: new Float32Array(6) }],
      [],
      /in\.safetensors: expected input_ids as integers, got F32: save it as int64$/,
    ],
    [
      "ids in one row too many dimensions",
      [{ ...ids, shape: [1, 2, 3] }],
      [],
      /input_ids of shape \[batch, length\], got \[1, 2, 3\]/,
    ],
    ["no rows", [{ ...ids, shape: [0, 3], data: new Uint8Array(0) }], [], /got \[0, 3\]/],
    [
      "a mask of another shape",
      [ids, { ...mask, shape: [3, 2] }],
      [],
      /attention_mask of the shape of input_ids \[2, 3\], got \[3, 2\]/,
    ],
    [
      "a row of padding only",
      [ids, { ...mask, data: Uint8Array.of(1, 1, 1, 0, 0, 0) }],
      [],
      /expected a token in row 1/,
    ],
    ["a hole in the mask", [ids, { ...mask, data: Uint8Array.of(1, 0, 1, 1, 1, 0) }], [], /row 0.*zeros between/],
    [
      "a text that is too long",
      [{ ...ids, shape: [1, 65], data: new Uint8Array(65).fill(9) }],
      [],
      /at most 64 tokens/,
    ],
    ["gradients without labels", [ids, mask], ["--gradients"], /expected labels in the input for --gradients/],
    [
      "labels of another shape",
      [ids, mask, { ...ids, name: "labels", shape: [6] }],
      [],
      /labels as integers of shape \[2, 3\] for masked-lm, got \[6\]/,
    ],
    [
      "labels of another head",
      [ids, mask, { ...ids, name: "start_positions" }],
      [],
      /expected labels for head masked-lm, got start_positions/,
    ],
    [
      "a label outside the vocabulary",
      [ids, mask, { ...ids, name: "labels", dtype: "I16", data: Int16Array.of(-100, 300, -100, -100, -100, -100) }],
      [],
      /labels below 300, got 300/,
    ],
    ["a backend whose device is not there", [ids, mask], ["--backend", "cuda"], /\[backend\] no cuda device: /],
    [
      "an output folder that is not there",
      [ids, mask],
      ["--output", join(folder, "no", "out.safetensors")],
      /the folder does not exist, create it first/,
    ],
  ];
  test.each(["the same path", "a link"])("the output on top of the input, by %s", async (way) => {
    const place = join(folder, way);
    mkdirSync(place);
    const input = join(place, "in.safetensors");
    await writeSafetensors(input, [ids, mask]);
    const before = readFileSync(input, "hex");
    const output = way === "a link" ? join(place, "link") : input;
    if (way === "a link") symlinkSync(input, output);
    const result = await cli(["forward", "--model", model, "--input", input, "--output", output]);
    expect(errorOf(result)).toMatch(/expected --output to be another file than --input/);
    expect(readFileSync(input, "hex")).toBe(before);
  });

  test.each(bad)("%s", async (_, tensors, more, message) => {
    expect(errorOf(await forward(tensors, ...more))).toMatch(message);
  });
});
