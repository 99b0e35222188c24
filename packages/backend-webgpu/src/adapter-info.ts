/** What an adapter says of itself. */

/** One line such as "WebGPU: nvidia ampere, NVIDIA A10 (Vulkan)". */
export function describe(info: GPUAdapterInfo | undefined): string {
  const parts = [info?.vendor, info?.architecture, info?.device, info?.description].filter(Boolean);
  return `WebGPU: ${[...new Set(parts)].join(", ") || "unnamed adapter"}`;
}

/** True where the GPU is a program on the CPU. Not every browser fills `isFallbackAdapter`, so the names are looked at too. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  if (info === undefined) return false;
  const names = [info.vendor, info.architecture, info.device, info.description].join(" ");
  return (
    info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|softpipe|\bsoftware\b|basic render|\bwarp\b/i.test(names)
  );
}
