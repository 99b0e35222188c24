/** At most so many requests a minute for each API key, or for each address where there are no keys. */
import { createHash } from "node:crypto";
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import { ServeError } from "../errors.ts";

/** Callers that are remembered. */
const callers = 10_000;

export async function limitRate(app: FastifyInstance, perMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    cache: callers,
    allowList: ({ routeOptions }) => routeOptions.config.open === true,
    keyGenerator: ({ headers, ip }) =>
      headers.authorization === undefined ? ip : createHash("sha256").update(headers.authorization).digest("base64"),
    errorResponseBuilder: (_request, { ttl, max }) =>
      new ServeError("Overloaded", `more than ${max} requests in a minute (--rate-limit)`, {
        retryAfter: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  });
}
