/** A client of grpc-js for the services of the file that the server serves. */
import { Client, credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import type {
  CallOptions,
  ClientDuplexStream,
  ClientReadableStream,
  ClientWritableStream,
  ServiceError,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath as healthProto } from "grpc-health-check";
import { onTestFinished } from "vitest";
import { protoFile } from "../src/grpc/server.ts";

export type Reply = Readonly<Record<string, unknown>>;
type Call = (
  request: object | object[],
  metadata?: Readonly<Record<string, string>>,
  options?: CallOptions,
) => Promise<Reply>;

const loading = { keepCase: true, longs: Number, defaults: true } as const;
const { tei } = loadPackageDefinition(loadSync(protoFile, loading)) as unknown as {
  tei: { v1: Record<string, typeof Client & { service: object }> };
};

/** A service's methods as functions; those that take a stream take a list, and answer a list where they give a stream. */
export function clientOf(
  port: number,
  service: string,
): Record<string, Call> & { readonly raw: Record<string, unknown> } {
  const client = new tei.v1[service]!(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const raw = client as unknown as Record<string, (...given: unknown[]) => unknown>;
  const call =
    (name: string): Call =>
    async (request, named = {}, options = {}) => {
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(named)) metadata.set(key, value);
      return new Promise((resolve, reject) => {
        const done = (error: ServiceError | null, reply: Reply): void => (error ? reject(error) : resolve(reply));
        if (!Array.isArray(request)) return void raw[name]!(request, metadata, options, done);
        if (name === "RerankStream") {
          const stream = raw[name]!(metadata, options, done) as ClientWritableStream<object>;
          for (const each of request) stream.write(each as object);
          return stream.end();
        }
        const stream = raw[name]!(metadata, options) as ClientDuplexStream<object, Reply>;
        const replies: Reply[] = [];
        stream.on("data", (reply: Reply) => replies.push(reply));
        stream.on("error", reject);
        stream.on("end", () => resolve({ replies }));
        for (const each of request) stream.write(each as object);
        stream.end();
      });
    };
  return new Proxy({ raw } as never, { get: (_target, name: string) => (name === "raw" ? raw : call(name)) });
}

function healthClient(port: number): Client {
  const definition = loadSync(healthProto, { ...loading, enums: String });
  const loaded = loadPackageDefinition(definition) as unknown as {
    grpc: { health: { v1: Record<"Health", typeof Client> } };
  };
  const client = new loaded.grpc.health.v1.Health(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

/** A watch of a service's health that stays open. @param onStatus gets each status as it comes, and null at the end */
export function watchHealth(port: number, service: string, onStatus: (status: string | null) => void): void {
  const client = healthClient(port) as unknown as Record<
    "Watch",
    (request: object) => ClientReadableStream<{ status: string }>
  >;
  const stream = client.Watch({ service });
  stream.on("data", ({ status }) => onStatus(status));
  stream.on("error", () => {});
  stream.on("close", () => onStatus(null));
}

/** What a health check says of a service. */
export async function healthOf(port: number, service: string): Promise<unknown> {
  const client = healthClient(port);
  return new Promise((resolve, reject) => {
    const check = client as unknown as Record<
      "Check",
      (request: object, done: (error: unknown, reply: { status: string }) => void) => void
    >;
    check.Check({ service }, (error, reply) => (error ? reject(error as Error) : resolve(reply.status)));
  });
}
