/** Connections to Redis that say once when it is gone, once when it is back, and go on by themselves. */
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { BulkError } from "./errors.ts";

/** Of the queue in Redis. */
export const queueName = "modernbert";

export interface Connection extends AsyncDisposable {
  readonly redis: Redis;
  readonly queue: Queue;
}

/** @throws BulkError for an address that is none, and where no Redis answers at the beginning. */
export async function connect(url: string, onNotice: (notice: string) => void): Promise<Connection> {
  const { protocol, host } = URL.canParse(url) ? new URL(url) : { protocol: "", host: "" };
  if ((protocol !== "redis:" && protocol !== "rediss:") || host === "")
    throw new BulkError(
      `expected an address such as redis://localhost:6379, got ${host ? `one of ${protocol}` : "another text"}`,
    );
  let met = false;
  let reason = "it does not answer";
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: 10_000,
    retryStrategy: (tries) => (met ? Math.min(200 * tries, 5000) : null),
  });
  // Connections that the queue makes of this one keep their own listeners.
  redis.on("error", (error) => void (reason = error.message));
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    const why = /closed/i.test((error as Error).message) ? reason : (error as Error).message;
    throw new BulkError(`expected Redis at ${host}, got none (${why}): start it, or name another`, { cause: error });
  }
  met = true;
  let gone = false;
  redis.on("close", () => {
    if (gone) return;
    gone = true;
    onNotice(`Redis at ${host} is gone: trying to reach it again`);
  });
  redis.on("ready", () => {
    if (gone) onNotice(`Redis at ${host} is back`);
    gone = false;
  });
  const queue = new Queue(queueName, { connection: redis });
  // What the listeners above say is enough.
  queue.on("error", () => undefined);
  return {
    redis,
    queue,
    async [Symbol.asyncDispose]() {
      gone = true;
      await queue.close();
      redis.disconnect();
    },
  };
}
