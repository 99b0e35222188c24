/** Opens the native engine: library, instruction set, threads. */
import { availableParallelism } from "node:os";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { nativeBackend } from "./backend.ts";
import { loadNativeLibrary } from "./library.ts";
import type { InstructionSet, NativeLibrary } from "./library.ts";

export interface NativeOptions {
  /** Threads of the native engine; default: all cores that this process may use. */
  readonly threads?: number;
  /** Instruction set of the native engine (`amx`, `avx512`, `avx2`, `neon`, `baseline`); default: MODERNBERT_CPU_ISA, or the best of this machine. */
  readonly instructionSet?: string;
}

/** Loads the library; the function it resolves to makes backends. Rejects where the native engine cannot run, with what to do. */
export async function loadNativeEngine(): Promise<(options: NativeOptions) => Backend> {
  const library = await loadNativeLibrary();
  return (options) => {
    const { threads = availableParallelism() } = options;
    if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
      throw new TensorError("createCpuBackend", `expected 1 to 1024 threads, got ${threads}`);
    }
    return nativeBackend(library, chooseInstructionSet(library, options.instructionSet), threads);
  };
}

function chooseInstructionSet(
  library: NativeLibrary,
  asked: string | undefined = process.env["MODERNBERT_CPU_ISA"],
): InstructionSet {
  const supported = library.instructionSets.filter((set) => set.supported);
  const chosen = asked ? supported.find((set) => set.name === asked) : supported[0];
  if (chosen) return chosen;
  const names = supported.map((set) => set.name).join(", ");
  throw new TensorError(
    "createCpuBackend",
    `expected an instruction set of this machine (${names}), got ${asked ?? "none"}`,
  );
}
