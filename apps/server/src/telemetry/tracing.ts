/**
 * Traces for OpenTelemetry: a span for each request, under the one that its `traceparent` names, and spans for tokenising and computing
 * in it. Without an endpoint of its own the server uses what the program has registered, which may be nothing.
 */
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Attributes, Span, Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { FastifyInstance, FastifyRequest } from "fastify";

const tracer = (): Tracer => trace.getTracer("@modernbert-ts/server");

/** Sends all spans of this process to a collector (OTLP over gRPC). The result sends what is left and stops. */
export function exportTraces(endpoint: string, serviceName: string): () => Promise<void> {
  const exporter = new OTLPTraceExporter({ url: endpoint });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register(); // with W3C's propagation
  return async () => {
    await provider.shutdown().catch(() => {}); // a collector that is gone takes nothing with it
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

/** A span for each request. */
export function addTracing(app: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook("preHandler", (request, _reply, done) => {
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const route = request.routeOptions.url ?? "none";
    const attributes = { "http.request.method": request.method, "http.route": route };
    const span = tracer().startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    spans.set(request, span);
    context.with(trace.setSpan(parent, span), done);
  });
  app.addHook("onResponse", async (request, { statusCode }) => {
    const span = spans.get(request);
    span?.setAttribute("http.response.status_code", statusCode);
    if (statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  });
}

/** Runs a gRPC call in a span, under the one that its metadata name. */
export async function inCallSpan<T>(path: string, metadata: object, body: () => Promise<T>): Promise<T> {
  const parent = propagation.extract(ROOT_CONTEXT, metadata);
  return context.with(parent, async () => inSpan(path.slice(1), { "rpc.system": "grpc" }, body));
}

/** Runs `body` in a span of its own. */
export async function inSpan<T>(name: string, attributes: Attributes, body: (span: Span) => Promise<T>): Promise<T> {
  return tracer().startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await body(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
