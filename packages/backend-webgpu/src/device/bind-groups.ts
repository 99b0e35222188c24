/** Bind groups by what they bind: a layer that runs again on pooled buffers makes no new ones. */
import type { Binding } from "./dispatch.ts";
import { parameterBytes } from "./pipelines.ts";

export interface BindGroups {
  get(layout: GPUBindGroupLayout, bindings: readonly Binding[]): GPUBindGroup;
  clear(): void;
}

const maxGroups = 8192;

/** @param uniforms Of all dispatches of a recording; each sees a window of it by dynamic offset. */
export function createBindGroups(device: GPUDevice, uniforms: GPUBuffer): BindGroups {
  const groups = new Map<string, GPUBindGroup>();
  return {
    get(layout, bindings) {
      let key = "";
      for (const { buffer, byteOffset, byteLength, writes } of bindings)
        key += `${buffer.serial}${writes ? "w" : "r"}${byteOffset},${byteLength};`;
      let group = groups.get(key);
      if (group === undefined) {
        group = device.createBindGroup({
          layout,
          entries: [
            { binding: 0, resource: { buffer: uniforms, size: parameterBytes } },
            ...bindings.map(({ buffer, byteOffset, byteLength }, at) => ({
              binding: at + 1,
              resource: { buffer: buffer.gpu, offset: byteOffset, size: byteLength },
            })),
          ],
        });
        if (groups.size >= maxGroups) groups.clear();
        groups.set(key, group);
      }
      return group;
    },
    clear: () => groups.clear(),
  };
}
