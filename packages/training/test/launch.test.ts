import { describe, expect, test } from "vitest";
import { launchOf } from "../src/collectives/launch.ts";

const openMpi = { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4", OMPI_COMM_WORLD_LOCAL_SIZE: "2" };

const said = (environment: Record<string, string>) => {
  const { rank, world, launcher, localWorld } = launchOf(environment);
  return [launcher, rank, world, localWorld];
};

const local = (environment: Record<string, string>) => launchOf(environment).localRank;

describe("launchOf", () => {
  test("knows what each launcher says", () => {
    expect(said({})).toEqual([undefined, 0, 1, undefined]);
    expect(said({ WORLD_SIZE: "8", RANK: "7", LOCAL_WORLD_SIZE: "4", MASTER_ADDR: "host" })).toEqual([
      "torchrun",
      7,
      8,
      4,
    ]);
    expect(said({ ...openMpi, PMIX_RANK: "1" })).toEqual(["Open MPI", 1, 4, 2]);
    expect(said({ PMI_RANK: "0", PMI_SIZE: "2", MPI_LOCALNRANKS: "2" })).toEqual(["PMI", 0, 2, 2]);
    expect(said({ SLURM_PROCID: "3", SLURM_NTASKS: "6" })).toEqual(["Slurm", 3, 6, undefined]);
    expect(said({ SLURM_PROCID: "3", SLURM_NTASKS: "6", SLURM_STEP_NUM_TASKS: "4" })).toEqual([
      "Slurm",
      3,
      4,
      undefined,
    ]);
    expect(said({ JOB_COMPLETION_INDEX: "2", WORLD_SIZE: "3" })).toEqual(["Kubernetes", 2, 3, undefined]);
  });

  test("knows which of a machine's processes this is", () => {
    expect(local({ ...openMpi, OMPI_COMM_WORLD_LOCAL_RANK: "1" })).toBe(1);
    expect(local({ WORLD_SIZE: "8", RANK: "7", LOCAL_WORLD_SIZE: "4", LOCAL_RANK: "3" })).toBe(3);
    expect(local({ PMI_RANK: "0", PMI_SIZE: "2", MPI_LOCALRANKID: "0" })).toBe(0);
    expect(local({ SLURM_PROCID: "3", SLURM_NTASKS: "6", SLURM_LOCALID: "1" })).toBe(1);
    expect(local({ JOB_COMPLETION_INDEX: "2", WORLD_SIZE: "3" })).toBeUndefined();
    expect(() => local({ WORLD_SIZE: "8", RANK: "7", LOCAL_WORLD_SIZE: "4", LOCAL_RANK: "4" })).toThrow(
      "expected LOCAL_RANK below 4, got 4: set it as torchrun would, or unset it",
    );
  });

  test("believes a launcher rather than what it was started by", () => {
    const slurm = { SLURM_PROCID: "0", SLURM_NTASKS: "2", JOB_COMPLETION_INDEX: "9" };
    expect(launchOf({ ...slurm, ...openMpi })).toMatchObject({ launcher: "Open MPI", rank: 1, world: 4 });
    expect(launchOf({ ...openMpi, RANK: "1", WORLD_SIZE: "4" })).toMatchObject({ launcher: "Open MPI" });
    expect(launchOf({ ...slurm, PMI_RANK: "1", PMI_SIZE: "2" })).toMatchObject({ launcher: "PMI", rank: 1 });
  });

  test.each([
    [{ RANK: "3" }, "expected WORLD_SIZE beside RANK, got none: set it to the number of processes"],
    [{ WORLD_SIZE: "3" }, "expected RANK beside WORLD_SIZE, got none: set it to this process's rank"],
    [{ JOB_COMPLETION_INDEX: "1" }, "expected WORLD_SIZE beside JOB_COMPLETION_INDEX, got none"],
    [{ RANK: "two", WORLD_SIZE: "3" }, 'expected a whole number in RANK, got "two"'],
    [{ RANK: "3", WORLD_SIZE: "3" }, "expected RANK below WORLD_SIZE, got 3 of 3: set both as torchrun would"],
    [
      { ...openMpi, OMPI_COMM_WORLD_LOCAL_SIZE: "5" },
      "expected OMPI_COMM_WORLD_LOCAL_SIZE in 1..4 (OMPI_COMM_WORLD_SIZE), got 5",
    ],
    [{ ...openMpi, RANK: "0", WORLD_SIZE: "4" }, "got 0 of 4 from torchrun and 1 of 4 from Open MPI"],
    [{ ...openMpi, PMIX_RANK: "2" }, "expected PMIX_RANK as Open MPI says (1), got 2"],
  ])("refuses %o by name", (environment, message) => {
    expect(() => launchOf(environment)).toThrow(message);
  });
});
