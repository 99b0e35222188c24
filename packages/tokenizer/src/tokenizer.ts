/**
 * The tokenizer: the parts of a tokenizer.json put together. It never changes; what adds tokens returns a new one.
 */
import { readDecoder, type Decoder } from "./decoders.ts";
import type { DecodeStream } from "./decoders.ts";
import type { Encoding } from "./encoding/encoding.ts";
import { TokenizerError, describe } from "./errors.ts";
import { JsonField } from "./json-field.ts";
import type { Model } from "./models/model.ts";
import type { EncodeOptions, TextOrPair } from "./encoding/encode-options.ts";
import { convertRanges, trimBlanks } from "./encoding/offsets.ts";
import type { Pipeline } from "./encoding/pipeline.ts";
import { type PostProcessor, readPostProcessor } from "./encoding/post-processor.ts";
import { readPipeline } from "./encoding/read-pipeline.ts";
import { type Padding, padBatch } from "./encoding/padding.ts";
import { type TokenSequence, addedBy, assemble, edgesOf } from "./encoding/template.ts";
import { TokenList } from "./models/token-list.ts";
import type { AddedToken } from "./added-tokens/token-matcher.ts";
import { type TokenizerConfig, type TokenizerJson, readTokenizerJson, writeTokenizerJson } from "./tokenizer-json.ts";
import { type NewToken, extended, vocabSizeOf } from "./added-tokens/new-tokens.ts";
import { type SpecialTokens, roles, specialTokensOf } from "./added-tokens/special-tokens.ts";
import { type Side, type TokenizerFiles, type TokenizerSettings, readTokenizerFiles } from "./tokenizer-config.ts";
import { type Truncation, truncate } from "./encoding/truncation.ts";

export interface TokenizerParts {
  readonly model: Model;
  readonly addedTokens: readonly AddedToken[];
  /** The other parts, as a tokenizer.json writes them. */
  readonly config: TokenizerConfig;
  /** What the files beside the tokenizer.json say. */
  readonly settings?: TokenizerSettings;
}

export class Tokenizer {
  readonly addedTokens: readonly AddedToken[];
  readonly specialTokens: SpecialTokens;
  /** Number of ids: the highest plus one, added tokens included. */
  readonly vocabSize: number;
  /** What `encode` does unless told otherwise. */
  readonly truncation: Truncation | undefined;
  readonly padding: Padding | undefined;
  /** The sides of truncations and paddings that do not say one. */
  readonly truncationSide: Side;
  readonly paddingSide: Side;
  readonly #parts: TokenizerParts;
  readonly #pipeline: Pipeline;
  readonly #postProcessor: PostProcessor;
  readonly #decoder: Decoder;
  readonly #addedById: ReadonlyMap<number, AddedToken>;
  readonly #addedByContent: ReadonlyMap<string, AddedToken>;
  readonly #list: TokenList = new TokenList();

  constructor(parts: TokenizerParts) {
    const { model, addedTokens, config, settings = { roles: {} } } = parts;
    const field = new JsonField(config, "");
    this.#parts = parts;
    this.addedTokens = addedTokens;
    this.truncationSide = settings.truncationSide ?? config.truncation?.side ?? "right";
    this.paddingSide = settings.paddingSide ?? config.padding?.side ?? "right";
    this.truncation = config.truncation ? { ...config.truncation, side: this.truncationSide } : undefined;
    this.padding = config.padding ? { ...config.padding, side: this.paddingSide } : undefined;
    this.#addedById = new Map(addedTokens.map((token) => [token.id, token]));
    this.#addedByContent = new Map(addedTokens.map((token) => [token.content, token]));
    this.vocabSize = vocabSizeOf(parts);
    const { pipeline, normalized } = readPipeline(field, model, addedTokens);
    this.#pipeline = pipeline;
    this.#postProcessor = readPostProcessor(field.get("post_processor"), this.vocabSize);
    this.specialTokens = specialTokensOf(addedTokens, settings.roles, {
      ...edgesOf(this.#postProcessor.template),
      pad: this.padding?.id,
      unk: this.#addedByContent.get(model.unkToken ?? "")?.id,
    });
    this.#decoder = readDecoder(field.get("decoder"), model, (id) => {
      const token = this.#addedById.get(id);
      return token && { text: token.normalized ? normalized(token.content) : token.content, special: token.special };
    });
  }

  /**
   * Reads a tokenizer.json, given as text or parsed. The `files` beside it say which tokens have a role; where they say nothing it is the
   * template, the padding and the model that show it, and at last the usual names.
   * @throws TokenizerError that names the field.
   */
  static fromJSON(json: string | object, files: TokenizerFiles = {}): Tokenizer {
    const parts = readTokenizerJson(json);
    return new Tokenizer({ ...parts, ...readTokenizerFiles(parts, files) });
  }

  /**
   * Reads the tokenizer of a model folder: tokenizer.json, tokenizer_config.json and special_tokens_map.json. `readText` gives a file's text
   * by its name, undefined where there is none. Undefined without a tokenizer.json.
   * @throws TokenizerError that names the field.
   */
  static async fromFolder(readText: (name: string) => Promise<string | undefined>): Promise<Tokenizer | undefined> {
    const json = await readText("tokenizer.json");
    if (json === undefined) return undefined;
    return Tokenizer.fromJSON(json, {
      tokenizerConfig: await readText("tokenizer_config.json"),
      specialTokensMap: await readText("special_tokens_map.json"),
    });
  }

  /** What belongs to this tokenizer and has no place in its tokenizer.json: the entries of a tokenizer_config.json, such as `cls_token`. */
  toConfigJSON(): Record<string, string> {
    const named = roles.flatMap((role) => {
      const id = this.specialTokens[role];
      const token = id === undefined ? undefined : this.idToToken(id);
      return token === undefined ? [] : [[`${role}_token`, token] as const];
    });
    const { truncationSide, paddingSide } = this.#parts.settings ?? {};
    return {
      ...Object.fromEntries(named),
      ...(truncationSide && { truncation_side: truncationSide }),
      ...(paddingSide && { padding_side: paddingSide }),
    };
  }

  /** The tokenizer.json of this tokenizer; `JSON.stringify(tokenizer)` writes the file. */
  toJSON(): TokenizerJson {
    return writeTokenizerJson(this.#parts);
  }

  /**
   * The tokens of a text.
   * @throws TokenizerError on an argument that is no string, on a truncation that leaves no room, and on more tokens than one call may make.
   */
  encode(text: string, options: EncodeOptions = {}): Encoding {
    return this.pad([this.#encodeUnpadded(text, options)], options.padding)[0]!;
  }

  /**
   * Encodes many texts; padding, if any, is to the longest of them unless it fixes a length.
   * @throws TokenizerError as `encode`.
   */
  encodeBatch(texts: readonly TextOrPair[], options: EncodeOptions = {}): Encoding[] {
    const encodings = texts.map((text) =>
      typeof text === "string"
        ? this.#encodeUnpadded(text, options)
        : this.#encodeUnpadded(text[0], { ...options, pair: text[1] }),
    );
    return this.pad(encodings, options.padding);
  }

  /** Pads encodings to one length; as they are where neither the argument nor the tokenizer asks for it. @throws TokenizerError as `encode`. */
  pad(encodings: Encoding[], padding: Padding | false = this.padding ?? false): Encoding[] {
    return padding ? padBatch(encodings, padding, { id: this.specialTokens.pad, side: this.paddingSide }) : encodings;
  }

  /** How many tokens `encode` gives for a text (no truncation), without making the encoding. */
  countTokens(text: string, options: { readonly addSpecialTokens?: boolean } = {}): number {
    this.#list.reset(false);
    this.#pipeline.run(requireText(text, "countTokens"), this.#list);
    const added = options.addSpecialTokens === false ? 0 : addedBy(this.#postProcessor.template.single);
    return this.#list.length + added;
  }

  /** The text of ids. Ids outside the vocabulary are left out. */
  decode(ids: ArrayLike<number>, options: { readonly skipSpecialTokens?: boolean } = {}): string {
    return this.#decoder.decode(ids, options.skipSpecialTokens ?? true);
  }

  /** Decodes ids as they come. What the pieces add up to is `decode` of all ids. */
  decodeStream(options: { readonly skipSpecialTokens?: boolean } = {}): DecodeStream {
    return this.#decoder.stream(options.skipSpecialTokens ?? true);
  }

  /**
   * A tokenizer that knows more tokens, or known ones with other settings. New tokens take the next free ids, or with
   * `reuseUnused` the ids of the tokens [unused0], [unused1], … that are left, so that a model's embedding table fits.
   * @throws TokenizerError on an empty token.
   */
  withTokens(tokens: readonly (string | NewToken)[], options: { readonly reuseUnused?: boolean } = {}): Tokenizer {
    return new Tokenizer({ ...this.#parts, addedTokens: extended(this.#parts, tokens, options.reuseUnused ?? false) });
  }

  /** The token of an id, as the vocabulary writes it; undefined for an id without one. */
  idToToken(id: number): string | undefined {
    return this.#addedById.get(id)?.content ?? this.#parts.model.idToToken(id);
  }

  /** The id of a token as the vocabulary writes it. */
  tokenToId(token: string): number | undefined {
    return this.#addedByContent.get(token)?.id ?? this.#parts.model.tokenToId(token);
  }

  #encodeUnpadded(text: string, options: EncodeOptions): Encoding {
    const { addSpecialTokens = true, pair } = options;
    const sequences = [this.#tokens(text, options, pair !== undefined)];
    if (pair !== undefined) sequences.push(this.#tokens(pair, options, false));
    const { template } = this.#postProcessor;
    const pieces = pair === undefined ? template.single : template.pair;
    const lengths = sequences.map((sequence) => sequence.ids.length);
    const truncation = options.truncation ?? this.truncation;
    const ranges = truncation
      ? truncate(lengths, { side: this.truncationSide, ...truncation }, addSpecialTokens ? addedBy(pieces) : 0)
      : lengths.map((length) => [[0, length] as const]);
    const idToToken = (id: number): string | undefined => this.idToToken(id);
    return assemble({ pieces, sequences, addSpecialTokens, offsetUnit: options.offsets, idToToken }, ranges);
  }

  /** The tokens of one text; `keep` copies them out of the reused list. */
  #tokens(text: string, { offsets: unit, specialTokensAsText }: EncodeOptions, keep: boolean): TokenSequence {
    const list = this.#list;
    const pipeline = this.#pipeline;
    list.reset(unit !== undefined);
    pipeline.run(requireText(text, "encode"), list, specialTokensAsText);
    const { length, texts } = list;
    if (unit !== undefined) {
      if (!pipeline.text.ascii) convertRanges(pipeline.text.bytes, list.ranges, length, unit);
      if (this.#postProcessor.trim) trimBlanks(list, (id) => this.idToToken(id)!, this.#postProcessor.trim.keepsPrefix);
    }
    const ids = list.ids.subarray(0, length);
    const offsets = unit === undefined ? undefined : list.ranges.subarray(0, 2 * length);
    return keep ? { ids: ids.slice(), offsets: offsets?.slice(), texts } : { ids, offsets, texts };
  }
}

function requireText(text: string, operation: string): string {
  if (typeof text !== "string") {
    throw new TokenizerError(`[${operation}] expected a string, got ${describe(text)}`);
  }
  return text;
}
