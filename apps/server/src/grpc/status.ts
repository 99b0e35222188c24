/** Errors as gRPC's statuses, with TEI's code for each type. */
import { Metadata, status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { ServeError } from "../errors.ts";
import type { ErrorType } from "../errors.ts";

const codes: Readonly<Record<ErrorType, status>> = {
  Unhealthy: status.UNAVAILABLE,
  Backend: status.FAILED_PRECONDITION,
  Overloaded: status.RESOURCE_EXHAUSTED,
  Validation: status.INVALID_ARGUMENT,
  Tokenizer: status.FAILED_PRECONDITION,
  Empty: status.INVALID_ARGUMENT,
};

/** Where the HTTP status says more than the type. */
const byStatus: ReadonlyMap<number, status> = new Map([
  [401, status.UNAUTHENTICATED],
  [404, status.NOT_FOUND],
  [499, status.CANCELLED],
]);

/** What ends a call; `retry-after` (seconds) is among its trailing metadata. */
export function statusOf(error: ServeError): Partial<ServiceError> {
  const metadata = new Metadata();
  if (error.retryAfter !== undefined) metadata.set("retry-after", String(error.retryAfter));
  const late = error.type === "Overloaded" && error.status === 503;
  const code = late ? status.DEADLINE_EXCEEDED : (byStatus.get(error.status) ?? codes[error.type]);
  return { code: error.status === 500 ? status.INTERNAL : code, details: error.message, metadata };
}

/** Only errors that nobody foresaw are internal; the log says more of those. */
export function toServeError(error: unknown, log: { error(message: string): void }): ServeError {
  if (error instanceof ServeError) return error;
  log.error(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return new ServeError("Backend", "internal error: the server's log says more", { status: 500 });
}
