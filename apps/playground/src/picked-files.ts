/** Files that a person picked or dropped, by their paths. */

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

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") === true;
}

/** The whole page takes a folder that is dragged onto it. */
export function acceptDrops(onDrop: (transfer: DataTransfer) => void): void {
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dragging");
    if (!hasFiles(event)) return;
    event.preventDefault();
    onDrop(event.dataTransfer!);
  });
}
