/** A file as a stream of bytes, unpacked where its ending says that it is compressed. */
import fs from "node:fs";
import { Readable } from "node:stream";
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

/** @param onBytes gets the size of each piece of the file. @throws DataError `missing`, `io`; `corrupt` for a compressed file that is cut or is none. */
export async function* openBytes(path: string, onBytes: OnBytes = () => undefined): AsyncGenerator<Buffer> {
  const ending = endingOf(path);
  try {
    if (!ending) yield* plain(path, onBytes);
    else for await (const bytes of compressions[ending].unpack(readFile(path, onBytes))) yield asBuffer(bytes);
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

/** A compressed file under another name would be read as text. */
async function* plain(path: string, onBytes: OnBytes): AsyncGenerator<Buffer> {
  let first = true;
  for await (const bytes of readFile(path, onBytes)) {
    const data = asBuffer(bytes);
    const packed =
      first &&
      Object.entries(compressions).find(([, { magic }]) => data.toString("hex", 0, magic.length / 2) === magic);
    if (packed)
      throw new DataError(
        "invalid",
        "openBytes",
        `expected text, got a compressed file in ${path}; name it ${path}${packed[0]}`,
      );
    first = false;
    yield data;
  }
}

async function* readFile(path: string, onBytes: OnBytes): AsyncGenerator<Buffer> {
  for await (const bytes of fs.createReadStream(path, { highWaterMark: 1 << 20 })) {
    onBytes((bytes as Buffer).length);
    yield bytes as Buffer;
  }
}

function gunzip(source: Bytes): Bytes {
  const input = Readable.from(source);
  const output = createGunzip({ chunkSize: 1 << 18 });
  input.on("error", (error) => output.destroy(error));
  return input.pipe(output);
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
