/**
 * Forward pass in Chromium: ours beside onnxruntime-web, each on WebGPU (the same adapter) and on WebAssembly (as many threads), same
 * weights, numbers compared first. The adapter is the software one unless BENCH_GPU=1, which takes the machine's GPU.
 */
import { spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createBackend } from "../../packages/backends/dist/index.js";
import { initialiseParameters, ModernBert } from "../../packages/modernbert/dist/index.js";
import { saveModel } from "../../packages/modernbert/dist/node.js";
import { Runtime } from "../../packages/tensor-core/dist/index.js";
import { lengthsOf, sum } from "./cases.mjs";
import { writeModernBertOnnx } from "./onnx/modernbert.mjs";
import { machine, median, show, table } from "./report.mjs";
import { forwardFlops, shapeConfig } from "./shapes.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const peersFolder = join(here, "peers-web");
const ortFolder = join(peersFolder, "node_modules/onnxruntime-web/dist");
/** Vite and playwright-core are the playground's. */
const playgroundModules = join(here, "../../apps/playground/node_modules");
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hardware = process.env.BENCH_GPU === "1";
const gpuFlags = hardware
  ? ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-angle=vulkan", "--ignore-gpu-blocklist"]
  : ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
const peers = {
  "onnxruntime-web WebGPU": ["ort.webgpu.min.mjs", "webgpu"],
  "onnxruntime-web WASM": ["ort.wasm.min.mjs", "wasm"],
};
const mostError = 1e-3;

/** @param {{ shape?: string, cases?: string[], rounds?: number }} options */
export async function run({ shape = "4x256x4x384", cases = ["4x64"], rounds = 7 } = {}) {
  if (!existsSync(chromium))
    throw new Error(`[bench] expected Chromium at ${chromium}: apt-get install chromium, or name it in CHROMIUM`);
  installPeers();
  const work = mkdtempSync(join(tmpdir(), "modernbert-bench-"));
  const { chromium: launcher } = await import(pathToFileURL(join(playgroundModules, "playwright-core/index.mjs")).href);
  const config = shapeConfig(shape);
  await writeWeights(config, join(work, "model"));
  await buildPage(join(work, "page"));
  const server = await serve({ "/model/": join(work, "model"), "/ort/": ortFolder, "/": join(work, "page") });
  const browser = await launcher.launch({
    executablePath: chromium,
    args: [
      "--no-sandbox",
      "--no-first-run",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...gpuFlags,
    ],
  });
  try {
    const rows = [];
    for (const text of cases) {
      const lengths = lengthsOf(text);
      const page = await browser.newPage();
      await page.goto(server.url);
      await page.waitForFunction(() => "bench" in globalThis);
      const found = await page.evaluate((task) => globalThis.bench(task), {
        name: text,
        rounds,
        threads: availableParallelism(),
        peers,
      });
      await page.close();
      for (const [name, error] of Object.entries(found.errors)) {
        if (!(error < mostError)) throw new Error(`[bench] ${name} and ours disagree at ${text}: ${error}`);
      }
      rows.push({
        case: text,
        flops: sum(lengths.map((length) => forwardFlops(config, length))),
        tokens: sum(lengths),
        ...found,
      });
    }
    return { shape, rounds, machine: machine(), device: rows[0].device, rows, text: report(rows, shape, rounds) };
  } finally {
    await browser.close();
    server.close();
    rmSync(work, { recursive: true, force: true });
  }
}

function report(rows, shape, rounds) {
  const [webgpu, wasm] = Object.keys(peers);
  const pairs = [
    ["ours", webgpu],
    ["ours WASM", wasm],
  ];
  const header = ["case", "ours WebGPU", webgpu, "ratio", "ours WASM", wasm, "ratio", "% of WebGPU peak", "error"];
  const cells = rows.map((row) => [
    row.case,
    ...pairs.flatMap(([ours, peer]) => [
      show(speed(row, ours)),
      show(speed(row, peer)),
      show(speed(row, ours) / speed(row, peer), 2),
    ]),
    show((100 * row.flops) / (median(row.times.ours) / 1000) / row.fmaPeak, 1),
    Math.max(...Object.values(row.errors)).toExponential(1),
  ]);
  return [
    `${machine()}; ${rows[0].device}; shape ${shape}, f32; medians of ${rounds} rounds in alternation, tokens per second.`,
    `The adapter's f32 multiply-add peak, measured: ${show(rows[0].fmaPeak / 1e9, 1)} GFLOP/s. Ours per forward:`,
    ...rows.map(describeCounts),
    ...rows.flatMap((row) =>
      Object.entries(row.reasons).map(([name, reason]) => `${row.case} without ${name}: ${reason}`),
    ),
    "",
    table(header, cells),
  ].join("\n");
}

function describeCounts({ case: name, counts }) {
  const { dispatches, passes, bytesMoved, bytesUploaded, bytesRead } = counts;
  const transfers = `${kilobytes(bytesUploaded)} to the device, ${kilobytes(bytesRead)} back`;
  return `${name}: ${dispatches} dispatches in ${passes} pass${passes === 1 ? "" : "es"}, ${kilobytes(bytesMoved)} read and written by kernels, ${transfers}.`;
}

function kilobytes(bytes) {
  return `${show(bytes / 1000)} kB`;
}

function speed({ times, tokens }, name) {
  return times[name] && tokens / (median(times[name]) / 1000);
}

function installPeers() {
  if (existsSync(ortFolder)) return;
  console.error("installing onnxruntime-web for the comparison (about 150 MB)");
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  const { status } = spawnSync("npm", args, { cwd: peersFolder, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error("[bench] onnxruntime-web could not be installed");
}

/** The same random weights as a model folder for us and as ONNX for the peers. */
async function writeWeights(config, folder) {
  const { backend } = await createBackend("cpu");
  const runtime = new Runtime(backend);
  const parameters = initialiseParameters(runtime, config, "none", { seed: 1 });
  await saveModel(folder, new ModernBert({ runtime, config, head: "none", parameters }));
  const host = new Map();
  for (const [name, tensor] of parameters) host.set(name, await tensor.read());
  writeModernBertOnnx(folder, { ...config, heads: config.numHeads, eps: config.normEps }, (name) => host.get(name));
  await backend[Symbol.asyncDispose]();
}

async function buildPage(outDir) {
  const { build } = await import(pathToFileURL(join(playgroundModules, "vite/dist/node/index.js")).href);
  await build({
    root: join(here, "browser"),
    configFile: false,
    logLevel: "error",
    build: { outDir, target: "es2022" },
  });
}

/** Folders by path prefix, isolated from other origins so that onnxruntime may use threads. */
async function serve(folders) {
  const types = { html: "text/html", js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://x").pathname.replace(/\/$/, "/index.html");
    const prefix = Object.keys(folders).find((each) => path.startsWith(each));
    const file = join(folders[prefix], path.slice(prefix.length));
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": types[file.split(".").at(-1)] ?? "application/octet-stream",
      "content-length": statSync(file).size,
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
