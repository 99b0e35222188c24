/** How ranks meet: rank 0 listens, the others come and are told NCCL's id. The connections stay (meeting.ts). */
import { createConnection, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { CollectiveError } from "@modernbert-ts/tensor-core";
import { Meeting } from "./meeting.ts";
import type { MeetingOptions } from "./meeting.ts";
import { receive, send } from "./messages.ts";
import type { Message } from "./messages.ts";
import { hostsFrom, ownPlace } from "./rendezvous.ts";
import type { Place } from "./rendezvous.ts";

/** @param makeId on rank 0. @throws CollectiveError when not all are there in time, or they are other ones. */
export function meet(
  options: MeetingOptions,
  makeId: () => string,
): Promise<{ readonly meeting: Meeting; readonly id: string }> {
  return options.rank === 0 ? receiveOthers(options, makeId) : goToFirst(options);
}

async function receiveOthers(options: MeetingOptions, makeId: () => string) {
  const { world, patience, rendezvous } = options;
  const { port } = rendezvous;
  const peers = new Map<number, Socket>();
  const strangers = new Set<Socket>();
  let id: string;
  let place: Place | undefined;
  const server = createServer((socket) => {
    strangers.add(socket);
    receive(socket, (message) => {
      if (!strangers.delete(socket)) return;
      const wrong = refusal(message, world, place?.key, peers);
      if (wrong !== undefined) {
        send(socket, { kind: "failed", reason: wrong });
        socket.end();
      } else if (message.kind === "hello") peers.set(message.rank, socket);
      if (peers.size === world - 1) server.emit("all");
    });
  });
  try {
    await within(
      patience,
      () => `expected ${world} processes, got ${peers.size + 1}`,
      (done, fail) => {
        server.on("error", ({ message }) =>
          fail(`expected to listen at port ${port}, got "${message}": set MASTER_PORT`),
        );
        server.on("all", done);
        server.listen(port, () => {
          place = ownPlace((server.address() as AddressInfo).port, port > 0);
          rendezvous.publish(place).catch(fail);
        });
      },
    );
    id = makeId();
  } catch (error) {
    for (const socket of peers.values()) {
      send(socket, { kind: "failed", reason: `rank 0 gave up: ${(error as Error).message}` });
      socket.end();
    }
    throw error;
  } finally {
    rendezvous.withdraw();
    server.close();
    for (const socket of strangers) socket.destroy();
  }
  for (const socket of peers.values()) {
    socket.removeAllListeners("data");
    send(socket, { kind: "id", id });
  }
  return { meeting: new Meeting(options, peers), id };
}

/** Of another run's ranks it is none that they give up for. */
const stale = "expected ranks of this run";

function refusal(
  message: Message,
  world: number,
  key: string | undefined,
  peers: ReadonlyMap<number, Socket>,
): string | undefined {
  if (message.kind !== "hello") return "expected a rank to say hello";
  if (message.key !== key) return stale;
  if (message.world !== world) return `expected ${world} processes as rank 0 does, got ${message.world}`;
  const free = Number.isInteger(message.rank) && message.rank > 0 && message.rank < world && !peers.has(message.rank);
  return free ? undefined : `expected a rank in 1..${world - 1} that is free, got ${message.rank}`;
}

async function goToFirst(options: MeetingOptions) {
  const { rank, world, patience, rendezvous } = options;
  let socket: Socket | undefined;
  let id: string | undefined;
  let over = false;
  let attempt = 0;
  const expected = () => `expected rank 0 at ${rendezvous.name}, it did not answer`;
  try {
    await within(patience, expected, (done, fail) => {
      const again = (): void => {
        if (!over && id === undefined) setTimeout(() => void knock().catch(fail), 100);
      };
      const knock = async (): Promise<void> => {
        const place = await rendezvous.find();
        if (over) return;
        if (!place) return again();
        const { port, key } = place;
        const hosts = hostsFrom(place);
        const own = (socket = createConnection({ host: hosts[attempt++ % hosts.length]!, port }));
        // Whoever listens there may be a stranger: another place is looked for now and then.
        const timer = setInterval(
          () => void rendezvous.find().then((now) => now?.key !== key && id === undefined && own.destroy()),
          500,
        );
        own.setTimeout(3000, () => own.destroy());
        own.on("connect", () => {
          own.setTimeout(0);
          send(own, { kind: "hello", rank, world, key });
        });
        own.on("close", () => {
          clearInterval(timer);
          again();
        });
        receive(own, (message) => {
          if (message.kind === "failed" && message.reason !== stale) fail(message.reason);
          if (message.kind !== "id") return;
          clearInterval(timer);
          ({ id } = message);
          done();
        });
      };
      void knock().catch(fail);
    });
  } catch (error) {
    socket?.destroy();
    throw error;
  } finally {
    over = true;
  }
  socket!.removeAllListeners("data");
  return { meeting: new Meeting(options, new Map([[0, socket!]])), id: id! };
}

function within(
  seconds: number,
  expected: () => string,
  body: (done: () => void, fail: (reason: string | Error) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string | Error): void => {
      clearTimeout(timer);
      reject(typeof reason === "string" ? new CollectiveError("joinNccl", reason) : reason);
    };
    const timer = setTimeout(() => fail(`${expected()} within ${seconds} s: start all of them`), 1000 * seconds);
    body(() => {
      clearTimeout(timer);
      resolve();
    }, fail);
  });
}
