/** Sources that are not on this machine: addresses of files, and datasets of the Hugging Face hub. They are brought into the cache. */
import { downloadDataset, downloadFile } from "@modernbert-ts/pipelines";
import { DataError } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";

/** hf://OWNER/NAME, then its configuration and split where there are several. */
const dataset = /^hf:\/\/([\w.-]+\/[\w.-]+)(?:\/([^/]+))?(?:\/([^/]+))?\/?$/;

/** Paths on this machine, in the order of `inputs`, each with the input that it stands for. @throws UserError that names the source that cannot be had. */
export async function localInputs(
  inputs: readonly string[],
  onNotice: (notice: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  for (const input of inputs) {
    try {
      for (const path of await bring(input, onNotice)) paths.set(path, input);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`cannot get ${input}: ${(error as Error).message}`, { cause: error });
    }
  }
  return paths;
}

/** Says of an error about a file in the cache where that came from. */
export function nameOrigin(error: unknown, paths: ReadonlyMap<string, string>): void {
  if (!(error instanceof DataError)) return;
  for (const [path, input] of paths)
    if (path !== input && error.message.includes(path))
      error.message += `; this is ${input} as it was downloaded: delete it to get it again`;
}

async function bring(input: string, onNotice: (notice: string) => void): Promise<readonly string[]> {
  if (/^https?:\/\//.test(input)) {
    if (!URL.canParse(input)) throw new UserError(`expected the address of a file, got ${input}`);
    return [await downloadFile(input, onNotice)];
  }
  if (!input.startsWith("hf://")) return [input];
  const [, name, config, split] = dataset.exec(input) ?? [];
  if (name === undefined)
    throw new UserError(`expected hf://OWNER/NAME, or with /CONFIGURATION/SPLIT behind it, got ${input}`);
  return downloadDataset({ name, config, split }, onNotice);
}
