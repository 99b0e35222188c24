/** The native library, typed (native/node_functions.c). This is the only file that loads it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CollectiveError } from "@modernbert-ts/tensor-core";
import type { Address, NativeOperation } from "@modernbert-ts/device-kit";

/** C's `mb_state`. */
export const states = { closed: 0, starting: 1, joined: 2, failed: 3, left: 4 } as const;

export interface Addon {
  /** Opens the first MPI library among `names`, one a line; returns what is wrong. */
  open(names: string): string | undefined;
  /** Starts MPI on a thread of its own; `silence` in milliseconds, see joinMpi. false: no thread. */
  join(silence: number): boolean;
  /** One of `states`. */
  state(): number;
  rank(): number;
  world(): number;
  /** The name of the library's binary interface. */
  abi(): string | undefined;
  /** Why the ranks have failed. */
  failure(): string | undefined;
  giveUp(reason: string): void;
  /** Begins to leave; the state becomes `left` when all ranks have. */
  leave(): void;
  /** Blocks, for two seconds at most, until other ranks know that this one is gone. */
  quit(): void;
  address(operation: NativeOperation): Address;
}

/** @throws CollectiveError when it was not built here. */
export function loadAddon(): Addon {
  const path = fileURLToPath(
    new URL(`../build/${process.platform}-${process.arch}/modernbert_mpi.node`, import.meta.url),
  );
  if (!existsSync(path))
    throw new CollectiveError(
      "joinMpi",
      `expected a native library at ${path}, found none: build it with a C compiler (node scripts/build-native.mjs in @modernbert-ts/collective-mpi)`,
    );
  const loaded = { exports: {} as Addon };
  process.dlopen(loaded, path);
  return loaded.exports;
}
