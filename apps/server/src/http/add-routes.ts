/** Puts all routes on the app. */
import type { FastifyInstance } from "fastify";
import type { Models } from "../models.ts";
import { addDocs } from "./docs/add-docs.ts";
import { addHealth, addInfo } from "./info.ts";
import { addModels } from "./openai/models.ts";
import { addRoute } from "./route.ts";
import { routes } from "./routes.ts";

export function addRoutes(app: FastifyInstance, models: Models): void {
  for (const each of routes) addRoute(app, models, each);
  addInfo(app, models);
  addModels(app, models);
  addHealth(app, models);
  addDocs(app, models.first.options);
}
