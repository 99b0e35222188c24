/** Uploads of any bytes: whole words go as they are, bytes in words at the edges are merged on the device. */
import type { DeviceBuffer } from "./memory.ts";
import type { Stream } from "./stream.ts";

export interface Transfers {
  write(buffer: DeviceBuffer, byteOffset: number, data: Uint8Array): void;
}

/** A multiple of every alignment that WebGPU allows. */
const windowBytes = 256;

function word(bytes: Uint8Array): number {
  return new DataView(bytes.buffer).getUint32(0, true);
}

export function createTransfers(stream: Stream): Transfers {
  /** Replaces the bytes `from` … `from + part.length` of the word at `byteOffset`. */
  function mergeWord(buffer: DeviceBuffer, byteOffset: number, from: number, part: Uint8Array): void {
    const bytes = new Uint8Array(4);
    bytes.set(part, from);
    const mask = new Uint8Array(4).fill(0xff, from, from + part.length);
    const window = Math.floor(byteOffset / windowBytes) * windowBytes;
    const byteLength = Math.min(windowBytes, buffer.bytes - window);
    stream.dispatch({
      key: "merge word",
      parameters: [
        ["at", "u32", (byteOffset - window) / 4],
        ["bits", "u32", word(bytes)],
        ["mask", "u32", word(mask)],
      ],
      bindings: [{ name: "words", type: "u32", writes: true, buffer, byteOffset: window, byteLength }],
      groups: 1,
      body: () => `@compute @workgroup_size(1) fn main() { words[p.at] = (words[p.at] & ~p.mask) | p.bits; }`,
    });
  }

  return {
    write(buffer, byteOffset, data) {
      let at = byteOffset;
      let rest = data;
      const head = at % 4;
      if (head > 0 && rest.length > 0) {
        const part = rest.subarray(0, 4 - head);
        mergeWord(buffer, at - head, head, part);
        rest = rest.subarray(part.length);
        at += part.length;
      }
      const whole = rest.length - (rest.length % 4);
      if (whole > 0) stream.upload(buffer, at, rest.subarray(0, whole));
      if (whole < rest.length) mergeWord(buffer, at + whole, 0, rest.subarray(whole));
    },
  };
}
