/** The gRPC server: TEI's services on a port of their own, over the same path as the routes. */
import { fileURLToPath } from "node:url";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { StartError } from "../errors.ts";
import { lastWords } from "../last-words.ts";
import type { ServeOptions } from "../options.ts";
import type { GrpcContext } from "./call.ts";
import { embedMethods } from "./embed.ts";
import { GrpcHealth } from "./health.ts";
import { infoMethods } from "./info.ts";
import type { Bind } from "./method.ts";
import { predictMethods } from "./predict.ts";
import { rerankMethods } from "./rerank.ts";
import { tokenizeMethods } from "./tokenize.ts";
import { UnderWay } from "./under-way.ts";

/** The interface: beside src and dist. */
export const protoFile: string = fileURLToPath(new URL("../../proto/tei.proto", import.meta.url));

const services: Readonly<Record<string, Readonly<Record<string, Bind>>>> = {
  Info: infoMethods,
  Embed: embedMethods,
  Predict: predictMethods,
  Rerank: rerankMethods,
  Tokenize: tokenizeMethods,
};

export interface GrpcServer {
  readonly port: number;
  /** Tells health checks what the models' states are. */
  refresh(): void;
  /**
   * Takes no new calls and tells health checks so; resolves when those under way are answered. Who watches health or asks for reflection then
   * has a second to hang up.
   */
  close(): Promise<void>;
  /** Ends what is under way. */
  end(): void;
}

/** @param port 0 takes a free one @throws StartError */
export async function startGrpc(
  shared: Omit<GrpcContext, "underWay">,
  { host, payloadLimit }: Pick<ServeOptions, "host" | "payloadLimit">,
  port: number,
): Promise<GrpcServer> {
  const underWay = new UnderWay();
  const context: GrpcContext = { ...shared, underWay };
  const server = new Server({ "grpc.max_receive_message_length": payloadLimit, "grpc.max_send_message_length": -1 });
  const definitions = loadSync(protoFile, { keepCase: true, longs: Number, defaults: true });
  for (const [name, methods] of Object.entries(services)) {
    const definition = definitions[`tei.v1.${name}`] as ServiceDefinition;
    server.addService(definition, bind(context, definition, methods));
  }
  const health = new GrpcHealth(context.models);
  health.service.addToServer(server);
  new ReflectionService(definitions).addToServer(server);
  const address = host.includes(":") ? `[${host}]` : host;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error, taken) => {
      if (error)
        reject(new StartError(`cannot listen on ${host}:${port} (--grpc-port): ${error.message}`, { cause: error }));
      else resolve(taken);
    });
  });
  context.log.info(`gRPC listens on ${address}:${bound}`);
  return {
    port: bound,
    refresh: () => health.refresh(),
    async close() {
      health.stop();
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      await underWay.answered();
      const abandon = setTimeout(() => server.forceShutdown(), lastWords);
      await closed;
      clearTimeout(abandon);
    },
    end: () => server.forceShutdown(),
  };
}

function bind(
  context: GrpcContext,
  definition: ServiceDefinition,
  methods: Readonly<Record<string, Bind>>,
): UntypedServiceImplementation {
  const entries = Object.entries(definition).map(([name, { path }]) => [name, methods[name]!(context, path)] as const);
  return Object.fromEntries(entries);
}
