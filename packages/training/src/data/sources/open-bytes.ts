/** A file as a stream of bytes, unpacked where its ending says that it is compressed. */
import fs from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { Decompress } from "fzstd";
import { DataError, ioError } from "../../errors.ts";

/** How each compression is read; by the ending of its files. */
const compressions = { ".gz": { magic: "1f8b", unpack: gunzip }, ".zst": { magic: "28b52ffd", unpack: unzstd } };

export type OnBytes = (bytes: number) => void;

type Bytes = AsyncIterable<Uint8Array>;

/** The path without the ending of a compression. */
export function withoutCompression(path: string): string {
  const ending = endingOf(path);
  return ending ? path.slice(0, -ending.length) : path;
}

/**
 * @param onBytes gets the size of each piece of the file.
 * @throws DataError `missing`, `io`; `corrupt` for a compressed file that is cut or is none; `invalid` for what begins as no text does.
 */
export async function* openBytes(path: string, onBytes: OnBytes = () => undefined): AsyncGenerator<Buffer> {
  const ending = endingOf(path);
  const source = readFile(path, onBytes);
  let first = true;
  try {
    for await (const bytes of ending ? compressions[ending].unpack(source) : source) {
      const data = asBuffer(bytes);
      if (first) checkBeginning(data, path);
      first = false;
      yield data;
    }
  } catch (error) {
    if (!ending || (error as NodeJS.ErrnoException).syscall !== undefined) throw ioError("openBytes", path, error);
    if (error instanceof DataError) throw error;
    throw new DataError(
      "corrupt",
      "openBytes",
      `expected a whole ${ending} file, got ${(error as Error).message} in ${path}; get it again`,
      { cause: error },
    );
  }
}

/** @throws DataError `invalid` for a compressed file under another name, and for UTF-16: both would be read as text. */
function checkBeginning(data: Buffer, path: string): void {
  const begins = (magic: string): boolean => data.toString("hex", 0, magic.length / 2) === magic;
  const packed = Object.entries(compressions).find(([, { magic }]) => begins(magic));
  if (packed)
    throw new DataError(
      "invalid",
      "openBytes",
      `expected text, got a compressed file in ${path}; name it ${path}${packed[0]}`,
    );
  if (begins("fffe") || begins("feff"))
    throw new DataError(
      "invalid",
      "openBytes",
      `expected text in UTF-8, got UTF-16 in ${path}; convert it or leave it out`,
    );
}

async function* readFile(path: string, onBytes: OnBytes): AsyncGenerator<Buffer> {
  for await (const bytes of fs.createReadStream(path, { highWaterMark: 1 << 20 })) {
    onBytes((bytes as Buffer).length);
    yield bytes as Buffer;
  }
}

function gunzip(source: Bytes): Bytes {
  // An error of either ends both; it is thrown where the output is read.
  return pipeline(source, createGunzip({ chunkSize: 1 << 18 }), () => undefined);
}

async function* unzstd(source: Bytes): AsyncGenerator<Uint8Array> {
  let unpacked: Uint8Array[] = [];
  const decompress = new Decompress((data) => void (data.length > 0 && unpacked.push(data)));
  let begun = false;
  for await (const chunk of source) {
    begun = true;
    decompress.push(chunk);
    yield* unpacked;
    unpacked = [];
  }
  if (!begun) throw new Error("no bytes");
  decompress.push(new Uint8Array(0), true);
  yield* unpacked;
}

function endingOf(path: string): keyof typeof compressions | undefined {
  return (Object.keys(compressions) as (keyof typeof compressions)[]).find((ending) =>
    path.toLowerCase().endsWith(ending),
  );
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
