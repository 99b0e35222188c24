/** The last hidden state of each token of a text, special tokens among them. */
import { headNames, idsOf } from "@modernbert-ts/encoder";
import type { PackedBatch } from "@modernbert-ts/encoder";
import { cast, contiguous } from "@modernbert-ts/tensor-core";
import { chosenPrompt } from "../folder/prompts.ts";
import type { PromptOptions } from "../folder/prompts.ts";
import { encodeText, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions, TextInput } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { runTask } from "./run-task.ts";
import type { Task } from "./task.ts";

/** Vectors of the tokens of a text that count. */
export interface TokenVectors {
  /** R vectors one behind another [R · width]. */
  readonly values: Float32Array;
  readonly width: number;
}

export interface TokenStates extends TokenVectors {
  /** Token ids [T]. */
  readonly ids: Int32Array;
}

export const embedTokensTask: Task<TextInput, PromptOptions, TokenVectors, TokenStates> = {
  name: "embedTokens",
  heads: headNames,

  async prepare(text, input, options) {
    const sequence = await encodeText(text, "embedTokens", input, options, chosenPrompt(text.settings, options));
    return { sequences: [sequence], join: ([vectors]) => ({ ...vectors!, ids: idsOf(sequence) }) };
  },

  async run(text, pack) {
    const width = text.info.hiddenSize;
    const rows = requireFinite("embedTokens", await hiddenStates(text, pack));
    return Array.from(pack.cuSeqlens.subarray(1), (end, index) => ({
      values: rows.slice(pack.cuSeqlens[index]! * width, end * width),
      width,
    }));
  },

  transferable: ({ values }) => [values.buffer as ArrayBuffer],
};

/** Token vectors of texts. @throws TensorError on an empty text, and on one that is too long unless `truncate`. */
export async function embedTokens(
  model: TextModel,
  texts: readonly string[],
  options: PromptOptions & EncodeOptions & PackOptions = {},
): Promise<TokenStates[]> {
  return runTask(embedTokensTask, model, texts, options);
}

/** Hidden states [T · d] of a pack, on the host. */
export async function hiddenStates({ model }: TextModel, pack: PackedBatch): Promise<Float32Array> {
  const rows = model.run(pack, (hidden) => contiguous(cast(hidden, "f32")).alias());
  try {
    return (await rows.read()) as Float32Array;
  } finally {
    rows.dispose();
  }
}
