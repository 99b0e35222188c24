/** `POST /embed_all`: the hidden states of an input's tokens, without pooling. */
import { z } from "zod";
import { embedTokensOf, rowsOf } from "../../embed-tokens-inputs.ts";
import { teiRules } from "../../input-rules.ts";
import { readInputs } from "../../inputs/read-inputs.ts";
import { jsonList, toJson } from "../../vectors.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

export const embedAll: Route = route({
  paths: ["/embed_all"],
  summary: "A vector for each token of each input, special tokens among them.",
  dialect: "tei",
  body: z.object({ inputs: fields.inputs, ...fields.truncation, prompt_name: fields.promptName }),
  answer: z.array(z.array(fields.vector)),
  example: { inputs: "What is Deep Learning?" },
  async handle({ inputs, truncate, truncation_direction, prompt_name }, { service, signal }) {
    const read = readInputs(inputs, teiRules(service));
    const settings = { truncate, side: fields.sideOf(truncation_direction), promptName: prompt_name };
    const { results, costs } = await embedTokensOf(service, read, settings, signal);
    return { json: await jsonList(results, async (each) => jsonList(rowsOf(each), toJson, signal), signal), costs };
  },
});
