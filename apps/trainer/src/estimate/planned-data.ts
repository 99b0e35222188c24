/** What a plan knows of the data of a phase: of labelled records what is in their files, where these are there. */
import { DataError } from "@modernbert-ts/training";
import type { ExampleStore, Objective } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { onDocuments } from "../config/data-section.ts";
import { readRecords } from "../run/data/labelled-data.ts";

export interface PlannedData {
  /** Of sequences in tokens. */
  readonly lengths: readonly number[];
  /** Whether they are those of the data, not only the longest that may be. */
  readonly measured: boolean;
  /** Of one pass; unknown where the data were not read. */
  readonly epochTokens?: number;
  /** Of labelled examples, on average. */
  readonly tokensPerExample: number;
  /** Of the classes. */
  readonly labels: readonly string[];
}

/** Enough to know the lengths of all. */
const sampledExamples = 100_000;

/** @throws as `readRecords`, but for files that are not there. */
export async function plannedData(
  config: TrainerConfig,
  objective: Objective,
  onNotice: (notice: string) => void,
): Promise<PlannedData> {
  const { data } = config;
  const longest = { lengths: [data.max_length], measured: false, tokensPerExample: data.max_length };
  if (onDocuments(data)) return { ...longest, labels: [] };
  try {
    const read = await readRecords(config, { ...data, validation: [] }, objective, onNotice);
    const train = read.train as ExampleStore;
    return {
      lengths: train.sequenceLengths(sampledExamples),
      measured: true,
      epochTokens: train.tokens,
      tokensPerExample: train.tokens / train.documents,
      labels: read.labels,
    };
  } catch (error) {
    if (error instanceof DataError && error.code === "missing") return { ...longest, labels: data.labels ?? [] };
    throw error;
  }
}
