/** The keys that requests may show: one from a flag, several from a file that is read again when it changes. Compared in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { StartError } from "../errors.ts";

export interface KeySource {
  readonly apiKey?: string | undefined;
  /** A key a line; empty lines and lines that begin with # do not count. */
  readonly apiKeyFile?: string | undefined;
}

/** Milliseconds between two looks at the file: its time is asked for, which also follows the links that Kubernetes swaps. */
const interval = 1_000;

export class ApiKeys {
  readonly #fixed: readonly Buffer[];
  readonly #file: string | undefined;
  #ofFile: readonly Buffer[] = [];

  /** @throws StartError where the file cannot be read or has no key */
  constructor({ apiKey, apiKeyFile }: KeySource, log: { info(message: string): void; error(message: string): void }) {
    this.#fixed = apiKey === undefined ? [] : [digest(apiKey)];
    this.#file = apiKeyFile;
    if (apiKeyFile === undefined) return;
    this.#ofFile = readKeys(apiKeyFile);
    const reload = (): void => {
      try {
        this.#ofFile = readKeys(apiKeyFile);
        log.info(`the API keys are read again: ${this.#ofFile.length}`);
      } catch (error) {
        log.error(`the API keys stay as they were: ${(error as Error).message}`);
      }
    };
    watchFile(apiKeyFile, { interval, persistent: false }, reload);
  }

  /** Whether a key has to be shown at all. */
  get asked(): boolean {
    return this.#fixed.length > 0 || this.#file !== undefined;
  }

  /** Whether an `Authorization` header shows one of the keys. All are looked at, whichever it is. */
  accept(authorization: string | undefined): boolean {
    const shown = digest(/^Bearer (.*)$/is.exec(authorization ?? "")?.[1] ?? "");
    let found = false;
    for (const key of [...this.#fixed, ...this.#ofFile]) if (timingSafeEqual(key, shown)) found = true;
    return found;
  }

  close(): void {
    if (this.#file !== undefined) unwatchFile(this.#file);
  }
}

function readKeys(file: string): Buffer[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new StartError(`cannot read --api-key-file ${file}: ${(error as Error).message}`, { cause: error });
  }
  const keys = text.split("\n").map((line) => line.trim());
  const digests = keys.filter((key) => key !== "" && !key.startsWith("#")).map(digest);
  if (digests.length === 0) throw new StartError(`expected a key a line in --api-key-file ${file}, got none`);
  return digests;
}

/** Equal lengths for the comparison. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
