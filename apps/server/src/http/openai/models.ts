/** OpenAI's `GET /v1/models`, and one of them by its name. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { ServeError } from "../../errors.ts";
import type { Models } from "../../models.ts";

const model = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int().meta({ description: "Seconds since 1970 of the server's start." }),
  owned_by: z.string(),
});

export const modelList: z.ZodType = z.strictObject({ object: z.literal("list"), data: z.array(model) });

export function addModels(app: FastifyInstance, models: Models): void {
  const created = Math.floor(Date.now() / 1000);
  const all = models.all.map(({ name }) => ({
    id: name,
    object: "model",
    created,
    owned_by: "modernbert-serve",
  }));
  app.get("/v1/models", async () => ({ object: "list", data: all }));
  app.get<{ Params: { "*": string } }>("/v1/models/*", async ({ params: { "*": id } }) => {
    const found = all.find((each) => each.id === id);
    if (found) return found;
    throw new ServeError("Validation", `there is no model ${JSON.stringify(id)}`, { status: 404 });
  });
}
