/** One file of the web by its address, kept in the cache: resumed where the connection broke, and whole or not there. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { cachePath, hubEnvironment, offlineVariable } from "./environment.ts";
import { exists } from "./cache.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { progress } from "./download.ts";
import { HubUnreachableError, written } from "./errors.ts";
import { getRest, NoRestError } from "./rest.ts";
import { TransientError, withRetries } from "./retry.ts";

/** Downloads a file unless the cache has it, and returns its path. @throws HubRefusalError HubUnreachableError WriteError */
export async function downloadFile(url: string, onNotice?: (notice: string) => void): Promise<string> {
  const folder = join(cachePath(), `http--${createHash("sha256").update(url).digest("hex").slice(0, 32)}`);
  const target = join(folder, nameOf(url));
  if (await exists(target)) {
    onNotice?.(`${url} was downloaded before: using ${target}; delete it to get it again`);
    return target;
  }
  const offline = offlineVariable();
  if (offline) throw new HubUnreachableError(`${offline} is set, and the cache does not have it`);
  const connection = await connect(await hubEnvironment());
  await written(folder, mkdir(folder, { recursive: true }));
  const partial = `${target}.${process.pid}.${randomBytes(4).toString("hex")}.partial`;
  const state: Arrived = { bytes: 0, validator: undefined };
  try {
    await withRetries((progressed) => bringRest(connection, url, { partial, state, progressed, onNotice }));
    await written(target, rename(partial, target));
  } finally {
    await rm(partial, { force: true });
  }
  return target;
}

/** The last part of an address; as it is written there where it stands for no name of a file. */
function nameOf(url: string): string {
  const last = basename(new URL(url).pathname) || "index";
  const name = decoded(last);
  return /[/\\\0]/.test(name) || /^\.*$/.test(name) ? last : name;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

interface Arrived {
  bytes: number;
  /** The version that they are of: parts of two are never put together. */
  validator: string | undefined;
}

interface Attempt {
  readonly partial: string;
  readonly state: Arrived;
  readonly progressed: () => void;
  readonly onNotice: ((notice: string) => void) | undefined;
}

async function bringRest(connection: Connection, url: string, attempt: Attempt): Promise<void> {
  const { partial, state, progressed, onNotice } = attempt;
  const start = state.validator === undefined ? 0 : state.bytes;
  const { from, headers, body } = await getRest(connection, url, start, state.validator).catch((error: unknown) => {
    if (error instanceof NoRestError) Object.assign(state, { bytes: 0, validator: undefined });
    throw error;
  });
  state.bytes = from;
  // A weak one may stand for other bytes.
  state.validator = /^"/.exec(headers.get("etag") ?? "") ? headers.get("etag")! : undefined;
  const length = headers.get("content-length");
  const total = length === null ? undefined : state.bytes + Number(length);
  const show =
    total === undefined ? undefined : progress({ size: total }, (text) => onNotice?.(`downloading ${url} (${text})`));
  const handle = await written(partial, open(partial, from > 0 ? "a" : "w"));
  try {
    for await (const chunk of body) {
      await written(partial, handle.writeFile(chunk));
      state.bytes += chunk.length;
      progressed();
      show?.(state.bytes);
    }
    if (total !== undefined && state.bytes !== total)
      throw new TransientError(`${url} ended after ${state.bytes} of ${total} bytes`);
    await written(partial, handle.sync());
  } catch (error) {
    if (error instanceof TransientError)
      throw new TransientError(`${url} was cut after ${state.bytes} of ${total ?? "?"} bytes (${error.message})`);
    throw error;
  } finally {
    await handle.close();
  }
}
