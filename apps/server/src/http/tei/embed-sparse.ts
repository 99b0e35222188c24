/** `POST /embed_sparse`: a SPLADE model's weights of the tokens of its vocabulary. */
import type { SparseVector } from "@modernbert-ts/pipelines";
import { z } from "zod";
import { embedSparseInputs } from "../../embed-sparse-inputs.ts";
import { teiRules } from "../../input-rules.ts";
import { readInputs } from "../../inputs/read-inputs.ts";
import { jsonList, toJson } from "../../vectors.ts";
import * as fields from "../fields.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

function write({ indices, values }: SparseVector): string {
  const pairs = Array.from(
    indices,
    (index, at) => `{"index":${index},"value":${toJson(values.subarray(at, at + 1)).slice(1, -1)}}`,
  );
  return `[${pairs.join(",")}]`;
}

export const embedSparse: Route = route({
  paths: ["/embed_sparse"],
  summary: "Of each input the token ids that a SPLADE model gives a weight other than 0.",
  dialect: "tei",
  body: z.object({ inputs: fields.inputs, ...fields.truncation, prompt_name: fields.promptName }),
  answer: z.array(z.array(z.strictObject({ index: z.int(), value: z.number() }))),
  example: { inputs: ["What is Deep Learning?", "A cat sits on a mat."] },
  async handle({ inputs, truncate, truncation_direction, prompt_name }, { service, signal }) {
    const read = readInputs(inputs, teiRules(service));
    const settings = { truncate, side: fields.sideOf(truncation_direction), promptName: prompt_name };
    const { results, costs } = await embedSparseInputs(service, read, settings, signal);
    return { json: await jsonList(results, write, signal), costs };
  },
});
