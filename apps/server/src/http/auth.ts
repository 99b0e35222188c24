/** The API key: `Authorization: Bearer KEY`, compared in constant time, asked for on every route but the health checks. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { ServeError } from "../errors.ts";

export function requireKey(app: FastifyInstance, apiKey: string): void {
  const expected = digest(`Bearer ${apiKey}`);
  app.addHook("onRequest", async ({ headers, routeOptions }) => {
    if (routeOptions.config.open || timingSafeEqual(digest(headers.authorization ?? ""), expected)) return;
    throw new ServeError("Validation", "missing or wrong API key: send `Authorization: Bearer KEY`", { status: 401 });
  });
}

/** Equal lengths for the comparison. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
