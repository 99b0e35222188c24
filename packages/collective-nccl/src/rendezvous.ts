/** How ranks learn where rank 0 listens: as the environment says, or from a file that all of them see. */
import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { fileURLToPath } from "node:url";
import { CollectiveError } from "@modernbert-ts/tensor-core";

const loopback = "127.0.0.1";

/** Where rank 0 listens. */
export interface Place {
  /** Of its machine; the first that answers will do. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Of this run: rank 0 takes nobody who names another. */
  readonly key: string;
}

export interface Rendezvous {
  /** For people: what to set, look at or wait for. */
  readonly name: string;
  /** Where rank 0 is to listen; 0: at any free port. */
  readonly port: number;
  /** On rank 0, which listens: tells the others. */
  publish(place: Place): Promise<void>;
  /** On the others, again and again; undefined: rank 0 has not told yet. */
  find(): Promise<Place | undefined>;
  /** On rank 0, when all have come or nobody is waited for any more. */
  withdraw(): void;
}

/** @throws CollectiveError for what is neither, and for neither. */
export function rendezvousOf(env: NodeJS.ProcessEnv): Rendezvous {
  const { MODERNBERT_RENDEZVOUS: file, MASTER_ADDR: host, MASTER_PORT: port } = env;
  if (file) return fileRendezvous(file);
  if (!host || !port || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)
    throw new CollectiveError(
      "joinNccl",
      `expected the machine of rank 0 in MASTER_ADDR and a free port of it in MASTER_PORT, got ${host ?? "none"} and ${port ?? "none"}: set them as torchrun does, or MODERNBERT_RENDEZVOUS to file:///a/path/that/all/processes/see`,
    );
  return {
    name: `${host}:${port} (MASTER_ADDR, MASTER_PORT)`,
    port: Number(port),
    publish: async () => undefined,
    find: async () => ({ hosts: [host], port: Number(port), key: "" }),
    withdraw: () => undefined,
  };
}

/** A file that rank 0 writes whole, and takes away when all have read it. One that an earlier run has left is replaced. */
export function fileRendezvous(url: string): Rendezvous {
  if (!/^file:\/\/\/./.test(url))
    throw new CollectiveError(
      "joinNccl",
      `expected file:///a/path/that/all/processes/see in MODERNBERT_RENDEZVOUS, got ${url}: set it so`,
    );
  const path = fileURLToPath(url);
  let published: Place | undefined;
  return {
    name: `the file ${path} (MODERNBERT_RENDEZVOUS)`,
    port: 0,
    async publish(place) {
      const other = placeIn(path);
      if (other && (await answers(other)))
        throw new CollectiveError(
          "joinNccl",
          `expected a file of no other run at ${path}, got one of a run whose processes are meeting: wait for them, or name another in MODERNBERT_RENDEZVOUS`,
        );
      const whole = `${path}.${place.key}`;
      try {
        writeFileSync(whole, `${JSON.stringify(place)}\n`, { mode: 0o600 });
        renameSync(whole, path);
      } catch (error) {
        throw new CollectiveError(
          "joinNccl",
          `expected to write ${path} (MODERNBERT_RENDEZVOUS), got "${(error as Error).message}": name a file in a folder that is there`,
        );
      }
      published = place;
    },
    find: async () => placeIn(path),
    withdraw() {
      if (published && placeIn(path)?.key === published.key) rmSync(path, { force: true });
    },
  };
}

/** Of rank 0, which listens at `port`; `fixed` where all know it beforehand. */
export function ownPlace(port: number, fixed: boolean): Place {
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .map(({ address }) => address);
  return { hosts: [hostname(), ...addresses, loopback], port, key: fixed ? "" : randomUUID() };
}

/** Where to look for it: on this machine, too, where rank 0 runs on it. */
export function hostsFrom({ hosts }: Place): readonly string[] {
  const elsewhere = hosts.filter((host) => host !== loopback);
  return elsewhere.length === 0 || hosts[0] === hostname() ? hosts : elsewhere;
}

/** undefined: there is no whole one. */
function placeIn(path: string): Place | undefined {
  try {
    const { hosts, port, key } = JSON.parse(readFileSync(path, "utf8")) as Partial<Place>;
    return Array.isArray(hosts) && typeof port === "number" && typeof key === "string"
      ? { hosts, port, key }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether somebody listens there, of whatever run. */
async function answers({ hosts, port }: Place): Promise<boolean> {
  const all = hosts.map(
    (host) =>
      new Promise<boolean>((resolve) => {
        const socket = createConnection({ host, port, timeout: 1000 });
        const end = (answered: boolean): void => {
          socket.destroy();
          resolve(answered);
        };
        socket.on("connect", () => end(true));
        socket.on("timeout", () => end(false));
        socket.on("error", () => end(false));
      }),
  );
  return (await Promise.all(all)).includes(true);
}
