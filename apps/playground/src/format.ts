/** Numbers for people, with a space before the unit that no line breaks at. */
import type { Cost } from "@modernbert-ts/pipelines/worker";

export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}\u00a0%`;
}

export function bytes(size: number): string {
  if (size < 1e6) return `${(size / 1e3).toFixed(0)}\u00a0kB`;
  return `${(size / 1e6).toFixed(size < 1e8 ? 1 : 0)}\u00a0MB`;
}

export function milliseconds(value: number): string {
  return value < 1 ? `${(1000 * value).toFixed(0)}\u00a0µs` : `${value.toFixed(value < 10 ? 2 : 0)}\u00a0ms`;
}

/** Such as 149 M. */
export function count(value: number): string {
  if (value < 1e3) return String(value);
  if (value < 1e6) return `${(value / 1e3).toFixed(0)}\u00a0k`;
  return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)}\u00a0M`;
}

/** Such as "1 token" or "3 tokens". */
export function plural(number: number, noun: string): string {
  return `${number.toLocaleString("en")}\u00a0${noun}${number === 1 ? "" : "s"}`;
}

/** Such as 12 tokens in 30 ms. */
export function costText({ tokens, milliseconds: time }: Cost): string {
  return `${plural(tokens, "token")} in ${milliseconds(time)}`;
}
