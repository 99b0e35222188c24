/** What a source is, and how far opening it has come. Everything here survives structured cloning. */

/** Where a model comes from: a folder's address, or files by their paths in it. */
export type ModelSource =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "files"; readonly name: string; readonly files: ReadonlyMap<string, File> };

/** How far a load is. `total` is absent where the server does not say. */
export interface Progress {
  readonly step: string;
  readonly loaded?: number;
  readonly total?: number;
}
