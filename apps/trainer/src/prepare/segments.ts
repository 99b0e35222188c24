/** The part of `prepare` that takes the time: tokenizes what is not yet there, shard by shard. */
import { outputFormats } from "@modernbert-ts/training";
import type { ShardSink, TextDocument, TextSource, WrittenShard } from "@modernbert-ts/training";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { encodeInOrder } from "./encode.ts";
import { isHeldOut } from "./held-out.ts";
import type { PrepareOptions } from "./options.ts";
import type { Part, WorkFolder } from "./work-folder.ts";

/**
 * A segment ends when its training shard is full, so where segments end follows from the texts alone. @returns false when it was stopped
 * by its signal. @throws those of the source, the tokenizer and the disk.
 */
export async function writeSegments(
  source: TextSource,
  tokenizer: Tokenizer,
  work: WorkFolder,
  options: PrepareOptions,
): Promise<boolean> {
  const { validation, seed, workers = 0, outputFormat = "shards", onProgress, signal } = options;
  const format = outputFormats[outputFormat];
  const { shardTokens = format.shardTokens } = options;
  const done = work.segments.at(-1)?.documents ?? 0;
  const totalBytes = source.totalBytes();
  let [documents, tokens] = [done, tokensOf(work)];
  let sinks: Partial<Record<Part, ShardSink>> = {};
  const tell = (skipping: boolean): void =>
    onProgress?.({ bytes: source.bytesRead, totalBytes, documents, tokens, skipping });
  const close = (): void => {
    const shards: Partial<Record<Part, WrittenShard>> = {};
    for (const [part, sink] of Object.entries(sinks)) shards[part as Part] = sink.finish();
    sinks = {};
    if (Object.keys(shards).length > 0) work.add({ documents, shards });
  };
  try {
    const rest = documentsAfter(source, done, () => tell(true));
    for await (const ids of encodeInOrder(rest, tokenizer, workers)) {
      if (signal?.aborted) return false;
      const part = isHeldOut(documents++, seed, validation) ? "validation" : "train";
      sinks[part] ??= format.open(work.folder(part), shardsOf(work, part).length, tokenizer.vocabSize);
      sinks[part].add(ids);
      tokens += ids.length;
      tell(false);
      if ((sinks.train?.tokens ?? 0) >= shardTokens) close();
    }
    close();
    return true;
  } finally {
    for (const sink of Object.values(sinks)) sink.abort();
  }
}

/** Finished shards of a part, in order. */
export function shardsOf({ segments }: WorkFolder, part: Part): WrittenShard[] {
  return segments.flatMap(({ shards }) => shards[part] ?? []);
}

function tokensOf({ segments }: WorkFolder): number {
  const shards = segments.flatMap((segment) => Object.values(segment.shards));
  return shards.reduce((sum, { tokens }) => sum + tokens, 0);
}

async function* documentsAfter(source: TextSource, done: number, onSkip: () => void): AsyncGenerator<TextDocument> {
  let at = 0;
  for await (const document of source) {
    if (at++ >= done) yield document;
    else onSkip();
  }
}
