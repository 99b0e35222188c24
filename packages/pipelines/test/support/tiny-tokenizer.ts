/** A byte-level BPE tokenizer of 300 tokens in the form of the reference library: five special tokens, the bytes, a few words. */

const specials = ["[UNK]", "[MASK]", "[CLS]", "[SEP]", "[PAD]"];
const words = ["Ġcapital", "Ġthe", "Ġof", "Ġis", "The", "Ġa", "er", "in", "on"];

export const tinyVocabulary = 300;

export interface TokenizerFile {
  readonly name: string;
  readonly content: string;
}

const special = (token: string): object => ({ SpecialToken: { id: token, type_id: 0 } });
const sequence = (id: string): object => ({ Sequence: { id, type_id: 0 } });

/** tokenizer.json, and tokenizer_config.json, which transformers needs to know the special tokens' roles. */
export function tinyTokenizerFiles(): TokenizerFile[] {
  const tokens = [...specials, ...byteAlphabet()];
  const merges: string[] = [];
  for (const word of words) {
    for (let end = 2; end <= word.length; end++) {
      if (tokens.includes(word.slice(0, end))) continue;
      merges.push(`${word.slice(0, end - 1)} ${word[end - 1]}`);
      tokens.push(word.slice(0, end));
    }
  }
  if (tokens.length > tinyVocabulary)
    throw new Error(`expected at most ${tinyVocabulary} tokens, got ${tokens.length}`);
  const single = [special("[CLS]"), sequence("A"), special("[SEP]")];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: content === "[MASK]",
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: "NFC" },
    pre_tokenizer: byteLevel,
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, sequence("B"), special("[SEP]")],
      special_tokens: Object.fromEntries(
        ["[CLS]", "[SEP]"].map((id) => [id, { id, ids: [specials.indexOf(id)], tokens: [id] }]),
      ),
    },
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  const roles = { unk: "[UNK]", mask: "[MASK]", cls: "[CLS]", sep: "[SEP]", pad: "[PAD]" };
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    ...Object.fromEntries(Object.entries(roles).map(([role, token]) => [`${role}_token`, token])),
  };
  return [
    { name: "tokenizer.json", content: JSON.stringify(tokenizer) },
    { name: "tokenizer_config.json", content: JSON.stringify(config) },
  ];
}

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

function printable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}
