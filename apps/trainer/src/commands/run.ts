/** `run`: a run with its progress on the terminal, and Ctrl-C that loses nothing. */
import { basename, join, relative } from "node:path";
import type { TrainerConfig } from "../config/config.ts";
import type { Fields } from "../config/merge.ts";
import { readConfig } from "../config/read-config.ts";
import { formatCount, formatDuration } from "../format.ts";
import { describeScore } from "../metrics.ts";
import { openRunDashboard } from "../dashboard/run-dashboard.ts";
import { createProgress } from "../progress.ts";
import type { Progress } from "../progress.ts";
import { runLayout } from "../run-folder.ts";
import { joinRanks } from "../run/ranks/ranks.ts";
import type { RunRanks } from "../run/ranks/ranks.ts";
import { runTraining } from "../run/run-training.ts";
import type { RunResult, RunStart } from "../run/run-training.ts";

/** Exit code of a run that Ctrl-C stopped, in good order or at once: a script must not take it for finished. */
export const INTERRUPTED = 130;

export interface RunCommandOptions {
  readonly resume?: string;
  readonly set: readonly string[];
  readonly backend?: string;
  readonly dtype?: string;
  /** What holds where neither the file nor `set` says otherwise: a preset. */
  readonly base?: Fields;
  readonly dashboard?: { readonly host: string; readonly port: number };
}

/** Alone, or as one of the processes that a launcher started: rank 0 speaks for all, the others of their own errors only. */
export async function runCommand(path: string | undefined, options: RunCommandOptions): Promise<void> {
  const set = settingsOf(options);
  const config = readConfig(path, set, options.base);
  await using ranks = await joinRanks(config.backend);
  // With a preset, the file in the run's folder says it all.
  const again =
    options.base === undefined && path !== undefined
      ? ["run", path, "--resume", "auto", ...set.flatMap((item) => ["--set", item])]
      : ["run", join(config.output, runLayout.config), "--resume", "auto"];
  try {
    await runAmong(ranks, config, options, again);
  } catch (error) {
    ranks.abort(error as Error);
    if (ranks.world > 1) (error as Error).message = `rank ${ranks.rank}: ${(error as Error).message}`;
    throw error;
  }
}

/** With the shorthands among them. */
function settingsOf(options: RunCommandOptions): string[] {
  const shorthands = (["backend", "dtype"] as const).filter((name) => options[name] !== undefined);
  return [...options.set, ...shorthands.map((name) => `${name}=${options[name]}`)];
}

/** @param again what goes on with this run. */
async function runAmong(
  ranks: RunRanks,
  config: TrainerConfig,
  options: RunCommandOptions,
  again: string[],
): Promise<void> {
  const { resume } = options;
  await using dashboard =
    options.dashboard && ranks.rank === 0 ? await openRunDashboard(config.output, options.dashboard) : null;
  if (dashboard) print(`dashboard ${dashboard.url}`);
  let progress: Progress | undefined;
  let release: (() => void) | undefined;
  const onStart = (start: RunStart): Progress["onEvent"] => {
    if (ranks.rank > 0) {
      release?.();
      release = onInterrupt(start.stop, () => undefined);
      return () => undefined;
    }
    progress?.stop();
    release?.();
    print(describePlan(start, ranks.world));
    progress = createProgress({
      totalTokens: start.totalTokens,
      startTokens: start.startTokens,
      metrics: start.objective.metrics,
    });
    release = onInterrupt(start.stop, progress.note);
    dashboard?.begin();
    const { onEvent } = progress;
    return (event) => {
      onEvent(event);
      dashboard?.onEvent(event);
    };
  };
  let result: RunResult;
  try {
    result = await runTraining(config, {
      ranks,
      onNotice: print,
      onStart,
      ...(resume === undefined ? {} : { resume }),
    });
  } finally {
    progress?.stop();
    release?.();
  }
  if (result.reason === "stopped") process.exitCode = INTERRUPTED;
  if (ranks.rank > 0) return;
  for (const line of summaryLines(result, again)) print(line);
}

function describePlan({ plan, phase, startTokens }: RunStart, world: number): string {
  const together = world > 1 ? ` on ${world} processes` : "";
  const named = phase.count > 1 ? `phase ${phase.number} of ${phase.count}, ${phase.name}: ` : "";
  const goal = `${formatCount(plan.totalTokens)} tokens in steps of ${formatCount(plan.tokensPerStep)}${together}`;
  const evaluation = plan.evaluation ? "" : "; no validation data, so no evaluation";
  return startTokens > 0
    ? `${named}going on at ${formatCount(startTokens)} of ${goal}${evaluation}`
    : `${named}training for ${goal}${evaluation}`;
}

function summaryLines(
  { objective, reason, step, seconds, score, best, checkpoint, exported, modelFolder, averaged, report }: RunResult,
  command: string[],
): string[] {
  if (reason === "stopped")
    return [
      `stopped after step ${step}; saved ${checkpoint}`,
      `go on with: ${commandPrefix()} ${command.map(quote).join(" ")}`,
    ];
  const held = score ? `; held-out ${describeScore(score, objective.metrics)}` : "";
  const from = best ? `: ${exported}, the best by ${best.metric}` : "";
  return [
    `finished after ${step} steps in ${formatDuration(seconds)}${held}`,
    `model  ${modelFolder}${from}${averaged ? " (the moving average of the weights)" : ""}`,
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
