/**
 * How ranks meet: rank 0 listens, the others come and are told NCCL's id. The connections stay: what goes wrong on one rank, and that it is gone, the
 * others hear of through rank 0.
 */
import { createConnection, createServer } from "node:net";
import type { Socket } from "node:net";
import { CollectiveError } from "@modernbert-ts/tensor-core";
import { receive, send } from "./messages.ts";
import type { Message } from "./messages.ts";

export interface MeetingOptions {
  readonly rank: number;
  readonly world: number;
  /** Where rank 0 listens. */
  readonly host: string;
  readonly port: number;
  /** Seconds until all must be there. */
  readonly patience: number;
  /** Seconds without a sign of life after which a rank counts as lost. */
  readonly silence: number;
}

type Peer = { readonly rank: number; readonly socket: Socket; heard: number; left: boolean };

export class Meeting {
  readonly #rank: number;
  readonly #silence: number;
  readonly #peers: readonly Peer[];
  readonly #beats: NodeJS.Timeout;
  #leaving = false;
  #failure: string | undefined;
  /** Called once when ranks cannot go on together. */
  onFailure: (reason: string) => void = () => undefined;
  #left: () => void = () => undefined;

  constructor({ rank, silence }: MeetingOptions, peers: ReadonlyMap<number, Socket>) {
    this.#rank = rank;
    this.#silence = silence;
    this.#peers = Array.from(peers, ([other, socket]) => ({
      rank: other,
      socket,
      heard: performance.now(),
      left: false,
    }));
    for (const peer of this.#peers) {
      receive(peer.socket, (message) => this.#hear(peer, message));
      peer.socket.on("close", () => {
        if (!peer.left) this.#fail(`rank ${peer.rank} was lost: its connection ended`);
      });
    }
    this.#beats = setInterval(() => this.#beat(), (1000 * silence) / 4).unref();
    for (const { rank: other, socket } of this.#peers)
      if (socket.destroyed) this.#fail(`rank ${other} was lost: its connection ended`);
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Gives up, on all ranks; the first reason stays. */
  giveUp(reason: string): void {
    this.#fail(reason, `rank ${this.#rank} gave up: ${reason.replaceAll("\n", " ")}`);
  }

  /** Resolves when all ranks leave, or have failed. */
  async leave(): Promise<void> {
    this.#leaving = true;
    const left = new Promise<void>((resolve) => (this.#left = resolve));
    if (this.#rank > 0) send(this.#peers[0]!.socket, { kind: "leaves" });
    this.#endIfAllLeave();
    if (this.#failure === undefined) await left;
    this.#close();
  }

  #hear(peer: Peer, message: Message): void {
    peer.heard = performance.now();
    if (message.kind === "failed") this.#fail(message.reason);
    if (message.kind !== "leaves") return;
    peer.left = true;
    this.#endIfAllLeave();
  }

  /** Rank 0 says the last word. */
  #endIfAllLeave(): void {
    if (!this.#leaving || !this.#peers.every(({ left }) => left)) return;
    if (this.#rank === 0) for (const { socket } of this.#peers) send(socket, { kind: "leaves" });
    this.#left();
  }

  #beat(): void {
    for (const { socket, rank, left, heard } of this.#peers) {
      if (!left && performance.now() - heard > 1000 * this.#silence)
        this.#fail(`rank ${rank} was lost: nothing was heard from it for ${this.#silence} s`);
      send(socket, { kind: "beat" });
    }
  }

  #fail(reason: string, told: string = reason): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    for (const { socket } of this.#peers) send(socket, { kind: "failed", reason: told });
    this.#close();
    this.onFailure(reason);
    this.#left();
  }

  #close(): void {
    clearInterval(this.#beats);
    for (const peer of this.#peers) {
      peer.left = true;
      peer.socket.end();
      peer.socket.unref();
    }
  }
}

/** @param makeId on rank 0. @throws CollectiveError when not all are there in time, or they are other ones. */
export function meet(
  options: MeetingOptions,
  makeId: () => string,
): Promise<{ readonly meeting: Meeting; readonly id: string }> {
  return options.rank === 0 ? receiveOthers(options, makeId()) : goToFirst(options);
}

async function receiveOthers(options: MeetingOptions, id: string) {
  const { world, port, patience } = options;
  const peers = new Map<number, Socket>();
  const strangers = new Set<Socket>();
  const server = createServer((socket) => {
    strangers.add(socket);
    receive(socket, (message) => {
      if (!strangers.delete(socket)) return;
      const wrong = refusal(message, world, peers);
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
        server.listen(port);
      },
    );
  } catch (error) {
    for (const socket of peers.values()) {
      send(socket, { kind: "failed", reason: `rank 0 gave up: ${(error as Error).message}` });
      socket.end();
    }
    throw error;
  } finally {
    server.close();
    for (const socket of strangers) socket.destroy();
  }
  for (const socket of peers.values()) {
    socket.removeAllListeners("data");
    send(socket, { kind: "id", id });
  }
  return { meeting: new Meeting(options, peers), id };
}

function refusal(message: Message, world: number, peers: ReadonlyMap<number, Socket>): string | undefined {
  if (message.kind !== "hello") return "expected a rank to say hello";
  if (message.world !== world) return `expected ${world} processes as rank 0 does, got ${message.world}`;
  const free = Number.isInteger(message.rank) && message.rank > 0 && message.rank < world && !peers.has(message.rank);
  return free ? undefined : `expected a rank in 1..${world - 1} that is free, got ${message.rank}`;
}

async function goToFirst(options: MeetingOptions) {
  const { rank, world, host, port, patience } = options;
  let socket: Socket | undefined;
  let id: string | undefined;
  let over = false;
  const expected = () => `expected rank 0 at ${host}:${port} (MASTER_ADDR, MASTER_PORT), it did not answer`;
  try {
    await within(patience, expected, (done, fail) => {
      const knock = (): void => {
        if (over) return;
        const own = (socket = createConnection({ host, port }));
        own.on("connect", () => send(own, { kind: "hello", rank, world }));
        own.on("close", () => id === undefined && setTimeout(knock, 100));
        receive(own, (message) => {
          if (message.kind === "failed") fail(message.reason);
          if (message.kind !== "id") return;
          ({ id } = message);
          done();
        });
      };
      knock();
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
  body: (done: () => void, fail: (reason: string) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      clearTimeout(timer);
      reject(new CollectiveError("joinNccl", reason));
    };
    const timer = setTimeout(() => fail(`${expected()} within ${seconds} s: start all of them`), 1000 * seconds);
    body(() => {
      clearTimeout(timer);
      resolve();
    }, fail);
  });
}
