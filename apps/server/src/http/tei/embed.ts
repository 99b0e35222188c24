/** `POST /embed`: one vector per input. */
import { z } from "zod";
import { embedInputs } from "../../embed-inputs.ts";
import { teiRules } from "../../input-rules.ts";
import { readInputs } from "../../inputs/read-inputs.ts";
import { jsonList, toJson } from "../../vectors.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

export const embed: Route = route({
  paths: ["/embed"],
  summary: "A vector for each input. Always a list of vectors, for one text too.",
  dialect: "tei",
  body: z.object({
    inputs: fields.inputs,
    ...fields.truncation,
    prompt_name: fields.promptName,
    normalize: z.boolean().default(true),
    dimensions: fields.dimensions,
  }),
  answer: z.array(fields.vector),
  example: { inputs: ["What is Deep Learning?", "A cat sits on a mat."] },
  async handle({ truncation_direction, prompt_name, ...body }, { service, signal }) {
    const inputs = readInputs(body.inputs, teiRules(service));
    const settings = { ...body, side: fields.sideOf(truncation_direction), promptName: prompt_name };
    const { vectors, costs } = await embedInputs(service, inputs, settings, signal);
    return { json: await jsonList(vectors, toJson, signal), costs };
  },
});
