/** `POST /pseudo-log-likelihood`: how likely a masked language model finds texts, and each of their tokens. */
import { placesOf } from "@modernbert-ts/pipelines";
import { z } from "zod";
import { ServeError } from "../../errors.ts";
import { infer } from "../../infer.ts";
import { readTexts } from "../../inputs/read-inputs.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Route } from "../route.ts";
import { maskIdOf } from "./masked-lm.ts";

const token = z.strictObject({ token: z.int(), token_str: z.string(), log_probability: z.number() });

export const pseudoLogLikelihood: Route = route({
  paths: ["/pseudo-log-likelihood"],
  summary: "For each text the sum of its tokens' log probabilities, each token masked in turn, and the tokens.",
  dialect: "own",
  body: z.object({ inputs: fields.texts, model: fields.model }),
  answer: z.array(z.strictObject({ pseudo_log_likelihood: z.number(), num_tokens: z.int(), tokens: z.array(token) })),
  example: { inputs: ["The capital of France is Paris."] },
  async handle(body, { service, signal }) {
    const { options, files } = service;
    const texts = readTexts(body.inputs, { field: "inputs", maxClientBatchSize: options.maxClientBatchSize });
    maskIdOf(service);
    const task = { name: "pseudo-log-likelihood", options: {} } as const;
    const settings = {
      truncate: false, // the sum over a part says nothing of the text
      side: "right",
      prompt: undefined,
      check: (sequences: readonly Int32Array[]) => {
        const without = sequences.findIndex((ids) => placesOf(files, ids).length === 0);
        if (without === -1) return;
        throw new ServeError("Validation", `\`inputs\` needs a token to score, text ${without} has only special ones`);
      },
    } as const;
    const { results, costs } = await infer(service, task, texts, settings, signal);
    return answer(results, costs);
  },
});
