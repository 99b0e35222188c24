import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fillMask, openPipeline } from "@modernbert-ts/pipelines";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { evaluateModel } from "../src/commands/evaluate.ts";
import { exportCheckpoint } from "../src/run/output/export-model.ts";
import { createProgress } from "../src/progress.ts";
import { writeReport } from "../src/report/write-report.ts";
import { runTraining } from "../src/run/run-training.ts";
import { writeTextFile } from "../src/write-file.ts";
import { start } from "./command-line.ts";
import { corpusFolder, prepareCorpus, quiet, temporaryFolder, tinyConfig, tinyFields, stepEvent } from "./support.ts";

describe("a run", () => {
  test("ends with a model that loads and answers, a report and the metrics", async () => {
    const folder = await corpusFolder();
    const notices: string[] = [];
    const result = await runTraining(tinyConfig(folder), { ...quiet, onNotice: (line) => notices.push(line) });
    expect(notices.join("\n")).toMatch(/^CPU, native engine/m);
    expect(result.reason).toBe("finished");
    expect(readdirSync(result.modelFolder!).sort()).toEqual([
      "config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    await using pipeline = await openPipeline(result.modelFolder!, { backend: "cpu", threads: 1 });
    const [answers] = await fillMask(pipeline, ["the [MASK] sat on"]);
    expect(answers![0]).toHaveLength(5);
    const html = readFileSync(result.report!, "utf8");
    expect(html).toContain("Held-out masked accuracy");
    expect(html.match(/<svg/g)).toHaveLength(7);
    expect(html).not.toMatch(/<script|https?:|NaN|undefined/);
    expect(writeReport(join(folder, "run"), join(folder, "other.html"))).toBe(join(folder, "other.html"));
    expect(readdirSync(join(folder, "run", "checkpoints"))).toHaveLength(2);
  });

  test("goes on from a model folder, with the same tokenizer only", async () => {
    const folder = await corpusFolder();
    const first = await runTraining(tinyConfig(folder), quiet);
    const second = tinyConfig(folder, { output: join(folder, "second"), model: { from: first.modelFolder! } });
    const continued = await runTraining(second, quiet);
    expect(continued.score!.loss).toBeLessThan(first.score!.loss);
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      const path = join(first.modelFolder!, name);
      writeFileSync(path, readFileSync(path, "utf8").replaceAll('"[UNK]"', '"[ODD]"'));
    }
    await expect(runTraining({ ...second, output: join(folder, "third") }, quiet)).rejects.toThrow(
      /made with another tokenizer/,
    );
  });
});

describe("a finished run that is resumed", () => {
  test("trains and evaluates no more, keeps its metrics, and says what changed in the configuration", async () => {
    const folder = await corpusFolder();
    const first = await runTraining(tinyConfig(folder), quiet);
    const log = join(folder, "run", "metrics.jsonl");
    const before = readFileSync(log, "utf8");
    expect(JSON.parse(before.trim().split("\n").at(-1)!)).toMatchObject({ kind: "checkpoint", step: first.step });
    const notices: string[] = [];
    const changed = tinyConfig(folder, { optimizer: { learning_rate: 0.005 } });
    const second = await runTraining(changed, { ...quiet, resume: "auto", onNotice: (line) => notices.push(line) });
    expect(second.score).toEqual(first.score);
    expect(readFileSync(log, "utf8")).toBe(before);
    expect(notices.filter((line) => line.includes("changed"))).toEqual([
      "optimizer.learning_rate changed: 0.01 in the checkpoint, 0.005 now",
    ]);
  });
});

test("a run resumed without its metrics file says that the curves will start later", async () => {
  const folder = await corpusFolder();
  await runTraining(tinyConfig(folder), quiet);
  rmSync(join(folder, "run", "metrics.jsonl"));
  const checkpoints = join(folder, "run", "checkpoints");
  const resume = join(checkpoints, readdirSync(checkpoints).sort()[0]!);
  const notices: string[] = [];
  await runTraining(tinyConfig(folder), { ...quiet, resume, onNotice: (line) => notices.push(line) });
  expect(notices.some((line) => line.includes("metrics.jsonl has lost what came before"))).toBe(true);
});

describe("a report that cannot be", () => {
  test("names the metrics file and the line, and leaves an earlier report alone", async () => {
    const folder = await corpusFolder();
    const { report } = await runTraining(tinyConfig(folder), quiet);
    const earlier = readFileSync(report!, "utf8");
    const run = join(folder, "run");
    const log = join(run, "metrics.jsonl");
    writeFileSync(log, readFileSync(log, "utf8").replace("\n", "\ngarbage\n"));
    expect(() => writeReport(run)).toThrow(/expected a training event in .*metrics\.jsonl:2, got "garbage"/);
    rmSync(log);
    expect(() => writeReport(run)).toThrow(/metrics\.jsonl: no such file/);
    expect(readFileSync(report!, "utf8")).toBe(earlier);
    expect(() => writeTextFile(join(run, "none", "report.html"), "")).toThrow(
      /none\/report\.html: no such file or folder/,
    );
  });
});

describe("what is refused, in one line that says what to do", () => {
  test("sequences longer than the model's positions", async () => {
    const folder = await corpusFolder();
    const config = tinyConfig(folder, {
      data: { path: join(folder, "data"), max_length: 16384 },
      batch: { micro_batch_tokens: 16384 },
    });
    await expect(runTraining(config, quiet)).rejects.toThrow(
      /data\.max_length of at most the model's max_position_embeddings \(8192\), got 16384/,
    );
  });

  test("a new run over an old one", async () => {
    const folder = await corpusFolder();
    await runTraining(tinyConfig(folder), quiet);
    await expect(runTraining(tinyConfig(folder), quiet)).rejects.toThrow(
      /holds 2 checkpoints of an earlier run: add --resume auto/,
    );
  });

  test("data that were not prepared, and a row shorter than a sequence", async () => {
    const folder = temporaryFolder();
    await expect(runTraining(tinyConfig(folder), quiet)).rejects.toThrow(/modernbert-train prepare/);
    await prepareCorpus(folder);
    const config = tinyConfig(folder, { batch: { micro_batch_tokens: 16 } });
    await expect(runTraining(config, quiet)).rejects.toThrow(
      /micro_batch_tokens of at least data.max_length \(32\), got 16/,
    );
  });

  test("going on with another shape, or other data settings", async () => {
    const folder = await corpusFolder();
    await runTraining(tinyConfig(folder), quiet);
    const resume = { ...quiet, resume: "auto" };
    const wider = tinyConfig(folder, {
      model: { num_hidden_layers: 2, hidden_size: 32, num_attention_heads: 2, intermediate_size: 16 },
    });
    await expect(runTraining(wider, resume)).rejects.toThrow(/made with model.hidden_size = 16, got 32: set it back/);
    await expect(runTraining(tinyConfig(folder, { seed: 5 }), resume)).rejects.toThrow(
      /the checkpoint was made with seed = 17, got 5/,
    );
  });
});

test("other optimizers train, and go on from their own state only", async () => {
  const folder = await corpusFolder();
  for (const kind of ["adamw", "muon"]) {
    const output = join(folder, kind);
    const optimizer = { kind, learning_rate: 0.01, weight_decay: 0.1 };
    const { reason } = await runTraining(tinyConfig(folder, { output, optimizer }), quiet);
    expect(reason).toBe("finished");
    const longer = { output, length: "2000 tokens" };
    const resume = { ...quiet, resume: "auto" };
    await expect(runTraining(tinyConfig(folder, longer), resume)).rejects.toThrow(
      new RegExp(`expected the state of optimizer stable_adamw, got that of ${kind} in .*set optimizer.kind back`),
    );
    const { tokens } = await runTraining(tinyConfig(folder, { ...longer, optimizer }), resume);
    expect(tokens).toBeGreaterThanOrEqual(2000);
  }
});

test("a moving average is evaluated and exported; the weights themselves stay in the checkpoint", async () => {
  const folder = await corpusFolder();
  const plain = await runTraining(tinyConfig(folder), quiet);
  const optimizer = { learning_rate: 0.01, ema_decay: 0.8 };
  const other = await runTraining(tinyConfig(folder, { output: join(folder, "ema"), optimizer }), quiet);
  expect([plain.averaged, other.averaged]).toEqual([false, true]);
  expect(weightsIn(other.checkpoint!)).toEqual(weightsIn(plain.checkpoint!));
  expect(weightsIn(other.modelFolder!)).not.toEqual(weightsIn(other.checkpoint!));
  expect(other.score!.loss).not.toBe(plain.score!.loss);
  const still = { model: { from: other.modelFolder! }, optimizer: { learning_rate: 1e-30 }, length: "100 tokens" };
  const loaded = await runTraining(tinyConfig(folder, { output: join(folder, "still"), ...still }), quiet);
  expect(loaded.score!.loss).toBeCloseTo(other.score!.loss, 6);
  const { score } = await evaluateModel(tinyConfig(folder), other.checkpoint!, quiet.onNotice);
  expect(score.loss).toBeCloseTo(other.score!.loss, 6);
  const [raw, mean] = [join(folder, "raw"), join(folder, "mean")];
  expect(await exportCheckpoint(other.checkpoint!, raw, { raw: true })).toBe(false);
  expect(weightsIn(raw)).toEqual(weightsIn(plain.modelFolder!));
  const models = [other.modelFolder!, plain.checkpoint!];
  expect((await start(["average", ...models, "-o", mean, "--weights", "1,2"]).finished).code).toBe(0);
  const merged = ["merge", raw, mean, "--base", plain.checkpoint!, "-o", join(folder, "ties")];
  expect((await start(merged).finished).code).toBe(0);
  expect(readdirSync(join(folder, "ties")).sort()).toEqual(readdirSync(plain.modelFolder!).sort());
});

test("an earlier checkpoint by its path: later ones are set aside, not deleted", async () => {
  const folder = await corpusFolder();
  const whole = await runTraining(tinyConfig(folder), quiet);
  const checkpoints = join(folder, "run", "checkpoints");
  const [earlier] = readdirSync(checkpoints).sort();
  const before = readFileSync(join(whole.checkpoint!, "model.safetensors"));
  const notices: string[] = [];
  const again = await runTraining(tinyConfig(folder), {
    ...quiet,
    onNotice: (line) => notices.push(line),
    resume: join(checkpoints, earlier!),
  });
  expect(notices.some((line) => line.includes("renamed to"))).toBe(true);
  expect(again.step).toBe(whole.step);
  expect(readFileSync(join(again.checkpoint!, "model.safetensors"))).toEqual(before);
  expect(readdirSync(checkpoints).some((name) => name.endsWith(".superseded"))).toBe(true);
});

async function setUp(
  changes: Record<string, unknown> = {},
): Promise<{ folder: string; file: (name: string) => string }> {
  const folder = await corpusFolder();
  const file = (name: string): string => {
    const path = join(folder, `${name}.yaml`);
    writeFileSync(
      path,
      stringify({ ...tinyFields(folder), output: join(folder, name), length: "6000 tokens", ...changes }),
    );
    return path;
  };
  return { folder, file };
}

const finalFiles = (run: string): Buffer[] => {
  const [last] = readdirSync(join(run, "checkpoints")).sort().reverse();
  return ["model.safetensors", "optimizer.safetensors"].map((name) =>
    readFileSync(join(run, "checkpoints", last!, name)),
  );
};

describe("as a process", { timeout: 180_000 }, () => {
  test("Ctrl-C saves and prints the command that goes on", async () => {
    const { folder, file } = await setUp({ checkpoints: { every: "1M tokens", keep: 1 } });
    const path = file("stopped");
    const running = start(["run", path, "--set", "optimizer.eps=1e-7"], (line) => {
      if (line.startsWith("step 1 ")) running.process.kill("SIGINT");
    });
    const { code, stderr } = await running.finished;
    expect(code, stderr).toBe(130);
    expect(stderr).toContain("finishing this step and saving; Ctrl-C again to quit at once");
    expect(stderr).toMatch(/stopped after step \d+; saved .*step-\d{8}/);
    const command = /go on with: node \S*main\.js (.*)/.exec(stderr)![1]!;
    expect(command).toBe(`run ${path} --resume auto --set optimizer.eps=1e-7`);
    const resumed = await start(command.split(" ")).finished;
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain("going on at");
    const whole = await start(["run", file("whole"), "--set", "optimizer.eps=1e-7"]).finished;
    expect(whole.code, whole.stderr).toBe(0);
    expect(finalFiles(join(folder, "stopped"))).toEqual(finalFiles(join(folder, "whole")));
  });

  test.each([
    [["run"], 2, "missing required argument 'config'"],
    [["run", "none.yaml"], 1, "there is no none.yaml: make one with `modernbert-train init none.yaml`"],
    [["prepare", "x.txt"], 2, "required option '-o, --output <folder>' not specified"],
    [["prepare", "x.txt", "-o", "y", "--validation", "2"], 2, "Expected a number from 0 to below 1"],
    [["prepare", "missing.txt", "-o", "y"], 1, "no such file or folder"],
    [["repotr", "x"], 2, "Did you mean report?"],
    [["report", "nowhere"], 1, "give the output folder of a run"],
    [["export", "nowhere", "-o", "y"], 1, "expected a checkpoint in nowhere, got no such folder"],
  ])("%j exits with %d", async (args, code, message) => {
    const finished = await start(args).finished;
    expect(finished.code).toBe(code);
    expect(finished.stderr).toContain(message);
    expect(finished.stderr).not.toMatch(/^\s+at /m);
  });
});

test("progress without a terminal is plain lines", () => {
  const lines: string[] = [];
  const stream = { isTTY: false, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream;
  const progress = createProgress({ totalTokens: 100, stream, lineEvery: 10 });
  const step = (number: number, seconds: number) => progress.onEvent(stepEvent(number, 5, seconds));
  for (let number = 1; number <= 10; number++) step(number, number * 3);
  expect(lines).toEqual([
    "step 1 | 10 of 100 tokens | loss 5.000 | 20 tokens/s | packing 99.0 % | ETA 5s\n",
    "step 5 | 50 of 100 tokens | loss 5.000 | 20 tokens/s | packing 99.0 % | ETA 3s\n",
    "step 9 | 90 of 100 tokens | loss 5.000 | 20 tokens/s | packing 99.0 % | ETA 1s\n",
    "step 10 | 100 of 100 tokens | loss 5.000 | 20 tokens/s | packing 99.0 % | ETA 0s\n",
  ]);
});

function weightsIn(folder: string): Buffer {
  return readFileSync(join(folder, "model.safetensors"));
}
