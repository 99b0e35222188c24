/** Files that a person picked or dropped, as a model source. */
import { ModelNotFoundError } from "../../errors.ts";
import type { ModelSource } from "./source.ts";

/** The folder that holds config.json, wherever it lies in what was given. @throws ModelNotFoundError where there is none. */
export function modelFiles(files: ReadonlyMap<string, Blob>): ModelSource {
  const configs = [...files.keys()].filter((path) => /(^|\/)config\.json$/.test(path) && !path.includes("1_Pooling/"));
  const config = configs.toSorted((a, b) => a.length - b.length)[0];
  if (config === undefined) {
    throw new ModelNotFoundError(
      "expected a folder with config.json, model.safetensors and tokenizer.json, got no config.json: choose the model's folder",
    );
  }
  const root = config.slice(0, -"config.json".length);
  const inside = [...files].filter(([path]) => path.startsWith(root));
  return {
    kind: "files",
    name: root.slice(0, -1) || "the files",
    files: new Map(inside.map(([path, file]) => [path.slice(root.length), file])),
  };
}
