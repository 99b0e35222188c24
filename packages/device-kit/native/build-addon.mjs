/**
 * Compiles the addon of a package from its src/native into build/<platform>-<arch>/ (CC names another compiler, CC=none does without, CFLAGS adds
 * flags). The libraries that it opens at run time need not be there. Without a C compiler it prints one line and succeeds: who asks for the addon
 * is then told what is missing (device-kit's load-addon.ts).
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { changed, compile, files, newest } from "./build.mjs";

/** What libraries of several packages share: the layout of commands, calls from Node. */
const kit = fileURLToPath(new URL(".", import.meta.url));

/**
 * @param {{ root: string, nodeApi: string, file: string, platforms: Record<string, string> }} addon
 * nodeApi: the folder of node_api.h; platforms: those it is for, with their names.
 */
export async function buildAddon({ root, nodeApi, file, platforms }) {
  const name = basename(root);
  const compiler = process.env.CC ?? "cc";
  if (!(process.platform in platforms))
    return console.log(`[${name}] the native library is for ${Object.values(platforms).join(" and ")}: not built.`);
  if (!works(compiler))
    return console.log(`[${name}] expected a C compiler (${compiler}), found none that works: not built.`);
  const sources = join(root, "src", "native");
  const own = files(sources, ".c");
  const headers = [...files(sources, ".h"), ...files(kit, ".h"), fileURLToPath(import.meta.url)];
  const out = join(root, "build", `${process.platform}-${process.arch}`);
  const library = join(out, file);
  if (changed(library) >= newest([...own, ...headers])) return;
  mkdirSync(out, { recursive: true });
  const temporary = `${library}.${process.pid}`;
  const flags = ["-std=gnu11", "-O3", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared"];
  const includes = [sources, kit, nodeApi].flatMap((folder) => ["-I", folder]);
  const added = (process.env.CFLAGS ?? "").split(/\s+/).filter(Boolean);
  const link = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : ["-ldl"];
  try {
    await compile(
      compiler,
      [...flags, ...includes, ...added, ...own, "-lpthread", ...link, "-o", temporary],
      "compiling failed",
    );
  } catch (error) {
    console.error(`[${name}] ${error.message.trimEnd()}`);
    process.exitCode = 1;
    return;
  }
  renameSync(temporary, library);
  console.log(`[${name}] native library built: ${compiler}`);
}

function works(compiler) {
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
