/** What the environment asks of the engine, for finding faults and slow commands. */
import { openSync, closeSync } from "node:fs";
import { TensorError } from "@modernbert-ts/tensor-core";

export interface EngineSettings {
  /** Waits after each command, so that an error names the one that failed. */
  readonly synchronizes: boolean;
  /** Captured commands become a CUDA graph. */
  readonly graphs: boolean;
  /** Guard bytes lie round every buffer. */
  readonly guarded: boolean;
  /** Where the times of all commands are written when the backend ends; "" for nowhere. */
  readonly timeline: string;
}

/** Of the second backend on, each has a timeline of its own. */
let timelines = 0;

/** Reads MODERNBERT_CUDA_SYNC, _GRAPHS, _GUARD and _TIMELINE. @throws TensorError where no timeline can be written. */
export function engineSettings(): EngineSettings {
  return {
    synchronizes: flag("SYNC", "0"),
    graphs: flag("GRAPHS", "1"),
    guarded: flag("GUARD", "0"),
    timeline: timelinePath(process.env["MODERNBERT_CUDA_TIMELINE"] ?? ""),
  };
}

/** Whether a variable is 1. */
function flag(name: string, usual: "0" | "1"): boolean {
  return (process.env[`MODERNBERT_CUDA_${name}`] || usual) === "1";
}

function timelinePath(asked: string): string {
  if (asked === "") return "";
  const path = timelines++ === 0 ? asked : `${asked}.${timelines}`;
  try {
    closeSync(openSync(path, "w"));
    return path;
  } catch (cause) {
    throw new TensorError("createCudaBackend", `expected a file to write for MODERNBERT_CUDA_TIMELINE, got ${path}`, {
      cause,
    });
  }
}
