/**
 * What the HTTP thread and the model's worker say to each other, whatever the task is. A batch travels packed (tokens of all sequences
 * one after another) and is computed as it is; typed arrays are transferred, not copied.
 */
import type { BackendName, CpuEngineName } from "@modernbert-ts/backends";
import type { Head, PackedBatch, WeightFormat } from "@modernbert-ts/encoder";
import type { TaskCall, TaskName, TaskOutput } from "@modernbert-ts/pipelines";
import type { PrecisionName } from "@modernbert-ts/tensor-core";

/** What to compute for a sequence. Sequences can share a batch when their tasks are equal. */
export type Task<N extends TaskName = TaskName> = TaskCall<N>;

/** What one sequence gives; a text may take several (infer.ts). */
export type TaskResult<N extends TaskName = TaskName> = TaskOutput<N>;

export interface WorkerData {
  readonly folder: string;
  readonly head: Head;
  readonly backend: BackendName | "auto";
  readonly threads: number | undefined;
  readonly cpuEngine: CpuEngineName;
  readonly dtype: PrecisionName;
  readonly weights: WeightFormat | undefined;
}

export type ToWorker =
  | {
      readonly type: "run";
      readonly id: number;
      readonly task: Task;
      readonly pack: PackedBatch;
    }
  | { readonly type: "close" };

export type FromWorker =
  | { readonly type: "notice"; readonly message: string }
  | {
      readonly type: "ready";
      readonly backend: string;
      readonly device: string;
      /** Tokens per ms of a forward pass. */
      readonly speed: number;
      /** Memory that the model takes on its device. */
      readonly bytes: number;
    }
  | { readonly type: "load-failed"; readonly message: string }
  | { readonly type: "done"; readonly id: number; readonly results: readonly TaskResult[] }
  | { readonly type: "failed"; readonly id: number; readonly message: string };
