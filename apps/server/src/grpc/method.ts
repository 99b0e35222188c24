/** The three forms of methods: a message for a message, one for each of a stream in their order, one for a whole stream. */
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { sendUnaryData, ServerDuplexStream, ServerReadableStream, ServerUnaryCall } from "@grpc/grpc-js";
import type { UntypedHandleCall } from "@grpc/grpc-js";
import { ServeError } from "../errors.ts";
import type { Asked } from "../http/route.ts";
import { checkBatchSize } from "../inputs/read-inputs.ts";
import type { Method } from "../telemetry/metrics.ts";
import { answerOne, lifeOf } from "./call.ts";
import type { Call, GrpcContext } from "./call.ts";
import { statusOf, toServeError } from "./status.ts";

/** Answers a message. @throws ServeError */
export type Handle<Req, Res> = (request: Req, asked: Asked) => Promise<Res>;

/** A method for the server, of what all calls share. */
export type Bind = (context: GrpcContext, path: string) => UntypedHandleCall;

/** Milliseconds after which a message of a stream that found no place looks again. */
const patience = 20;

/** Why the other messages of a stream are given up when one has failed. */
const broken = new ServeError("Validation", "the stream has ended with an error", { status: 499 });

export function unary<Req, Res>(handle: Handle<Req, Res>, method: Method = "single"): Bind {
  return (context, path) => (call: ServerUnaryCall<Req, Res>, done: sendUnaryData<Res>) => {
    const about = { call, path, method, bytes: sizeOf(call.request), life: lifeOf(call).signal };
    const answered = answerOne(context, about, async (asked) => handle(call.request, asked)).then(
      (answer) => done(null, answer),
      (error: unknown) => done(statusOf(error as ServeError)),
    );
    context.underWay.count(answered);
  };
}

/** Each message of a stream is a request of its own: they are computed side by side, wait for places, and are answered in their order. */
export function each<Req, Res>(handle: Handle<Req, Res>): Bind {
  return (context, path) => (call: ServerDuplexStream<Req, Res>) => {
    const controller = lifeOf(call);
    const life = controller.signal;
    const run = async (): Promise<void> => {
      let written: Promise<void> = Promise.resolve();
      await sideBySide<Req>(call, context, async (request) => {
        const made = answerInTurn(context, { call, path, life }, request, handle);
        const turn = Promise.all([made, written]).then(async ([answer]) => {
          if (!call.write(answer)) await once(call, "drain", { signal: life });
        });
        turn.catch(() => {});
        written = turn;
        return turn;
      });
      await written;
      call.end();
    };
    const answered = run().catch((error: unknown) => {
      if (life.aborted) return; // nobody reads it
      call.emit("error", statusOf(toServeError(error, context.log)));
      controller.abort(broken);
    });
    context.underWay.count(answered);
  };
}

/** All messages of a stream, at most so many, answered by one; `handle` sees the first beside each. */
export function whole<Req, Part, Res>(
  handle: (request: Req, asked: Asked, first: Req) => Promise<Part>,
  join: (parts: readonly Part[], first: Req) => Res,
  most: number,
): Bind {
  return (context, path) => (call: ServerReadableStream<Req, Res>, done: sendUnaryData<Res>) => {
    const controller = lifeOf(call);
    const life = controller.signal;
    const run = async (): Promise<Res> => {
      const parts: Part[] = [];
      let first: Req | undefined;
      let count = 0;
      await sideBySide<Req>(call, context, async (request) => {
        const at = count++;
        checkBatchSize(count, most);
        const start = (first ??= request);
        const about = { call, path, life };
        parts[at] = await answerInTurn(context, about, request, async (one, asked) => handle(one, asked, start));
      });
      if (first === undefined) throw new ServeError("Empty", "the stream cannot be empty");
      return join(parts, first);
    };
    const answered = run().then(
      (answer) => done(null, answer),
      (error: unknown) => {
        done(statusOf(life.aborted ? (life.reason as ServeError) : toServeError(error, context.log)));
        controller.abort(broken);
      },
    );
    context.underWay.count(answered);
  };
}

/** `work` on messages as they come, on so many at once that half of the places are left for others. Ends with the first that fails. */
async function sideBySide<Req>(
  stream: Readable,
  { models }: GrpcContext,
  work: (request: Req) => Promise<void>,
): Promise<void> {
  const most = Math.ceil(models.first.options.maxConcurrentRequests / 2);
  const running = new Set<Promise<void>>();
  const failure = new Failure();
  // Reading to the end must not destroy the stream: answers are still to be written to it.
  const messages = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Req>;
  for await (const request of untilFailed(messages, failure)) {
    const one = work(request).finally(() => running.delete(one));
    one.catch((error: unknown) => failure.set(error));
    running.add(one);
    if (running.size >= most) await failure.unless(Promise.race(running));
  }
  await failure.unless(Promise.all(running));
}

/** The first failure of work on a stream. One wait at a time looks at it, and nothing that was waited for is held (as `Promise.race` would). */
class Failure {
  #error: { readonly error: unknown } | undefined;
  #told: (error: unknown) => void = () => {};

  set(error: unknown): void {
    this.#error ??= { error };
    this.#told(error);
  }

  /** What `work` gives; rejects as soon as there is a failure. */
  async unless<T>(work: Promise<T>): Promise<T> {
    if (this.#error) throw this.#error.error;
    return new Promise((resolve, reject) => {
      this.#told = reject;
      work.then(resolve, reject);
    });
  }
}

/** The stream's messages, until there is a failure: it is not waited for one more. */
async function* untilFailed<T>(messages: AsyncIterator<T>, failure: Failure): AsyncGenerator<T> {
  for (;;) {
    const next = await failure.unless(messages.next());
    if (next.done) return;
    yield next.value;
  }
}

/** Waits where there is no place: a stream's client cannot try one message again. */
async function answerInTurn<Req, Res>(
  context: GrpcContext,
  about: { call: Call; path: string; life: AbortSignal },
  request: Req,
  handle: Handle<Req, Res>,
): Promise<Res> {
  const bytes = sizeOf(request);
  return answerOne(context, { ...about, method: "single", bytes: 0 }, async (asked) => {
    for (;;) {
      asked.signal.throwIfAborted();
      try {
        const giveBack = context.room.take(bytes);
        return await handle(request, asked).finally(giveBack);
      } catch (error) {
        if (!(error instanceof ServeError && error.type === "Overloaded" && error.status === 429)) throw error;
      }
      await pause(patience, undefined, { signal: asked.signal }).catch(() => {}); // the loop says why
    }
  });
}

/** Bytes that a message holds: two for each unit of its texts, four for a number. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (typeof value !== "object" || value === null) return 4;
  return Object.values(value).reduce((sum: number, part) => sum + sizeOf(part), 0);
}
