/** A page with the worker client on its global object, where tests call it. */
import * as client from "@modernbert-ts/pipelines/worker";

/** What a call rejects with, as plain data; `known`: it is of a class of its own, not a bare Error. */
async function errorOf(work: Promise<unknown>) {
  const error = await work.then(
    () => new Error("expected a rejection"),
    (reason: Error) => reason,
  );
  const { name, message } = error;
  return { ...error, name, message, known: Object.getPrototypeOf(error) !== Error.prototype };
}

declare global {
  // A page's functions are reached through its global object.
  var client: typeof import("@modernbert-ts/pipelines/worker");
  var errorOf: (work: Promise<unknown>) => Promise<{ readonly name: string; readonly message: string }>;
}
globalThis.client = client;
globalThis.errorOf = errorOf;
