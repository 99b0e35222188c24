/** From records to tokenized examples: once, at the start of a run. */
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { DataError } from "../../errors.ts";
import type { DataRecord } from "../sources/formats/format.ts";
import type { SettingValues } from "../../setting-values.ts";
import type { Example } from "./example.ts";
import { ExampleStore } from "./example-store.ts";
import { orderedLabels } from "./labels.ts";
import { RecordError, RecordFields } from "./record-fields.ts";
import { RecordSource } from "./records.ts";
import type { RecordSourceOptions } from "./records.ts";

/** A field of records that an objective reads. */
export interface FieldDefinition {
  /** Its name in a record unless a configuration says another. */
  readonly default: string;
  readonly description: string;
}

export interface ReadingOptions {
  readonly tokenizer: Tokenizer;
  /** Of a sequence in tokens, special tokens included. */
  readonly maxLength: number;
  /** Names of the classes; none where the objective has no classes. */
  readonly labels: readonly string[];
  /** Of the objective's settings. */
  readonly values: SettingValues;
}

/** How an objective makes examples of records. */
export interface ExampleReading {
  readonly fields: Readonly<Record<string, FieldDefinition>>;
  /** The classes that a record names; absent where the objective has no classes. @throws RecordError */
  labelsOf?(record: RecordFields, values: SettingValues): readonly string[];
  /** What makes the examples of a record. Throws RecordError for one that cannot be used. */
  reader(options: ReadingOptions): (record: RecordFields) => readonly Example[];
}

export interface ExampleSource extends RecordSourceOptions {
  /** Files, folders and globs. */
  readonly paths: readonly string[];
  /** The record's own names of fields that are not called by the default. */
  readonly names: Readonly<Record<string, string>>;
}

export interface ReadExamples {
  readonly store: ExampleStore;
  /** Records passed over, and the first of their places. */
  readonly badRecords: number;
  readonly badPlaces: readonly string[];
  /** Invalid UTF-8 sequences that became U+FFFD, by file. */
  readonly replaced: ReadonlyMap<string, number>;
  /** Examples whose texts lost their ends. */
  readonly cut: number;
}

/** @throws DataError `invalid` for a record that cannot be used (with its place) and for a source without examples. */
export async function readExamples(
  reading: ExampleReading,
  source: ExampleSource,
  options: ReadingOptions,
): Promise<ReadExamples> {
  const read = reading.reader(options);
  const store = new ExampleStore();
  let cut = 0;
  const { faults, replaced } = await forEachRecord(reading, source, (fields) => {
    for (const example of read(fields)) {
      store.add(example);
      if (example.cut) cut++;
    }
  });
  if (store.documents === 0)
    throw new DataError("invalid", "examples", `expected at least one record, got none in ${source.paths.join(", ")}`);
  return { store, badRecords: faults.count, badPlaces: faults.places, replaced, cut };
}

/** All classes that the records of a source name, in order. @throws DataError like `readExamples`. */
export async function collectLabels(
  reading: ExampleReading,
  source: ExampleSource,
  values: SettingValues,
): Promise<string[]> {
  const names = new Set<string>();
  await forEachRecord(reading, source, (fields) => {
    for (const name of reading.labelsOf?.(fields, values) ?? []) names.add(name);
  });
  return orderedLabels(names);
}

async function forEachRecord(
  { fields }: ExampleReading,
  { paths, names: given, ...options }: ExampleSource,
  use: (fields: RecordFields) => void,
): Promise<RecordSource> {
  const source = new RecordSource(paths, options);
  const defaults = Object.entries(fields).map(([field, definition]) => [field, definition.default]);
  const names = { ...Object.fromEntries(defaults), ...given } as Record<string, string>;
  for await (const record of source) {
    try {
      use(new RecordFields(record, names));
    } catch (error) {
      if (!(error instanceof RecordError)) throw atPlace(record, error);
      source.faults.add({ place: record.id, expected: error.expected, found: error.found });
    }
  }
  return source;
}

/** What the tokenizer refuses. */
function atPlace({ id }: DataRecord, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new DataError("invalid", "examples", `${message} at ${id}`, { cause: error });
}
