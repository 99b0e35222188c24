/** Puts the parts together: models, routes; and takes them apart again in order. */
import type { Worker } from "node:worker_threads";
import { QueueRoom } from "./batching/queue-room.ts";
import { ServeError, StartError } from "./errors.ts";
import { startGrpc } from "./grpc/server.ts";
import type { GrpcServer } from "./grpc/server.ts";
import { createApp } from "./http/app.ts";
import { addRoutes } from "./http/add-routes.ts";
import { lastWords } from "./last-words.ts";
import type { WorkerData } from "./model/protocol.ts";
import { Residence } from "./model/residence.ts";
import { spawnWorker } from "./model/spawn.ts";
import { Models } from "./models.ts";
import { openService } from "./open-service.ts";
import type { ServiceContext } from "./open-service.ts";
import { addOperations } from "./operations/operations.ts";
import { checkOptions, defaults, eachModel } from "./options.ts";
import type { ServeOptions, ServerOptions } from "./options.ts";
import type { Service } from "./service.ts";

export interface RunningServer {
  /** Where it listens, such as http://127.0.0.1:3000. */
  readonly url: string;
  /** Where TEI's gRPC services listen, with `grpcPort`. */
  readonly grpcPort?: number;
  /** Resolves when the models that are loaded at once are, and `/health` answers 200; rejects when one cannot be loaded. */
  readonly ready: Promise<void>;
  /** Stops listening, lets requests under way finish within `shutdownTimeout`, ends the rest with 503, frees the device. */
  close(): Promise<void>;
}

/**
 * Starts a server that listens at once and loads its models in the background. Throws StartError when an option cannot be,
 * a model's files cannot be read, no route serves it, it does not fit, or the address cannot be had.
 *
 * @param spawn starts the thread that computes; tests put another in its place
 */
export async function startServer(
  given: Partial<ServerOptions> & Pick<ServerOptions, "model">,
  spawn: (data: WorkerData) => Worker = spawnWorker,
): Promise<RunningServer> {
  const options: ServerOptions = { ...defaults, ...given };
  const each = eachModel(options);
  const [first] = each;
  checkOptions(first);
  const app = createApp(first);
  let opened: Models | undefined;
  const room = new QueueRoom(options.maxQueueBytes, () => opened?.estimateWait() ?? 1);
  const operations = await addOperations(app, first, room);
  const { metrics } = operations;
  let grpc: GrpcServer | undefined;
  const onState = (): void => grpc?.refresh();
  const { memoryBudget, idleUnload } = options;
  const residence = new Residence({ budget: memoryBudget, idle: idleUnload && idleUnload * 1000 });
  const models = await openModels(each, { residence, spawn, metrics, room, log: app.log, onState }).catch(
    (error: unknown) => {
      throw StartError.of(error);
    },
  );
  opened = models;
  addRoutes(app, models);
  operations.watch(models);
  residence.fill();
  const ready = Promise.all(models.inMemory().map(async ({ worker }) => worker.loaded)).then(
    () => {},
    (error: unknown) => {
      throw StartError.of(error);
    },
  );
  ready.catch(() => {}); // whoever awaits it hears of it

  let closing: Promise<void> | undefined;
  app.addHook("onSend", async (_request, reply) => {
    if (closing) reply.header("connection", "close");
  });
  const endConnections = (): void => {
    app.server.closeAllConnections();
    grpc?.end();
  };
  const shutDown = async (): Promise<void> => {
    const closed = Promise.all([app.close(), grpc?.close()]);
    const abandon = setTimeout(() => {
      const error = new ServeError("Unhealthy", "the server is shutting down", { retryAfter: 5 });
      for (const { scheduler } of models.all) scheduler.rejectAll(error);
      setTimeout(() => endConnections(), lastWords).unref();
    }, options.shutdownTimeout * 1000);
    await closed;
    clearTimeout(abandon);
    residence.close();
    await operations.close();
    await Promise.all(models.all.flatMap(({ worker, encoder }) => [worker.close(), encoder.close()]));
  };
  const close = (): Promise<void> => (closing ??= shutDown());

  try {
    await operations.listen();
    const context = { models, metrics, keys: operations.keys, room, log: app.log };
    if (options.grpcPort !== undefined) grpc = await startGrpc(context, options, options.grpcPort);
    grpc?.refresh(); // a model may have become ready meanwhile
    const url = await app.listen({ host: options.host, port: options.port });
    return { url, ready, close, ...(grpc && { grpcPort: grpc.port }) };
  } catch (error) {
    await close();
    if (error instanceof StartError) throw error;
    throw new StartError(`cannot listen on ${options.host}:${options.port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** One after another: downloads do not share the line, and what is wrong is told of the first. */
async function openModels(
  [first, ...others]: readonly [ServeOptions, ...ServeOptions[]],
  context: ServiceContext,
): Promise<Models> {
  const services: [Service, ...Service[]] = [await openService(first, context)];
  for (const options of others) services.push(await openService(options, context));
  return new Models(services);
}
