/** Joins the processes that an MPI launcher started, and leaves them. MPI starts and ends once a process, on a thread of its own. */
import { callsNative, NativeCollective } from "@modernbert-ts/device-kit";
import { CollectiveError, UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Backend, Collective } from "@modernbert-ts/tensor-core";
import { loadAddon, states } from "./addon.ts";
import type { Addon } from "./addon.ts";

export interface JoinOptions {
  /** Path or name of the MPI library; default: MODERNBERT_MPI_LIBRARY, else the one of the launcher. */
  readonly library?: string;
  /** Seconds without a sign of life after which a rank counts as lost (default 20). */
  readonly silence?: number;
}

/** This process among the ranks. Disposing it waits for all of them, then ends MPI; after a failure it waits for nobody. */
export interface MpiRanks extends AsyncDisposable {
  readonly rank: number;
  readonly world: number;
  /** The library, in a few words. */
  readonly library: string;
  /** @throws UnsupportedError for a backend other than the native engine of the CPU. */
  collective(backend: Backend): Collective;
  /** Gives up, on all ranks. Harmless when they have failed already. */
  abort(reason: Error): void;
}

const namesOfAbi = ["libmpi_abi.so.0", "libmpi_abi.so", "libmpi_abi.dylib"];
const namesOfOpenMpi = ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib", "libmpi.dylib"];
const namesOfMpich = ["libmpi.so.12", "libmpich.so.12", "libmpi.12.dylib", "libmpich.dylib", "libmpi.so"];

let joined = false;

/** @throws CollectiveError without an MPI library of a known binary interface, and when MPI cannot start. */
export async function joinMpi({ library, silence = 20 }: JoinOptions = {}): Promise<MpiRanks> {
  if (joined)
    throw new CollectiveError("joinMpi", "expected one call a process, got another: keep what the first gave");
  joined = true;
  const addon = loadAddon();
  const asked = library ?? process.env["MODERNBERT_MPI_LIBRARY"];
  const refusal = addon.open((asked ? [asked] : namesFor(process.env)).join("\n"));
  if (refusal !== undefined) throw new CollectiveError("joinMpi", refusal);
  if (!addon.join(1000 * silence))
    throw new CollectiveError("joinMpi", "expected the system to start a thread, it did not");
  const end = (): void => addon.quit();
  process.once("exit", end);
  await changeFrom(addon, states.starting);
  const failure = addon.failure();
  if (failure !== undefined) throw new CollectiveError("joinMpi", failure);
  const [rank, world] = [addon.rank(), addon.world()];
  return {
    rank,
    world,
    library: `${addon.abi()}, rank ${rank} of ${world}`,
    collective: (backend) => collectiveOf(addon, backend),
    abort: (reason) => addon.giveUp(reason.message),
    async [Symbol.asyncDispose]() {
      if (addon.failure() === undefined) addon.leave();
      await changeFrom(addon, states.joined);
    },
  };
}

/** @throws UnsupportedError. */
function collectiveOf(addon: Addon, backend: Backend): Collective {
  if (!callsNative(backend) || !backend.hostReaches)
    throw new UnsupportedError(
      "collective",
      `expected the native engine of the CPU backend, got ${backend.capabilities.device}: MPI works on its memory only`,
    );
  return new NativeCollective(
    {
      rank: addon.rank(),
      world: addon.world(),
      address: addon.address,
      giveUp: addon.giveUp,
      // In at least 32 bits.
      sumDType: (dtype) => (dtype === "f16" || dtype === "bf16" ? "f32" : dtype),
    },
    backend,
  );
}

/** The library must be that of the launcher, whose variables say which it is. */
function namesFor(environment: NodeJS.ProcessEnv): readonly string[] {
  const openMpi = environment["OMPI_COMM_WORLD_SIZE"] !== undefined;
  const hydra = environment["PMI_RANK"] !== undefined && !openMpi;
  return hydra
    ? [...namesOfMpich, ...namesOfAbi, ...namesOfOpenMpi]
    : [...namesOfOpenMpi, ...namesOfAbi, ...namesOfMpich];
}

async function changeFrom(addon: Addon, state: number): Promise<void> {
  while (addon.state() === state) await new Promise((resolve) => setTimeout(resolve, 5));
}
