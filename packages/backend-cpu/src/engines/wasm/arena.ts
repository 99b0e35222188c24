/**
 * The engine's WebAssembly memory: ranges are taken from free ones (first fit, neighbours merged) or by growing. The memory is shared even
 * with one thread, because a shared memory grows without detaching the arrays over it. It never shrinks: that is WebAssembly's rule.
 */
import type { MemorySource } from "../typescript/memory.ts";
import { webAssembly } from "./platform.ts";
import type { WasmMemory } from "./platform.ts";

const pageBytes = 65536;
/** The kernels' own limit (scripts/build-wasm.mjs): 4 GiB less one page. */
const maximumPages = 65535;
/** Grows by at least this, so that small requests do not grow often. */
const growPages = 64;
const alignment = 64;
/** Memory that follows whatever is handed out: kernels may read, not write, this far beyond an operand. */
const slackBytes = 64;
/** A host that refuses this maximum (64 MiB) has no room for any model. */
const leastPages = 1024;

interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Arena extends MemorySource {
  readonly memory: WasmMemory;
}

/** @param reserved Bytes from address 0 on that are never handed out. */
export function createArena(reserved: number): Arena {
  const { memory, maximum } = createMemory(Math.ceil(reserved / pageBytes), maximumPages);
  let top = roundUp(reserved);
  /** Ascending, never touching. */
  let free: Range[] = [];

  function take(size: number): number {
    const at = free.findIndex(({ start, end }) => end - start >= size);
    if (at >= 0) {
      const { start, end } = free[at]!;
      free.splice(at, 1, ...(end - start > size ? [{ start: start + size, end }] : []));
      return start;
    }
    growTo(top + size + slackBytes);
    const start = top;
    top += size;
    return start;
  }

  function growTo(bytes: number): void {
    const pages = memory.buffer.byteLength / pageBytes;
    const missing = Math.ceil(bytes / pageBytes) - pages;
    if (missing <= 0) return;
    const room = maximum - pages;
    // Throws a RangeError when the host has no room.
    memory.grow(missing > room ? missing : Math.min(room, Math.max(missing, growPages)));
  }

  return {
    memory,
    allocate(size) {
      const start = take(roundUp(size));
      return new Uint8Array(memory.buffer, start, size);
    },
    free({ byteOffset, byteLength }) {
      let [start, end] = [byteOffset, byteOffset + roundUp(byteLength)];
      const apart: Range[] = [];
      for (const range of free) {
        if (range.end === start) start = range.start;
        else if (range.start === end) end = range.end;
        else apart.push(range);
      }
      if (end === top) top = start;
      else apart.push({ start, end });
      free = apart.sort((a, b) => a.start - b.start);
    },
  };
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** Some hosts (mobile browsers) refuse a large maximum outright, as if it were all taken at once. */
function createMemory(initial: number, maximum: number): { memory: WasmMemory; maximum: number } {
  const { Memory } = webAssembly()!;
  try {
    return { memory: new Memory({ initial, maximum, shared: true }), maximum };
  } catch (error) {
    if (maximum < leastPages) throw error;
    return createMemory(initial, Math.floor(maximum / 2));
  }
}
