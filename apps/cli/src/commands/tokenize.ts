/** `modernbert tokenize`: JSON strings in, token ids and offsets out, line by line. */
import { Command, InvalidArgumentError, Option } from "commander";
import { readInfo, readTextSide, resolveModelFolder } from "@modernbert-ts/pipelines";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import type { OffsetUnit, Tokenizer } from "@modernbert-ts/tokenizer";
import { CliError } from "../errors.ts";
import { modelOption, notices } from "../options.ts";
import { lineBlocks, write } from "../streams.ts";
import type { Line, Streams } from "../streams.ts";

interface TokenizeOptions {
  readonly model?: string;
  readonly pairSeparator?: string;
  readonly offsets: OffsetUnit;
}

const linesAtOnce = 4096;

export function tokenizeCommand(streams: Streams): Command {
  return new Command("tokenize")
    .summary("token ids and offsets of texts")
    .description(
      'Reads one JSON string a line, writes {"ids":[…],"offsets":[[start,end],…]} a line, special tokens included ([0,0]).',
    )
    .addOption(modelOption().default(undefined, "the built-in ModernBERT tokenizer"))
    .addOption(
      new Option("--pair-separator <text>", "split each string at its first occurrence into a pair").argParser(
        notEmpty,
      ),
    )
    .addOption(
      new Option("--offsets <unit>", "what offsets count").choices(["utf16", "codepoint", "byte"]).default("utf16"),
    )
    .action(async (options: TokenizeOptions) => {
      const tokenizer = await open(options, streams);
      for await (const block of lineBlocks(streams, linesAtOnce)) {
        let answers = "";
        try {
          for (const line of block) answers += encode(tokenizer, parse(line), options);
        } finally {
          await write(streams, answers); // the lines before a bad one too
        }
      }
    });
}

async function open({ model }: TokenizeOptions, streams: Streams): Promise<Tokenizer> {
  if (model === undefined) return loadModernBertTokenizer();
  const onNotice = notices(streams);
  const folder = await resolveModelFolder(model, { weights: false, onNotice });
  const files = diskFolder(folder);
  const { tokenizer } = await readTextSide(files, await readInfo(files), onNotice);
  return tokenizer;
}

function parse({ number, text }: Line): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "string") return value;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  throw new CliError(`line ${number}: expected a JSON string such as "some text", got ${shown || "an empty line"}`);
}

function encode(tokenizer: Tokenizer, line: string, { pairSeparator, offsets }: TokenizeOptions): string {
  const at = pairSeparator === undefined ? -1 : line.indexOf(pairSeparator);
  const [text, pair] = at < 0 ? [line] : [line.slice(0, at), line.slice(at + pairSeparator!.length)];
  const encoding = tokenizer.encode(text, { offsets, ...(pair !== undefined && { pair }) });
  const ids = Array.from(encoding.ids);
  const ranges = ids.map((_, token) => [encoding.offsets![2 * token], encoding.offsets![2 * token + 1]]);
  return `${JSON.stringify({ ids, offsets: ranges })}\n`;
}

function notEmpty(text: string): string {
  if (text === "") throw new InvalidArgumentError("expected at least one character.");
  return text;
}
