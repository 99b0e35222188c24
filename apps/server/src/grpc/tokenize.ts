/** The service `tei.v1.Tokenize`: what `/tokenize` and `/decode` answer. */
import { promptFor } from "../encode-settings.ts";
import { inTurns } from "../in-turns.ts";
import { teiRules } from "../input-rules.ts";
import { readIdLists, readText } from "../inputs/read-inputs.ts";
import { tokenBlocks } from "../inputs/tokens-of.ts";
import { each, unary } from "./method.ts";
import type { Bind, Handle } from "./method.ts";

interface EncodeMessage {
  readonly inputs: string;
  readonly add_special_tokens: boolean;
  readonly prompt_name?: string;
}

interface DecodeMessage {
  readonly ids: readonly number[];
  readonly skip_special_tokens: boolean;
}

const tokenize: Handle<EncodeMessage, object> = async (message, { service, signal }) => {
  const text = readText(message.inputs, "inputs", { field: "inputs" });
  const prompt = promptFor(service, [text], message.prompt_name) ?? "";
  const encode = service.encoder.inThreads(text, signal);
  const blocks = await tokenBlocks(service.files.tokenizer, prompt + text, message.add_special_tokens, encode);
  return { tokens: (await inTurns(blocks, (make) => make(), signal)).flat() };
};

const decode: Handle<DecodeMessage, object> = async ({ ids, skip_special_tokens: skip }, { service }) => {
  const [list] = readIdLists(ids, { ...teiRules(service), field: "ids" });
  return { text: service.files.tokenizer.decode(list!, { skipSpecialTokens: skip }) };
};

export const tokenizeMethods: Readonly<Record<string, Bind>> = {
  Tokenize: unary(tokenize),
  TokenizeStream: each(tokenize),
  Decode: unary(decode),
  DecodeStream: each(decode),
};
