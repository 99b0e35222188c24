/** The HTTP server: limits and errors here, one file per route beside it. */
import { fastify, LogController } from "fastify";
import type { FastifyInstance } from "fastify";
import { ServeError } from "../errors.ts";
import type { ServeOptions } from "../options.ts";
import { parseJsonBodies } from "./body.ts";
import { sendError, toServeError } from "./errors.ts";
import type { Dialect } from "./errors.ts";
import { refuseSocket } from "./refuse-socket.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whose errors the route's clients read. */
    dialect?: Dialect;
    /** Needs no API key. */
    open?: boolean;
  }
}

/** Milliseconds that a client may take to send a request. */
const receiveTimeout = 60_000;

/** An app with no routes yet; it logs JSON lines to standard output: what libraries write by themselves goes to standard error. */
export function createApp(options: ServeOptions): FastifyInstance {
  const app = fastify({
    logger: { level: options.logLevel, stream: process.stdout },
    logController: new LogController({ disableRequestLogging: true }), // one line of our own instead
    bodyLimit: options.payloadLimit,
    requestTimeout: receiveTimeout,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => {
      void sendError(toServeError(error, request), request, reply);
      request.log.info({ method: request.method, status: reply.statusCode, why: error.message }, "refused");
    },
    clientErrorHandler(error, socket) {
      const refusal = refuseSocket(error, socket);
      if (refusal) app.log.info({ status: refusal.status, why: refusal.message }, "refused");
    },
  });
  parseJsonBodies(app);
  app.setErrorHandler((error, request, reply) => sendError(toServeError(error, request), request, reply));
  app.setNotFoundHandler((request, reply) => {
    const [url = ""] = request.url.split("?");
    const methods = (["GET", "POST"] as const).filter((method) => app.hasRoute({ method, url }));
    if (methods.length > 0) reply.header("allow", methods.join(", "));
    const error = new ServeError("Validation", `there is no ${request.method} ${request.url}`, {
      status: methods.length > 0 ? 405 : 404,
    });
    return sendError(error, request, reply);
  });
  // JSON has no other encoding, and TEI names none.
  app.addHook("onSend", async (_request, reply) => {
    if (reply.getHeader("content-type") === "application/json; charset=utf-8")
      reply.header("content-type", "application/json");
  });
  app.addHook("onResponse", async (request, reply) => {
    const line = {
      method: request.method,
      url: request.url.split("?")[0],
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    if (request.method === "GET") request.log.debug(line, "answered");
    else request.log.info(line, "answered");
  });
  return app;
}
