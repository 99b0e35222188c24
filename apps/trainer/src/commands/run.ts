/** `run`: a run with its progress on the terminal, and Ctrl-C that loses nothing. */
import { basename, relative } from "node:path";
import { readConfig } from "../config/read-config.ts";
import { formatCount, formatDuration } from "../format.ts";
import { describeScore } from "../metrics.ts";
import { createProgress } from "../progress.ts";
import type { Progress } from "../progress.ts";
import { runTraining } from "../run/run-training.ts";
import type { RunResult, RunStart } from "../run/run-training.ts";

/** Exit code of a run that Ctrl-C stopped, in good order or at once: a script must not take it for finished. */
const INTERRUPTED = 130;

export interface RunCommandOptions {
  readonly resume?: string;
  readonly set: readonly string[];
  readonly backend?: string;
  readonly dtype?: string;
}

export async function runCommand(path: string, options: RunCommandOptions): Promise<void> {
  const { resume } = options;
  const shorthands = (["backend", "dtype"] as const).filter((name) => options[name] !== undefined);
  const set = [...options.set, ...shorthands.map((name) => `${name}=${options[name]}`)];
  const config = readConfig(path, set);
  let progress: Progress | undefined;
  let release: (() => void) | undefined;
  const onStart = (start: RunStart): Progress["onEvent"] => {
    print(describePlan(start));
    progress = createProgress({
      totalTokens: start.plan.totalTokens,
      startTokens: start.startTokens,
      metrics: start.objective.metrics,
    });
    release = onInterrupt(start.stop, progress.note);
    return progress.onEvent;
  };
  let result: RunResult;
  try {
    result = await runTraining(config, { onNotice: print, onStart, ...(resume === undefined ? {} : { resume }) });
  } finally {
    progress?.stop();
    release?.();
  }
  for (const line of summaryLines(result, ["run", path, "--resume", "auto", ...set.flatMap((item) => ["--set", item])]))
    print(line);
  if (result.reason === "stopped") process.exitCode = INTERRUPTED;
}

function describePlan({ plan, startTokens }: RunStart): string {
  const goal = `${formatCount(plan.totalTokens)} tokens in steps of ${formatCount(plan.tokensPerStep)}`;
  const evaluation = plan.evaluation ? "" : "; no validation data, so no evaluation";
  return startTokens > 0
    ? `going on at ${formatCount(startTokens)} of ${goal}${evaluation}`
    : `training for ${goal}${evaluation}`;
}

function summaryLines(
  { objective, reason, step, seconds, score, checkpoint, modelFolder, report }: RunResult,
  command: string[],
): string[] {
  if (reason === "stopped")
    return [
      `stopped after step ${step}; saved ${checkpoint}`,
      `go on with: ${commandPrefix()} ${command.map(quote).join(" ")}`,
    ];
  const held = score ? `; held-out ${describeScore(score, objective.metrics)}` : "";
  return [
    `finished after ${step} steps in ${formatDuration(seconds)}${held}`,
    `model  ${modelFolder}`,
    `report ${report}`,
  ];
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The first Ctrl-C (or SIGTERM, or the end of the terminal) stops in good order, the second at once. Returns how to undo it. */
function onInterrupt(stop: () => void, note: (line: string) => void): () => void {
  let interrupted = false;
  const handler = (): void => {
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
    note("finishing this step and saving; Ctrl-C again to quit at once without saving");
    stop();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

/** How this program was started, so that a printed command can be copied. */
function commandPrefix(): string {
  const script = process.argv[1] ?? "modernbert-train";
  return basename(script) === "modernbert-train" ? "modernbert-train" : `node ${quote(relative("", script))}`;
}

function quote(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
