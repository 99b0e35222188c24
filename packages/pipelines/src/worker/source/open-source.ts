/** A model source as a folder whose files can be opened by name. */
import { blobSource } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { hubFolder } from "./hub-folder.ts";
import type { ModelSource } from "./source.ts";
import { webFolder } from "./web-folder.ts";
import type { WebFolderOptions } from "./web-folder.ts";

export interface SourceOptions extends Omit<WebFolderOptions, "immutable"> {
  /** The hub's address. */
  readonly hub: string;
}

export async function openSource(source: ModelSource, options: SourceOptions): Promise<Folder> {
  switch (source.kind) {
    case "hub":
      return hubFolder(options.hub, source, options);
    case "url":
      return webFolder(source.url, source.url, { ...options, immutable: false });
    case "files": {
      let number = 0;
      return {
        name: source.name,
        async open(path) {
          options.signal.throwIfAborted();
          const file = source.files.get(path);
          if (!file) return undefined;
          const { size } = file;
          options.onProgress({ stage: "file", file: path, from: "files", loaded: size, total: size, number: ++number });
          return blobSource(file, `${source.name}/${path}`);
        },
      };
    }
    default:
      return source satisfies never;
  }
}
