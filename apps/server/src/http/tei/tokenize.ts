/** `POST /tokenize` and `/decode`: texts to tokens and back. Nothing is computed, so nothing is queued. */
import { z } from "zod";
import { promptFor } from "../../encode-settings.ts";
import { teiRules } from "../../input-rules.ts";
import { inTurns } from "../../in-turns.ts";
import { readIdLists, readTexts } from "../../inputs/read-inputs.ts";
import { tokenBlocks } from "../../inputs/tokens-of.ts";
import { jsonList } from "../../vectors.ts";
import * as fields from "../fields.ts";
import { answer, route } from "../route.ts";
import type { Route } from "../route.ts";

const token = z.strictObject({
  id: z.int(),
  text: z.string(),
  special: z.boolean(),
  start: z.int().nullable(),
  stop: z.int().nullable(),
});

export const tokenize: Route = route({
  paths: ["/tokenize"],
  summary: "The tokens of texts. `start` and `stop` count bytes of UTF-8; special tokens have none.",
  dialect: "tei",
  body: z.object({
    inputs: fields.texts,
    add_special_tokens: z.boolean().default(true),
    prompt_name: fields.promptName,
  }),
  answer: z.array(z.array(token)),
  example: { inputs: "naïve tea" },
  async handle({ inputs, add_special_tokens, prompt_name }, { service, signal }) {
    const texts = readTexts(inputs, teiRules(service));
    const prompt = promptFor(service, texts, prompt_name ?? undefined) ?? "";
    const encode = service.encoder.inThreads(texts, signal);
    const write = async (text: string): Promise<string> => {
      const blocks = await tokenBlocks(service.files.tokenizer, prompt + text, add_special_tokens, encode);
      return jsonList(blocks, (make) => JSON.stringify(make()).slice(1, -1), signal);
    };
    return { json: await jsonList(texts, write, signal) };
  },
});

export const decode: Route = route({
  paths: ["/decode"],
  summary: "The texts of token ids.",
  dialect: "tei",
  body: z.object({
    ids: z.unknown().meta({
      description: "Token ids, or a list of lists of them.",
      anyOf: [
        { type: "array", items: { type: "integer", minimum: 0 }, minItems: 1 },
        { type: "array", items: { type: "array", items: { type: "integer", minimum: 0 } }, minItems: 1 },
      ],
    }),
    skip_special_tokens: z.boolean().default(true),
  }),
  answer: z.array(z.string()),
  example: { ids: [[50281, 5801, 50282]] },
  async handle({ ids, skip_special_tokens }, { service, signal }) {
    const lists = readIdLists(ids, { ...teiRules(service), field: "ids" });
    const skipSpecialTokens = skip_special_tokens;
    return answer(await inTurns(lists, (list) => service.files.tokenizer.decode(list, { skipSpecialTokens }), signal));
  },
});
