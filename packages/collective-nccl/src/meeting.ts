/** Ranks that have met: what goes wrong on one of them, and that it is gone, the others hear of through rank 0. */
import type { Socket } from "node:net";
import { receive, send } from "./messages.ts";
import type { Message } from "./messages.ts";
import type { Rendezvous } from "./rendezvous.ts";

export interface MeetingOptions {
  readonly rank: number;
  readonly world: number;
  readonly rendezvous: Rendezvous;
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
