/** Files that a person picked or dropped, as a model source. */
import type { ModelSource } from "./source.ts";

/** Of a folder picker: paths begin with the folder's name. */
export function filesOfInput(files: Iterable<File>): Map<string, File> {
  return new Map(Array.from(files, (file) => [file.webkitRelativePath || file.name, file]));
}

/** Of a drop: folders are walked, single files taken as they are. Call it while the event is handled; later its items are empty. */
export async function filesOfDrop(transfer: DataTransfer): Promise<Map<string, File>> {
  const dropped = Array.from(transfer.items, (item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const found = new Map<string, File>();
  for (const each of dropped) {
    if (each instanceof File) found.set(each.name, each);
    else if (each) await walk(each, found);
  }
  return found;
}

async function walk(entry: FileSystemEntry, found: Map<string, File>): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.set(entry.fullPath.replace(/^\//, ""), file);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives its entries in portions, the last of them empty.
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) return;
    for (const child of portion) await walk(child, found);
  }
}

/** The folder that holds config.json, wherever it lies in what was given. */
export function modelSource(files: ReadonlyMap<string, File>): ModelSource {
  const configs = [...files.keys()].filter((path) => /(^|\/)config\.json$/.test(path) && !path.includes("1_Pooling/"));
  const config = configs.toSorted((a, b) => a.length - b.length)[0];
  if (config === undefined) {
    throw new Error(
      "[playground] expected a folder with config.json, model.safetensors and tokenizer.json, got no config.json: choose the model's folder",
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
