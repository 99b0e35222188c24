/** The service `tei.v1.Predict`: what `/predict` answers, of a text or a pair of texts. */
import type { TextPair } from "@modernbert-ts/pipelines";
import { classifyInputs } from "../classify-inputs.ts";
import { ServeError } from "../errors.ts";
import type { Asked } from "../http/route.ts";
import { readText } from "../inputs/read-inputs.ts";
import { metadataOf } from "./metadata.ts";
import { each, unary } from "./method.ts";
import type { Bind, Handle } from "./method.ts";
import { truncationOf } from "./truncation.ts";
import type { TruncationMessage } from "./truncation.ts";

interface ScoreMessage extends TruncationMessage {
  readonly raw_scores: boolean;
}

const predict: Handle<ScoreMessage & { readonly inputs: string }, object> = async (message, asked) =>
  classesOf(readText(message.inputs, "inputs", { field: "inputs" }), message, asked);

const predictPair: Handle<ScoreMessage & { readonly inputs: readonly string[] }, object> = async (message, asked) => {
  const { length } = message.inputs;
  if (length < 1 || length > 2) {
    throw new ServeError("Validation", `\`inputs\` must have a single or two elements. Given: ${length}`);
  }
  const [first, second] = message.inputs.map((text) => readText(text, "inputs", { field: "inputs" }));
  return classesOf(second === undefined ? first! : [first!, second], message, asked);
};

async function classesOf(input: string | TextPair, message: ScoreMessage, { service, signal }: Asked): Promise<object> {
  const started = performance.now();
  const settings = { ...truncationOf(message), rawScores: message.raw_scores };
  const { results, costs } = await classifyInputs(service, [input], settings, signal);
  return { predictions: results[0], metadata: metadataOf(costs, started) };
}

export const predictMethods: Readonly<Record<string, Bind>> = {
  Predict: unary(predict),
  PredictPair: unary(predictPair),
  PredictStream: each(predict),
  PredictPairStream: each(predictPair),
};
