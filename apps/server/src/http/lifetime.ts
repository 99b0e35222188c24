/**
 * How long a request is worth working on: until its client hangs up or its deadline passes. Not Fastify's `request.signal` and
 * `handlerTimeout`: on Node 20 both take the end of the request's body for the end of the request (seen with Fastify 5.12.8).
 */
import type { FastifyReply } from "fastify";
import { ServeError } from "../errors.ts";

/** Aborts with the ServeError that the request then fails with. */
export function lifetime(reply: FastifyReply, seconds: number): AbortSignal {
  const controller = new AbortController();
  const deadline = setTimeout(() => {
    const message = `the request was not answered within its deadline of ${seconds} s`;
    controller.abort(new ServeError("Overloaded", message, { status: 503, retryAfter: 10 }));
  }, seconds * 1000);
  reply.raw.once("close", () => {
    clearTimeout(deadline);
    // Nobody reads this; 499 is what nginx logs for it.
    if (!reply.raw.writableFinished)
      controller.abort(new ServeError("Validation", "the client has gone", { status: 499 }));
  });
  return controller.signal;
}
