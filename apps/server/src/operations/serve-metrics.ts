/** `GET /metrics`, on the server's own port and, with `--prometheus-port`, on one of its own; and the counting of requests. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ServeError, StartError } from "../errors.ts";
import type { Method, Metrics } from "../telemetry/metrics.ts";

/** Counts every request with a body, and shows the numbers to whoever asks. */
export function addMetrics(app: FastifyInstance, metrics: Metrics): void {
  const counted = new WeakMap<FastifyRequest, Method>();
  app.addHook("preValidation", async (request) => {
    if (request.method !== "POST" || request.is404) return;
    const method = methodOf(request.body);
    counted.set(request, method);
    metrics.requested(method);
  });
  app.addHook("onError", async (request, _reply, error) => {
    if (counted.has(request) || (error instanceof ServeError && error.type === "Overloaded")) metrics.failed(error);
  });
  app.addHook("onResponse", async (request, reply) => {
    const method = counted.get(request);
    if (method !== undefined && reply.statusCode < 400) metrics.answered(method, reply.elapsedTime / 1000);
  });
  app.get("/metrics", { config: { open: true } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

/** A list of inputs is a batch; token ids, which are a list of numbers, are one input. */
function methodOf(body: unknown): Method {
  const { inputs, input = inputs, texts, documents } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (texts !== undefined || documents !== undefined) return "batch";
  return Array.isArray(input) && typeof input[0] !== "number" ? "batch" : "single";
}

/** The numbers alone, on a port that need not be public. @throws StartError */
export async function serveMetrics(metrics: Metrics, host: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const there = request.method === "GET" && (request.url === "/" || request.url?.split("?")[0] === "/metrics");
    if (!there) return void response.writeHead(404).end();
    void metrics.registry.metrics().then((text) => {
      response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new StartError(`cannot listen on ${host}:${port} (--prometheus-port): ${cause.message}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  return server;
}
