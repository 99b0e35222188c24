/** What an answer cost, as TEI's response headers (milliseconds, characters, tokens). */
import type { FastifyReply } from "fastify";
import type { Costs } from "../costs.ts";

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
