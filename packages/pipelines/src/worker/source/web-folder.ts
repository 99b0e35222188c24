/** A model folder over HTTP whose files are kept: asked for again only where the server may have others. */
import { blobSource } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { DownloadError } from "./download-error.ts";
import { fetchFile, hasVersion } from "./fetch-file.ts";
import type { Fetching } from "./fetch-file.ts";
import type { KeptFile, KeptFiles } from "./kept-files.ts";
import type { Progress } from "./source.ts";

export interface WebFolderOptions extends Fetching {
  readonly kept: KeptFiles;
  readonly onProgress: (progress: Progress) => void;
  readonly onNotice: (notice: string) => void;
  /** The files behind this address never change. */
  readonly immutable: boolean;
}

export function webFolder(name: string, base: string, options: WebFolderOptions): Folder {
  let number = 0;
  return {
    name,
    async open(path) {
      const url = `${base}/${path}`;
      const mine = number + 1;
      const { blob } = await latestFile(url, options, (from, loaded, total) => {
        number = Math.max(number, mine);
        options.onProgress({
          stage: "file",
          file: path,
          from,
          loaded,
          number: mine,
          ...(total !== undefined && { total }),
        });
      });
      return blob && blobSource(blob, url);
    },
  };
}

type OnBytes = (from: "network" | "cache", loaded: number, total: number | undefined) => void;

/** A file as the server has it; without an answer, as it is kept. @throws DownloadError and what an aborted signal says. */
export async function latestFile(
  url: string,
  options: Omit<WebFolderOptions, "onProgress">,
  onBytes: OnBytes,
): Promise<KeptFile> {
  const { kept, immutable, onNotice } = options;
  const old = await kept.find(url);
  const ofCache = (file: KeptFile): KeptFile => {
    if (file.blob) onBytes("cache", file.blob.size, file.blob.size);
    return file;
  };
  if (old && immutable) return ofCache(old);
  try {
    if (old?.blob && old.validator !== undefined && (await hasVersion(url, old.validator, options)))
      return ofCache(old);
    const got = await fetchFile(url, options, (loaded, total) => onBytes("network", loaded, total));
    const file = got ?? { blob: undefined, validator: undefined };
    await kept.keep(url, file);
    return file;
  } catch (error) {
    if (!old || !(error instanceof DownloadError) || error.status !== undefined) throw error;
    onNotice("the server gives no answer: using the files that this browser has kept");
    return ofCache(old);
  }
}
