/** `POST /pseudo-log-likelihood`: how likely a masked language model finds texts, and each of their tokens. */
import type { FastifyInstance } from "fastify";
import { placesOf } from "@modernbert-ts/pipelines";
import { z } from "zod";
import { ServeError } from "../errors.ts";
import { infer } from "../infer.ts";
import { readTexts } from "../inputs/read-inputs.ts";
import { modelOf } from "../models.ts";
import type { Models } from "../models.ts";
import { readBody } from "./body.ts";
import { lifetime } from "./lifetime.ts";
import { maskIdOf } from "./masked-lm.ts";
import { sendCosts } from "./send-costs.ts";

const scoreRequest = z.object({ inputs: z.unknown().optional() });

/** Answers one object for each text. */
export function addPseudoLogLikelihood(app: FastifyInstance, models: Models): void {
  const { options } = models.first;
  const rules = { field: "inputs", maxClientBatchSize: options.maxClientBatchSize };
  app.post("/pseudo-log-likelihood", async (request, reply) => {
    const service = modelOf(models, request.body);
    const texts = readTexts(readBody(scoreRequest, request.body).inputs, rules);
    maskIdOf(service);
    const task = { name: "pseudo-log-likelihood", options: {} } as const;
    const settings = {
      truncate: false, // the sum over a part says nothing of the text
      side: "right",
      prompt: undefined,
      check: (sequences: readonly Int32Array[]) => {
        const without = sequences.findIndex((ids) => placesOf(service.files, ids).length === 0);
        if (without === -1) return;
        throw new ServeError("Validation", `\`inputs\` needs a token to score, text ${without} has only special ones`);
      },
    } as const;
    const { results, costs } = await infer(service, task, texts, settings, lifetime(reply, options.requestTimeout));
    sendCosts(reply, costs, service.worker.backend!);
    return results;
  });
}
