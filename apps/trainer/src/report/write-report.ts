/** `report`: the metrics of a run as one HTML file. */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { readMetrics } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { readRunSummary, runLayout } from "../run-folder.ts";
import { writeTextFile } from "../write-file.ts";
import { readSamples } from "../samples/samples-file.ts";
import { History } from "./history.ts";
import { renderReport } from "./page.ts";

/** Returns the path of the report. @throws UserError when the folder is no run or has no step yet; DataError. */
export function writeReport(run: string, output: string = join(run, runLayout.report)): string {
  if (!existsSync(join(run, runLayout.summary)))
    throw new UserError(`there is no ${join(run, runLayout.summary)}: give the output folder of a run`);
  const events = readMetrics(join(run, runLayout.metrics));
  if (!events.some(({ kind }) => kind === "step")) throw new UserError(`${run} has no step yet: train first`);
  const samples = readSamples(join(run, runLayout.samples));
  const history = new History(events);
  writeTextFile(output, renderReport({ name: basename(resolve(run)), summary: readRunSummary(run), history, samples }));
  return output;
}
