/** `POST /embed_multi`: what a multi-vector model (ColBERT) makes of queries and documents, a vector for each token that counts. */
import { z } from "zod";
import { rowsOf } from "../../embed-tokens-inputs.ts";
import { inferInputs } from "../../infer.ts";
import { readTexts } from "../../inputs/read-inputs.ts";
import { requireMulti } from "../../model/vector-kind.ts";
import { inputOptions } from "../../service.ts";
import { jsonList, toJson } from "../../vectors.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { given } from "./run-on.ts";

export const embedMulti: Route = route({
  paths: ["/embed_multi"],
  summary: "A vector for each token of queries or documents; compare them by MaxSim.",
  dialect: "own",
  body: z.object({
    inputs: fields.texts,
    model: fields.model,
    role: z.enum(["query", "document"]).default("document").meta({ description: "What the texts are." }),
    prompt_name: fields.promptName,
    ...fields.truncation,
  }),
  answer: z.array(z.array(fields.vector)),
  example: { inputs: ["What is Deep Learning?"], role: "query" },
  async handle({ inputs, role, prompt_name, truncate, truncation_direction }, { service, signal }) {
    requireMulti(service.files);
    const { maxClientBatchSize, defaultPrompt, defaultPromptName } = service.options;
    const texts = readTexts(inputs, { field: "inputs", maxClientBatchSize });
    const options = {
      role,
      ...given({ prompt: prompt_name ? undefined : defaultPrompt, promptName: prompt_name ?? defaultPromptName }),
      ...inputOptions(service, { truncate, side: fields.sideOf(truncation_direction) }),
    };
    const task = { name: "embed-multi", options: { role } } as const;
    const { results, costs } = await inferInputs(service, task, texts, options, signal);
    return { json: await jsonList(results, async (each) => jsonList(rowsOf(each), toJson, signal), signal), costs };
  },
});
