/** Puts all routes on the app. */
import type { FastifyInstance } from "fastify";
import type { Service } from "../service.ts";
import { addDocs } from "./docs/add-docs.ts";
import { addHealth, addInfo } from "./info.ts";
import { addModels } from "./openai/models.ts";
import { addRoute } from "./route.ts";
import { routes } from "./routes.ts";

export function addRoutes(app: FastifyInstance, service: Service): void {
  for (const each of routes) addRoute(app, service, each);
  addInfo(app, service);
  addModels(app, service);
  addHealth(app, service);
  addDocs(app, service.options);
}
