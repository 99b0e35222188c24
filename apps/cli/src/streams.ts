/**
 * Lines in, text out. Input is handed on in the blocks in which it arrives, so that a pipe of any length works in bounded memory and
 * whoever writes one line and waits gets its answer. Output waits for whoever reads it.
 */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { CliError } from "./errors.ts";

/** Where a command reads and writes; `process` is one. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface Line {
  /** Counts from 1. */
  readonly number: number;
  readonly text: string;
}

/** Lines of UTF-8 ended by \n or \r\n, in blocks of at most `most`; the last one needs no end. @throws CliError on other bytes. */
export async function* lineBlocks({ stdin, stderr }: Streams, most: number): AsyncGenerator<readonly Line[]> {
  if (stdin.isTTY) stderr.write("reading lines from the keyboard; Ctrl-D ends\n");
  let number = 0;
  let unfinished: Uint8Array[] = [];
  for await (const chunk of stdin as AsyncIterable<Uint8Array>) {
    let block: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      block.push(decode([...unfinished, chunk.subarray(start, end)], ++number));
      unfinished = [];
      start = end + 1;
      if (block.length === most) {
        yield block;
        block = [];
      }
    }
    if (start < chunk.length) unfinished.push(chunk.subarray(start));
    if (block.length > 0) yield block;
  }
  if (unfinished.length > 0) yield [decode(unfinished, ++number)];
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(parts: readonly Uint8Array[], number: number): Line {
  const bytes = Buffer.concat(parts);
  const end = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
  try {
    const text = utf8.decode(bytes.subarray(0, end));
    return { number, text: number === 1 ? text.replace(/^\uFEFF/, "") : text };
  } catch (cause) {
    throw new CliError(`line ${number}: expected UTF-8, got other bytes: convert the input first`, { cause });
  }
}

/** Writes, and waits while the reader is behind. Rejects with EPIPE when it is gone. */
export async function write({ stdout }: Streams, text: string): Promise<void> {
  if (stdout.errored) throw stdout.errored;
  if (!stdout.write(text)) await once(stdout, "drain");
}
