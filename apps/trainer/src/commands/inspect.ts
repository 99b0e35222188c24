/** What a prepared folder holds: documents, tokens, lengths, sources and some documents as text. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import type { TokenShardReader } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { formatCount, formatPercent } from "../format.ts";
import { dataLayout, openTrainingData } from "../run/data/training-data.ts";

export interface DataSummary {
  readonly folder: string;
  readonly vocabSize: number;
  /** Most documents first; empty for folders that do not tell. */
  readonly sources: readonly { readonly path: string; readonly documents: number }[];
  readonly parts: readonly PartSummary[];
}

export interface PartSummary {
  readonly name: string;
  readonly shards: number;
  readonly documents: number;
  readonly tokens: number;
  /** In tokens, [CLS] and [SEP] included. */
  readonly lengths: {
    readonly shortest: number;
    readonly median: number;
    readonly mean: number;
    readonly p95: number;
    readonly longest: number;
    /** Documents of at most so many tokens, and more than the bound before. */
    readonly histogram: readonly { readonly most: number; readonly documents: number; readonly tokens: number }[];
  };
  readonly samples: readonly { readonly document: number; readonly tokens: number; readonly text: string }[];
}

/** Tokens of a sample that are shown. */
const sampleTokens = 200;

/** @param samples of each part, taken evenly. @throws UserError, DataError, TokenizerError. */
export async function inspectData(folder: string, samples: number): Promise<DataSummary> {
  const { tokenizer, folders } = await openTrainingData({ path: folder }, { maxLength: 2 ** 30 });
  const [{ train, validation }] = folders;
  const parts = [partOf("train", train, tokenizer, samples)];
  if (validation) parts.push(partOf("validation", validation, tokenizer, samples));
  return { folder, vocabSize: tokenizer.vocabSize, sources: sourcesOf(folder), parts };
}

function sourcesOf(folder: string): DataSummary["sources"] {
  const path = join(folder, dataLayout.sources);
  if (!existsSync(path)) return [];
  try {
    return [...(JSON.parse(readFileSync(path, "utf8")) as DataSummary["sources"])].sort(
      (a, b) => b.documents - a.documents,
    );
  } catch {
    throw new UserError(`expected a list of sources in ${path}, got something else: prepare again`);
  }
}

function partOf(name: string, store: TokenShardReader, tokenizer: Tokenizer, samples: number): PartSummary {
  const { documents, tokens } = store;
  const lengths = Uint32Array.from({ length: documents }, (_, document) => store.documentLength(document));
  const sorted = lengths.slice().sort();
  const at = (share: number): number => sorted[Math.min(documents - 1, Math.floor(share * documents))]!;
  const chosen = Array.from({ length: Math.min(samples, documents) }, (_, n) => Math.floor((n * documents) / samples));
  return {
    name,
    shards: store.manifest.shards.length,
    documents,
    tokens,
    lengths: {
      shortest: sorted[0]!,
      median: at(0.5),
      mean: tokens / documents,
      p95: at(0.95),
      longest: sorted.at(-1)!,
      histogram: histogramOf(sorted),
    },
    samples: chosen.map((document) => {
      const ids = new Int32Array(Math.min(sampleTokens, lengths[document]!));
      store.copyDocument(document, 0, ids.length, ids, 0);
      return { document, tokens: lengths[document]!, text: tokenizer.decode(ids) };
    }),
  };
}

/** By powers of two, from the first that holds a document to the last. */
function histogramOf(sorted: Uint32Array): PartSummary["lengths"]["histogram"] {
  const bars: { most: number; documents: number; tokens: number }[] = [];
  for (const length of sorted) {
    let bar = bars.at(-1);
    while (bar === undefined || length > bar.most)
      bars.push((bar = { most: bar ? 2 * bar.most : 2 ** Math.ceil(Math.log2(length)), documents: 0, tokens: 0 }));
    bar.documents++;
    bar.tokens += length;
  }
  return bars;
}

const barWidth = 40;
/** Sources that are named. */
const mostSources = 10;

/** For people. */
export function describeData({ folder, vocabSize, sources, parts }: DataSummary): string[] {
  const lines = [`${folder}: vocabulary of ${vocabSize}`];
  for (const part of parts) {
    const { shortest, median, mean, p95, longest, histogram } = part.lengths;
    const most = Math.max(...histogram.map(({ documents }) => documents));
    lines.push(
      "",
      `${part.name}: ${formatCount(part.documents)} documents, ${formatCount(part.tokens)} tokens, ${part.shards} shards`,
      `lengths: ${shortest} to ${longest} tokens; median ${median}, mean ${mean.toFixed(1)}, 95 % below ${p95 + 1}`,
      ...histogram.map(({ most: bound, documents, tokens }) => {
        const bar = "█".repeat(Math.round((barWidth * documents) / most)).padEnd(barWidth);
        const share = formatPercent(tokens / part.tokens);
        return `  ≤ ${String(bound).padStart(8)} ${bar} ${formatCount(documents)} documents, ${share} of the tokens`;
      }),
      ...part.samples.map(({ document, tokens, text }) => {
        const cut = tokens > sampleTokens ? " …" : "";
        return `  document ${document} (${tokens} tokens): ${JSON.stringify(text)}${cut}`;
      }),
    );
  }
  if (sources.length > 0) lines.push("", `${sources.length} sources:`);
  for (const { path, documents } of sources.slice(0, mostSources))
    lines.push(`  ${formatCount(documents).padStart(6)} documents  ${path}`);
  if (sources.length > mostSources) lines.push(`  and ${sources.length - mostSources} more`);
  return lines;
}
