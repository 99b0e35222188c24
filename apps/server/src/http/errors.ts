/**
 * Any error as an answer. TEI's routes: `{error, error_type}`, plain text for what cannot be read, nothing for a missing key. OpenAI's and
 * those like them: an object that clients of OpenAI and of TEI can read. Others: always `{error, error_type}`.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { ServeError, UnreadableError } from "../errors.ts";

export type Dialect = "tei" | "openai" | "own";

/** Statuses and texts of what the framework refuses; the texts are TEI's. */
const refusals: Readonly<Record<string, readonly [status: number, message: string]>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, "Failed to parse the request body as JSON: it is empty"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    "Failed to read the request body: it is not as long as Content-Length says",
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, "Expected request with `Content-Type: application/json`"],
  FST_ERR_BAD_URL: [400, "the address is not one: a % in it is not followed by two hexadecimal digits of UTF-8"],
  FST_ERR_CTP_BODY_TOO_LARGE: [413, "Failed to buffer the request body: length limit exceeded"],
};

/** What an error means to the client. Only errors that nobody foresaw are 500. */
export function toServeError(error: unknown, request: FastifyRequest): ServeError {
  if (error instanceof ServeError) return error;
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  const refusal = code === undefined ? undefined : refusals[code];
  if (refusal) return new UnreadableError(refusal[1], { status: refusal[0] });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ServeError("Validation", message ?? "bad request", { status: statusCode });
  }
  request.log.error({ err: error }, "internal error");
  return new ServeError("Backend", "internal error: the server's log says more", { status: 500 });
}

export function sendError(error: ServeError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.retryAfter !== undefined) reply.header("retry-after", String(error.retryAfter));
  if (error.status === 401) reply.header("www-authenticate", "Bearer");
  reply.code(error.status);
  switch (dialectOf(request)) {
    case "openai":
      return reply.send(openAiBody(error));
    case "tei":
      if (error.status === 401) return reply.send();
      if (error instanceof UnreadableError) return reply.type("text/plain; charset=utf-8").send(error.message);
      return reply.send(teiBody(error));
    default:
      return reply.send(teiBody(error));
  }
}

export function teiBody({ message, type }: ServeError): object {
  return { error: message, error_type: type };
}

/** OpenAI's nested object, and beside it the flat fields that TEI has on this route. */
function openAiBody({ message, type, status }: ServeError): object {
  const kind = status >= 500 ? "server_error" : status === 429 ? "rate_limit_error" : "invalid_request_error";
  return { error: { message, type: kind, param: null, code: status }, message, code: status, type };
}

/** Whose errors the route's clients read. */
function dialectOf({ routeOptions, url }: FastifyRequest): Dialect {
  return routeOptions.config.dialect ?? (/^\/v[12]\//.test(url) ? "openai" : "own");
}
