/** `modernbert compare`: BERT and ModernBERT trained and measured side by side on this machine, as one report. */
import { Command, Option } from "commander";
import { backendNames } from "@modernbert-ts/backends";
import type { BackendName } from "@modernbert-ts/backends";
import { CliError } from "../errors.ts";
import { positiveInteger } from "../options.ts";
import { write } from "../streams.ts";
import type { Streams } from "../streams.ts";

interface CompareArguments {
  readonly out: string;
  readonly quick?: true;
  readonly full?: true;
  readonly sections?: readonly string[];
  readonly backend: BackendName | "auto";
  readonly threads?: number;
  readonly render?: true;
}

export function compareCommand(streams: Streams): Command {
  return new Command("compare")
    .summary("BERT beside ModernBERT, measured here")
    .description(
      "Trains and measures BERT and ModernBERT side by side and writes one report (report.html, report.md). " +
        "Ctrl-C keeps what was measured; the same command goes on from there.",
    )
    .option("--out <dir>", "records and report", "runs/compare")
    .addOption(new Option("--quick", "at most five minutes").conflicts("full"))
    .option("--full", "all sections, three seeds: hours (default: 25 minutes)")
    .option("--sections <name,…>", "measure only these", (text) => text.split(","))
    .addOption(new Option("--backend <name>", "where to compute").choices(backendNames).default("cpu"))
    .addOption(new Option("--threads <n>", "CPU threads (default: all cores)").argParser(positiveInteger))
    .option("--render", "measure nothing: write the report anew")
    .action((options: CompareArguments) => runComparison(options, streams));
}

async function runComparison(options: CompareArguments, streams: Streams): Promise<void> {
  const { out, quick, full, sections, backend, threads, render } = options;
  const { compare } = await import("@modernbert-ts/compare");
  const interruption = new AbortController();
  const interrupt = (): void => {
    streams.stderr.write("stopping after this step; once more ends at once\n");
    interruption.abort(
      new CliError(`interrupted: what was measured is in ${out}; the same command goes on from there`),
    );
  };
  process.once("SIGINT", interrupt);
  try {
    const { html, markdown, measured, found } = await compare({
      out,
      level: quick ? "quick" : full ? "full" : "standard",
      backend,
      ...(sections && { only: sections }),
      ...(threads !== undefined && { threads }),
      ...(render && { renderOnly: true }),
      signal: interruption.signal,
      log: (line) => void streams.stderr.write(`${line}\n`),
    });
    await write(streams, `${html}\n${markdown}\n${measured} measured, ${found} were there\n`);
  } finally {
    process.off("SIGINT", interrupt);
  }
}
