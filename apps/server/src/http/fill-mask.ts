/** `POST /fill-mask`: what transformers' fill-mask pipeline (and Hugging Face's inference API) takes and gives. */
import { targetTokens } from "@modernbert-ts/pipelines";
import type { MaskPrediction } from "@modernbert-ts/pipelines";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { ServeError } from "../errors.ts";
import { infer } from "../infer.ts";
import { readTexts } from "../inputs/read-inputs.ts";
import { modelOf } from "../models.ts";
import type { Models } from "../models.ts";
import type { Service } from "../service.ts";
import { readBody } from "./body.ts";
import { lifetime } from "./lifetime.ts";
import { maskIdOf } from "./masked-lm.ts";
import { sendCosts } from "./send-costs.ts";

/** Requests share a batch where these are equal; of the ranks computed each gets as many as it asked for. */
const ranksComputed = [5, 20, 100];
const maxTopK = ranksComputed.at(-1)!;
const maxMasks = 32;
const maxTargets = 1000;

const fillMaskRequest = z.object({
  inputs: z.unknown().optional(),
  parameters: z
    .strictObject({
      top_k: z.int().min(1).max(maxTopK).nullish(),
      targets: z.union([z.string(), z.array(z.string()).min(1).max(maxTargets)]).nullish(),
    })
    .nullish(),
});

export function addFillMask(app: FastifyInstance, models: Models): void {
  const { options } = models.first;
  const rules = { field: "inputs", maxClientBatchSize: options.maxClientBatchSize };
  for (const url of ["/fill-mask", ...(options.task === "fill-mask" ? ["/"] : [])]) {
    app.post(url, async (request, reply) => {
      const { inputs, parameters } = readBody(fillMaskRequest, request.body);
      const service = modelOf(models, request.body);
      const texts = readTexts(inputs, rules);
      const maskId = maskIdOf(service);
      const maskName = service.files.tokenizer.idToToken(maskId)!;
      const masksIn = (ids: Int32Array): number => ids.reduce((count, id) => (id === maskId ? count + 1 : count), 0);
      const wanted = parameters?.top_k ?? 5;
      const topK = ranksComputed.find((ranks) => ranks >= wanted)!;
      const targets = parameters?.targets && targetIds(service, parameters.targets);
      const task = { name: "fill-mask", options: { topK, ...(targets && { targets }) } } as const;
      const settings = {
        truncate: false, // a mask could be what is cut off
        side: "right",
        prompt: undefined,
        check: (sequences: readonly Int32Array[]) =>
          sequences.forEach((ids, index) => checkMasks(masksIn(ids), index, maskName)),
      } as const;
      const { results, costs } = await infer(service, task, texts, settings, lifetime(reply, options.requestTimeout));
      sendCosts(reply, costs, service.worker.backend!);
      const answers = results.map((masks) => unwrapSingle(masks.map((predictions) => predictions.slice(0, wanted))));
      return Array.isArray(inputs) && answers.length > 1 ? answers : answers[0];
    });
  }
}

/** @throws ServeError 422 for a target that is not one token. */
function targetIds({ files }: Service, targets: string | readonly string[]): number[] {
  try {
    return targetTokens(files, [targets].flat());
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    throw new ServeError("Validation", `\`parameters.targets\`: ${error.message}`, { cause: error });
  }
}

function checkMasks(masks: number, index: number, name: string): void {
  if (masks >= 1 && masks <= maxMasks) return;
  const expected = masks === 0 ? `\`inputs\` needs a ${name}` : `\`inputs\` may have at most ${maxMasks} ${name}`;
  throw new ServeError("Validation", `${expected}, text ${index} has ${masks || "none"}`);
}

/** A text with one mask gives a list of predictions, one with more a list for each. */
function unwrapSingle(
  masks: readonly (readonly MaskPrediction[])[],
): readonly MaskPrediction[] | readonly (readonly MaskPrediction[])[] {
  if (masks.some((predictions) => predictions.some(({ score }) => !Number.isFinite(score)))) {
    throw new ServeError("Backend", "the model computed a score that is NaN: its weights or this input overflow");
  }
  const [only] = masks;
  return masks.length === 1 && only ? only : masks;
}
