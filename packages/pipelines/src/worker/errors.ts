/** Errors on their way from one thread to another: what the worker throws is thrown in the page as the same class. */
import { BackendUnavailableError } from "@modernbert-ts/backends";
import { BatchError, CheckpointError, ConfigError } from "@modernbert-ts/encoder";
import { SafetensorsError } from "@modernbert-ts/safetensors";
import {
  DeviceLostError,
  DeviceValueError,
  DTypeError,
  OutOfMemoryError,
  ShapeError,
  TensorError,
  UnsupportedError,
} from "@modernbert-ts/tensor-core";
import { TokenizerError } from "@modernbert-ts/tokenizer";
import { InputError, ModelNotFoundError, TextTooLongError, UnsuitableModelError } from "../errors.ts";
import { DownloadError } from "./source/download-error.ts";

/** The worker ended, or never began: nothing that was asked of it will be answered. */
export class WorkerLostError extends Error {
  override readonly name = "WorkerLostError";
}

/** By names that minifiers leave alone; a class stands before the one that it extends. */
const classes: Readonly<Record<string, { readonly prototype: Error }>> = {
  BatchError,
  CheckpointError,
  ConfigError,
  DeviceLostError,
  DeviceValueError,
  DTypeError,
  OutOfMemoryError,
  ShapeError,
  TextTooLongError,
  InputError,
  UnsuitableModelError,
  UnsupportedError,
  TensorError,
  BackendUnavailableError,
  DownloadError,
  ModelNotFoundError,
  SafetensorsError,
  TokenizerError,
};

/** An error as plain data. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  /** What else it says, such as `operation`, `file`, `status`. */
  readonly fields: Readonly<Record<string, string | number>>;
}

export function errorMessage(error: unknown): ErrorMessage {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), fields: {} };
  const known = Object.entries(classes).find(([, { prototype }]) =>
    Object.prototype.isPrototypeOf.call(prototype, error),
  );
  const fields = Object.entries(error).filter(
    ([key, value]) => key !== "name" && ["string", "number"].includes(typeof value),
  );
  return { name: known?.[0] ?? error.name, message: error.message, fields: Object.fromEntries(fields) };
}

export function errorOf({ name, message, fields }: ErrorMessage): Error {
  const error = Object.assign(new Error(message), fields);
  Object.defineProperty(error, "name", { value: name, configurable: true });
  const known = Object.hasOwn(classes, name) ? classes[name] : undefined;
  return known ? (Object.setPrototypeOf(error, known.prototype) as Error) : error;
}
