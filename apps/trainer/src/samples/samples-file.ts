/** samples.jsonl of a run: what the model put in the place of masks at each evaluation, one JSON object a line. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { ioError } from "@modernbert-ts/training";
import { writeTextFile } from "../write-file.ts";

export interface Sample {
  readonly text: string;
  /** For each mask, the most likely tokens, first the likeliest. */
  readonly masks: readonly (readonly { readonly token: string; readonly score: number }[])[];
}

export interface SampleRecord {
  readonly step: number;
  readonly tokens: number;
  readonly samples: readonly Sample[];
}

/** None where there is no file; lines that are not whole are left out. @throws DataError `io`. */
export function readSamples(path: string): SampleRecord[] {
  if (!existsSync(path)) return [];
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .flatMap((line) => parse(line) ?? []);
  } catch (error) {
    throw ioError("readSamples", path, error);
  }
}

/** Leaves what is not later than `step`. @throws DataError `io`. */
export function cutSamples(path: string, step: number): void {
  if (!existsSync(path)) return;
  const kept = readSamples(path).filter((record) => record.step <= step);
  writeTextFile(path, kept.map(lineOf).join(""));
}

/** @throws DataError `io`. */
export function appendSamples(path: string, record: SampleRecord): void {
  try {
    appendFileSync(path, lineOf(record));
  } catch (error) {
    throw ioError("appendSamples", path, error);
  }
}

function lineOf(record: SampleRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function parse(line: string): SampleRecord | undefined {
  try {
    return JSON.parse(line) as SampleRecord;
  } catch {
    return undefined;
  }
}
