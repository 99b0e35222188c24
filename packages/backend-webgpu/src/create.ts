/** Finds a WebGPU device, in the browser or in Node, and makes a backend of it. */
import { TensorError } from "@modernbert-ts/tensor-core";
import { describe, isSoftware } from "./adapter-info.ts";
import { createBackend } from "./backend.ts";
import { featuresOf, featuresToRequest } from "./device-features.ts";
import { WebGpuUnavailableError } from "./errors.ts";
import { describeFeatures, optionalFeatures } from "./features.ts";
import type { OptionalFeature } from "./features.ts";
import { driverAdvice, findGpu } from "./gpu.ts";
import { recipes } from "./kernels/matmul-recipes.ts";
import type { DeviceLimits, WebGpuBackend, WebGpuBackendOptions } from "./options.ts";
import { defaultStore } from "./tuning-store.ts";
import { loadTable, measureTable } from "./tuning.ts";
import { whyNoGpu } from "./vulkan.ts";

/** What WebGPU promises at least, and kernels use at most. */
const minBindings = 8;

/** Software adapters have f16 arithmetic, but the processor has no instructions for it: unpacked to f32, f16 is twice as fast. */
const imitated: readonly OptionalFeature[] = ["shader-f16"];

const limitNames = ["maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage", "maxBufferSize"] as const;

/** A backend on a GPU (or on a software one). Rejects with `WebGpuUnavailableError` where there is none. */
export async function createWebGpuBackend(options: WebGpuBackendOptions = {}): Promise<WebGpuBackend> {
  const { maxCachedBytes = 2 ** 30, maxDispatchesPerFlush = 256 } = options;
  checkOptions(options);
  const { device, info, language, owned } = await findDevice(options);
  const limits = Object.fromEntries(
    limitNames.map((name) => [name, Math.min(device.limits[name], options.limits?.[name] ?? Infinity)]),
  ) as Record<keyof DeviceLimits, number>;
  const bindings = limits.maxStorageBuffersPerShaderStage;
  if (bindings < minBindings) {
    if (owned) device.destroy();
    throw new WebGpuUnavailableError(`shaders see ${bindings} storage buffers`, `kernels need ${minBindings}`);
  }
  const { matmul = "tuned", tuningStore = defaultStore() } = options;
  const software = isSoftware(info);
  const { withoutFeatures = software ? imitated : [] } = options;
  const features = featuresOf(device, language, withoutFeatures);
  const description = `${describe(info)}${describeFeatures(features)}`;
  // A store cuts long keys, so what tells tables of one adapter apart comes first.
  const tableKey = `${describeFeatures(features)} ${describe(info)}`.trim();
  const measures = matmul === "tuned" && !software;
  const table = measures ? await loadTable(tuningStore, tableKey) : undefined;
  const backend = createBackend({
    device,
    limits,
    maxCachedBytes,
    maxDispatchesPerFlush,
    description,
    matmul: matmul === "tuned" ? (software ? "direct" : table) : matmul === "rule" ? undefined : matmul,
    features,
    avoidsBarriers: options.avoidBarriers ?? software,
    dispose: () => {
      if (owned) device.destroy();
    },
  });
  if (measures && table === undefined) await measureTable(backend, tuningStore, tableKey);
  return backend;
}

function expectOption(holds: boolean, expected: string, got: unknown): void {
  if (!holds) throw new TensorError("createWebGpuBackend", `expected ${expected}, got ${String(got)}`);
}

/** Refuses what would be ignored. */
function checkOptions({
  maxDispatchesPerFlush = 1,
  matmul = "rule",
  withoutFeatures = [],
}: WebGpuBackendOptions): void {
  const [most, choices] = [maxDispatchesPerFlush, ["tuned", "rule", ...Object.keys(recipes)]];
  expectOption(Number.isInteger(most) && most >= 1, "maxDispatchesPerFlush of 1 or more", most);
  expectOption(choices.includes(matmul), `matmul to be one of ${choices.join(", ")}`, matmul);
  for (const name of withoutFeatures)
    expectOption(optionalFeatures.includes(name), `withoutFeatures from ${optionalFeatures.join(", ")}`, name);
}

interface FoundDevice {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo | undefined;
  /** What WGSL can do beyond its first version; unknown where the caller brings a device or an adapter. */
  readonly language: WGSLLanguageFeatures | undefined;
  readonly owned: boolean;
}

async function findDevice(options: WebGpuBackendOptions): Promise<FoundDevice> {
  // By structure they are what they are in the options; here they are WebGPU's own.
  const brought = options as { readonly device?: GPUDevice; readonly adapter?: GPUAdapter; readonly gpu?: GPU };
  const given = { info: brought.device?.adapterInfo, language: brought.gpu?.wgslLanguageFeatures };
  if (brought.device !== undefined) return { ...given, device: brought.device, owned: false };
  const { adapter, language } = brought.adapter
    ? { ...given, adapter: brought.adapter }
    : await requestAdapter(options, brought.gpu);
  const requiredLimits = Object.fromEntries(limitNames.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = featuresToRequest(adapter);
  try {
    return {
      device: await adapter.requestDevice({ requiredLimits, requiredFeatures }),
      info: adapter.info,
      language,
      owned: true,
    };
  } catch (cause) {
    throw new WebGpuUnavailableError(
      `the adapter gives no device (${describe(adapter.info)})`,
      (cause as Error).message,
      { cause },
    );
  }
}

async function requestAdapter(
  { powerPreference = "high-performance", allowSoftware = true }: WebGpuBackendOptions,
  gpu: GPU | undefined,
): Promise<Pick<FoundDevice, "language"> & { readonly adapter: GPUAdapter }> {
  const reason = gpu || allowSoftware ? undefined : await whyNoGpu();
  if (reason !== undefined) throw new WebGpuUnavailableError(reason, driverAdvice);
  const { from, advice } = gpu ? { from: gpu, advice: "the given gpu has none" } : await findGpu();
  const adapter = await from.requestAdapter({ powerPreference });
  if (adapter === null) throw new WebGpuUnavailableError("there is no WebGPU adapter on this machine", advice);
  if (!allowSoftware && isSoftware(adapter.info)) {
    throw new WebGpuUnavailableError(
      `the only adapter is software (${describe(adapter.info)})`,
      "the CPU backend is faster; ask for webgpu by name to use it all the same",
    );
  }
  return { adapter, language: from.wgslLanguageFeatures };
}
