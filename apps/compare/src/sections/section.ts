/** What a section of the comparison is: it measures, each result a record on disk, and makes blocks of whatever records there are. */
import type { OpenRuntime } from "@modernbert-ts/pipelines";
import type { Corpora } from "../data/corpora.ts";
import type { Level } from "../level.ts";
import type { JsonObject, Measurement } from "../records/record.ts";
import type { Block, Claim } from "../report/block.ts";

/** V: what the section's records hold, as a `type` (an interface has no index signature). */
export interface Section<V extends JsonObject = JsonObject> {
  /** Lower-case letters; the folder of its records, and its name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Minutes planned on two cores, by level. A level that is not named leaves the section out. */
  readonly minutes: Readonly<Partial<Record<Level, number>>>;
  /** Makes all records of `context.level` through `context.measured`. */
  measure(context: Context): Promise<void>;
  /** Of one machine and level, in the order of keys; any of them may be missing, as after an interruption. */
  render(records: readonly Measurement<V>[], level: Level): readonly Block[];
  /** For the summary at the top; all claims, also those without records. */
  claims?(records: readonly Measurement<V>[]): readonly Claim[];
}

export interface Context {
  readonly level: Level;
  readonly seeds: readonly number[];
  /** CPU threads that every measurement uses. */
  readonly threads: number;
  readonly corpora: Corpora;
  /** A folder of the section for what is not a record (runs, checkpoints); kept until the comparison is done, then removed. */
  readonly workFolder: string;
  /** Aborted by SIGINT: long work should look at it between steps. `measured` does. */
  readonly signal: AbortSignal;
  /** A fresh backend with `threads` threads. Dispose it: `await using open = await context.openRuntime()`. */
  openRuntime(): Promise<OpenRuntime>;
  /** One line about what goes on. */
  log(line: string): void;
  /**
   * The values of the record `key`: those on disk where they were measured with equal settings on this machine and level, else those of `make`,
   * which are written before this returns. Throws the signal's reason when aborted.
   * @param settings all that decides the values besides the machine, sizes and seeds included
   */
  measured<V extends JsonObject>(key: string, settings: JsonObject, make: () => Promise<V>): Promise<V>;
}
