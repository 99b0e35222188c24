/** `modernbert search`: the texts of files that are nearest to each query. */
import { Option } from "commander";
import type { Command } from "commander";
import { inputFiles, readRecords } from "@modernbert-ts/bulk";
import { semanticSearch } from "@modernbert-ts/pipelines";
import type { SearchHit, SimilarityName } from "@modernbert-ts/pipelines";
import { CliError } from "../errors.ts";
import { InputRecord } from "../inputs/input-record.ts";
import { positiveInteger } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { printable, table } from "../text.ts";
import { similarityNames } from "./similarity.ts";

interface SearchOptions extends TaskOptions {
  readonly corpus: readonly string[];
  readonly corpusField: string;
  readonly topK: number;
  readonly similarity?: SimilarityName;
}

interface Found extends SearchHit {
  /** File and line. */
  readonly id: string;
  readonly text: string;
}

interface Answer {
  readonly query: string;
  readonly hits: readonly Found[];
}

/** Texts of the corpus that are compared at a time, and whose names are held. */
const blockSize = 256;

export function searchCommand(streams: Streams): Command {
  return taskCommand<SearchOptions, string, Answer>(streams, {
    name: "search",
    summary: "the texts of files that are nearest to each query",
    description:
      "Queries are the input. Exact search; the files are read once for each 1,024 queries, and again for what was found.",
    options: [
      new Option(
        "--corpus <files...>",
        "what to search in: .txt, .jsonl, .csv, .parquet, folders, globs",
      ).makeOptionMandatory(),
      new Option("--corpus-field <name>", "where the text stands in their records").default("text"),
      new Option("--top-k <n>", "texts for each query").argParser(positiveInteger).default(10),
      new Option("--similarity <function>", "how to compare (default: the model's own, or cosine)").choices(
        similarityNames,
      ),
    ],
    head: "none",
    atOnce: 1024,
    check: ({ corpus }) => void inputFiles(corpus),
    input: (record) => record.text("text"),
    async answer(pipeline, queries, options, { truncate }) {
      const { corpus, corpusField, topK, similarity } = options;
      const names: string[] = [];
      let count = 0;
      const texts = async function* (): AsyncGenerator<string> {
        for await (const record of corpusRecords(corpus, corpusField)) {
          names[count++ % blockSize] = record.name;
          yield record.text("text");
        }
      };
      const hits = await semanticSearch(pipeline, queries, texts(), {
        truncate,
        topK,
        blockSize,
        nameOf: (index) => names[index % blockSize]!,
        ...(similarity && { similarity }),
      });
      const places = await recordsAt(new Set(hits.flat().map(({ index }) => index)), corpus, corpusField);
      return queries.map((query, at) => ({
        query,
        hits: hits[at]!.map((hit) => {
          const record = places.get(hit.index)!;
          return { ...hit, id: record.name, text: record.text("text") };
        }),
      }));
    },
    show({ query, hits }) {
      const rows = hits.map(({ score, id, text }) => [score.toFixed(4), id, text]);
      return `${printable(query)}\n${rows.length === 0 ? "-" : table(rows, ["right", "left", "left"])}\n`;
    },
  });
}

async function* corpusRecords(paths: readonly string[], field: string): AsyncGenerator<InputRecord> {
  for await (const record of readRecords(paths, { field })) {
    if ("reason" in record) throw new CliError(`${record.id}: ${record.reason}`);
    yield new InputRecord(record.id, record.fields, record.textField);
  }
}

/** Found texts by their number, so that a corpus need not be in memory. */
async function recordsAt(
  wanted: ReadonlySet<number>,
  paths: readonly string[],
  field: string,
): Promise<ReadonlyMap<number, InputRecord>> {
  const found = new Map<number, InputRecord>();
  let index = 0;
  for await (const record of corpusRecords(paths, field)) {
    if (wanted.has(index)) found.set(index, record);
    index++;
    if (found.size === wanted.size) break;
  }
  return found;
}
