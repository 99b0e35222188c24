/**
 * What a route is: one value that is registered, documented (`docs/openapi.ts`) and called by other routes. The schema that checks a body
 * is the one that the document shows.
 */
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { Costs } from "../costs.ts";
import type { Service } from "../service.ts";
import { modelOf } from "../models.ts";
import type { Models } from "../models.ts";
import { readBody } from "./body.ts";
import type { Dialect } from "./errors.ts";
import { lifetime } from "./lifetime.ts";
import { sendCosts } from "./send-costs.ts";

/** JSON text, because vectors are written quicker than `JSON.stringify` does. */
export interface Answer {
  readonly json: string;
  /** For the headers, where something was computed. */
  readonly costs?: Costs;
}

export interface Asked {
  readonly service: Service;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

interface Definition<Body> {
  /** The first is its name; the others are the same. */
  readonly paths: readonly [string, ...string[]];
  readonly summary: string;
  readonly dialect: Dialect;
  readonly body: z.ZodType<Body>;
  readonly answer: z.ZodType;
  /** A body. */
  readonly example: object;
  handle(body: Body, asked: Asked): Promise<Answer>;
}

/** A `POST` of JSON that answers JSON. */
export interface Route extends Omit<Definition<unknown>, "handle"> {
  /** Reads the body and answers it. @throws ServeError */
  reply(body: unknown, asked: Asked): Promise<Answer>;
}

export function route<Body>({ handle, ...definition }: Definition<Body>): Route {
  return { ...definition, reply: async (body, asked) => handle(readBody(definition.body, body), asked) };
}

export function answer(value: unknown, costs?: Costs): Answer {
  return { json: JSON.stringify(value), ...(costs && { costs }) };
}

export function addRoute(app: FastifyInstance, models: Models, { paths, dialect, reply: respond }: Route): void {
  for (const path of paths) {
    app.post(path, { config: { dialect } }, async (request, reply) => {
      const service = modelOf(models, request.body);
      const signal = lifetime(reply, service.options.requestTimeout);
      const { json, costs } = await respond(request.body, { service, signal });
      if (costs) sendCosts(reply, costs, service.worker.backend!);
      return reply.type("application/json").send(json);
    });
  }
}
