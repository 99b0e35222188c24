/** Where WebGPU comes from: the browser's `navigator.gpu`, or in Node the package webgpu (Dawn), imported only when it is needed. */
import { WebGpuUnavailableError } from "./errors.ts";
import { importHidden } from "./hidden-import.ts";

export interface GpuSource {
  readonly from: GPU;
  /** What to try when it has no adapter. */
  readonly advice: string;
}

/** The package webgpu. */
export interface DawnModule {
  create(options: string[]): GPU;
}

export const driverAdvice: string =
  "on Linux Dawn needs a Vulkan driver; on Debian or Ubuntu apt-get install mesa-vulkan-drivers (25 or newer; its lavapipe runs on the " +
  "CPU), and name its file if it is not found: VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json";

/** Dawn lives as long as this object and ends the process with it when it is collected too early, so one is kept for good. */
let dawn: GPU | undefined;

const importDawn = (): Promise<DawnModule> => importHidden<DawnModule>("webgpu");

/** Node says the first; bundlers and Yarn PnP the second. */
const missing: readonly unknown[] = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"];

/** @param load Imports the package webgpu; only called in Node. */
export async function findGpu(load: () => Promise<DawnModule> = importDawn): Promise<GpuSource> {
  const { navigator, process } = globalThis as {
    navigator?: { readonly gpu?: GPU };
    process?: { readonly versions?: { readonly node?: string } };
  };
  if (navigator?.gpu) return { from: navigator.gpu, advice: "see chrome://gpu for the reason" };
  if (process?.versions?.node === undefined) {
    throw new WebGpuUnavailableError(
      "this browser has no WebGPU",
      "take a current one, and serve the page over https or from localhost",
    );
  }
  let module: DawnModule;
  try {
    module = await load();
  } catch (cause) {
    const { code } = cause as { readonly code?: unknown };
    if (missing.includes(code))
      throw new WebGpuUnavailableError("Node has no WebGPU of its own", "npm install webgpu", { cause });
    throw new WebGpuUnavailableError("the package webgpu cannot run here", (cause as Error).message, { cause });
  }
  dawn ??= module.create([]);
  return { from: dawn, advice: driverAdvice };
}
