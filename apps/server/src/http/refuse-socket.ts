/** What cannot be read as HTTP is answered in the shape of all other errors, and its connection closed. */
import type { Socket } from "node:net";
import { ServeError } from "../errors.ts";
import { teiBody } from "./errors.ts";

const refusals: Readonly<Record<string, readonly [status: number, phrase: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large", "the request's headers are too long"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout", "the request took too long to arrive"],
};

/** The refusal, where there is still somebody to read it. */
export function refuseSocket(error: Error & { code?: string }, socket: Socket): ServeError | undefined {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  const [status, phrase, message] = refusals[error.code ?? ""] ?? [
    400,
    "Bad Request",
    `the request is not HTTP: ${error.message}`,
  ];
  const refusal = new ServeError("Validation", message, { status });
  const body = JSON.stringify(teiBody(refusal));
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  return refusal;
}
