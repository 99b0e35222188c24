/**
 * What can go wrong with a request, in the terms of text-embeddings-inference (TEI): a closed set of types, each with its
 * HTTP status. `http/errors.ts` writes them down for TEI's clients and for OpenAI's.
 */

export type ErrorType = "Unhealthy" | "Backend" | "Overloaded" | "Validation" | "Tokenizer" | "Empty";

const statuses: Readonly<Record<ErrorType, number>> = {
  Unhealthy: 503,
  Backend: 424,
  Overloaded: 429,
  Validation: 422,
  Tokenizer: 422,
  Empty: 400,
};

export interface ServeErrorOptions extends ErrorOptions {
  /** Where it differs from the type's own. */
  readonly status?: number;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number;
}

export class ServeError extends Error {
  readonly type: ErrorType;
  readonly status: number;
  readonly retryAfter: number | undefined;

  constructor(type: ErrorType, message: string, options: ServeErrorOptions = {}) {
    super(message, options);
    this.name = "ServeError";
    this.type = type;
    this.status = options.status ?? statuses[type];
    this.retryAfter = options.retryAfter;
  }
}

/**
 * A request that cannot be read as what its route takes: no JSON, a field of another type, another content type, too long. TEI's framework
 * answers these in plain text.
 */
export class UnreadableError extends ServeError {
  constructor(message: string, options: ServeErrorOptions = {}) {
    super("Validation", message, options);
    this.name = "UnreadableError";
  }

  /** 422: a body of JSON that is of another shape. */
  static mistyped(message: string): UnreadableError {
    return new UnreadableError(`Failed to deserialize the JSON body into the target type: ${message}`);
  }

  /** 400: a body that is no JSON. */
  static noJson(message: string): UnreadableError {
    return new UnreadableError(`Failed to parse the request body as JSON: ${message}`, { status: 400 });
  }
}

/** The server cannot be started as it was asked to; the message says what to do. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(/^\[[^\]]+\] /.test(message) ? message : `[modernbert-serve] ${message}`, options);
    this.name = "StartError";
  }

  /** What kept the model from being read or loaded, in its own words. */
  static of(error: unknown): StartError {
    if (error instanceof StartError) return error;
    return new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
