/** What an answer cost, as TEI's response headers (milliseconds, characters, tokens). */
import type { FastifyReply } from "fastify";
import type { Timed } from "../batching/scheduler.ts";
import type { Input } from "../inputs/read-inputs.ts";

export interface Costs {
  readonly characters: number;
  readonly tokens: number;
  /** Milliseconds: of all inputs, and the means over inputs. */
  readonly tokenization: number;
  readonly queue: number;
  readonly inference: number;
}

export function costsOf(
  inputs: readonly Input[],
  sequences: readonly Int32Array[],
  tokenization: number,
  timed: readonly Timed<unknown>[],
): Costs {
  return {
    characters: sum(inputs.map(lengthOf)),
    tokens: sum(sequences.map((ids) => ids.length)),
    tokenization,
    queue: sum(timed.map(({ queued }) => queued)) / timed.length,
    inference: sum(timed.map(({ computed }) => computed)) / timed.length,
  };
}

export function sendCosts(reply: FastifyReply, costs: Costs, backend: string): void {
  const total = Math.round(reply.elapsedTime);
  reply.headers({
    "x-compute-type": backend,
    "x-compute-time": total,
    "x-compute-characters": costs.characters,
    "x-compute-tokens": costs.tokens,
    "x-total-time": total,
    "x-tokenization-time": Math.round(costs.tokenization),
    "x-queue-time": Math.round(costs.queue),
    "x-inference-time": Math.round(costs.inference),
  });
}

/** Code points of a text, ids of a list. */
function lengthOf(input: Input): number {
  if (typeof input !== "string") return input.length;
  return input.length - (input.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
