/** What surrounds every call: key, model, bytes held, deadline, counting, a span; the method itself only answers a message. */
import type { Metadata } from "@grpc/grpc-js";
import type { QueueRoom } from "../batching/queue-room.ts";
import { ServeError } from "../errors.ts";
import type { Asked } from "../http/route.ts";
import type { Models } from "../models.ts";
import type { ApiKeys } from "../operations/api-keys.ts";
import type { Method, Metrics } from "../telemetry/metrics.ts";
import { inCallSpan } from "../telemetry/tracing.ts";
import { toServeError } from "./status.ts";
import type { UnderWay } from "./under-way.ts";

export interface GrpcContext {
  readonly models: Models;
  readonly metrics: Metrics;
  readonly keys: ApiKeys;
  readonly room: QueueRoom;
  readonly underWay: UnderWay;
  readonly log: { info(message: string): void; error(message: string): void };
}

/** What calls of all forms have. */
export interface Call {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  once(event: "cancelled", listener: () => void): unknown;
}

/** Aborts when the client goes away or its deadline passes, or when whoever answers the call ends it. */
export function lifeOf(call: Call): AbortController {
  const controller = new AbortController();
  const gone = (): void => controller.abort(new ServeError("Validation", "the client has gone", { status: 499 }));
  call.once("cancelled", gone);
  if (call.cancelled) gone();
  return controller;
}

/** @throws ServeError 401 */
export function requireKey({ keys }: GrpcContext, metadata: Metadata): void {
  if (!keys.asked || keys.accept(metadata.get("authorization")[0]?.toString())) return;
  throw new ServeError("Validation", "No valid auth token", { status: 401 });
}

/**
 * Answers one message, and counts it as one request.
 *
 * @param bytes of the message
 * @param life ends with the call
 */
export async function answerOne<T>(
  context: GrpcContext,
  { call, path, method, bytes, life }: { call: Call; path: string; method: Method; bytes: number; life: AbortSignal },
  answer: (asked: Asked) => Promise<T>,
): Promise<T> {
  const { models, metrics, room, log } = context;
  const started = performance.now();
  metrics.requested(method);
  const end = new AbortController();
  let deadline: NodeJS.Timeout | undefined;
  let giveBack: (() => void) | undefined;
  try {
    requireKey(context, call.metadata);
    const service = models.find(call.metadata.get("model")[0]?.toString());
    giveBack = room.take(bytes);
    const seconds = service.options.requestTimeout;
    deadline = setTimeout(() => {
      const message = `the request was not answered within its deadline of ${seconds} s`;
      end.abort(new ServeError("Overloaded", message, { status: 503, retryAfter: 10 }));
    }, seconds * 1000);
    const signal = AbortSignal.any([life, end.signal]);
    signal.throwIfAborted();
    const answered = await inCallSpan(path, call.metadata.getMap(), async () => answer({ service, signal }));
    metrics.answered(method, (performance.now() - started) / 1000);
    return answered;
  } catch (error) {
    const known = toServeError(error, log);
    metrics.failed(known);
    throw known;
  } finally {
    clearTimeout(deadline);
    giveBack?.();
  }
}
