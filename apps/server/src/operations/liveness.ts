/** `GET /live`: whether starting the process again would help. A model that is loaded, or that takes long, is no reason. */
import type { FastifyInstance } from "fastify";
import type { Models } from "../models.ts";

/** 200 with nothing in it, or 503 once a model's worker has died for good. */
export function addLiveness(app: FastifyInstance, models: Models): void {
  app.get("/live", { config: { open: true } }, async (_request, reply) => {
    const dead = models.all.find(({ worker }) => worker.state === "failed");
    if (!dead) return reply.send();
    return reply
      .code(503)
      .send({ error: "unhealthy", error_type: "Unhealthy", reason: `${dead.name} has died for good` });
  });
}
