/** What the training thread and the thread that makes its batches tell each other. */
import type { MessagePort } from "node:worker_threads";
import type { Batch } from "../packing/batch.ts";

/** Begin anew at a loader's state, `tokens` of all ranks before it. */
export interface Begin {
  readonly kind: "begin";
  /** Of everything that is sent from here on: what is older is passed over. */
  readonly generation: number;
  readonly state: unknown;
  readonly tokens: number;
}

export type Request = Begin | { readonly kind: "taken" };

export type Reply =
  | {
      readonly generation: number;
      /** The clock that the batch was made for. */
      readonly tokens: number;
      /** undefined at the end of the data. */
      readonly batch: Batch<unknown> | undefined;
      /** The loader's state behind it. */
      readonly state: unknown;
    }
  | { readonly generation: number; readonly error: { readonly name: string; readonly message: string } };

/** What a worker is given at its start. */
export interface Channel {
  readonly port: MessagePort;
}
