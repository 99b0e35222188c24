/** Kinds of `modernbert embed` beside one vector a text, and which options each takes. */
import { embedChunks, embedMulti, embedSparse, embedTokens } from "@modernbert-ts/pipelines";
import type { EncodeOptions, Pipeline, PromptOptions, TokenVectors } from "@modernbert-ts/pipelines";
import { CliError } from "../errors.ts";

/** What decides about a kind. */
export interface KindOptions extends PromptOptions {
  readonly kind: KindName;
  readonly pooling?: "cls" | "mean";
  readonly normalize?: boolean;
  readonly dimensions?: number;
  readonly chunkTokens?: number;
  readonly topK?: number;
  readonly truncate?: boolean;
}

type OptionName = Exclude<keyof KindOptions, "kind" | keyof PromptOptions>;

interface Kind {
  /** Of those that not all kinds have. */
  readonly options: readonly OptionName[];
  run(
    pipeline: Pipeline,
    texts: readonly string[],
    options: KindOptions,
    encode: PromptOptions & EncodeOptions,
  ): Promise<readonly unknown[]>;
}

export type KindName = "vector" | "sparse" | "multi" | "tokens" | "chunks";

export const kinds: Readonly<Record<Exclude<KindName, "vector">, Kind>> = {
  sparse: {
    options: ["topK", "truncate"],
    run: (pipeline, texts, { topK }, encode) => embedSparse(pipeline, texts, { ...encode, ...(topK && { topK }) }),
  },
  multi: {
    options: ["truncate"],
    run: async (pipeline, texts, _, encode) => (await embedMulti(pipeline, texts, encode)).map(rows),
  },
  tokens: {
    options: ["truncate"],
    run: async (pipeline, texts, _, encode) =>
      (await embedTokens(pipeline, texts, encode)).map(({ ids, ...vectors }) => ({ ids, vectors: rows(vectors) })),
  },
  chunks: {
    options: ["pooling", "normalize", "dimensions", "chunkTokens"],
    run(pipeline, texts, { pooling, normalize, dimensions, chunkTokens }, encode) {
      return embedChunks(pipeline, texts, {
        ...encode,
        ...(pooling && { pooling }),
        ...(normalize !== undefined && { normalize }),
        ...(dimensions && { dimensions }),
        ...(chunkTokens && { chunks: { tokens: chunkTokens } }),
      });
    },
  },
};

export const kindNames: readonly KindName[] = ["vector", ...(Object.keys(kinds) as KindName[])];

const vectorOnly: readonly OptionName[] = ["pooling", "normalize", "dimensions", "truncate"];
const names: readonly OptionName[] = ["pooling", "normalize", "dimensions", "truncate", "chunkTokens", "topK"];

/** @throws CliError for an option that another kind has. */
export function checkKind(options: KindOptions): void {
  const { kind } = options;
  const known: readonly OptionName[] = kind === "vector" ? vectorOnly : kinds[kind].options;
  const wrong = names.find((name) => options[name] !== undefined && !known.includes(name));
  if (wrong === undefined) return;
  const option = wrong.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new CliError(`--${option}: expected another kind than ${kind}, which has no such option: leave it out`);
}

/** A vector a row. */
function rows({ values, width }: TokenVectors): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, at) => values.subarray(at * width, (at + 1) * width));
}
