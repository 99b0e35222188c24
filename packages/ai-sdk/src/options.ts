/** What may be said of a call: beside the model, for all its calls, or in `providerOptions.modernbert`, for one. */
import { InvalidArgumentError } from "@ai-sdk/provider";
import type { SharedV4ProviderOptions } from "@ai-sdk/provider";
import { poolingModes } from "@modernbert-ts/pipelines";
import type { EmbedOptions, EncodeOptions, RerankOptions } from "@modernbert-ts/pipelines";

/** Its name in errors and logs, and the key of its options. */
export const providerName = "modernbert";

export interface EmbeddingOptions
  extends
    Pick<EmbedOptions, "role" | "prompt" | "promptName" | "pooling" | "normalize" | "dimensions">,
    Pick<EncodeOptions, "truncate"> {}

export interface RerankingOptions extends Pick<RerankOptions, "rawScores">, Pick<EncodeOptions, "truncate"> {}

export type DecisionOptions = Pick<EncodeOptions, "truncate">;

interface Kind {
  readonly expected: string;
  fits(value: unknown): boolean;
}

const flag: Kind = { expected: "true or false", fits: (value) => typeof value === "boolean" };
const text: Kind = { expected: "a text", fits: (value) => typeof value === "string" };
const count: Kind = {
  expected: "a positive whole number",
  fits: (value) => Number.isSafeInteger(value) && (value as number) > 0,
};

function oneOf(names: readonly string[]): Kind {
  return { expected: names.join(" or "), fits: (value) => names.includes(value as string) };
}

const mode = oneOf(poolingModes);

const embeddingKinds: Readonly<Record<keyof EmbeddingOptions, Kind>> = {
  role: oneOf(["query", "document"]),
  prompt: text,
  promptName: text,
  pooling: {
    expected: `${mode.expected}, or a list of them`,
    fits: (value) => [value].flat().every(mode.fits) && [value].flat().length > 0,
  },
  normalize: flag,
  dimensions: count,
  truncate: flag,
};

const rerankingKinds: Readonly<Record<keyof RerankingOptions, Kind>> = { rawScores: flag, truncate: flag };

const decisionKinds: Readonly<Record<keyof DecisionOptions, Kind>> = { truncate: flag };

/** Three ways to say what is put before each text: the nearest to the call counts. */
const prompts: readonly string[] = ["role", "prompt", "promptName"];

/** @throws InvalidArgumentError on options that are not known, and on values that they do not take. */
export function embeddingOptions(usual: EmbeddingOptions, given?: SharedV4ProviderOptions): EmbeddingOptions {
  const own: EmbeddingOptions = ofCall(embeddingKinds, given);
  const replaced = Object.keys(own).some((key) => prompts.includes(key)) ? prompts : [];
  const kept = Object.entries(checked(embeddingKinds, usual, "options")).filter(([key]) => !replaced.includes(key));
  return { ...Object.fromEntries(kept), ...own };
}

/** @throws InvalidArgumentError, as above. */
export function rerankingOptions(usual: RerankingOptions, given?: SharedV4ProviderOptions): RerankingOptions {
  return { ...checked(rerankingKinds, usual, "options"), ...ofCall(rerankingKinds, given) };
}

/** @throws InvalidArgumentError, as above. */
export function decisionOptions(usual: DecisionOptions, given?: SharedV4ProviderOptions): DecisionOptions {
  return { ...checked(decisionKinds, usual, "options"), ...ofCall(decisionKinds, given) };
}

function ofCall(kinds: Readonly<Record<string, Kind>>, given: SharedV4ProviderOptions | undefined): object {
  return checked(kinds, given?.[providerName] ?? {}, `providerOptions.${providerName}`);
}

/** Those options that are given. */
function checked(kinds: Readonly<Record<string, Kind>>, options: object, place: string): object {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [key, value] of given) {
    const argument = `${place}.${key}`;
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined;
    if (!kind) refuse(argument, `expected ${Object.keys(kinds).join(", ")}, got ${key}: leave it out`);
    if (!kind.fits(value)) refuse(argument, `expected ${kind.expected}, got ${JSON.stringify(value)}`);
  }
  const together = given.map(([key]) => key).filter((key) => prompts.includes(key));
  if (together.length > 1) refuse(place, `expected one of ${prompts.join(", ")}, got ${together.join(" and ")}`);
  return Object.fromEntries(given);
}

function refuse(argument: string, message: string): never {
  throw new InvalidArgumentError({ argument, message: `[${argument}] ${message}` });
}
