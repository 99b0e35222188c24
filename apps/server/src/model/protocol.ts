/**
 * What the HTTP thread and the model's worker say to each other. A batch travels packed (ids of all sequences one after another);
 * typed arrays are transferred, not copied. A new kind of work is one entry in `TaskResults` and one case in `worker.ts`.
 */
import type { BackendName, CpuEngineName } from "@modernbert-ts/backends";
import type { Head, Pooling, WeightFormat } from "@modernbert-ts/encoder";
import type { MaskPrediction } from "@modernbert-ts/pipelines";

/** What to compute for a sequence. Sequences can share a batch when their tasks are equal. */
export type Task =
  | { readonly kind: "embed"; readonly pooling: Pooling }
  | { readonly kind: "fill-mask"; readonly topK: number };

/** What one sequence gives. */
interface TaskResults {
  /** The pooled hidden state [hiddenSize], neither checked nor normalised. */
  readonly embed: Float32Array;
  /** Per mask, best first. */
  readonly "fill-mask": readonly (readonly MaskPrediction[])[];
}

export type TaskResult<T extends Task = Task> = TaskResults[T["kind"]];

export interface WorkerData {
  readonly folder: string;
  readonly head: Head;
  readonly backend: BackendName | "auto";
  readonly threads: number | undefined;
  readonly cpuEngine: CpuEngineName;
  readonly weights: WeightFormat;
}

export type ToWorker =
  | {
      readonly type: "run";
      readonly id: number;
      readonly task: Task;
      readonly ids: Int32Array;
      /** Borders of the sequences in `ids` [N + 1]. */
      readonly cuSeqlens: Int32Array;
    }
  | { readonly type: "close" };

export type FromWorker =
  | { readonly type: "notice"; readonly message: string }
  | { readonly type: "ready"; readonly backend: string; readonly device: string }
  | { readonly type: "load-failed"; readonly message: string }
  | { readonly type: "done"; readonly id: number; readonly results: readonly TaskResult[] }
  | { readonly type: "failed"; readonly id: number; readonly message: string };
