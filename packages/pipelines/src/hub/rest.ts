/** A file from byte `start` on, as far as the server goes along: it may send the whole instead, which then replaces what is there. */
import { readText } from "./connection.ts";
import type { Answer, Connection } from "./connection.ts";
import { TransientError } from "./retry.ts";

export interface Rest extends Pick<Answer, "headers" | "body"> {
  /** Where `body` begins: at `start`, or at 0. */
  readonly from: number;
}

/** The server has neither the rest nor the whole of what was asked for: try again from the beginning. */
export class NoRestError extends TransientError {}

/** @param validator a strong ETag: the rest is wanted of that version only. @throws NoRestError, and as `get` */
export async function getRest(connection: Connection, url: string, start: number, validator?: string): Promise<Rest> {
  const { status, headers, body } = await connection.get(url, {
    "accept-encoding": "identity",
    ...(start > 0 && { range: `bytes=${start}-`, ...(validator !== undefined && { "if-range": validator }) }),
  });
  if (status === 206 && headers.get("content-range")?.startsWith(`bytes ${start}-`))
    return { from: start, headers, body };
  if (status !== 206 && status !== 416) return { from: 0, headers, body };
  await readText(body, 0).catch(() => {});
  throw new NoRestError(`status ${status} for the rest of ${url}`);
}
