/**
 * `npm run check:native`: what `npm test` cannot say about the C library. Its tests run again under AddressSanitizer and
 * UndefinedBehaviorSanitizer, and with the arm64 build in an emulator (arm64 kernels on an x64 machine); the error bounds of simd/math.h
 * are measured. `npm run check:musl`: with the build for musl, in a process of its own. A check without its tools is skipped, with the reason.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { step } from "../../../tooling/scripts/steps.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const build = [process.execPath, join(root, "scripts", "build-native.mjs")];
const vitest = [process.execPath, "node_modules/vitest/vitest.mjs", "run"];
const kernels = ["conformance", "map", "capture", "poison", "memory"].map(
  (name) => `packages/backend-cpu/test/native-${name}`,
);
const models = ["packages/backend-cpu/test/fused", "packages/modernbert/test/golden.test.ts"];
/** Every 20011th float: a sample in seconds (a prime, so that all exponents and endings occur). */
const stride = "20011";

if (process.argv[2] === "musl") musl();
else {
  sanitizers();
  arm64();
  simdMath("simd/math.h, this machine's vectors", ["cc", "-march=native"], []);
}

function sanitizers() {
  const title = "sanitizers";
  const asan = output("cc", ["-print-file-name=libasan.so"]);
  if (process.platform !== "linux" || !asan?.startsWith("/")) return skip(title, "cc has no libasan.so for LD_PRELOAD");
  const out = join(root, "build", "sanitized");
  const library = join(out, "modernbert_cpu.node");
  const flags =
    "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g -DMB_POISON_SCRATCH";
  step(`${title}: build`, [...build, "--out", out], { env: { CC: "cc", CFLAGS: flags } });
  const env = {
    MODERNBERT_CPU_LIBRARY: library,
    LD_PRELOAD: asan,
    ASAN_OPTIONS: "detect_leaks=0,allocator_may_return_null=1",
  };
  expectUseAfterFreeToBeCaught(library, env);
  const others = ["process", "stream", "submit", "large"].map((name) => `packages/backend-cpu/test/native-${name}`);
  step(`${title}: tests`, [...vitest, ...kernels, ...others, ...models], { env });
}

/** A run under sanitizers proves nothing if they do not watch. */
function expectUseAfterFreeToBeCaught(library, env) {
  const code = `
    const library = require(${JSON.stringify(library)});
    const stream = library.createStream(1, 0);
    const memory = library.allocate(stream, 64);
    library.destroyStream(stream);
    library.copyOut(Buffer.alloc(64), memory);
  `;
  const { stderr } = spawnSync(process.execPath, ["-e", code], { env: { ...process.env, ...env }, encoding: "utf8" });
  if (!stderr.includes("heap-use-after-free"))
    throw new Error(`expected the sanitizer to catch a use after free: ${stderr}`);
}

function arm64() {
  const title = "NEON in an emulator";
  if (process.arch === "arm64") return skip(title, "this machine is arm64: npm test runs NEON");
  const compiler = "aarch64-linux-gnu-gcc";
  for (const tool of [compiler, "qemu-aarch64"])
    if (output(tool, ["--version"]) === undefined)
      return skip(title, `no ${tool} (apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)`);
  const emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"];
  served(title, "linux-arm64", compiler, { TARGET_ARCH: "arm64" }, emulator);
  simdMath("simd/math.h, NEON", [compiler, "-static"], emulator);
}

/** The smaller stacks of its threads and its own mathematics. */
function musl() {
  const title = "musl";
  const compiler = "musl-gcc";
  if (process.platform !== "linux" || output(compiler, ["--version"]) === undefined)
    return skip(title, `no ${compiler} (apt-get install musl-tools)`);
  const target = `linux-${process.arch}-musl`;
  served(title, target, compiler, { TARGET_LIBC: "musl" });
  const env = { TARGET_LIBC: "musl" };
  step(`${title}: package`, [process.execPath, join(root, "scripts", "platform-package.mjs")], { env });
}

/** Builds the library of a target that Node cannot load here, and runs its tests with the library in a process of its own. */
function served(title, target, compiler, env, emulator = []) {
  const out = join(root, "build", target);
  const serve = join(out, "serve");
  step(`${title}: build`, build, { env: { CC: compiler, ...env } });
  step(`${title}: server`, [compiler, "-O1", "-Wall", "-Wextra", join(root, "check", "serve.c"), "-ldl", "-o", serve]);
  const config = ["--config", join(root, "check", "vitest.emulated.config.ts")];
  step(`${title}: tests`, [...vitest, ...config, ...kernels, ...models], {
    env: {
      MODERNBERT_CPU_LIBRARY: join(out, "modernbert_cpu.node"),
      MODERNBERT_CPU_EMULATOR: [...emulator, serve].join(" "),
    },
  });
}

function simdMath(title, compiler, emulator) {
  if (output(compiler[0], ["--version"]) === undefined) return skip(title, `no ${compiler[0]}`);
  const program = join(root, "build", `simd_math-${compiler[0]}`);
  const flags = ["-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-Wno-psabi"];
  const source = [
    "-I",
    join(root, "src", "engines", "native", "c"),
    join(root, "check", "simd_math.c"),
    "-o",
    program,
    "-lm",
  ];
  step(`${title}: build`, [...compiler, ...flags, ...source]);
  step(title, [...emulator, program, stride]);
}

function skip(title, reason) {
  console.log(`\n▸ ${title}\n  skipped: ${reason}`);
}

/** What a program prints; undefined when it cannot run. */
function output(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
