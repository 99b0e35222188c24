/** GPUs are looked for in files before Dawn is loaded, which writes to stderr where it finds none. */
import { describe, expect, test } from "vitest";
import { whyNoGpu } from "../src/vulkan.ts";

const driver = (library: string): string => JSON.stringify({ ICD: { library_path: library } });
const gpu = {
  "/dev/dri/renderD128": "",
  "/etc/ld.so.cache": "x\0libvulkan.so.1\0libvulkan_radeon.so\0",
  "/usr/share/vulkan/icd.d/lvp_icd.json": driver("libvulkan_lvp.so"),
  "/usr/share/vulkan/icd.d/radeon_icd.json": driver("libvulkan_radeon.so"),
};

/** Linux with these files. */
function why(tree: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}, platform = "linux") {
  const files = {
    readFile: async (path: string) => tree[path] ?? Promise.reject(new Error(path)),
    readdir: async (folder: string) => {
      const inside = Object.keys(tree).filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(inside.map((path) => path.slice(folder.length + 1).split("/")[0]!))];
    },
  };
  return whyNoGpu({ platform, env, files });
}

const without = (...paths: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(gpu).filter(([path]) => !paths.includes(path)));
const radeon = "/usr/share/vulkan/icd.d/radeon_icd.json";

describe("a GPU on Linux", () => {
  test("has a device file, a loader and a driver", async () => {
    expect(await why(gpu)).toBeUndefined();
    expect(await why(without("/dev/dri/renderD128"))).toBe("no GPU is to be seen in /dev");
    expect(await why({ ...gpu, "/etc/ld.so.cache": "libvulkan_radeon.so\0" })).toMatch(/no Vulkan loader/);
    expect(await why(without(radeon))).toBe("there is no Vulkan driver for a GPU");
    expect(await why({ ...gpu, [radeon]: driver("libvulkan_gone.so") })).toMatch(/no Vulkan driver/);
    expect(await why({ ...gpu, [radeon]: "{" })).toMatch(/no Vulkan driver/);
  });

  test("may be NVIDIA's, with libraries by path or in LD_LIBRARY_PATH", async () => {
    const nvidia = {
      "/dev/nvidia0": "",
      "/opt/lib/libvulkan.so.1": "",
      "/opt/lib/libGLX_nvidia.so.0": "",
      "/etc/vulkan/icd.d/nvidia_icd.json": driver("../../../opt/lib/libGLX_nvidia.so.0"),
      "/etc/vulkan/icd.d/../../../opt/lib/libGLX_nvidia.so.0": "",
    };
    expect(await why(nvidia, { LD_LIBRARY_PATH: "/opt/lib" })).toBeUndefined();
    expect(await why(nvidia)).toMatch(/no Vulkan loader/);
  });

  test("is driven by what the variables of the loader name", async () => {
    const lavapipe = "/usr/share/vulkan/icd.d/lvp_icd.json";
    expect(await why(gpu, { VK_DRIVER_FILES: lavapipe })).toMatch(/no Vulkan driver/);
    expect(await why(gpu, { VK_ICD_FILENAMES: lavapipe })).toMatch(/no Vulkan driver/);
    expect(await why(gpu, { VK_DRIVER_FILES: `${lavapipe}:${radeon}` })).toBeUndefined();
    expect(await why(gpu, { XDG_DATA_DIRS: "/nothing", VK_ADD_DRIVER_FILES: radeon })).toBeUndefined();
  });
});

test("elsewhere it is asked for", async () => {
  expect(await why({}, {}, "darwin")).toBeUndefined();
});
