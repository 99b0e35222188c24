/** From documents to token shards: the one place where text, tokenizer and shards meet. */
import { TokenShardWriter } from "../shards/shard-writer.ts";
import type { TokenShardWriterOptions } from "../shards/shard-writer.ts";
import type { ShardManifest } from "../shards/shard-format.ts";
import type { TextDocument } from "./text-source.ts";

export interface TokenizeResult {
  readonly manifest: ShardManifest;
  /** Documents whose text gave no token; they are left out. */
  readonly emptyDocuments: number;
}

/**
 * Encodes every document (with [CLS] and [SEP], if `encode` adds them) and writes a finished shard folder.
 * On any error nothing is left behind. @throws those of the source, of `encode` and of `TokenShardWriter`.
 */
export async function tokenizeDocuments(
  documents: AsyncIterable<TextDocument> | Iterable<TextDocument>,
  encode: (text: string) => ArrayLike<number>,
  options: TokenShardWriterOptions,
): Promise<TokenizeResult> {
  const writer = new TokenShardWriter(options);
  let emptyDocuments = 0;
  try {
    for await (const { text } of documents) {
      const ids = encode(text);
      if (ids.length === 0) emptyDocuments++;
      else writer.add(ids);
    }
    return { manifest: writer.finish(), emptyDocuments };
  } finally {
    writer.abort();
  }
}
