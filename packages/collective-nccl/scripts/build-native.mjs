/**
 * Compiles the native library into build/<platform>-<arch>/ (CC names another compiler, CC=none does without, CFLAGS adds flags). NCCL need not be
 * there: its library is opened at run time. Without a C compiler it prints one line and succeeds: joinNccl then says what is missing.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { changed, compile, files, newest } from "@modernbert-ts/device-kit/native/build.mjs";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../", import.meta.url));
const sources = join(root, "src", "native");
/** What libraries of several packages share: the layout of commands, calls from Node. */
const kit = join(dirname(require.resolve("@modernbert-ts/device-kit/package.json")), "native");
const out = join(root, "build", `${process.platform}-${process.arch}`);

await main().catch((error) => {
  console.error(`[collective-nccl] ${error.message.trimEnd()}`);
  process.exitCode = 1;
});

async function main() {
  if (process.platform !== "linux") return console.log("[collective-nccl] the native library is for Linux: not built.");
  const compiler = process.env.CC ?? "cc";
  if (!works(compiler))
    return console.log(`[collective-nccl] expected a C compiler (${compiler}), found none that works: not built.`);
  const own = files(sources, ".c");
  const headers = [...files(sources, ".h"), ...files(kit, ".h"), fileURLToPath(import.meta.url)];
  const library = join(out, "modernbert_nccl.node");
  if (changed(library) >= newest([...own, ...headers])) return;
  mkdirSync(out, { recursive: true });
  const temporary = `${library}.${process.pid}`;
  const flags = ["-std=gnu11", "-O3", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared"];
  const includes = [sources, kit, require("node-api-headers").include_dir].flatMap((folder) => ["-I", folder]);
  const added = (process.env.CFLAGS ?? "").split(/\s+/).filter(Boolean);
  await compile(
    compiler,
    [...flags, ...includes, ...added, ...own, "-lpthread", "-ldl", "-o", temporary],
    "compiling failed",
  );
  renameSync(temporary, library);
  console.log(`[collective-nccl] native library built: ${compiler}`);
}

function works(compiler) {
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
