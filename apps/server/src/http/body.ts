/** JSON bodies: valid UTF-8 and valid JSON or 400, the right shape or 422. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { UnreadableError } from "../errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Makes JSON the only content type that is read. */
export function parseJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addHook("preParsing", async ({ method, is404, headers }) => {
    if (method !== "POST" || is404 || headers["content-type"] !== undefined) return;
    throw new UnreadableError("Expected request with `Content-Type: application/json`", { status: 415 });
  });
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      const text = utf8.decode(body as Buffer);
      const value: unknown = JSON.parse(text);
      const twice = duplicateKey(text, value);
      if (twice === undefined) return done(null, value);
      done(UnreadableError.mistyped(`duplicate field \`${twice}\``));
    } catch (error) {
      done(UnreadableError.noJson((error as Error).message));
    }
  });
}

/** A key that the outermost object of valid JSON has twice: which of the two was meant is not known. */
function duplicateKey(text: string, value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  // Only where a key is written more often than once, in a text or deeper too, the brackets are looked at.
  if (Object.keys(value).every((key) => once(text, JSON.stringify(key))) && !/\\u[\da-f]{4}[^"]*"\s*:/i.test(text)) {
    return undefined;
  }
  const seen = new Set<string>();
  let depth = 0;
  for (const [token, quoted] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/gs)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (quoted !== undefined && depth === 1) {
      const key = JSON.parse(quoted) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

function once(text: string, part: string): boolean {
  return text.indexOf(part) === text.lastIndexOf(part);
}

/** @throws UnreadableError 422 that names the first field that does not fit. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  if (issue?.path.length === 1 && Object(body) === body && !Object.hasOwn(body as object, issue.path[0]!)) {
    throw UnreadableError.mistyped(`missing field \`${path}\``);
  }
  throw UnreadableError.mistyped(`${path && `${path}: `}${issue?.message ?? "invalid"}`);
}
