/** The worker's side of pool.ts: builds the tokenizer it is sent, then answers batches. */
import type { EncodingMessage } from "../encoding/encoding.ts";
import type { PoolReply, PoolRequest } from "./pool.ts";
import { parentPort } from "./port.ts";
import { Tokenizer } from "../tokenizer.ts";

const port = parentPort();
let tokenizer: Tokenizer | undefined;

port.onMessage((message) => {
  const request = message as PoolRequest;
  if ("json" in request) {
    tokenizer = Tokenizer.fromJSON(request.json, request);
    port.post({ ready: true } satisfies PoolReply, []);
    return;
  }
  const { job, texts, options } = request;
  try {
    const encodings = tokenizer!.encodeBatch(texts, options).map((encoding) => encoding.toMessage());
    port.post({ job, encodings } satisfies PoolReply, encodings.flatMap(buffersOf));
  } catch (error) {
    port.post({ job, error: (error as Error).message } satisfies PoolReply, []);
  }
});

function buffersOf({ ids, offsets, overflowing }: EncodingMessage): ArrayBufferLike[] {
  return [ids.buffer, ...(offsets === undefined ? [] : [offsets.buffer]), ...overflowing.flatMap(buffersOf)];
}
