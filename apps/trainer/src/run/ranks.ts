/** The processes that train together: this one alone, or those of an MPI launcher. */
import { availableParallelism, cpus } from "node:os";
import { launchOf } from "@modernbert-ts/training";
import type { Launch } from "@modernbert-ts/training";
import type { Backend, Collective } from "@modernbert-ts/tensor-core";
import type { TrainerConfig } from "../config/config.ts";
import { UsageError, UserError } from "../errors.ts";

/** Disposing them waits for all, unless they have given up. */
export interface RunRanks extends AsyncDisposable {
  readonly rank: number;
  readonly world: number;
  /** Of this process where the configuration does not say; undefined: all. */
  readonly threads: number | undefined;
  /** undefined for one process alone. */
  collective(backend: Backend): Collective | undefined;
  /** Gives up, on all ranks. */
  abort(reason: Error): void;
}

export const alone: RunRanks = {
  rank: 0,
  world: 1,
  threads: undefined,
  collective: () => undefined,
  abort: () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

/** @throws DataError (variables that contradict each other), CollectiveError (no MPI), UserError (MPI knows of other processes). */
export async function joinRanks(): Promise<RunRanks> {
  const launch = launchOf();
  if (launch.world === 1) return alone;
  const { joinMpi } = await import("@modernbert-ts/collective-mpi");
  const mpi = await joinMpi();
  if (mpi.world !== launch.world || mpi.rank !== launch.rank) {
    const error = new UserError(
      `expected MPI to know this process as ${launch.rank} of ${launch.world}, as ${launch.launcher} says, got ${mpi.rank} of ${mpi.world}: start the processes with the mpirun or srun of that MPI library`,
    );
    mpi.abort(error);
    await mpi[Symbol.asyncDispose]();
    throw error;
  }
  return {
    rank: mpi.rank,
    world: mpi.world,
    threads: threadsOf(launch),
    collective: (backend) => mpi.collective(backend),
    abort: (reason) => mpi.abort(reason),
    [Symbol.asyncDispose]: () => mpi[Symbol.asyncDispose](),
  };
}

/** An even share of the processors, and no more than this process is bound to. */
function threadsOf({ localWorld }: Launch): number | undefined {
  if (localWorld === undefined) return undefined;
  return Math.min(availableParallelism(), Math.max(1, Math.floor(cpus().length / localWorld)));
}

/** The backend of a run. @throws UsageError for what several processes cannot do. */
export function backendOf(
  { backend, cpu_engine: cpuEngine, batch, threads: asked }: TrainerConfig,
  { world, threads: share }: RunRanks,
): { backend: TrainerConfig["backend"]; cpuEngine: TrainerConfig["cpu_engine"]; threads?: number } {
  const threads = asked ?? share;
  const common = threads === undefined ? {} : { threads };
  if (world === 1) return { backend, cpuEngine, ...common };
  if (backend !== "auto" && backend !== "cpu")
    throw new UsageError(`expected backend cpu or auto for ${world} processes (they train over MPI), got ${backend}`);
  if (cpuEngine !== "auto" && cpuEngine !== "native")
    throw new UsageError(`expected cpu_engine native or auto for ${world} processes, got ${cpuEngine}`);
  if (batch.micro_batches !== undefined && batch.micro_batches < world)
    throw new UsageError(
      `expected batch.micro_batches of at least the number of processes (${world}), which share them, got ${batch.micro_batches}: raise it`,
    );
  return { backend: "cpu", cpuEngine: "native", ...common };
}

/** Every `world`-th of them. */
export function* shareOf<Item>(items: Iterable<Item>, { rank, world }: RunRanks): Generator<Item> {
  let at = 0;
  for (const item of items) if (at++ % world === rank) yield item;
}
