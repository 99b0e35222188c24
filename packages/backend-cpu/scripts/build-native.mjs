/**
 * Compiles the native engine with the system's C compiler into build/<target>/ (target.mjs).
 *
 * Kernel files are compiled once per instruction set, the runtime once; objects are kept, and only what changed is compiled again.
 * CC names another compiler (a cross compiler with TARGET_ARCH=arm64, TARGET_PLATFORM=win32, TARGET_LIBC=musl), CFLAGS adds flags, `--out DIR` builds
 * elsewhere (for sanitizers: src/engines/native/README.md). Without a compiler it prints one line and succeeds: the package then runs its TypeScript
 * engine.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import {
  changed,
  compile,
  files,
  inParallel,
  newest,
  writeScalarFunctions,
} from "@modernbert-ts/device-kit/native/build.mjs";
import { copyNodeHeaders, nodeImports } from "./node-api.mjs";
import { arch, platform, target } from "./target.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../", import.meta.url));
const sources = join(root, "src", "engines", "native", "c");
/** Compiled once; every other room holds kernels, compiled once per instruction set. */
const runtime = join(sources, "runtime");
const generated = join(root, "generated");
/** The door to Node, which libraries of several backends share. */
const kit = join(dirname(createRequire(import.meta.url).resolve("@modernbert-ts/device-kit/package.json")), "native");

const words = (text) => text.split(/\s+/).filter(Boolean);

const avx512 = words(
  "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mtune=skylake-avx512 -mprefer-vector-width=512",
);
const instructionSets = {
  x64: {
    baseline: [],
    avx2: words("-mavx2 -mfma -mf16c -mtune=haswell"),
    avx512,
    amx: [...avx512, ...words("-mamx-tile -mamx-bf16 -mamx-int8")],
  },
  arm64: { neon: [] },
};
const pic = platform === "win32" ? [] : ["-fPIC"];
const common = words("-std=gnu11 -O3 -fvisibility=hidden -fno-math-errno -fno-trapping-math -ffp-contract=fast");
const failed = "compiling the native engine failed (CC names another compiler, CC=none does without)";
const warnings = words("-Wall -Wextra -Werror=implicit-function-declaration -Wno-unknown-pragmas -Wno-psabi");

await main().catch((error) => {
  console.error(`[backend-cpu] ${error.message.trimEnd()}`);
  process.exitCode = 1;
});

async function main() {
  const compiler = await findCompiler();
  if (compiler === undefined) {
    console.log(
      "[backend-cpu] no working C compiler found (cc, gcc, clang or $CC): the native engine is not built, the WebAssembly engine will be used.",
    );
    return;
  }
  const sets = await supportedSets(compiler, instructionSets[arch] ?? { baseline: [] });
  const { values: options } = parseArgs({ options: { out: { type: "string" } } });
  const out = options.out ?? join(root, "build", target);
  mkdirSync(join(out, "objects"), { recursive: true });
  await writeScalarFunctions(generated, "c");
  copyNodeHeaders(generated);

  const oldGlibc = ["-include", join(runtime, "glibc.h")];
  const flags = [
    ...common,
    ...pic,
    ...warnings,
    ...oldGlibc,
    "-I",
    sources,
    "-I",
    kit,
    "-I",
    generated,
    "-I",
    join(generated, "node_api"),
    ...words(process.env.CFLAGS ?? ""),
  ];
  const stamp = createHash("sha256")
    .update([compiler, ...flags, readFileSync(fileURLToPath(import.meta.url))].join(" "))
    .digest("hex")
    .slice(0, 12);
  const kernels = files(sources, ".c").filter((source) => dirname(source) !== runtime);
  const headers = newest([...files(sources, ".h"), ...files(kit, ".h"), ...files(generated, ".h")]);
  const kernelHeaders = newest([
    ...files(sources, ".h").filter((header) => dirname(header) !== runtime),
    ...files(kit, ".h"),
    ...files(generated, ".h"),
  ]);
  const jobs = [
    ...[...files(runtime, ".c"), ...files(kit, ".c")].map((source) => ({ source, set: "runtime", isa: [] })),
    ...Object.entries(sets).flatMap(([set, isa]) =>
      kernels.map((source) => ({ source, set, isa: [...isa, `-DMB_ISA=${set}`] })),
    ),
  ];
  const definitions = Object.keys(sets).map((set) => `-DMB_HAVE_${set.toUpperCase()}`);
  const objects = jobs.map(({ source, set }) => {
    const name = relative(source.startsWith(kit) ? kit : sources, source)
      .replace(/\.c$/, "")
      .replaceAll(sep, "-");
    return join(out, "objects", `${name}-${set}-${stamp}.o`);
  });
  const stale = jobs.flatMap((job, at) =>
    changed(objects[at]) < Math.max(changed(job.source), job.set === "runtime" ? headers : kernelHeaders)
      ? [{ ...job, object: objects[at] }]
      : [],
  );
  const library = join(out, "modernbert_cpu.node");
  if (stale.length === 0 && changed(library) >= newest(objects)) return;

  await inParallel(stale, async ({ source, isa, object }) => {
    const temporary = `${object}.${process.pid}`;
    await compile(compiler, [...flags, ...isa, ...definitions, "-c", source, "-o", temporary], failed);
    renameSync(temporary, object);
  });
  const temporary = `${library}.${process.pid}`;
  // Node's functions are found in the process that loads the library. Windows: by an import library, and the thread library goes inside.
  const link = {
    win32: ["-static"],
    linux: ["-Wl,-z,noexecstack", "-Wl,-z,lazy"],
    darwin: ["-undefined", "dynamic_lookup"],
  }[platform];
  await compile(
    compiler,
    [
      ...flags,
      "-shared",
      ...objects,
      ...(platform === "win32" ? [await nodeImports(generated, out)] : []),
      ...(link ?? []),
      "-lpthread",
      "-lm",
      "-o",
      temporary,
    ],
    failed,
  );
  renameSync(temporary, library);
  for (const old of files(join(out, "objects"), ".o")) if (!objects.includes(old)) rmSync(old);
  console.log(
    `[backend-cpu] native engine built: ${compiler}, ${Object.keys(sets).join(" ")}, ${stale.length} files compiled`,
  );
}

/** The first compiler that can make a shared library with threads (some systems have one without headers). */
async function findCompiler() {
  if (process.env.CC === "none") return undefined;
  const folder = mkdtempSync(join(tmpdir(), "modernbert-cc-"));
  const probe = join(folder, "probe.c");
  writeFileSync(probe, "#include <pthread.h>\n#include <math.h>\nint probe(void) { return pthread_self() != 0; }\n");
  try {
    for (const candidate of process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"]) {
      try {
        await run(candidate, ["-shared", ...pic, probe, "-lpthread", "-lm", "-o", join(folder, "probe")]);
        return candidate;
      } catch (error) {
        if (process.env.CC)
          throw new Error(`CC=${candidate} does not work: ${error.stderr || error.message}`, { cause: error });
      }
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Without the sets whose flags the compiler does not know (AMX: gcc 11, clang 12). */
async function supportedSets(compiler, sets) {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-cc-"));
  const empty = join(folder, "empty.c");
  writeFileSync(empty, "typedef int nothing;\n");
  const known = async (flags) =>
    run(compiler, [...flags, "-c", empty, "-o", join(folder, "empty.o")]).then(
      () => true,
      () => false,
    );
  try {
    const entries = [];
    for (const [set, flags] of Object.entries(sets)) {
      if (await known(flags)) entries.push([set, flags]);
      else console.log(`[backend-cpu] ${compiler} does not know ${flags.join(" ")}: no kernels for ${set}`);
    }
    return Object.fromEntries(entries);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
