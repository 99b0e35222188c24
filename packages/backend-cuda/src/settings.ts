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

const prefix = "MODERNBERT_CUDA_";
const flag = ["0", "1"];

/** What the variables may say; null: a path, or a fault (native/simt/faults.cpp). */
const variables: Readonly<Record<string, readonly string[] | null>> = {
  LIBRARY: null,
  LIBRARY_PATH: null,
  SYNC: flag,
  GUARD: flag,
  GRAPHS: flag,
  TIMELINE: null,
  TUNE: flag,
  EMULATE: flag,
  EMULATE_ARCHITECTURE: ["80", "86", "89", "90", "100", "120"],
  EMULATED_LIBRARY: null,
  EMULATED_FAULT: null,
  FIBER_ORDER: ["forward", "backward", "shuffled"],
};

/** @throws TensorError for a variable MODERNBERT_CUDA_… that there is not, or that says what it cannot. An empty one says nothing. */
export function checkVariables(environment: Readonly<Record<string, string | undefined>> = process.env): void {
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || !value) continue;
    const variable = name.slice(prefix.length);
    if (!Object.hasOwn(variables, variable)) {
      const known = Object.keys(variables).map((each) => prefix + each);
      throw new TensorError("createCudaBackend", `expected variables among ${known.join(", ")}, got ${name}`);
    }
    const choices = variables[variable];
    if (!choices || choices.includes(value)) continue;
    throw new TensorError("createCudaBackend", `expected ${name} to be ${choices.join(" or ")}, got "${value}"`);
  }
}

/** Of the second backend on, each has a timeline of its own. */
let timelines = 0;

/** Reads MODERNBERT_CUDA_SYNC, _GRAPHS, _GUARD and _TIMELINE. @throws TensorError where no timeline can be written. */
export function engineSettings(): EngineSettings {
  return {
    synchronizes: isSet("SYNC", "0"),
    graphs: isSet("GRAPHS", "1"),
    guarded: isSet("GUARD", "0"),
    timeline: timelinePath(process.env[`${prefix}TIMELINE`] ?? ""),
  };
}

/** Whether a variable is 1. */
function isSet(name: string, usual: "0" | "1"): boolean {
  return (process.env[prefix + name] || usual) === "1";
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
