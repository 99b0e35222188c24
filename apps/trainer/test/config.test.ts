import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { objectives } from "@modernbert-ts/training";
import { describe, expect, test } from "vitest";
import { parseCount, parseInterval, parseLength, parseShare } from "../src/config/quantity.ts";
import { checkConfig, configJsonSchema, readConfig } from "../src/config/read-config.ts";
import type { FieldSchema } from "../src/config/read-config.ts";
import { configTemplate } from "../src/config/template.ts";
import { UsageError, UserError } from "../src/errors.ts";
import { temporaryFolder } from "./support.ts";

const minimal = { data: { path: "data" } };

describe.each(objectives)("the example that init writes for $name", (objective) => {
  test("is valid and says the defaults", () => {
    const file = join(temporaryFolder(), "config.yaml");
    writeFileSync(file, configTemplate(objective, "data"));
    const data = objective.reading
      ? { train: ["data/train.jsonl"], validation: ["data/validation.jsonl"] }
      : { path: "data" };
    expect(readConfig(file)).toEqual(checkConfig({ data, objective: objective.name }, "test"));
  });

  test("explains every field (or the group that a field stands in)", () => {
    const undocumented: string[] = [];
    const visit = (node: FieldSchema, path: string): void => {
      for (const [name, field] of Object.entries(node.properties ?? {})) {
        if (field.properties) visit(field, `${path}${name}.`);
        else if (field.description === undefined) undocumented.push(`${path}${name}`);
      }
    };
    visit(configJsonSchema(objective), "");
    expect(undocumented).toEqual([
      "model.hidden_size",
      "model.num_attention_heads",
      "model.intermediate_size",
      "optimizer.beta1",
      "optimizer.beta2",
      "optimizer.eps",
    ]);
    expect(configTemplate(objective)).toContain("# hidden_size:");
  });
});

describe("mistakes are one line with their place", () => {
  test.each([
    [{}, "data: expected object, got nothing"],
    [{ ...minimal, optimizer: { learnig_rate: 1 } }, "unknown key optimizer.learnig_rate: did you mean learning_rate?"],
    [{ ...minimal, learning_rate: 1 }, "unknown key learning_rate: did you mean optimizer.learning_rate?"],
    [
      { ...minimal, optimizer: { speed: 1 } },
      "unknown key optimizer.speed: expected one of kind, learning_rate, learning_rates, weight_decay",
    ],
    [
      { ...minimal, schedule: { kind: "cosin" } },
      "schedule.kind: expected one of wsd, trapezoidal, linear, cosine, inverse_sqrt, constant (did you mean cosine?)",
    ],
    [{ data: { sources: [{ name: "a", path: "a", wieght: 1 }] } }, "data.sources.0.wieght: did you mean weight?"],
    [
      { ...minimal, phases: [{ batch: { micro_batchs: 2 } }] },
      "phases.0: unknown key batch.micro_batchs: did you mean",
    ],
    [{ ...minimal, lora: { rnk: 2 } }, "unknown key lora.rnk: did you mean rank?"],
    [{ ...minimal, masking: { probability: [{ fom: 0, value: 0.3 }] } }, "got fom (did you mean from?)"],
    [{ ...minimal, backend: "gpu" }, "backend: expected one of auto, cuda, webgpu, cpu"],
    [{ ...minimal, length: "10" }, 'length: expected "10M tokens", "3 epochs" or "0.5 epochs"'],
    [{ ...minimal, schedule: { warmup: "120%" } }, 'schedule.warmup: expected 0, "5%" or "100k tokens"'],
    [{ ...minimal, masking: { probability: 0 } }, "masking.probability: Too small"],
    [
      { ...minimal, objective: "random_token_detection", masking: { probability: 0.3 } },
      "unknown key masking: it belongs to objective masked_lm, this is random_token_detection",
    ],
    [
      { ...minimal, objective: "random_token_detection", evaluation: { mask_probability: 0.3 } },
      "unknown key evaluation.mask_probability: it belongs to objective masked_lm, this is random_token_detection",
    ],
    [
      { ...minimal, objective: "random_token_detection", toString: 1 },
      "unknown key toString: expected one of objective",
    ],
    [{ ...minimal, objective: "masked_lms" }, "(did you mean masked_lm?)"],
    [{ ...minimal, model: { hidden_size: 1.5 } }, "model.hidden_size: expected int, got number"],
    ["text", "the file: expected object, got string"],
  ])("%j", (value, message) => {
    const error = caught(() => checkConfig(value, "c.yaml"));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^c\.yaml: [^\n]*$/);
    expect(error.message).toContain(message);
  });

  test("a file that is missing or not YAML", () => {
    const folder = temporaryFolder();
    expect(caught(() => readConfig(join(folder, "none.yaml"))).message).toContain("modernbert-train init");
    const file = join(folder, "bad.yaml");
    writeFileSync(file, "data: [1, 2");
    const error = caught(() => readConfig(file));
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toMatch(/^[^\n]*bad\.yaml: [^\n]+$/);
  });
});

/** A minimal configuration file. */
function minimalFile(): string {
  const path = join(temporaryFolder(), "c.yaml");
  writeFileSync(path, "data: { path: data }\n");
  return path;
}

describe("--set", () => {
  test("changes fields, also those that the file does not have", () => {
    const config = readConfig(minimalFile(), [
      "optimizer.learning_rate=1e-3",
      "data.max_length=64",
      "length=2 epochs",
      "model.from=a b",
    ]);
    expect(config).toMatchObject({
      optimizer: { learning_rate: 1e-3 },
      data: { max_length: 64, path: "data" },
      length: "2 epochs",
      model: { from: "a b" },
    });
  });

  test("refuses what is no assignment", () => {
    expect(caught(() => readConfig(minimalFile(), ["optimizer.learning_rate"])).message).toContain(
      "expected --set key.path=value",
    );
    expect(caught(() => readConfig(minimalFile(), ["optimizer.lr=1"])).message).toContain("unknown key optimizer.lr");
  });
});

test("amounts", () => {
  expect([
    parseCount("250k"),
    parseCount("1_000"),
    parseCount("1.5M"),
    parseCount(12),
    parseCount("2e6"),
    parseCount("2B"),
  ]).toEqual([250_000, 1000, 1_500_000, 12, 2_000_000, 2e9]);
  expect(["0", "", "x", "-5", "1.5", "k"].map((text) => parseCount(text))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(["1.1k", "0.001M", "2.675k", "0.1b"].map((text) => parseCount(text))).toEqual([1100, 1000, 2675, 1e8]);
  expect(["1.5 steps", "0.5 tokens"].map((text) => parseInterval(text))).toEqual([undefined, undefined]);
  expect(["0.5 epochs", "1.5 epochs", "0.4 epochs", "0.3 tokens"].map((text) => parseLength(text, 1000))).toEqual([
    500,
    1500,
    400,
    undefined,
  ]);
  expect([parseInterval("500 steps"), parseInterval("1 step"), parseInterval("1M tokens"), parseInterval("5")]).toEqual(
    [{ steps: 500 }, { steps: 1 }, { tokens: 1e6 }, undefined],
  );
  expect([parseLength("3 epochs", 100), parseLength("2k tokens", 100), parseLength("2k", 100)]).toEqual([
    300,
    2000,
    undefined,
  ]);
  expect([parseShare("5%", 1000), parseShare(0, 1000), parseShare("10 tokens", 1000), parseShare("101%", 1)]).toEqual([
    50,
    0,
    10,
    undefined,
  ]);
});

function caught(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected an error, got none");
}
