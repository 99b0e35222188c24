/**
 * A loader whose batches are made ahead, in a thread of their own: the same batches in the same order, and the same state, as the loader
 * that it stands for. Where the clock is not the one foretold, batches are made again. A thread that ends is an error at once.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { DataError } from "../../errors.ts";
import type { Batch, BatchSource } from "../packing/batch.ts";
import type { Channel, Reply, Request } from "./messages.ts";

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

export class PrefetchLoader<Row> implements BatchSource<Row> {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  /** That came and were not taken yet. */
  readonly #replies: Reply[] = [];
  /** Why the thread is no more. */
  #ended: DataError | undefined;
  #wake: () => void = () => undefined;
  #generation = 0;
  #state: unknown;

  constructor({ worker, data, state, tokens }: PrefetchOptions) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(worker, {
      workerData: { ...data, channel: { port: port2 } satisfies Channel },
      transferList: [port2],
    });
    this.#worker.on("error", (error) => this.#end(error.message));
    this.#worker.on("exit", (code) => this.#end(`exit code ${code}`));
    port1.on("message", (reply: Reply) => {
      this.#replies.push(reply);
      this.#wake();
    });
    this.#state = state;
    this.#begin(tokens);
  }

  /** @throws what the loader throws, by its message; DataError when the thread has ended. */
  async next(tokens: number): Promise<Batch<Row> | undefined> {
    for (;;) {
      const reply = await this.#receive();
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

  /** What came before the end of the thread still counts. */
  async #receive(): Promise<Reply> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply) return reply;
      if (this.#ended) throw this.#ended;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #end(reason: string): void {
    this.#ended ??= new DataError(
      "io",
      "loader",
      `expected batches from the thread that makes them ahead, got its end (${reason}): go on from the last checkpoint, or set data.prefetch to 0`,
    );
    this.#wake();
  }
}
