/** The small JSON files of a model folder: whole objects or arrays, or one line that says which file is not one. */
import { CheckpointError, isJsonObject } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import { readText } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";

/** undefined where there is no such file. @throws CheckpointError on anything but an object. */
export async function readJsonObject(folder: Folder, path: string): Promise<JsonObject | undefined> {
  const value = await readJson(folder, path, "object");
  if (value === undefined || isJsonObject(value)) return value;
  throw notA("object", `${folder.name}/${path}`, Array.isArray(value) ? "an array" : JSON.stringify(value));
}

/** undefined where there is no such file. @throws CheckpointError on anything but an array of objects. */
export async function readJsonObjects(folder: Folder, path: string): Promise<readonly JsonObject[] | undefined> {
  const value = await readJson(folder, path, "array");
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => isJsonObject(item))) return value as readonly JsonObject[];
  throw notA("array of objects", `${folder.name}/${path}`, "something else");
}

async function readJson(folder: Folder, path: string, expected: string): Promise<unknown> {
  const text = await readText(folder, path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw notA(expected, `${folder.name}/${path}`, "text that is not JSON");
  }
}

function notA(expected: string, file: string, found: string): CheckpointError {
  return new CheckpointError(
    "readFolder",
    `expected a JSON ${expected} in ${file}, got ${found}: download or save it again`,
  );
}

/**
 * A field of such a file, undefined where it is absent or null.
 * @throws CheckpointError where `fits` refuses it.
 */
export function field<T>(
  { name }: Folder,
  path: string,
  object: JsonObject | undefined,
  key: string,
  expected: string,
  fits: (value: unknown) => value is T,
): T | undefined {
  const value = object?.[key] ?? undefined;
  if (value === undefined || fits(value)) return value;
  throw new CheckpointError(
    "readFolder",
    `expected ${key} in ${name}/${path} to be ${expected}, got ${JSON.stringify(value)}`,
  );
}

export const isText = (value: unknown): value is string => typeof value === "string";
export const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
export const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
export const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;
