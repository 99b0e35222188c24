/** The API key: `Authorization: Bearer KEY`, asked for on every route but those that are open (health checks, metrics). */
import type { FastifyInstance } from "fastify";
import { ServeError } from "../errors.ts";
import type { ApiKeys } from "./api-keys.ts";

export function requireKey(app: FastifyInstance, keys: ApiKeys): void {
  app.addHook("onRequest", async ({ headers, routeOptions }) => {
    if (routeOptions.config.open || keys.accept(headers.authorization)) return;
    throw new ServeError("Validation", "missing or wrong API key: send `Authorization: Bearer KEY`", { status: 401 });
  });
}
