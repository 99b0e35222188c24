/** The OpenAPI 3.1 document, made of the schemas by which the routes check bodies. */
import { createRequire } from "node:module";
import { z } from "zod";
import type { Dialect } from "../errors.ts";
import type { Route } from "../route.ts";
import { gets } from "./gets.ts";
import type { Get } from "./gets.ts";

const { version } = createRequire(import.meta.url)("@modernbert-ts/server/package.json") as { version: string };

const types = ["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"] as const;
const teiError = z.object({ error: z.string(), error_type: z.enum(types) });
const openAiError = z.object({
  error: z.object({ message: z.string(), type: z.string(), param: z.null(), code: z.int() }),
  message: z.string(),
  code: z.int(),
  type: z.enum(types),
});
const errors: Readonly<Record<Dialect, z.ZodType>> = { tei: teiError, own: teiError, openai: openAiError };

const refusals: Readonly<Record<string, string>> = {
  400: "Nothing to compute, or no JSON.",
  401: "No API key, or a wrong one.",
  413: "The body is too long.",
  415: "The body is not called JSON.",
  422: "A field that cannot be, too many inputs, or too long ones.",
  424: "The model is not for this, or computed no finite numbers.",
  429: "Too many inputs at once: Retry-After says when to come back.",
  503: "The model is being loaded or is gone, or the deadline has passed.",
};
/** Those that TEI answers without JSON. */
const plain = ["401", "413", "415"];

const group: Readonly<Record<Dialect, string>> = {
  tei: "Text Embeddings Inference",
  openai: "OpenAI, Cohere and Jina",
  own: "More tasks",
};

/** @param locked whether a key is asked for */
export function openApi(routes: readonly Route[], locked: boolean): object {
  const posts = routes.flatMap((route) => route.paths.map((path) => [path, { post: postOf(route) }] as const));
  const paths: Record<string, object> = Object.fromEntries(posts);
  for (const get of gets) for (const path of get.paths) paths[path] = { ...paths[path], get: getOf(get) };
  return {
    openapi: "3.1.0",
    info: { title: "modernbert-serve", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    ...(locked && {
      security: [{ key: [] }],
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    }),
  };
}

function postOf({ summary, body, answer, example, dialect }: Route): object {
  const failed = Object.entries(refusals).map(([status, description]) => {
    const text = dialect === "tei" && plain.includes(status);
    const content = text
      ? { "text/plain": {} }
      : { "application/json": { schema: schemaOf(errors[dialect], "output") } };
    return [status, { description, content }] as const;
  });
  return {
    tags: [group[dialect]],
    summary,
    requestBody: { required: true, content: { "application/json": { schema: schemaOf(body, "input"), example } } },
    responses: {
      200: { description: "Computed.", content: { "application/json": { schema: schemaOf(answer, "output") } } },
      ...Object.fromEntries(failed),
    },
  };
}

function getOf({ summary, type, answer, open, parameters }: Get): object {
  const content = type && { [type]: answer ? { schema: schemaOf(answer, "output") } : {} };
  return {
    tags: ["The server"],
    summary,
    ...(parameters && { parameters }),
    ...(open && { security: [] }),
    responses: { 200: { description: "As it is.", ...(content && { content }) } },
  };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, { io, target: "draft-2020-12" });
  return rest;
}
