/** Joins the processes that a launcher started, one a GPU, over NCCL; and leaves them. */
import { callsNative, NativeCollective } from "@modernbert-ts/device-kit";
import { CollectiveError, UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Backend, Collective } from "@modernbert-ts/tensor-core";
import { idBytes, loadAddon } from "./addon.ts";
import type { Addon } from "./addon.ts";
import { ncclPlaces } from "./find-nccl.ts";
import { meet } from "./meet.ts";
import type { Meeting } from "./meeting.ts";
import { rendezvousOf } from "./rendezvous.ts";
import type { Rendezvous } from "./rendezvous.ts";

export interface JoinOptions {
  readonly rank: number;
  /** How many processes there are, two at least. */
  readonly world: number;
  /** Path or name of the NCCL library; default: MODERNBERT_NCCL_LIBRARY, else where the system or pip put it. */
  readonly library?: string;
  /** How they learn where rank 0 is; default: MODERNBERT_RENDEZVOUS (file:///a/path), else MASTER_ADDR and MASTER_PORT. */
  readonly rendezvous?: Rendezvous;
  /** Seconds until all processes must be there (default 300). */
  readonly patience?: number;
  /** Seconds without a sign of life after which a rank counts as lost (default 60). */
  readonly silence?: number;
}

/** This process among the ranks. Disposing it waits for all of them; after a failure it waits for nobody. */
export interface NcclRanks extends AsyncDisposable {
  readonly rank: number;
  readonly world: number;
  /** The library, in a few words. */
  readonly library: string;
  /** Of the only backend that this process trains on. @throws UnsupportedError for one other than the kernels of backend-cuda. */
  collective(backend: Backend): Collective;
  /** Gives up, on all ranks. Harmless when they have failed already. */
  abort(reason: Error): void;
}

/** Milliseconds between looks at what NCCL says behind the calls. */
const lookEvery = 200;

/** @throws CollectiveError without an NCCL library, where nothing says how ranks meet, and when not all processes come. */
export async function joinNccl(options: JoinOptions): Promise<NcclRanks> {
  const { rank, world, library, patience = 300, silence = 60, rendezvous = rendezvousOf(process.env) } = options;
  const addon = loadAddon();
  expectNone(addon.open((library ? [library] : ncclPlaces()).join("\n")));
  const { meeting, id } = await meet({ rank, world, rendezvous, patience, silence }, () => newId(addon));
  meeting.onFailure = (reason) => addon.giveUp(reason);
  if (meeting.failure !== undefined) addon.giveUp(meeting.failure);
  const looking = setInterval(() => {
    const found = addon.failure() ?? wrap(addon.asyncError());
    if (found !== undefined) meeting.giveUp(found);
  }, lookEvery).unref();
  const version = addon.version();
  return {
    rank,
    world,
    library: `NCCL ${Math.floor(version / 10_000)}.${Math.floor(version / 100) % 100}.${version % 100}, rank ${rank} of ${world}`,
    collective(backend) {
      addon.prepare(Buffer.from(id, "base64"), rank, world);
      return collectiveOf(addon, meeting, { rank, world }, backend);
    },
    abort: (reason) => meeting.giveUp(reason.message),
    async [Symbol.asyncDispose]() {
      await meeting.leave();
      clearInterval(looking);
      if (meeting.failure === undefined) addon.leave();
    },
  };
}

function collectiveOf(
  addon: Addon,
  meeting: Meeting,
  { rank, world }: { readonly rank: number; readonly world: number },
  backend: Backend,
): Collective {
  if (!callsNative(backend) || backend.hostReaches)
    throw new UnsupportedError(
      "collective",
      `expected the kernels of backend-cuda, got ${backend.capabilities.device}: NCCL works on GPUs only`,
    );
  backend.callNative("join", addon.address("join"), []);
  return new NativeCollective(
    {
      rank,
      world,
      address: addon.address,
      sumDType: (dtype) => dtype,
      giveUp: (reason) => {
        meeting.giveUp(reason);
        addon.giveUp(reason);
      },
    },
    backend,
  );
}

function newId(addon: Addon): string {
  const id = new Uint8Array(idBytes);
  expectNone(wrap(addon.uniqueId(id)));
  return Buffer.from(id).toString("base64");
}

function expectNone(wrong: string | undefined): void {
  if (wrong !== undefined) throw new CollectiveError("joinNccl", wrong);
}

function wrap(error: string | undefined): string | undefined {
  return error === undefined ? undefined : `NCCL: ${error}`;
}
