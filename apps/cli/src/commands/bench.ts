/** `modernbert bench`: how fast a model is on this machine. */
import { Command, Option } from "commander";
import type { Encoder, WeightFormat } from "@modernbert-ts/encoder";
import { initialiseParameters, ModernBert, withWeights } from "@modernbert-ts/modernbert";
import { openModel, openRuntime, weightsFor } from "@modernbert-ts/pipelines";
import type { OpenRuntime } from "@modernbert-ts/pipelines";
import { measure } from "../bench/measure.ts";
import { parseShape } from "../bench/shape.ts";
import type { Shape } from "../bench/shape.ts";
import { inference, randomBatch, training } from "../bench/work.ts";
import { precisions } from "@modernbert-ts/tensor-core";
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import { deviceOptions, modelOption, positiveInteger, positiveIntegers, runtimeOptions } from "../options.ts";
import type { DeviceOptions } from "../options.ts";
import { write } from "../streams.ts";
import type { Streams } from "../streams.ts";
import { grouped, size, table } from "../text.ts";

interface BenchOptions extends DeviceOptions {
  readonly model?: string;
  readonly shape?: Shape;
  readonly vocab?: number;
  readonly batch: number;
  readonly length: readonly number[];
  readonly train?: boolean;
  readonly runs?: number;
  readonly warmup: number;
  readonly json?: boolean;
}

export function benchCommand(streams: Streams): Command {
  const command = new Command("bench")
    .summary("how fast a model is on this machine")
    .description(
      "Measures from token ids to one vector per text or, with --train, a masked-LM training step (forward, backward, StableAdamW) at 30 % masking.",
    )
    .addOption(modelOption().conflicts("shape"))
    .addOption(
      new Option("--shape <shape>", "random weights: base, large, another preset or LxDxHxI").argParser(parseShape),
    )
    .addOption(
      new Option("--vocab <n>", "vocabulary of --shape (default: 50368)").argParser(positiveInteger).conflicts("model"),
    )
    .addOption(new Option("--batch <n>", "texts").argParser(positiveInteger).default(1))
    .addOption(
      new Option("--length <n,…>", "tokens of each text; several lengths are taken in turn")
        .argParser(positiveIntegers)
        .makeOptionMandatory(),
    )
    .option("--train", "measure training steps")
    .addOption(
      new Option("--runs <n>", "how often (default: for three seconds, at least 5 times)").argParser(positiveInteger),
    )
    .addOption(new Option("--warmup <n>", "runs before, not counted").argParser(positiveInteger).default(2))
    .option("--json", "as one JSON object");
  for (const option of deviceOptions()) command.addOption(option);
  return command.action(async (options: BenchOptions) => {
    if (!options.model && !options.shape)
      command.error("error: expected --model or --shape, got neither", { exitCode: 2 });
    if (options.train && options.weights && options.weights !== "f32")
      command.error(`error: expected --weights f32 with --train, got ${options.weights}`, { exitCode: 2 });
    const result = await bench(options, streams);
    await write(streams, `${options.json ? JSON.stringify(result) : show(result)}\n`);
  });
}

interface BenchResult {
  readonly tokensPerSecond: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly p90Ms: number;
  readonly runs: number;
  readonly task: "inference" | "training";
  readonly model: string;
  readonly parameters: number;
  readonly batch: number;
  readonly length: readonly number[];
  readonly tokens: number;
  readonly backend: string;
  readonly dtype: PrecisionName;
  readonly weights: string;
  readonly device: string;
  /** Of buffers on the device. */
  readonly peakMemoryBytes: number;
  /** Composites that ran from primitives, and why; all runs together. */
  readonly notFused: readonly { readonly composite: string; readonly reason: string; readonly count: number }[];
}

async function bench(options: BenchOptions, streams: Streams): Promise<BenchResult> {
  const { train = false, runs, warmup, dtype } = options;
  await using open = await openBench(options, streams);
  const { model, runtime, choice } = open;
  const batch = randomBatch(model, options.batch, options.length);
  const work = train ? training(model, batch) : inference(model, batch);
  const timing = await measure(work, { warmup, ...(runs !== undefined && { runs }) });
  const tokens = batch.ids.length;
  return {
    tokensPerSecond: tokens / (timing.medianMs / 1000),
    ...timing,
    task: train ? "training" : "inference",
    model: options.model ?? options.shape!.name,
    parameters: model.parameterCount(),
    batch: options.batch,
    length: options.length,
    tokens,
    backend: choice.name,
    dtype,
    weights: formatOf(options),
    device: choice.backend.capabilities.device,
    peakMemoryBytes: choice.backend.memory().peakBytes,
    notFused: runtime
      .fusedReport()
      .flatMap(({ composite, reason, count }) => (reason === undefined ? [] : [{ composite, reason, count }])),
  };
}

/** Training keeps its parameters in f32. */
function formatOf({ train, weights, dtype }: BenchOptions): WeightFormat {
  return train ? "f32" : (weights ?? weightsFor(precisions[dtype]));
}

async function openBench(options: BenchOptions, streams: Streams): Promise<OpenRuntime & { readonly model: Encoder }> {
  const head = options.train ? "masked-lm" : "none";
  const runtimeSettings = runtimeOptions(options, streams);
  if (options.model) return openModel(options.model, { head, ...runtimeSettings, weights: formatOf(options) });
  const open = await openRuntime(runtimeSettings);
  const { runtime } = open;
  const { config: named } = options.shape!;
  const config = {
    ...named,
    vocabSize: options.vocab ?? named.vocabSize,
    maxPositionEmbeddings: Math.max(named.maxPositionEmbeddings, ...options.length),
    tokens: { bos: null, cls: null, eos: null, sep: null, pad: null },
  };
  const parameters = initialiseParameters(runtime, config, head, { seed: 1 });
  const model = new ModernBert({ runtime, config, head, parameters, precision: runtimeSettings.precision! });
  return { ...open, model: await withWeights(model, formatOf(options)) };
}

function show(result: BenchResult): string {
  const { model, task, batch, length, tokens } = result;
  const rows = [
    ["model", `${model}, ${grouped(result.parameters)} parameters, ${result.dtype}, weights ${result.weights}`],
    ["task", `${task}, ${batch} × ${length.join("/")} = ${grouped(tokens)} tokens`],
    ["device", `${result.backend}: ${result.device}`],
    ["speed", `${grouped(result.tokensPerSecond)} tokens/s`],
    [
      "time",
      `${grouped(result.medianMs, 1)} ms median, ${grouped(result.minMs, 1)} best, ${grouped(result.p90Ms, 1)} at 90 % of ${result.runs} runs`,
    ],
    ["memory", `${size(result.peakMemoryBytes)} at most`],
    ...result.notFused.map(({ composite, reason, count }) => ["not fused", `${composite}, ${count} times: ${reason}`]),
  ];
  return table(rows, ["left", "left"]);
}
