/** The page that runs the suites of the WebGPU backend on this browser's adapter. Tests call what it puts on `suite`. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { createWebGpuBackend } from "@modernbert-ts/backend-webgpu";
import { conformanceCases, openSession, runCase } from "@modernbert-ts/conformance";
import type { Session } from "@modernbert-ts/conformance";
import { repeatedInBrowsers } from "../../../../packages/backend-webgpu/test/repeated.ts";
import { goldenFailures, trainingFailures } from "./goldens.ts";
import { optimizerFailures } from "./optimizer.ts";

/** What became of a case, as plain data. */
export interface CaseReport {
  readonly status: "passed" | "skipped" | "failed";
  readonly note?: string;
}

const cases = new Map(conformanceCases().map((each) => [each.name, each]));
let session: Session | undefined;

const lowLimits = { maxStorageBufferBindingSize: 2 ** 20, maxStorageBuffersPerShaderStage: 8 };

/** With all that the adapter has. */
function create() {
  return createWebGpuBackend({ withoutFeatures: [] });
}

const suite = {
  /**
   * Opens the backends; gives the device's name.
   * @param nodeRunsAll Node has an adapter here: what it runs need not be repeated.
   */
  async open(seed: number, nodeRunsAll: boolean): Promise<string> {
    await using probe = await create();
    // Where products of f16 are f16, each is rounded up to four times (see runLength of backend-webgpu).
    const roundings = probe.features.f16Arithmetic ? 4 : 0;
    session = await openSession({
      name: "webgpu in a browser",
      create,
      oracle: async () => createTypeScriptBackend(),
      seed,
      ...(nodeRunsAll && { skip: repeatedInBrowsers }),
      tolerances: { productRoundings: { f16: roundings } },
    });
    return session.backend.capabilities.device;
  },
  async conformance(name: string): Promise<CaseReport> {
    const { outcome } = await runCase(cases.get(name)!, session!);
    switch (outcome.status) {
      case "passed":
        return { status: "passed" };
      case "skipped":
        return { status: "skipped", note: outcome.reason };
      case "failed":
        return { status: "failed", note: (outcome.error as Error).message };
      default:
        return outcome satisfies never;
    }
  },
  /** Tensors that are off, of a fixture's outputs and gradients. */
  golden: (url: string, name: string): Promise<string[]> => goldenFailures(session!.backend, url, name),
  /** The same with the lowest limits that the backend promises to work with. */
  async goldenWithin(url: string, name: string): Promise<string[]> {
    await using small = await createWebGpuBackend({ limits: lowLimits });
    return await goldenFailures(small, url, name);
  },
  /** Ten steps of a fixture's model beside the TypeScript engine. */
  training: (url: string, name: string): Promise<string[]> =>
    trainingFailures(session!.backend, session!.oracle!, url, name),
  /** Ten steps of StableAdamW beside torch. */
  optimizer: (url: string): Promise<string[]> => optimizerFailures(session!.backend, url),
};

export type Suite = typeof suite;

declare global {
  // A page's functions are reached through its global object.
  var suite: Suite;
}
globalThis.suite = suite;
