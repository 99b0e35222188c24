/** `modernbert verify`: whether a backend, dtype and weights give what f32 on the CPU gives, for people and for CI. */
import { Command, InvalidArgumentError, Option } from "commander";
import { openPipeline } from "@modernbert-ts/pipelines";
import { CliError } from "../errors.ts";
import { checkInputs, inputOptions, readInputs } from "../inputs/read-inputs.ts";
import type { InputOptions } from "../inputs/read-inputs.ts";
import { deviceOptions, notices, runtimeOptions } from "../options.ts";
import type { DeviceOptions } from "../options.ts";
import { write } from "../streams.ts";
import type { Streams } from "../streams.ts";
import { grouped, percent, table } from "../text.ts";
import { compare } from "../verify/compare.ts";
import type { Comparison } from "../verify/compare.ts";
import { usualLimits } from "../verify/limits.ts";
import type { Limits } from "../verify/limits.ts";
import { builtInTexts } from "../verify/texts.ts";

interface VerifyOptions extends DeviceOptions, InputOptions, Partial<Limits> {
  readonly stdin?: boolean;
  readonly truncate?: boolean;
  readonly json?: boolean;
}

interface Named {
  readonly name: string;
  readonly text: string;
}

export function verifyCommand(streams: Streams): Command {
  const command = new Command("verify")
    .summary("whether a backend, dtype and weights are exact enough")
    .description(
      "Compares them with f32 on the CPU, on texts of your own or a small set that is built in. Exit code 1 where a limit is passed.",
    )
    .argument("<model>", "Hugging Face folder, or a hub id")
    .argument("[texts...]", "instead of the built-in set")
    .option("--stdin", "read texts from stdin")
    .option("--truncate", "cut texts that are longer than the model's maximum")
    .option("--json", "one object");
  for (const option of [...limitOptions(), ...inputOptions(), ...deviceOptions()]) command.addOption(option);
  return command.action(async (model: string, args: string[], options: VerifyOptions) => {
    checkInputs(args, options);
    if (options.stdin && (args.length > 0 || options.input))
      throw new CliError("--stdin: expected no other texts beside it, got some: leave one out");
    const texts = await readTexts(streams, args, options);
    const { threads, truncate = false } = options;
    await using chosen = await openPipeline(model, runtimeOptions(options, streams));
    await using reference = await openPipeline(model, {
      backend: "cpu",
      weights: "f32",
      onNotice: notices(streams),
      ...(threads !== undefined && { threads }),
    });
    const found = await compare(
      chosen,
      reference,
      texts.map(({ text }) => text),
      { truncate, nameOf: (at) => texts[at]!.name },
    );
    const limits = limitsOf(options);
    const failures = failuresOf(found, limits);
    const device = `${chosen.choice.name}, ${options.dtype}, ${options.weights ?? "default"} weights`;
    const answer = { model, device, ...found, limits, failures, ok: failures.length === 0 };
    await write(streams, `${options.json ? JSON.stringify(answer) : shown(device, found)}\n`);
    if (failures.length > 0) throw new CliError(`${device}: ${failures.join("; ")}`);
  });
}

function limitOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(limit).helpGroup("Limits (default: by dtype and weights):");
}

function limitOptions(): Option[] {
  return [
    limitOption("--max-error <share>", "of hidden states, of a text's largest number"),
    limitOption("--min-cosine <value>", "of the vectors of texts"),
    limitOption("--max-logit-difference <value>", "of a head's logits"),
    limitOption("--min-agreement <share>", "of a head's best labels"),
  ];
}

function limit(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError("expected a number from 0.");
  return value;
}

async function readTexts(streams: Streams, args: readonly string[], options: VerifyOptions): Promise<readonly Named[]> {
  if (args.length === 0 && !options.input && !options.stdin && !options.jsonl)
    return builtInTexts.map((text, at) => ({ name: `built-in text ${at + 1}`, text }));
  const texts: Named[] = [];
  for await (const block of readInputs(streams, args, options, 256))
    for (const record of block) texts.push({ name: record.name, text: record.text("text") });
  if (texts.length === 0) throw new CliError("expected texts to compare on, got none: give some, or leave --stdin out");
  return texts;
}

function limitsOf({ dtype, weights, ...given }: VerifyOptions): Limits {
  const usual = usualLimits(dtype, weights);
  const {
    maxError = usual.maxError,
    minCosine = usual.minCosine,
    maxLogitDifference = usual.maxLogitDifference,
    minAgreement = usual.minAgreement,
  } = given;
  return { maxError, minCosine, maxLogitDifference, minAgreement };
}

/** NaN passes no limit. */
function failuresOf({ error, cosine, worst, logits }: Comparison, limits: Limits): string[] {
  const checks: readonly (readonly [boolean, string])[] = [
    [error <= limits.maxError, `expected an error of at most ${limits.maxError}, got ${error} in ${worst.error}`],
    [cosine >= limits.minCosine, `expected a cosine of at least ${limits.minCosine}, got ${cosine} in ${worst.cosine}`],
    [
      !logits || logits.difference <= limits.maxLogitDifference,
      `expected logits at most ${limits.maxLogitDifference} apart, got ${logits?.difference}`,
    ],
    [
      !logits || logits.agreement >= limits.minAgreement,
      `expected the same label in at least ${limits.minAgreement}, got ${logits?.agreement}`,
    ],
  ];
  return checks.filter(([passed]) => !passed).map(([, failure]) => failure);
}

function shown(device: string, { texts, tokens, error, cosine, worst, logits }: Comparison): string {
  return table(
    [
      ["compared", `${device} with f32 on the CPU`],
      ["texts", `${grouped(texts)}, ${grouped(tokens)} tokens`],
      ["worst error", `${error.toPrecision(3)} (${worst.error})`],
      ["worst cosine", `${cosine.toFixed(6)} (${worst.cosine})`],
      ...(logits
        ? [
            ["logits", `${logits.difference.toPrecision(3)} apart at most`],
            ["labels", `${percent(logits.agreement)} the same`],
          ]
        : []),
    ],
    ["left", "left"],
  );
}
