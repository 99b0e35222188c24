/** How far reading files is: a bar on a terminal, a plain line every few seconds anywhere else. Quick work shows nothing. */
import type { Writable } from "node:stream";
import { SingleBar } from "cli-progress";
import { grouped } from "../text.ts";

export interface Progress {
  update(bytes: number, records: number): void;
  stop(): void;
}

/** Milliseconds between movements of the bar, and between lines. */
const [moveEvery, lineEvery] = [200, 10_000];

export function createProgress(stream: Writable & { readonly isTTY?: boolean }, totalBytes: number): Progress {
  const options = {
    stream: stream as NodeJS.WriteStream,
    format: "{bar} {percentage}% | {status}",
    barsize: 24,
    hideCursor: true,
    linewrap: false,
    clearOnComplete: true,
  };
  const bar = stream.isTTY ? new SingleBar(options) : undefined;
  let last = performance.now();
  return {
    update(bytes, records) {
      const now = performance.now();
      if (now - last < (bar ? moveEvery : lineEvery)) return;
      last = now;
      const [done, status] = [Math.min(bytes, totalBytes), `${grouped(records)} records`];
      if (!bar) return void stream.write(`${Math.floor((100 * done) / Math.max(1, totalBytes))} % | ${status}\n`);
      if (!bar.isActive) bar.start(totalBytes, 0, { status });
      bar.update(done, { status });
    },
    stop: () => bar?.stop(),
  };
}
