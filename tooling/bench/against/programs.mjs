/** What is timed of a checkout, through the programs that it builds: those stay when the packages under them change. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lengthsOf, sum } from "../cases.mjs";
import { median } from "../report.mjs";

/** @typedef {{ milliseconds: number, device: string }} Round of one forward pass or step */
/** @typedef {{ name: string, root: string, scratch: string, backend: string }} Checkout */

const programs = { cli: "apps/cli/dist/main.js", trainer: "apps/trainer/dist/main.js" };

/** A checkout that can be run. @throws where it is no checkout of this project, or was not built */
export function openCheckout(name, folder, scratch, backend) {
  const root = existsSync(folder) ? realpathSync(folder) : folder;
  if (!existsSync(join(root, "apps/cli/package.json")))
    throw new Error(`[bench] expected a checkout of this project in ${folder}, found none`);
  const missing = Object.values(programs).find((path) => !existsSync(join(root, path)));
  if (missing) throw new Error(`[bench] expected ${join(root, missing)}, got none: build that checkout first`);
  mkdirSync(join(scratch, name), { recursive: true });
  return { name, root, scratch: join(scratch, name), backend };
}

/** One forward pass of the base shape: `BxL` or `mixed`. */
export function forwardRound(checkout, text) {
  return measured(checkout, ["--shape", "base", ...batchOptions(text)], sum(lengthsOf(text)) < 64 ? 20 : 3);
}

/** One training step of a model with the full vocabulary: `SHAPE@BxL`. */
export function stepRound(checkout, text) {
  const [shape, batch = ""] = text.split("@");
  return measured(checkout, ["--train", "--shape", shape, ...batchOptions(batch)], 2);
}

/** A step of the whole loop, with its loader and optimizer: the median over a run of the trainer. */
export async function loopRound(checkout) {
  const { scratch, backend } = checkout;
  const [data, config] = ["data", "config.yaml"].map((name) => join(scratch, name));
  if (!existsSync(config)) {
    writeFileSync(join(scratch, "texts.txt"), texts());
    await run(checkout, programs.trainer, ["prepare", "texts.txt", "--split", "blank-line", "--output", data]);
    writeFileSync(config, loopConfig);
  }
  const output = join(scratch, `run-${++loops}`);
  const settings = [`output=${output}`, `data.path=${data}`].flatMap((setting) => ["--set", setting]);
  await run(checkout, programs.trainer, ["run", config, "--backend", backend, ...settings]);
  const lines = readFileSync(join(output, "metrics.jsonl"), "utf8").trim().split("\n");
  const steps = lines.map((line) => JSON.parse(line)).filter((event) => event.kind === "step");
  const { backend: device, tokensPerStep } = JSON.parse(readFileSync(join(output, "run.json"), "utf8"));
  const speed = median(steps.slice(warmSteps).map((event) => event.tokensPerSecond));
  return { milliseconds: (1000 * tokensPerStep) / speed, device };
}

let loops = 0;
const warmSteps = 3;

const loopConfig = `data: { path: data, max_length: 256 }
model: { preset: 17m, num_hidden_layers: 3, hidden_size: 192, num_attention_heads: 3, intermediate_size: 288 }
batch: { micro_batch_tokens: 1024, micro_batches: 2 }
length: 20k tokens
evaluation: { every: 1M tokens }
checkpoints: { every: 1M tokens }
`;

/** Documents of words that follow from their place alone. */
function texts() {
  const words =
    "the of and to in is was for on that with as it be by at from his they are which one had not but what all".split(
      " ",
    );
  let state = 1;
  const next = (below) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * below;
  const document = () => Array.from({ length: 40 + next(400) }, () => words[Math.floor(next(words.length))]).join(" ");
  return Array.from({ length: 200 }, document).join("\n\n");
}

function batchOptions(text) {
  const lengths = lengthsOf(text);
  return ["--batch", `${lengths.length}`, "--length", lengths.join(",")];
}

async function measured(checkout, options, runs) {
  const times = ["--warmup", "1", "--runs", `${runs}`, "--backend", checkout.backend, "--json"];
  const { medianMs, device } = JSON.parse(await run(checkout, programs.cli, ["bench", ...options, ...times]));
  return { milliseconds: medianMs, device };
}

/** What the program printed. @throws with its own error when it fails */
async function run({ root, scratch }, program, args) {
  const child = spawn(process.execPath, [join(root, program), ...args], {
    cwd: scratch,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name].setEncoding("utf8").on("data", (text) => (printed[name] += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code === 0) return printed.stdout;
  const lines = printed.stderr.trim().split("\n");
  const why = lines.find((line) => line.startsWith("error")) ?? lines.at(-1);
  throw new Error(`[bench] expected ${join(root, program)} ${args.join(" ")} to succeed, got status ${code}: ${why}`);
}
