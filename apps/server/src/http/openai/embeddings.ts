/** OpenAI's `POST /v1/embeddings`. Its own clients ask for base64: vectors then go out as the bytes they are, without a digit being printed. */
import { z } from "zod";
import { embedInputs } from "../../embed-inputs.ts";
import { readInputs } from "../../inputs/read-inputs.ts";
import type { ServeOptions } from "../../options.ts";
import { jsonList, toBase64, toJson } from "../../vectors.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

export const embeddings: Route = route({
  paths: ["/v1/embeddings", "/embeddings"],
  summary: "OpenAI's embeddings: vectors of length 1, unless `normalize` is false.",
  dialect: "openai",
  body: z.object({
    input: fields.inputs,
    model: fields.model,
    user: z.string().nullish().meta({ description: "Not looked at." }),
    encoding_format: z
      .enum(["float", "base64"])
      .nullish()
      .meta({ description: "base64: the bytes of little-endian f32." }),
    dimensions: fields.dimensions,
    normalize: z.boolean().default(true),
    prompt_name: fields.promptName,
    ...fields.truncation,
  }),
  answer: z.strictObject({
    object: z.literal("list"),
    data: z.array(
      z.strictObject({
        object: z.literal("embedding"),
        embedding: z.union([fields.vector, z.base64()]),
        index: z.int(),
      }),
    ),
    model: z.string(),
    usage: z.strictObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
  }),
  example: { input: ["What is Deep Learning?", "A cat sits on a mat."], encoding_format: "float" },
  async handle({ truncation_direction, prompt_name, ...body }, { service, signal }) {
    const inputs = readInputs(body.input, {
      field: "input",
      vocabSize: service.files.info.vocabSize,
      maxClientBatchSize: clientBatchSize(service.options),
    });
    const settings = { ...body, side: fields.sideOf(truncation_direction), promptName: prompt_name };
    const { vectors, costs } = await embedInputs(service, inputs, settings, signal);
    const write = body.encoding_format === "base64" ? (vector: Float32Array) => `"${toBase64(vector)}"` : toJson;
    const item = (vector: Float32Array, index: number): string =>
      `{"object":"embedding","embedding":${write(vector)},"index":${index}}`;
    const data = await jsonList(vectors, item, signal);
    const usage = JSON.stringify({ prompt_tokens: costs.tokens, total_tokens: costs.tokens });
    const name = JSON.stringify(service.name);
    return { json: `{"object":"list","data":${data},"model":${name},"usage":${usage}}`, costs };
  },
});

/** OpenAI's own limit of inputs: its clients cut what they are given by it. Cohere's and Jina's routes share it. */
export function clientBatchSize({ maxClientBatchSize }: ServeOptions): number {
  return Math.max(2048, maxClientBatchSize);
}
