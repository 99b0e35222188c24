/** What surrounds the routes: who may ask, how often, from which pages, and what is seen of it from outside. */
import type { FastifyInstance } from "fastify";
import type { QueueRoom } from "../batching/queue-room.ts";
import type { Models } from "../models.ts";
import type { ServeOptions } from "../options.ts";
import { ApiKeys } from "./api-keys.ts";
import { requireKey } from "./auth.ts";
import { allowOrigins } from "./cors.ts";
import { addLiveness } from "./liveness.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { boundAnswers } from "./bound-answers.ts";
import { boundBodies } from "./bound-bodies.ts";
import { limitRate } from "./rate-limit.ts";
import { addMetrics, serveMetrics } from "./serve-metrics.ts";
import { addTracing, exportTraces } from "../telemetry/tracing.ts";

export interface Operations {
  readonly metrics: Metrics;
  readonly keys: ApiKeys;
  /** Routes that look at the models. */
  watch(models: Models): void;
  /** Listens on the ports that are not the server's own. @throws StartError */
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** Adds hooks: before the routes, which they do not reach otherwise. @throws StartError for keys that cannot be read */
export async function addOperations(app: FastifyInstance, options: ServeOptions, room: QueueRoom): Promise<Operations> {
  const { corsAllowOrigin, rateLimit, otlpEndpoint, otlpServiceName, disableSpans, prometheusPort } = options;
  const metrics = new Metrics();
  const keys = new ApiKeys(options, app.log);
  const endings: (() => unknown)[] = [() => keys.close()];
  if (corsAllowOrigin !== undefined) await allowOrigins(app, [corsAllowOrigin].flat());
  if (keys.asked) requireKey(app, keys);
  if (rateLimit !== undefined) await limitRate(app, rateLimit);
  boundBodies(app, room, options.payloadLimit);
  boundAnswers(app, room);
  if (!disableSpans) {
    if (otlpEndpoint !== undefined) endings.push(exportTraces(otlpEndpoint, otlpServiceName));
    addTracing(app);
  }
  addMetrics(app, metrics);
  return {
    metrics,
    keys,
    watch(models) {
      metrics.watch({
        longest: Math.max(...models.all.map(({ files }) => files.maxInputLength)),
        queueSize: () => models.all.reduce((sum, { scheduler }) => sum + scheduler.waiting, 0),
      });
      addLiveness(app, models);
    },
    async listen() {
      if (prometheusPort === undefined) return;
      const server = await serveMetrics(metrics, options.host, prometheusPort);
      endings.push(() => server.close());
    },
    async close() {
      for (const end of endings.splice(0)) await end();
    },
  };
}
