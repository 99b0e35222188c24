/** The processes that train together: this one alone, or those of a launcher, over NCCL on GPUs and over MPI on CPUs. */
import { availableParallelism, cpus } from "node:os";
import { launchOf } from "@modernbert-ts/training";
import type { Launch, TrainerOptions } from "@modernbert-ts/training";
import type { Backend, Collective } from "@modernbert-ts/tensor-core";
import type { TrainerConfig } from "../../config/config.ts";
import { UsageError } from "../../errors.ts";

/** Disposing them waits for all, unless they have given up. */
export interface RunRanks extends AsyncDisposable {
  readonly rank: number;
  readonly world: number;
  /** Of this process where the configuration does not say; undefined: all. */
  readonly threads: number | undefined;
  /** What several processes train on, and which of the machine's GPUs is this one's. */
  readonly over: { readonly name: "mpi" } | { readonly name: "nccl"; readonly device: number };
  /** undefined for one process alone. */
  collective(backend: Backend): Collective | undefined;
  /** Gives up, on all ranks. */
  abort(reason: Error): void;
}

export const alone: RunRanks = {
  rank: 0,
  world: 1,
  threads: undefined,
  over: { name: "mpi" },
  collective: () => undefined,
  abort: () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

/**
 * @param backend of the configuration: cuda trains over NCCL.
 * @throws DataError (variables that contradict each other), CollectiveError (no MPI, no NCCL), UserError (MPI knows of other processes).
 */
export async function joinRanks(backend: TrainerConfig["backend"]): Promise<RunRanks> {
  const launch = launchOf();
  if (launch.world === 1) return alone;
  return backend === "cuda" ? joinOverNccl(launch) : joinOverMpi(launch);
}

async function joinOverNccl(launch: Launch): Promise<RunRanks> {
  const { joinNccl } = await import("@modernbert-ts/collective-nccl");
  const rendezvous = metByMpi(launch) ? await (await import("./mpi.ts")).mpiRendezvous(launch) : undefined;
  const nccl = await joinNccl({ ...launch, ...(rendezvous ? { rendezvous } : {}) });
  return {
    rank: nccl.rank,
    world: nccl.world,
    threads: undefined,
    over: { name: "nccl", device: deviceOf(launch) },
    collective: (backend) => nccl.collective(backend),
    abort: (reason) => nccl.abort(reason),
    [Symbol.asyncDispose]: () => nccl[Symbol.asyncDispose](),
  };
}

/** Whether MPI started the processes and nothing else says where rank 0 is. */
function metByMpi({ launcher }: Launch, env: NodeJS.ProcessEnv = process.env): boolean {
  const isSaid = [env["MODERNBERT_RENDEZVOUS"], env["MASTER_ADDR"], env["MASTER_PORT"]].some(Boolean);
  return !isSaid && (launcher === "Open MPI" || launcher === "PMI");
}

/** The first where the launcher shows each process a GPU of its own. */
function deviceOf({ localRank = 0 }: Launch, shown = process.env["CUDA_VISIBLE_DEVICES"]): number {
  return shown !== undefined && !shown.includes(",") ? 0 : localRank;
}

async function joinOverMpi(launch: Launch): Promise<RunRanks> {
  const { joinMpiAs } = await import("./mpi.ts");
  const mpi = await joinMpiAs(launch);
  return {
    rank: mpi.rank,
    world: mpi.world,
    threads: threadsOf(launch),
    over: { name: "mpi" },
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
  { world, threads: share, over }: RunRanks,
): { backend: TrainerConfig["backend"]; cpuEngine: TrainerConfig["cpu_engine"]; threads?: number; device?: number } {
  const threads = asked ?? share;
  const common = threads === undefined ? {} : { threads };
  if (world === 1) return { backend, cpuEngine, ...common };
  if (batch.micro_batches !== undefined && batch.micro_batches < world)
    throw new UsageError(
      `expected batch.micro_batches of at least the number of processes (${world}), which share them, got ${batch.micro_batches}: raise it`,
    );
  if (over.name === "nccl") return { backend: "cuda", cpuEngine, ...common, device: over.device };
  if (backend !== "auto" && backend !== "cpu")
    throw new UsageError(
      `expected backend cpu or auto (over MPI) or cuda (over NCCL) for ${world} processes, got ${backend}`,
    );
  if (cpuEngine !== "auto" && cpuEngine !== "native")
    throw new UsageError(`expected cpu_engine native or auto for ${world} processes, got ${cpuEngine}`);
  return { backend: "cpu", cpuEngine: "native", ...common };
}

/** How gradients are summed. */
export function exchangeOf(
  { reduce_dtype: reduceDtype, bucket_mb: megabytes }: TrainerConfig["optimizer"],
  { over }: RunRanks,
): Pick<TrainerOptions<unknown>, "reduceDtype" | "bucketBytes"> {
  const bytes = 1e6 * (megabytes ?? (over.name === "nccl" ? 25 : 0));
  return { reduceDtype, bucketBytes: bytes === 0 ? undefined : bytes };
}

/** Every `world`-th of them. */
export function* shareOf<Item>(items: Iterable<Item>, { rank, world }: RunRanks): Generator<Item> {
  let at = 0;
  for (const item of items) if (at++ % world === rank) yield item;
}
