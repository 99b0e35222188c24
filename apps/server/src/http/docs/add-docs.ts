/** `GET /api-doc/openapi.json` and `/docs`: TEI's addresses of the document and its page. */
import type { FastifyInstance } from "fastify";
import type { ServeOptions } from "../../options.ts";
import { routes } from "../routes.ts";
import { openApi } from "./openapi.ts";
import { page } from "./page.ts";

/** The page may talk to this server alone. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

export function addDocs(app: FastifyInstance, { apiKey }: ServeOptions): void {
  const document = openApi(routes, apiKey !== undefined);
  const html = page(document);
  app.get("/api-doc/openapi.json", { config: { open: true } }, async () => document);
  app.get("/docs", { config: { open: true } }, async (_request, reply) =>
    reply.type("text/html; charset=utf-8").header("content-security-policy", policy).send(html),
  );
}
