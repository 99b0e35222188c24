/** What a person sees while texts are tokenized: a bar on a terminal, a plain line every few seconds anywhere else. */
import { SingleBar } from "cli-progress";
import { formatCount, formatDuration } from "../format.ts";
import type { PrepareProgress } from "./options.ts";

export interface PrepareView {
  readonly onProgress: (progress: PrepareProgress) => void;
  /** Prints a line of its own. */
  readonly note: (line: string) => void;
  readonly stop: () => void;
}

interface ViewOptions {
  readonly stream?: NodeJS.WriteStream;
  /** Milliseconds between plain lines, and between movements of the bar. */
  readonly lineEvery?: number;
  readonly moveEvery?: number;
  readonly now?: () => number;
}

export function createPrepareView({
  stream = process.stderr,
  lineEvery = 5000,
  moveEvery = 100,
  now = () => performance.now(),
}: ViewOptions = {}): PrepareView {
  const bar = stream.isTTY
    ? new SingleBar({
        stream,
        hideCursor: true,
        barsize: 24,
        format: "{bar} {percentage}% | {status}",
        linewrap: false,
      })
    : undefined;
  const every = bar ? moveEvery : lineEvery;
  const rate = new Rate();
  let last = now();
  return {
    onProgress(progress) {
      const time = now();
      if (time - last < every) return;
      last = time;
      const status = describe(progress, rate.add(progress.bytes, time / 1000));
      if (bar === undefined) return void stream.write(`${status}\n`);
      if (!bar.isActive) bar.start(progress.totalBytes, 0, { status });
      bar.update(Math.min(progress.bytes, progress.totalBytes), { status });
    },
    note(line) {
      stream.write(bar?.isActive ? `\r\u001B[K${line}\n` : `${line}\n`);
    },
    stop: () => bar?.stop(),
  };
}

/** Bytes per second over the last half minute. */
class Rate {
  #points: { readonly bytes: number; readonly seconds: number }[] = [{ bytes: 0, seconds: performance.now() / 1000 }];

  add(bytes: number, seconds: number): number {
    this.#points.push({ bytes, seconds });
    while (this.#points.length > 2 && seconds - this.#points[0]!.seconds > 30) this.#points.shift();
    const [first] = this.#points as [{ bytes: number; seconds: number }];
    return (bytes - first.bytes) / Math.max(1e-3, seconds - first.seconds);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function describe({ bytes, totalBytes, documents, tokens, skipping }: PrepareProgress, perSecond: number): string {
  const left = Math.max(0, totalBytes - bytes) / perSecond;
  return [
    `${megabytes(Math.min(bytes, totalBytes))} of ${megabytes(totalBytes)} MB`,
    `${megabytes(perSecond)} MB/s`,
    skipping
      ? "passing over what is finished"
      : `${formatCount(documents)} documents, ${formatCount(tokens)} tokens | ETA ${formatDuration(left)}`,
  ].join(" | ");
}
