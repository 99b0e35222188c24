/** `POST /embed` of text-embeddings-inference, and what it shares with OpenAI's route. */
import { promptText } from "@modernbert-ts/pipelines";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { ServeError } from "../errors.ts";
import type { Costs } from "../costs.ts";
import { infer } from "../infer.ts";
import type { EncodeSettings } from "../inputs/encoder.ts";
import { readInputs } from "../inputs/read-inputs.ts";
import type { Input } from "../inputs/read-inputs.ts";
import { modelOf } from "../models.ts";
import type { Models } from "../models.ts";
import type { Service } from "../service.ts";
import { checkDimensions, finishVector, toJson } from "../vectors.ts";
import type { VectorSettings } from "../vectors.ts";
import { readBody } from "./body.ts";
import { lifetime } from "./lifetime.ts";
import { sendCosts } from "./send-costs.ts";

/** What both routes take beside their inputs. */
const vectorRequest = z.object({
  truncate: z.boolean().nullish(),
  truncation_direction: z.enum(["Right", "right", "Left", "left"]).default("Right"),
  prompt_name: z.string().nullish(),
  normalize: z.boolean().default(true),
  dimensions: z.int().nullish(),
});

const embedRequest = z.object({ inputs: z.unknown().optional() });

export function addEmbed(app: FastifyInstance, models: Models): void {
  const { options } = models.first;
  // Hugging Face's clients post to the bare address.
  const bare = options.task === "embed" ? ["/"] : [];
  for (const url of ["/embed", ...bare]) {
    app.post(url, async (request, reply) => {
      const service = modelOf(models, request.body);
      const rules = {
        field: "inputs",
        vocabSize: service.files.info.vocabSize,
        maxClientBatchSize: options.maxClientBatchSize,
      };
      const inputs = readInputs(readBody(embedRequest, request.body).inputs, rules);
      if (url === "/") refuseMasks(service, inputs);
      const settings = vectorSettings(service, inputs, request.body);
      const { vectors, costs } = await computeVectors(
        service,
        inputs,
        settings,
        lifetime(reply, options.requestTimeout),
      );
      sendCosts(reply, costs, service.worker.backend!);
      return reply.type("application/json").send(`[${vectors.map(toJson).join(",")}]`);
    });
  }
}

/** What a body's fields ask for. */
export function vectorSettings(
  service: Service,
  inputs: readonly Input[],
  body: unknown,
): EncodeSettings & VectorSettings {
  const fields = readBody(vectorRequest, body);
  return {
    truncate: fields.truncate ?? service.options.autoTruncate,
    side: fields.truncation_direction.toLowerCase() as "left" | "right",
    prompt: promptFor(service, inputs, fields.prompt_name ?? undefined),
    normalize: fields.normalize,
    dimensions: fields.dimensions ?? service.files.dimensions,
  };
}

/** One finished vector per input. */
export async function computeVectors(
  service: Service,
  inputs: readonly Input[],
  settings: EncodeSettings & VectorSettings,
  signal: AbortSignal,
): Promise<{ vectors: Float32Array[]; costs: Costs }> {
  const { pooling, width } = service.files;
  checkDimensions(settings.dimensions, width);
  const { results, costs } = await infer(
    service,
    { name: "embed", options: { pooling, normalize: false, dimensions: width } },
    inputs,
    settings,
    signal,
  );
  return { vectors: results.map((pooled) => finishVector(pooled, settings)), costs };
}

/** Clients for fill-mask post to the bare address too: a vector would be no answer to them. */
function refuseMasks({ files: { info, tokenizer } }: Service, inputs: readonly Input[]): void {
  const { mask } = tokenizer.specialTokens;
  if (info.head !== "masked-lm" || mask === undefined) return;
  const name = tokenizer.idToToken(mask)!;
  if (!inputs.some((input) => typeof input === "string" && input.includes(name))) return;
  throw new ServeError(
    "Validation",
    `\`inputs\` has a ${name}, and the bare address answers embeddings: post to /fill-mask or /embed, or start the server with --task fill-mask`,
  );
}

function promptFor({ files }: Service, inputs: readonly Input[], name: string | undefined): string | undefined {
  if (name === undefined) return files.defaultPrompt;
  if (inputs.some((input) => typeof input !== "string")) {
    throw new ServeError("Validation", "`prompt_name` cannot be used with token ids");
  }
  try {
    return promptText(files.settings, { promptName: name });
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    throw new ServeError("Validation", `\`prompt_name\`: ${error.message}`, { cause: error });
  }
}
