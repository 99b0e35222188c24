/** Bodies count as held from before they are read until they are answered. */
import type { FastifyInstance } from "fastify";
import type { QueueRoom } from "../batching/queue-room.ts";

/** @param most bytes of a body, which one without a length may have */
export function boundBodies(app: FastifyInstance, room: QueueRoom, most: number): void {
  app.addHook("onRequest", async ({ method, headers, is404 }, reply) => {
    if (method !== "POST" || is404) return;
    const length = headers["content-length"] === undefined ? most : Number(headers["content-length"]);
    reply.raw.once("close", room.take(Math.min(length, most)));
  });
}
