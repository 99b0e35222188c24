/** OpenAI's `POST /v1/embeddings`. Its own clients ask for base64: vectors then go out as the bytes they are, without a digit being printed. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { readInputs } from "../inputs/read-inputs.ts";
import { modelOf } from "../models.ts";
import type { Models } from "../models.ts";
import { toBase64, toJson } from "../vectors.ts";
import { readBody } from "./body.ts";
import { computeVectors, vectorSettings } from "./embed.ts";
import { lifetime } from "./lifetime.ts";
import { sendCosts } from "./send-costs.ts";

const embeddingsRequest = z.object({
  input: z.unknown().optional(),
  model: z.string().nullish(),
  user: z.string().nullish(),
  encoding_format: z.enum(["float", "base64"]).nullish(),
});

/** OpenAI's own limit: its clients cut what they are given by it. */
const batchSize = 2048;

export function addOpenAiEmbeddings(app: FastifyInstance, models: Models): void {
  const { options } = models.first;
  for (const url of ["/v1/embeddings", "/embeddings"]) {
    app.post(url, { config: { dialect: "openai" } }, async (request, reply) => {
      const body = readBody(embeddingsRequest, request.body);
      const service = modelOf(models, body);
      const inputs = readInputs(body.input, {
        field: "input",
        vocabSize: service.files.info.vocabSize,
        maxClientBatchSize: Math.max(batchSize, options.maxClientBatchSize),
      });
      const settings = vectorSettings(service, inputs, request.body);
      const { vectors, costs } = await computeVectors(
        service,
        inputs,
        settings,
        lifetime(reply, options.requestTimeout),
      );
      sendCosts(reply, costs, service.worker.backend!);
      const write = body.encoding_format === "base64" ? (vector: Float32Array) => `"${toBase64(vector)}"` : toJson;
      const data = vectors.map(
        (vector, index) => `{"object":"embedding","embedding":${write(vector)},"index":${index}}`,
      );
      const usage = { prompt_tokens: costs.tokens, total_tokens: costs.tokens };
      return reply
        .type("application/json")
        .send(
          `{"object":"list","data":[${data.join(",")}],"model":${JSON.stringify(service.name)},"usage":${JSON.stringify(usage)}}`,
        );
    });
  }
}
