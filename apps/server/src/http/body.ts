/** JSON bodies: valid UTF-8 and valid JSON or 400, the right shape or 422. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { ServeError } from "../errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Makes JSON the only content type that is read. */
export function parseJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, JSON.parse(utf8.decode(body as Buffer)));
    } catch (error) {
      const message = `Failed to parse the request body as JSON: ${(error as Error).message}`;
      done(new ServeError("Validation", message, { status: 400 }));
    }
  });
}

/** @throws ServeError 422 that names the first field that does not fit. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.length ? `${issue.path.join(".")}: ` : "";
  throw new ServeError(
    "Validation",
    `Failed to deserialize the JSON body into the target type: ${place}${issue?.message ?? "invalid"}`,
  );
}
