/** Which model an adapter was trained beside: its path and the hashes of its weights, in a file beside the adapter. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../errors.ts";
import { fileSha256 } from "../files/fingerprint.ts";
import { adapterFiles } from "./adapter-tensors.ts";

interface Base {
  readonly path: string;
  /** Of each .safetensors file, by name. */
  readonly sha256: Readonly<Record<string, string>>;
}

/** The text of the file, which says what lies in the folder. */
export async function baseText(folder: string): Promise<string> {
  return `${JSON.stringify({ path: folder, sha256: await hashesOf(folder) } satisfies Base, null, 2)}\n`;
}

/** @throws DataError `mismatch` where an adapter that says so was trained beside other weights; those made by PEFT do not say. */
export async function expectSameBase(adapter: string, base: string): Promise<void> {
  const path = join(adapter, adapterFiles.base);
  if (!existsSync(path)) return;
  const wanted = JSON.parse(readFileSync(path, "utf8")) as Base;
  const found = await hashesOf(base);
  const files = [...new Set([...Object.keys(wanted.sha256), ...Object.keys(found)])];
  const other = files.find((file) => wanted.sha256[file] !== found[file]);
  if (other === undefined) return;
  throw new DataError(
    "mismatch",
    "lora",
    `expected the weights that ${adapter} was trained beside (${wanted.path}), got others in ${join(base, other)}`,
  );
}

async function hashesOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
  return Object.fromEntries(
    await Promise.all(files.sort().map(async (name) => [name, await fileSha256(join(folder, name))] as const)),
  );
}
