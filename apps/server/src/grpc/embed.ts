/** The service `tei.v1.Embed`: what `/embed`, `/embed_sparse` and `/embed_all` answer. */
import { embedInputs } from "../embed-inputs.ts";
import { embedSparseInputs } from "../embed-sparse-inputs.ts";
import { embedTokensOf, rowsOf } from "../embed-tokens-inputs.ts";
import { readText } from "../inputs/read-inputs.ts";
import { metadataOf } from "./metadata.ts";
import { each, unary } from "./method.ts";
import type { Bind, Handle } from "./method.ts";
import { truncationOf } from "./truncation.ts";
import type { TruncationMessage } from "./truncation.ts";

interface TextMessage extends TruncationMessage {
  readonly inputs: string;
  readonly prompt_name?: string;
}

interface EmbedMessage extends TextMessage {
  readonly normalize?: boolean;
  readonly dimensions?: number;
}

const textOf = ({ inputs }: TextMessage): string => readText(inputs, "inputs", { field: "inputs" });
const settingsOf = (message: TextMessage) => ({ ...truncationOf(message), promptName: message.prompt_name });

const embed: Handle<EmbedMessage, object> = async (message, { service, signal }) => {
  const started = performance.now();
  const settings = { ...settingsOf(message), normalize: message.normalize ?? true, dimensions: message.dimensions };
  const { vectors, costs } = await embedInputs(service, [textOf(message)], settings, signal);
  return { embeddings: Array.from(vectors[0]!), metadata: metadataOf(costs, started) };
};

const embedSparse: Handle<TextMessage, object> = async (message, { service, signal }) => {
  const started = performance.now();
  const { results, costs } = await embedSparseInputs(service, [textOf(message)], settingsOf(message), signal);
  const { indices, values } = results[0]!;
  const weights = Array.from(indices, (index, at) => ({ index, value: values[at]! }));
  return { sparse_embeddings: weights, metadata: metadataOf(costs, started) };
};

const embedAll: Handle<TextMessage, object> = async (message, { service, signal }) => {
  const started = performance.now();
  const { results, costs } = await embedTokensOf(service, [textOf(message)], settingsOf(message), signal);
  const rows = rowsOf(results[0]!).map((row) => ({ embeddings: Array.from(row) }));
  return { token_embeddings: rows, metadata: metadataOf(costs, started) };
};

export const embedMethods: Readonly<Record<string, Bind>> = {
  Embed: unary(embed),
  EmbedStream: each(embed),
  EmbedSparse: unary(embedSparse),
  EmbedSparseStream: each(embedSparse),
  EmbedAll: unary(embedAll),
  EmbedAllStream: each(embedAll),
};
