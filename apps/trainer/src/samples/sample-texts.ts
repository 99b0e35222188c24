/** What a model in training says of texts that a person chose: predicted with every evaluation, written when its numbers are. */
import type { Encoder } from "@modernbert-ts/encoder";
import { fillMask, readTextSide } from "@modernbert-ts/pipelines";
import type { TextModel } from "@modernbert-ts/pipelines";
import { UsageError } from "../errors.ts";
import type { Tracker } from "../tracking/tracker.ts";
import { appendSamples } from "./samples-file.ts";
import type { Sample } from "./samples-file.ts";

export interface SampleTexts {
  /** Predicts with the weights as they are. */
  predict(): Promise<void>;
  /** Appends what was predicted last to a file. */
  writer(path: string): Tracker;
}

/**
 * @param files those of the model's folder, its tokenizer among them. Undefined where there are no texts.
 * @throws UsageError for texts that the model cannot be asked about.
 */
export async function openSampleTexts(
  texts: readonly string[],
  model: Encoder,
  files: Readonly<Record<string, string>>,
): Promise<SampleTexts | undefined> {
  if (texts.length === 0) return undefined;
  if (model.head !== "masked-lm" && model.head !== "pretraining")
    throw new UsageError(
      "expected log.samples for objectives of masked words only: it asks for masked words; leave it out",
    );
  const asked: TextModel = { runtime: model.runtime, model, ...(await readTextSide(inMemory(files), model.info)) };
  checkTexts(texts, asked);
  let latest: readonly Sample[] = [];
  return {
    async predict() {
      const answers = await fillMask(asked, texts);
      latest = answers.map((masks, at) => ({
        text: texts[at]!,
        masks: masks.map((ranked) => ranked.map(({ token_str: token, score }) => ({ token, score }))),
      }));
    },
    writer: (path) => ({
      name: "samples.jsonl",
      record({ kind, step, tokens }) {
        if (kind === "evaluation" && latest.length > 0) appendSamples(path, { step, tokens, samples: latest });
      },
      close: async () => undefined,
    }),
  };
}

function checkTexts(texts: readonly string[], { tokenizer, settings: { maxLength } }: TextModel): void {
  const { mask } = tokenizer.specialTokens;
  const name = mask === undefined ? undefined : tokenizer.idToToken(mask);
  for (const [at, text] of texts.entries()) {
    const { ids } = tokenizer.encode(text);
    if (mask === undefined || !ids.includes(mask))
      throw new UsageError(`log.samples.${at}: expected a text with ${name ?? "a mask"} in it, got ${quoted(text)}`);
    if (ids.length > maxLength)
      throw new UsageError(`log.samples.${at}: expected at most ${maxLength} tokens, got ${ids.length}: shorten it`);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** Files as a folder. */
function inMemory(files: Readonly<Record<string, string>>): Parameters<typeof readTextSide>[0] {
  return {
    name: "the model in training",
    async open(path) {
      if (files[path] === undefined) return undefined;
      const bytes = Buffer.from(files[path]);
      return {
        name: path,
        size: bytes.length,
        readInto: async (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
      };
    },
  };
}
