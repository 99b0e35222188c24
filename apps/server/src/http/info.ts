/** `GET /info` and the health checks. */
import { createRequire } from "node:module";
import type { WeightFormat } from "@modernbert-ts/encoder";
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import type { FastifyInstance } from "fastify";
import { kindOf } from "../model/kind.ts";
import type { ModelFiles } from "../model/model-files.ts";
import { poolingName } from "../model/vector-kind.ts";
import type { Models } from "../models.ts";
import type { Service } from "../service.ts";

const { version } = createRequire(import.meta.url)("@modernbert-ts/server/package.json") as { version: string };

const dtypeNames: Readonly<Record<WeightFormat | PrecisionName, string>> = {
  f32: "float32",
  f16: "float16",
  bf16: "bfloat16",
  int8: "int8",
  int4: "int4",
};

/** Of the model that `?model=` names. */
export function addInfo(app: FastifyInstance, models: Models): void {
  app.get<{ Querystring: { model?: string } }>("/info", async ({ query }) => infoOf(models.find(query.model)));
}

/** TEI's fields. */
export function infoOf({ name, options, files }: Service): object {
  return {
    model_id: options.model,
    model_sha: files.sha,
    model_dtype: dtypeNames[options.weights ?? files.quantized ?? options.dtype],
    served_model_name: name,
    model_type: typeOf(files),
    max_concurrent_requests: options.maxConcurrentRequests,
    max_input_length: files.maxInputLength,
    max_batch_tokens: options.maxBatchTokens,
    max_batch_requests: options.maxBatchRequests ?? null,
    max_client_batch_size: options.maxClientBatchSize,
    auto_truncate: options.autoTruncate,
    tokenization_workers: options.tokenizationWorkers,
    version,
    sha: null,
    docker_label: null,
  };
}

/** As TEI writes it; other kinds of models in the same way. */
function typeOf({ info, vectors }: ModelFiles): object {
  const kind = kindOf(info);
  if (kind === "embedding") return { embedding: { pooling: poolingName(vectors) } };
  if (kind === "question-answerer" || kind === "decider") return { [kind]: {} };
  const named = info.labels.map((label, id) => [label, id] as const);
  return {
    [kind]: {
      id2label: Object.fromEntries(named.map(([label, id]) => [String(id), label])),
      label2id: Object.fromEntries(named),
    },
  };
}

/** 200 with nothing in it when the models are loaded, or come when they are asked for; 503 with TEI's words, and why. */
export function addHealth(app: FastifyInstance, models: Models): void {
  for (const url of ["/health", "/", "/ping"]) {
    app.get(url, { config: { open: true } }, async (_request, reply) => {
      const reason = models.whyUnhealthy();
      if (reason === undefined) return reply.send();
      return reply.code(503).send({ error: "unhealthy", error_type: "Unhealthy", reason });
    });
  }
}
