/** Processes that mpirun or srun started: as MPI knows them, and how they learn from it where rank 0 of NCCL is. */
import { createBackend } from "@modernbert-ts/backends";
import { joinMpi } from "@modernbert-ts/collective-mpi";
import type { MpiRanks } from "@modernbert-ts/collective-mpi";
import type { Place, Rendezvous } from "@modernbert-ts/collective-nccl";
import { Runtime } from "@modernbert-ts/tensor-core";
import { gatherJson } from "@modernbert-ts/training";
import type { Launch } from "@modernbert-ts/training";
import { UserError } from "../../errors.ts";

/** @throws CollectiveError without MPI; UserError where it knows of other processes than the launcher. */
export async function joinMpiAs({ rank, world, launcher }: Launch): Promise<MpiRanks> {
  const mpi = await joinMpi();
  if (mpi.world === world && mpi.rank === rank) return mpi;
  const error = new UserError(
    `expected MPI to know this process as ${rank} of ${world}, as ${launcher} says, got ${mpi.rank} of ${mpi.world}: start the processes with the mpirun or srun of that MPI library`,
  );
  mpi.abort(error);
  await mpi[Symbol.asyncDispose]();
  throw error;
}

/** MPI carries the address, and ends when all have it. @throws as above. */
export async function mpiRendezvous(launch: Launch): Promise<Rendezvous> {
  const mpi = await joinMpiAs(launch);
  /** What rank 0 says; every rank calls it once. */
  const tell = async (place: Place | null): Promise<Place> => {
    const { backend } = await createBackend("cpu", { cpuEngine: "native", threads: 1 });
    try {
      const [first] = await gatherJson(new Runtime(backend), mpi.collective(backend), place);
      return first as Place;
    } catch (error) {
      mpi.abort(error as Error);
      throw error;
    } finally {
      await backend[Symbol.asyncDispose]();
      await mpi[Symbol.asyncDispose]();
    }
  };
  let found: Promise<Place> | undefined;
  return {
    name: "the place that MPI told",
    port: 0,
    publish: async (place) => void (await tell(place)),
    find: () => (found ??= tell(null)),
    withdraw: () => undefined,
  };
}
