/**
 * A loader whose batches are made ahead, in a thread of their own: the same batches in the same order, and the same state, as the loader
 * that it stands for. `next` sleeps until the batch is there. Where the clock is not the one foretold, batches are made again.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { DataError } from "../../errors.ts";
import type { Batch, BatchLoader } from "../packing/batch.ts";
import type { Channel, Reply, Request } from "./messages.ts";

/** Milliseconds without a batch after which the thread counts as dead. */
const longestWait = 600_000;

export interface PrefetchOptions {
  /** A module that calls `serveBatches` with the `channel` of its workerData. */
  readonly worker: URL;
  /** For that module, beside the channel; it is copied. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Of the loader that this one stands for. */
  readonly state: unknown;
  /** Tokens of all ranks before the first batch. */
  readonly tokens: number;
}

export class PrefetchLoader<Row> implements BatchLoader<Row> {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #replies: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  #generation = 0;
  #state: unknown;

  constructor({ worker, data, state, tokens }: PrefetchOptions) {
    const { port1, port2 } = new MessageChannel();
    const channel = { port: port2, replies: this.#replies };
    this.#port = port1;
    this.#worker = new Worker(worker, {
      workerData: { ...data, channel: channel satisfies Channel },
      transferList: [port2],
    });
    this.#worker.on("error", () => undefined);
    this.#worker.unref();
    this.#state = state;
    this.#begin(tokens);
  }

  /** @throws what the loader throws, by its message. */
  next(tokens: number): Batch<Row> | undefined {
    for (;;) {
      const reply = this.#receive();
      if (reply.generation !== this.#generation) continue;
      if ("error" in reply) throw new DataError("invalid", "loader", reply.error.message.replace(/^\[\w+\] /, ""));
      if (reply.tokens !== tokens) {
        this.#begin(tokens);
        continue;
      }
      this.#state = reply.state;
      this.#send({ kind: "taken" });
      return reply.batch as Batch<Row> | undefined;
    }
  }

  state(): unknown {
    return this.#state;
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }

  #begin(tokens: number): void {
    this.#send({ kind: "begin", generation: ++this.#generation, state: this.#state, tokens });
  }

  #send(request: Request): void {
    this.#port.postMessage(request);
  }

  #receive(): Reply {
    for (;;) {
      const seen = Atomics.load(this.#replies, 0);
      const received = receiveMessageOnPort(this.#port) as { readonly message: Reply } | undefined;
      if (received) return received.message;
      if (Atomics.wait(this.#replies, 0, seen, longestWait) === "timed-out")
        throw new DataError(
          "io",
          "loader",
          `expected a batch from its thread, got none in ${longestWait / 1000} s: go on from the last checkpoint, or set data.prefetch to 0`,
        );
    }
  }
}
