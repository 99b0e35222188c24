/** `POST /fill-mask`: what transformers' fill-mask pipeline (and Hugging Face's inference API) takes and gives. */
import { targetTokens } from "@modernbert-ts/pipelines";
import type { MaskPrediction } from "@modernbert-ts/pipelines";
import { TensorError } from "@modernbert-ts/tensor-core";
import { z } from "zod";
import { ServeError } from "../../errors.ts";
import { infer } from "../../infer.ts";
import { readTexts } from "../../inputs/read-inputs.ts";
import type { Service } from "../../service.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Route } from "../route.ts";
import { maskIdOf } from "./masked-lm.ts";

/** Requests share a batch where these are equal; of the ranks computed each gets as many as it asked for. */
const ranksComputed = [5, 20, 100];
const maxTopK = ranksComputed.at(-1)!;
const maxMasks = 32;
const maxTargets = 1000;

const prediction = z.strictObject({ score: z.number(), token: z.int(), token_str: z.string(), sequence: z.string() });

export const fillMask: Route = route({
  paths: ["/fill-mask"],
  summary:
    "What masks are likely to hide: a list of predictions for one mask, a list of lists for more, a list of these for more texts.",
  dialect: "own",
  body: z.object({
    inputs: fields.texts,
    model: fields.model,
    parameters: z
      .strictObject({
        top_k: z.int().min(1).max(maxTopK).nullish(),
        targets: z
          .union([z.string(), z.array(z.string()).min(1).max(maxTargets)])
          .nullish()
          .meta({ description: "Tokens to choose from." }),
      })
      .nullish(),
  }),
  answer: z.union([z.array(prediction), z.array(z.array(prediction)), z.array(z.array(z.array(prediction)))]),
  example: { inputs: "The capital of France is [MASK].", parameters: { top_k: 3 } },
  async handle({ inputs, parameters }, { service, signal }) {
    const texts = readTexts(inputs, { field: "inputs", maxClientBatchSize: service.options.maxClientBatchSize });
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
    const { results, costs } = await infer(service, task, texts, settings, signal);
    const answers = results.map((masks) => unwrapSingle(masks.map((predictions) => predictions.slice(0, wanted))));
    return answer(Array.isArray(inputs) && answers.length > 1 ? answers : answers[0], costs);
  },
});

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
