/**
 * Whether Linux shows a GPU that Vulkan could drive, from files alone: Dawn itself writes to stderr where it finds none. Only asked where
 * software adapters are not wanted.
 */
import { importHidden } from "./hidden-import.ts";

/** The parts of Node that are used; imported when they are needed, so that browsers never see them. */
interface Files {
  readFile(path: string, encoding: "latin1" | "utf8"): Promise<string>;
  readdir(path: string): Promise<string[]>;
}

type Variables = Readonly<Record<string, string | undefined>>;

export interface Machine {
  readonly platform: string;
  readonly env: Variables;
  readonly files: Files;
}

/** Device files of GPUs: in /dev/dri (all but the closed drivers), NVIDIA, Windows' subsystem for Linux, NVIDIA's, Arm's and Qualcomm's boards. */
const devices = /^(nvidia\d+|dxg|nvhost-gpu|nvgpu|mali\d+|kgsl-3d0)$/;
const renderNode = /^renderD\d+$/;
/** Drivers that are programs on the CPU. */
const software = /lvp|lavapipe|swiftshader/i;

/** Why there is no use in asking Vulkan for a GPU; undefined where there is, or where that is not known from files. */
export async function whyNoGpu(machine: Machine | undefined = undefined): Promise<string | undefined> {
  const { platform, env, files } = machine ?? (await thisMachine()) ?? {};
  if (platform !== "linux" || !env || !files) return undefined;
  const list = (folder: string): Promise<string[]> => files.readdir(folder).catch(() => []);
  const found = [
    ...(await list("/dev")).filter((name) => devices.test(name)),
    ...(await list("/dev/dri")).filter((name) => renderNode.test(name)),
  ];
  if (found.length === 0) return "no GPU is to be seen in /dev";
  if (!(await hasLibrary("libvulkan.so.1", env, files))) return "there is no Vulkan loader (libvulkan.so.1)";
  for (const path of await driverFiles(env, list)) {
    if (software.test(path)) continue;
    const library = await files.readFile(path, "utf8").then(libraryOf, () => undefined);
    if (library !== undefined && (await hasLibrary(library, env, files, path))) return undefined;
  }
  return "there is no Vulkan driver for a GPU";
}

async function thisMachine(): Promise<Machine | undefined> {
  const { navigator, process } = globalThis as {
    readonly navigator?: { readonly gpu?: unknown };
    readonly process?: {
      readonly versions?: { readonly node?: string };
      readonly platform: string;
      readonly env: Variables;
    };
  };
  if (navigator?.gpu || process?.versions?.node === undefined) return undefined;
  const files = await importHidden<Files>("node:fs/promises");
  return { platform: process.platform, env: process.env, files };
}

/** What the Vulkan loader reads: the files that variables name, or those in its folders. */
async function driverFiles(env: Variables, list: (folder: string) => Promise<string[]>): Promise<string[]> {
  const paths = (name: string, otherwise = ""): string[] => (env[name] || otherwise).split(":").filter(Boolean);
  const given = [...paths("VK_DRIVER_FILES", env["VK_ICD_FILENAMES"]), ...paths("VK_ADD_DRIVER_FILES")];
  const home = env["HOME"] ?? "";
  const roots = [
    ...paths("XDG_CONFIG_HOME", `${home}/.config`),
    ...paths("XDG_CONFIG_DIRS", "/etc/xdg"),
    "/etc",
    ...paths("XDG_DATA_HOME", `${home}/.local/share`),
    ...paths("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
  ];
  const only = env["VK_DRIVER_FILES"] || env["VK_ICD_FILENAMES"];
  const folders = [...paths("VK_ADD_DRIVER_FILES"), ...(only ? given : roots.map((root) => `${root}/vulkan/icd.d`))];
  const inFolders = folders.map(async (folder) =>
    (await list(folder)).filter((name) => name.endsWith(".json")).map((name) => `${folder}/${name}`),
  );
  return [...given, ...(await Promise.all(inFolders)).flat()].filter((path) => path.endsWith(".json"));
}

function libraryOf(text: string): string | undefined {
  try {
    const { ICD } = JSON.parse(text) as { readonly ICD?: { readonly library_path?: unknown } };
    return typeof ICD?.library_path === "string" ? ICD.library_path : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the dynamic linker would find a library: by its path, or by its name in its index and folders. */
async function hasLibrary(library: string, env: Variables, files: Files, from = ""): Promise<boolean> {
  const file = library.slice(library.lastIndexOf("/") + 1);
  const isIn = (folder: string): Promise<boolean> =>
    files.readdir(folder).then(
      (names) => names.includes(file),
      () => false,
    );
  if (library.includes("/")) {
    const folder = library.slice(0, -file.length - 1);
    return isIn(library.startsWith("/") ? folder || "/" : `${from.slice(0, from.lastIndexOf("/"))}/${folder}`);
  }
  const index = await files.readFile("/etc/ld.so.cache", "latin1").catch(() => "");
  if (index.includes(`${file}\0`)) return true;
  const folders = [
    ...(env["LD_LIBRARY_PATH"] ?? "").split(":").filter(Boolean),
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    "/usr/local/lib",
  ];
  return (await Promise.all(folders.map(isIn))).some(Boolean);
}
