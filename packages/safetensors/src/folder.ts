/**
 * A folder of files wherever it is (a disk, a URL, files dropped on a page): whoever can open a file by name gets config, tokenizer and
 * weights read by the same code.
 */

import type { ByteSource } from "./reader.ts";

/** Files with random access, by relative path. */
export interface Folder {
  /** Names the folder in errors. */
  readonly name: string;
  /** Opens a file, which the caller closes; undefined where there is none. */
  open(path: string): Promise<ByteSource | undefined>;
}
