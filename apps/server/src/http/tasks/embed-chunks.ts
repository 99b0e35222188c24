/** `POST /embed_chunks`: late chunking. A text goes through the model once; each of its parts gets a vector that has seen the whole. */
import type { ChunkVector } from "@modernbert-ts/pipelines";
import { z } from "zod";
import { ServeError } from "../../errors.ts";
import { inferInputs } from "../../infer.ts";
import { promptFor } from "../../encode-settings.ts";
import { readTexts } from "../../inputs/read-inputs.ts";
import { requirePooled } from "../../model/vector-kind.ts";
import { checkDimensions, jsonList, toJson } from "../../vectors.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { given } from "./run-on.ts";

const chunks = z
  .union([
    z.literal("sentences"),
    z.strictObject({ tokens: z.int().min(1) }),
    z.array(z.tuple([z.int().min(0), z.int().min(1)])).min(1),
  ])
  .default("sentences")
  .meta({ description: "Sentences, parts of so many tokens, or places [start, end) in UTF-16 units." });

function write({ start, end, vector }: ChunkVector): string {
  return `{"start":${start},"end":${end},"embedding":${toJson(vector)}}`;
}

export const embedChunks: Route = route({
  paths: ["/embed_chunks"],
  summary: "Late chunking: a vector for each part of a text, pooled from tokens that have seen all of it.",
  dialect: "own",
  body: z.object({
    inputs: fields.texts,
    model: fields.model,
    chunks,
    normalize: z.boolean().default(true),
    dimensions: fields.dimensions,
    prompt_name: fields.promptName,
  }),
  answer: z.array(z.array(z.strictObject({ start: z.int(), end: z.int(), embedding: fields.vector }))),
  example: { inputs: "Berlin is the capital of Germany. It has more than three million inhabitants." },
  async handle(body, { service, signal }) {
    const { pooling, width, dimensions: kept } = requirePooled(service.files);
    if ([pooling].flat().some((mode) => mode === "cls" || mode === "lasttoken")) {
      const message = `Model is not a model for late chunking: its pooling is ${String(pooling)}, and parts of a text have no such token`;
      throw new ServeError("Backend", message);
    }
    const texts = readTexts(body.inputs, {
      field: "inputs",
      maxClientBatchSize: service.options.maxClientBatchSize,
    });
    const dimensions = body.dimensions ?? kept;
    checkDimensions(dimensions, width);
    const options = { pooling, normalize: body.normalize, ...given({ dimensions }) };
    const prompt = promptFor(service, texts, body.prompt_name ?? undefined) ?? "";
    const task = { name: "embed-chunks", options } as const;
    const all = { ...options, prompt, chunks: body.chunks, truncate: false };
    const { results, costs } = await inferInputs(service, task, texts, all, signal);
    return { json: await jsonList(results, async (parts) => jsonList(parts, write, signal), signal), costs };
  },
});
