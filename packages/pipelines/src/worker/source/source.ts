/** Where models come from, and how far opening one has come. Everything here survives structured cloning. */

/** A repository of the hub, a folder's address, or files by their paths in the folder. */
export type ModelSource =
  | { readonly kind: "hub"; readonly id: string; readonly revision: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "files"; readonly name: string; readonly files: ReadonlyMap<string, Blob> };

/** What is going on while a model is opened. */
export type Progress =
  | { readonly stage: "device" | "warm-up" }
  | {
      readonly stage: "file";
      readonly file: string;
      readonly from: "network" | "cache" | "files";
      /** Bytes. */
      readonly loaded: number;
      /** Bytes of the whole file; absent where the server does not say. */
      readonly total?: number;
      /** Which file of this model it is, from 1; their number is known at the end only. */
      readonly number: number;
    };
