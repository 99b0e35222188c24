/** Answers count as held until they are read. A client that reads nothing of one for some time is taken to be gone. */
import type { FastifyInstance } from "fastify";
import type { QueueRoom } from "../batching/queue-room.ts";

/** What a socket takes at once anyway is not counted. */
const small = 65_536;

/** @param patience milliseconds in which a client reads something */
export function boundAnswers(app: FastifyInstance, room: QueueRoom, patience: number = 60_000): void {
  app.addHook("onSend", async (_request, { raw }, payload) => {
    if (typeof payload !== "string" || payload.length <= small) return;
    raw.once("close", room.hold(payload.length));
    raw.setTimeout(patience);
  });
}
