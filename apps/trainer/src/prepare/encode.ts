/** Documents to token ids, in their order, on this thread or on several: the result is the same. */
import { createTokenizerPool } from "@modernbert-ts/tokenizer";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import type { TextDocument } from "@modernbert-ts/training";

/** UTF-16 units that make one job of a worker. */
const JOB_UNITS = 250_000;

type Ids = ArrayLike<number>;

/** @param workers 0: this thread alone. */
export async function* encodeInOrder(
  documents: AsyncIterable<TextDocument>,
  tokenizer: Tokenizer,
  workers: number,
): AsyncGenerator<Ids> {
  if (workers === 0) {
    for await (const { text } of documents) yield tokenizer.encode(text, whole).ids;
    return;
  }
  const pool = createTokenizerPool(tokenizer, { workers, minUnits: 0 });
  // Enough that no worker waits while this thread writes; results wait for those in front of them.
  const most = 2 * workers + 1;
  const queue: Promise<Ids[]>[] = [];
  try {
    for await (const texts of jobs(documents)) {
      const job = pool.encodeBatch(texts, whole).then((encodings) => encodings.map(({ ids }) => ids));
      job.catch(() => undefined);
      queue.push(job);
      if (queue.length >= most) yield* await queue.shift()!;
    }
    for (const job of queue) yield* await job;
  } finally {
    await pool.close();
  }
}

/** Documents speak of [MASK] without meaning it. */
const whole = { truncation: false, padding: false, specialTokensAsText: true } as const;

async function* jobs(documents: AsyncIterable<TextDocument>): AsyncGenerator<string[]> {
  let texts: string[] = [];
  let units = 0;
  for await (const { text } of documents) {
    texts.push(text);
    units += text.length;
    if (units < JOB_UNITS) continue;
    yield texts;
    texts = [];
    units = 0;
  }
  if (texts.length > 0) yield texts;
}
