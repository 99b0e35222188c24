/** Tries again what may work a moment later, with growing pauses. */
import { setTimeout } from "node:timers/promises";
import { HubUnreachableError } from "./errors.ts";

/** It failed for a reason that passes. */
export class TransientError extends HubUnreachableError {
  /** How long the hub asked to wait. */
  readonly waitMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly waitMs?: number | undefined } = {}) {
    super(message, options);
    this.waitMs = options.waitMs;
  }
}

/** Pauses before the second, third, … attempt. */
const pausesMs = [250, 500, 1000];
/** A hub that asks for more is left alone. */
const longestWaitMs = 60_000;

/** Runs `attempt` until it ends otherwise than by TransientError. One that calls `progressed` has its attempts back. */
export async function withRetries<T>(attempt: (progressed: () => void) => Promise<T>): Promise<T> {
  let failures = 0;
  for (;;) {
    try {
      return await attempt(() => void (failures = 0));
    } catch (error) {
      const pause = pausesMs[failures++];
      if (!(error instanceof TransientError) || pause === undefined) throw error;
      const { waitMs = pause } = error;
      if (waitMs > longestWaitMs) throw error;
      await setTimeout(waitMs);
    }
  }
}

/** Milliseconds of a Retry-After header: seconds or a date. */
export function retryAfterMs(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? 1000 * Number(header) : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
