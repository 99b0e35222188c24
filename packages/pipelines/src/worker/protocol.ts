/** What a page and its worker say to each other. Everything here survives structured cloning. */
import type { Head } from "@modernbert-ts/encoder";
import type { PackOptions } from "../sequences.ts";
import type { PrepareOptions, TaskAnswer, TaskName } from "../tasks/registry.ts";
import type { DeviceName, DeviceReport } from "./device.ts";
import type { ErrorMessage } from "./errors.ts";
import type { ModelSource, Progress } from "./source/source.ts";

/** How a worker works; all models of it share one device. */
export interface WorkerSettings {
  /** Default: auto. */
  readonly device?: DeviceName;
  /** The hub's address, default https://huggingface.co. */
  readonly hub?: string;
  /** Bytes of model files that the browser keeps for the next visit, the oldest leaving first; 0 keeps none. Default: 4 GB. */
  readonly keepBytes?: number;
  /** Milliseconds without a byte after which a download is given up, default 30,000. */
  readonly patience?: number;
}

/** A model that is open. */
export interface ModelReport {
  readonly name: string;
  readonly device: DeviceReport;
  readonly head: Head;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly parameters: number;
  /** The longest text in tokens, special tokens included. */
  readonly maxLength: number;
  readonly vocabSize: number;
  /** Names of the classes; of a model without classes, none. */
  readonly labels: readonly string[];
  /** How its tokenizer writes a mask; absent where it has none. */
  readonly mask?: string;
  /** Names of the prompts that its folder knows. */
  readonly prompts: readonly string[];
  /** What it can be asked. */
  readonly tasks: readonly TaskName[];
}

/** What an answer cost. */
export interface Cost {
  readonly milliseconds: number;
  readonly tokens: number;
  /** Of the device, in bytes. */
  readonly memory: number;
}

export interface TaskResult<N extends TaskName = TaskName> {
  /** One per input. */
  readonly answers: readonly TaskAnswer<N>[];
  readonly cost: Cost;
}

/** A task's own options, and: */
export type RunOptions<N extends TaskName> = Omit<PrepareOptions<N>, "name"> &
  Omit<PackOptions, "signal"> & {
    /** What errors call each input, such as "line 3"; by default "text 0", "text 1", … */
    readonly names?: readonly string[];
  };

/** A token of a text. */
export interface TokenView {
  readonly id: number;
  /** As the vocabulary writes it. */
  readonly token: string;
  /** Where it stands in the text, in UTF-16 units; undefined of a token that the tokenizer adds. */
  readonly place?: readonly [start: number, end: number];
}

export interface OpenModel {
  /** What further calls name it by. */
  readonly model: number;
  readonly report: ModelReport;
}

/** The worker's operations: argument and result. */
export interface Operations {
  open: { argument: { readonly source: ModelSource }; result: OpenModel };
  run: {
    argument: {
      readonly model: number;
      readonly task: TaskName;
      readonly inputs: readonly unknown[];
      readonly options: { readonly names?: readonly string[] };
    };
    result: TaskResult;
  };
  tokenize: { argument: { readonly model: number; readonly text: string }; result: readonly TokenView[] };
  close: { argument: { readonly model: number }; result: undefined };
  keptBytes: { argument: undefined; result: number };
  clearKept: { argument: undefined; result: undefined };
}

export type OperationName = keyof Operations;

export type Request =
  | { readonly kind: "settings"; readonly settings: WorkerSettings }
  | { readonly kind: "cancel"; readonly id: number }
  | {
      readonly kind: "call";
      readonly id: number;
      readonly name: OperationName;
      readonly argument: Operations[OperationName]["argument"];
    };

export type Reply =
  | { readonly kind: "result"; readonly id: number; readonly result: Operations[OperationName]["result"] }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorMessage }
  | { readonly kind: "progress"; readonly id: number; readonly progress: Progress }
  | { readonly kind: "notice"; readonly notice: string };
