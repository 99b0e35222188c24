/** What `prepare` is told. */
import type { OutputFormatName, TextSourceOptions } from "@modernbert-ts/training";

export interface PrepareOptions extends TextSourceOptions {
  /** Text files, folders, globs, addresses and datasets of the hub. */
  readonly inputs: readonly string[];
  readonly output: string;
  /** `modernbert` (built in), `train` (a BPE on these texts), or the path of a tokenizer.json or of a folder that holds one. */
  readonly tokenizer: string;
  /** For `train`. */
  readonly vocabSize: number;
  /** Share of the documents to hold out, 0..1. */
  readonly validation: number;
  readonly seed: number;
  /** Threads that tokenize beside this one; 0 (default): this one does. The result is the same. */
  readonly workers?: number;
  /** Default "shards", which `run` trains on. */
  readonly outputFormat?: OutputFormatName;
  /** Tokens in a shard; what is normal for the format when absent. */
  readonly shardTokens?: number;
  readonly onNotice: (notice: string) => void;
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Stops in good order: shards that are finished stay, for the same command to go on from. */
  readonly signal?: AbortSignal;
}

export interface PrepareProgress {
  /** Of the source's files, which may be compressed. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly documents: number;
  readonly tokens: number;
  /** Whether documents are passed over that an earlier call has tokenized. */
  readonly skipping: boolean;
}

/** `stopped`: by its signal. */
export type PrepareResult = "written" | "up to date" | "stopped";
