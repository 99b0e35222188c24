/** What figures depend on besides the program: the machine, and how much of it was used. */
import { createHash } from "node:crypto";
import { cpus, totalmem } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** The backend and its device in its own words, instruction set included. */
  readonly device: string;
  readonly threads: number;
}

export function describeMachine(device: string, threads: number): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    device,
    threads,
  };
}

/** A folder name: the processor, and a digest of all that tells machines apart. */
export function machineId(machine: Machine): string {
  const words = machine.processor
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40);
  const { processor, cores, memoryGiB, device, threads } = machine;
  const text = JSON.stringify([processor, cores, memoryGiB, device, threads]);
  return `${words}-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
}
