/** The BPE model of a tokenizer.json: its vocabulary and merges as tables, and back. */
import { BpeModel } from "./bpe-model.ts";
import { byteLevelBytes, tokenToBytes } from "../../text/byte-alphabet.ts";
import { TokenizerError, describe } from "../../errors.ts";
import type { JsonField } from "../../json-field.ts";
import { MergeTable } from "./merge-table.ts";
import { vocabularyOf } from "../vocabulary.ts";

/** Ids are below this. */
export const MAX_ID: number = 1 << 22;

/** Reads `model` when its type is BPE. */
export function readBpe(model: JsonField, ids: ReadonlyMap<string, number>): BpeModel {
  for (const name of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    const affix = model.get(name);
    if (affix.optional((field) => field.string())) affix.refuse("a byte-level BPE without it");
  }
  if (model.get("dropout").optional((field) => field.number()))
    model.get("dropout").refuse("null or 0: encoding is deterministic");
  const opaque = new Set<number>();
  for (const [token, id] of ids) if (tokenToBytes(token) === undefined) opaque.add(id);
  const vocabulary = vocabularyOf(ids, byteLevelBytes, opaque);
  const known = vocabulary.byteIds().filter((id) => id >= 0).length;
  // Without an alphabet for all bytes that UTF-8 uses, unknown bytes are left out, as the reference does without unk_token.
  if (known < 243 && model.get("unk_token").optional((field) => field.string())) {
    model
      .get("unk_token")
      .refuse(
        "null, or a vocabulary with a token for every byte",
        "choose a model with a byte-level BPE or WordPiece tokenizer",
      );
  }
  if (known < 243 && model.get("byte_fallback").boolean(false)) model.get("byte_fallback").refuse("false");
  return new BpeModel(vocabulary, readMerges(model.get("merges"), ids), {
    ignoreMerges: model.get("ignore_merges").boolean(false),
    unkToken: model.get("unk_token").optional((field) => field.string()),
    opaque,
  });
}

/** Token to id, with every id a distinct integer. */
export function readVocabulary(vocab: JsonField): Map<string, number> {
  const entries = Object.entries(vocab.object() as Record<string, number>);
  if (entries.length > MAX_ID) vocab.refuse(`a vocabulary of at most ${MAX_ID} tokens`);
  const ids = new Map<string, number>(entries);
  const seen = new Set<number>();
  for (const [token, id] of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= MAX_ID || seen.has(id)) {
      const problem = seen.has(id) ? `${id} twice` : describe(id);
      const path = `${vocab.path}[${describe(token)}]`;
      throw new TokenizerError(
        `[Tokenizer.fromJSON] expected ${path} to be an id of its own below ${MAX_ID}, got ${problem}`,
        path,
      );
    }
    seen.add(id);
  }
  return ids;
}

function readMerges(merges: JsonField, ids: ReadonlyMap<string, number>): MergeTable {
  const list = merges.array();
  const pairs = new Int32Array(2 * list.length);
  const made = new Int32Array(list.length);
  list.forEach((merge, rank) => {
    const words: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const [left, right] = Array.isArray(words) && words.length === 2 ? words : [];
    const [a, b, joined] = [ids.get(left), ids.get(right), ids.get(`${left}${right}`)];
    if (a === undefined || b === undefined || joined === undefined) {
      throw new TokenizerError(
        `[Tokenizer.fromJSON] expected ${merges.path}[${rank}] to be two tokens of the vocabulary whose union is one too, got ${describe(merge)}`,
        `${merges.path}[${rank}]`,
      );
    }
    pairs[2 * rank] = a;
    pairs[2 * rank + 1] = b;
    made[rank] = joined;
  });
  return new MergeTable(pairs, made);
}
