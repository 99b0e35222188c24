/** The native library, typed (native/node_functions.c). This is the only file that loads it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Address, NativeOperation } from "@modernbert-ts/device-kit";
import { CollectiveError } from "@modernbert-ts/tensor-core";

/** Of NCCL's unique id. */
export const idBytes = 128;

export interface Addon {
  /** Opens the first NCCL library among `names`, one a line; returns what is wrong. */
  open(names: string): string | undefined;
  /** 10000 · major + 100 · minor + patch. */
  version(): number;
  /** Fills `id` with a new one; returns what is wrong. */
  uniqueId(id: Uint8Array): string | undefined;
  /** What the function `join` is to join, when a stream calls it. */
  prepare(id: Uint8Array, rank: number, world: number): void;
  /** Ends what is under way; every function answers with the reason from then on. */
  giveUp(reason: string): void;
  failure(): string | undefined;
  /** An error that came behind the calls. */
  asyncError(): string | undefined;
  /** When nothing is queued any more, on any rank. */
  leave(): void;
  address(operation: NativeOperation | "join"): Address;
}

/** @throws CollectiveError when it was not built here. */
export function loadAddon(): Addon {
  const path = fileURLToPath(
    new URL(`../build/${process.platform}-${process.arch}/modernbert_nccl.node`, import.meta.url),
  );
  if (!existsSync(path))
    throw new CollectiveError(
      "joinNccl",
      `expected a native library at ${path}, found none: build it with a C compiler (node scripts/build-native.mjs in @modernbert-ts/collective-nccl)`,
    );
  const loaded = { exports: {} as Addon };
  process.dlopen(loaded, path);
  return loaded.exports;
}
