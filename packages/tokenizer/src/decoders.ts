/** The decoders of a tokenizer.json: from ids back to text. */
import { byteLevelBytes } from "./text/byte-alphabet.ts";
import type { JsonField } from "./json-field.ts";
import type { Model } from "./models/model.ts";
import { fromUtf8, toUtf8, utf8Stream } from "./text/utf8.ts";

/** Turns ids one by one into text; a character is held back until all its bytes are there. */
export interface DecodeStream {
  /** The text that this id completes, often empty in the middle of a character. */
  push(id: number): string;
  /** What is left at the end: U+FFFD for an incomplete character, else nothing. */
  end(): string;
}

export interface Decoder {
  decode(ids: ArrayLike<number>, skipSpecialTokens: boolean): string;
  stream(skipSpecialTokens: boolean): DecodeStream;
}

/** How an added token is decoded; undefined for ids of the model. */
type AddedText = (id: number) => { readonly text: string; readonly special: boolean } | undefined;

/** Bytes of the next token that is decoded; `first` when none came before it. */
type TokenBytes = (token: string, first: boolean) => Uint8Array;

export function readDecoder(field: JsonField, model: Model, added: AddedText): Decoder {
  const type = field.optional((decoder) => decoder.get("type"));
  switch (type?.value) {
    case undefined:
      return joining((token, first) => toUtf8(first ? token : ` ${token}`), model, added);
    case "ByteLevel":
      return joining(byteLevelBytes, model, added);
    case "WordPiece":
      return joining(wordPieceBytes(field), model, added);
    default:
      return type!.refuse('"ByteLevel", "WordPiece" or no decoder');
  }
}

function joining(bytesOf: TokenBytes, model: Model, added: AddedText): Decoder {
  const textOf = (id: number, skip: boolean): string | undefined => {
    const token = added(id);
    if (token === undefined) return model.idToToken(id);
    return skip && token.special ? undefined : token.text;
  };
  return {
    decode: (ids, skip) => {
      let buffer = new Uint8Array(4 * ids.length + 16);
      let length = 0;
      let first = true;
      for (let i = 0; i < ids.length; i++) {
        const text = textOf(ids[i]!, skip);
        if (text === undefined) continue;
        const bytes = bytesOf(text, first);
        first = false;
        if (length + bytes.length > buffer.length) {
          const larger = new Uint8Array(2 * buffer.length + bytes.length);
          larger.set(buffer);
          buffer = larger;
        }
        buffer.set(bytes, length);
        length += bytes.length;
      }
      return fromUtf8(buffer.subarray(0, length));
    },
    stream: (skip) => {
      const decode = utf8Stream();
      let first = true;
      return {
        push: (id) => {
          const text = textOf(id, skip);
          if (text === undefined) return "";
          const bytes = bytesOf(text, first);
          first = false;
          return decode(bytes);
        },
        end: () => decode(),
      };
    },
  };
}

/** Pieces with the prefix join the one before; the others stand apart, less some blanks before punctuation. */
function wordPieceBytes(field: JsonField): TokenBytes {
  const prefix = field.get("prefix").string();
  const cleanup = field.get("cleanup").boolean(true);
  return (token, first) => {
    const text = first ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
    return toUtf8(cleanup ? cleanUp(text) : text);
  };
}

const contractions: readonly [string, string][] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

const cleanUp = (text: string): string => contractions.reduce((out, [from, to]) => out.replaceAll(from, to), text);
