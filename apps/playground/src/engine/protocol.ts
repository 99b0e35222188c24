/** What the page and the worker say to each other. Everything here survives structured cloning. */
import type { MaskPrediction } from "@modernbert-ts/pipelines/browser";
import type { ModelSource, Progress } from "../source/source.ts";

/** What to run on: a GPU if there is one, software adapters too, or the CPU. */
export type DeviceName = "auto" | "webgpu" | "cpu";

export interface Device {
  /** One line for people. */
  readonly name: string;
  /** Why it is not the GPU; absent when it is. */
  readonly fallback?: string;
}

/** A loaded model. */
export interface ModelReport {
  readonly name: string;
  readonly device: Device;
  readonly head: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly parameters: number;
  /** How its tokenizer writes a mask; absent when it cannot fill masks. */
  readonly mask?: string;
}

/** What an answer cost. */
export interface Cost {
  readonly milliseconds: number;
  readonly tokens: number;
  /** Of the device, in bytes. */
  readonly memory: number;
}

export interface FillMaskAnswer {
  /** For each mask, best first. */
  readonly masks: readonly (readonly MaskPrediction[])[];
  readonly cost: Cost;
}

export interface SimilarityAnswer {
  /** Cosines of all pairs, row by row. */
  readonly cosines: Float32Array;
  readonly cost: Cost;
}

/** The worker's operations: argument and result. */
export interface Operations {
  load: { argument: { readonly source: ModelSource; readonly device: DeviceName }; result: ModelReport };
  fillMask: { argument: { readonly text: string; readonly topK: number }; result: FillMaskAnswer };
  similarity: { argument: { readonly texts: readonly string[] }; result: SimilarityAnswer };
}

export type OperationName = keyof Operations;

export type Request = {
  [Name in OperationName]: {
    readonly id: number;
    readonly name: Name;
    readonly argument: Operations[Name]["argument"];
  };
}[OperationName];

export type Reply =
  | { readonly kind: "result"; readonly id: number; readonly result: Operations[OperationName]["result"] }
  | { readonly kind: "error"; readonly id: number; readonly message: string }
  | { readonly kind: "progress"; readonly progress: Progress };
