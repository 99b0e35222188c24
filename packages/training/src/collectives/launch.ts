/**
 * Which of how many processes this one is, as its launcher says in the environment: torchrun, Open MPI, MPICH and Intel MPI (Hydra, PMI), Slurm,
 * or an indexed job of Kubernetes. Variables that contradict each other are refused by name.
 */
import { DataError } from "../errors.ts";

export interface Launch {
  readonly rank: number;
  readonly world: number;
  /** Who said so; undefined for a process that was started by itself. */
  readonly launcher: string | undefined;
  /** How many of the processes run on this machine, where the launcher tells. */
  readonly localWorld: number | undefined;
  /** Which of the processes on this machine, where the launcher tells. */
  readonly localRank: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Launcher {
  readonly name: string;
  readonly rank: string;
  /** The first that is set. */
  readonly world: readonly string[];
  readonly localWorld?: string;
  readonly localRank?: string;
}

/** They start every process and name it: all that are there must agree. */
const launchers: readonly Launcher[] = [
  {
    name: "Open MPI",
    rank: "OMPI_COMM_WORLD_RANK",
    world: ["OMPI_COMM_WORLD_SIZE"],
    localWorld: "OMPI_COMM_WORLD_LOCAL_SIZE",
    localRank: "OMPI_COMM_WORLD_LOCAL_RANK",
  },
  { name: "PMI", rank: "PMI_RANK", world: ["PMI_SIZE"], localWorld: "MPI_LOCALNRANKS", localRank: "MPI_LOCALRANKID" },
  {
    name: "torchrun",
    rank: "RANK",
    world: ["WORLD_SIZE"],
    localWorld: "LOCAL_WORLD_SIZE",
    localRank: "LOCAL_RANK",
  },
];

/** They may have started another launcher, which inherits what they said: the first that is there, and only where none of the above is. */
const surroundings: readonly Launcher[] = [
  {
    name: "Slurm",
    rank: "SLURM_PROCID",
    world: ["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"],
    localRank: "SLURM_LOCALID",
  },
  { name: "Kubernetes", rank: "JOB_COMPLETION_INDEX", world: ["WORLD_SIZE"] },
];

/** @throws DataError `mismatch` that names the variables. */
export function launchOf(environment: Environment = process.env): Launch {
  const said = launchers.filter((launcher) => speaks(environment, launcher)).map((each) => read(environment, each));
  const [first, ...others] = said;
  for (const other of others)
    if (other.rank !== first!.rank || other.world !== first!.world)
      throw refusal(
        `one rank and world, got ${other.rank} of ${other.world} from ${other.launcher} and ${first!.rank} of ${first!.world} from ${first!.launcher}: unset the variables of one of them`,
      );
  if (first) return agreesWithPmix(environment, first);
  const around = surroundings.find(({ rank }) => environment[rank] !== undefined);
  if (around) return agreesWithPmix(environment, read(environment, around));
  return { rank: 0, world: 1, launcher: undefined, localWorld: undefined, localRank: undefined };
}

/** A rank, or the number of processes where no surrounding makes a rank of it. */
function speaks(environment: Environment, { rank, world }: Launcher): boolean {
  if (environment[rank] !== undefined) return true;
  if (!world.some((name) => environment[name] !== undefined)) return false;
  return !surroundings.some((around) => around.world.includes(world[0]!) && environment[around.rank] !== undefined);
}

function read(environment: Environment, launcher: Launcher): Launch {
  const worldName = launcher.world.find((name) => environment[name] !== undefined) ?? launcher.world[0]!;
  const rank = integer(environment, launcher.rank, worldName);
  const world = integer(environment, worldName, launcher.rank);
  if (world < 1 || rank >= world)
    throw refusal(
      `${launcher.rank} below ${worldName}, got ${rank} of ${world}: set both as ${launcher.name} would, or unset them`,
    );
  const local = launcher.localWorld;
  const localWorld =
    local !== undefined && environment[local] !== undefined ? integer(environment, local, worldName) : undefined;
  if (localWorld !== undefined && (localWorld < 1 || localWorld > world))
    throw refusal(
      `${local} in 1..${world} (${worldName}), got ${localWorld}: set it as ${launcher.name} would, or unset it`,
    );
  const which = launcher.localRank;
  const localRank =
    which !== undefined && environment[which] !== undefined ? integer(environment, which, worldName) : undefined;
  if (localRank !== undefined && localRank >= (localWorld ?? world))
    throw refusal(
      `${which} below ${localWorld ?? world}, got ${localRank}: set it as ${launcher.name} would, or unset it`,
    );
  return { rank, world, launcher: launcher.name, localWorld, localRank };
}

/** PMIx tells the rank alone. */
function agreesWithPmix(environment: Environment, launch: Launch): Launch {
  if (environment["PMIX_RANK"] === undefined) return launch;
  const rank = integer(environment, "PMIX_RANK", "none");
  if (rank === launch.rank) return launch;
  throw refusal(
    `PMIX_RANK as ${launch.launcher} says (${launch.rank}), got ${rank}: unset the variables of one of them`,
  );
}

function integer(environment: Environment, name: string, beside: string): number {
  const text = environment[name];
  if (text === undefined)
    throw refusal(
      `${name} beside ${beside}, got none: set it to ${/RANK|INDEX/.test(name) ? "this process's rank" : "the number of processes"}`,
    );
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw refusal(`a whole number in ${name}, got ${JSON.stringify(text)}`);
}

function refusal(expected: string): DataError {
  return new DataError("mismatch", "launchOf", `expected ${expected}`);
}
