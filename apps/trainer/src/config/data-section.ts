/** The section `data` of a configuration: a folder of token shards, or files of labelled records for objectives that read these. */
import type { Objective } from "@modernbert-ts/training";
import { z } from "zod";
import { documentsSection } from "./documents-section.ts";
import type { DocumentsConfig } from "./documents-section.ts";

export interface RecordsConfig {
  readonly train: readonly string[];
  readonly validation: readonly string[];
  /** Undefined where the objective has no classes. */
  readonly labels?: readonly string[] | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly tokenizer?: string | undefined;
  readonly max_length: number;
  readonly bad_records: "refuse" | "skip";
}

export type DataConfig = DocumentsConfig | RecordsConfig;

/** Whether a run trains on token shards. */
export function onDocuments(data: DataConfig): data is DocumentsConfig {
  return !("train" in data);
}

export function dataSection(objective: Pick<Objective, "reading">): z.ZodType<DataConfig, unknown> {
  return objective.reading ? recordsSection(objective.reading) : documentsSection;
}

const paths = z.array(z.string().min(1));

function recordsSection({ fields, labelsOf }: NonNullable<Objective["reading"]>): z.ZodType<RecordsConfig, unknown> {
  const named = Object.entries(fields).map(
    ([field, definition]) =>
      [field, z.string().min(1).default(definition.default).describe(definition.description)] as const,
  );
  return z
    .strictObject({
      train: paths
        .min(1)
        .describe("Files, folders and globs of records: .jsonl, .csv, .tsv (also .gz, .zst), .parquet."),
      validation: paths.default([]).describe("The same for records to score the model on."),
      fields: z.strictObject(Object.fromEntries(named)).prefault({}).describe("The names of the records' fields."),
      ...(labelsOf && {
        labels: z
          .array(z.string().min(1))
          .optional()
          .describe("All labels in their order; those of the training records, sorted, when left out."),
      }),
      tokenizer: z
        .string()
        .min(1)
        .optional()
        .describe("Path of a tokenizer.json; when left out that of model.from, or ModernBERT's own."),
      max_length: z
        .int()
        .min(3)
        .default(512)
        .describe("Longest sequence in tokens, [CLS] and [SEP] included; longer texts lose their ends."),
      bad_records: z
        .enum(["refuse", "skip"])
        .default("refuse")
        .describe("A record that cannot be used ends everything, or is counted and passed over."),
    })
    .describe("What to train on.") as unknown as z.ZodType<RecordsConfig, unknown>;
}
