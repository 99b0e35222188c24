/** A model source as a folder whose files can be opened by name. */
import { blobSource } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import type { ModelSource, Progress } from "./source.ts";
import { fetchFile } from "./fetch-file.ts";

export function openSource(source: ModelSource, onProgress: (progress: Progress) => void): Folder {
  switch (source.kind) {
    case "url":
      return {
        name: source.url,
        async open(path) {
          const blob = await fetchFile(`${source.url}/${path}`, (loaded, total) =>
            onProgress({ step: `Downloading ${path}`, loaded, ...(total !== undefined && { total }) }),
          );
          return blob && blobSource(blob, `${source.url}/${path}`);
        },
      };
    case "files":
      return {
        name: source.name,
        async open(path) {
          onProgress({ step: `Reading ${path}` });
          const file = source.files.get(path);
          return file && blobSource(file, `${source.name}/${path}`);
        },
      };
    default:
      return source satisfies never;
  }
}
