/** A file written in pieces and hashed on the way. */
import { createHash, type Hash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { ioError } from "../../errors.ts";
import type { ShardFile } from "./shard-format.ts";

export class HashedFile {
  readonly #name: string;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #hash: Hash = createHash("sha256");
  #bytes = 0;
  #open = true;

  constructor(directory: string, name: string) {
    this.#name = name;
    this.#path = join(directory, name);
    this.#descriptor = fs.openSync(this.#path, "w");
  }

  /** @throws DataError `io`. */
  write(data: Uint8Array): void {
    try {
      for (let done = 0; done < data.length;) done += fs.writeSync(this.#descriptor, data, done, data.length - done);
    } catch (error) {
      throw ioError("TokenShardWriter", this.#path, error);
    }
    this.#hash.update(data);
    this.#bytes += data.length;
  }

  /** Syncs and closes. */
  finish(): ShardFile {
    fs.fsyncSync(this.#descriptor);
    this.close();
    return { file: this.#name, bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    fs.closeSync(this.#descriptor);
  }
}

/** A whole file at once. */
export function writeHashed(directory: string, name: string, data: Uint8Array): ShardFile {
  const file = new HashedFile(directory, name);
  try {
    file.write(data);
    return file.finish();
  } finally {
    file.close();
  }
}
