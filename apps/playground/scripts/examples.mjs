/**
 * Puts example models into public/examples, from where the page offers them; the next build takes them along. Without arguments they are
 * trained: parts of speech and masked words of the Brown corpus, some minutes on two cores (recipes/run.mjs of the trainer; what
 * is trained already is not trained again). With folders these models are taken as they are.
 * From the root of the repository, once it is built: npx -y pnpm@12 --filter playground examples [FOLDER …]
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const app = fileURLToPath(new URL("../", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));
const output = join(process.env["PLAYGROUND_PUBLIC"] ?? join(app, "public"), "examples");
const needed = ["config.json", "model.safetensors", "tokenizer.json"];
const files = [...needed, "tokenizer_config.json", "special_tokens_map.json"];

const given = process.argv.slice(2).map((folder) => {
  const from = resolve(process.env["INIT_CWD"] ?? ".", folder);
  return { from, title: basename(from), about: "A model that this page was built with" };
});
const models = given.length > 0 ? given : trained();

rmSync(output, { recursive: true, force: true });
const list = models.map(({ from, title, about }) => {
  const missing = needed.find((name) => !existsSync(join(from, name)));
  if (missing) fail(`expected a model in ${from}, got no ${missing}`);
  const folder = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  mkdirSync(join(output, folder), { recursive: true });
  for (const name of files)
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(output, folder, name));
  const megabytes = statSync(join(from, "model.safetensors")).size / 1e6;
  return { folder, title, about: `${about} (${megabytes.toFixed(1)} MB)` };
});
writeFileSync(join(output, "examples.json"), `${JSON.stringify(list, null, 2)}\n`);
process.stdout.write(list.map(({ title, about }) => `${title}: ${about}\n`).join(""));

function trained() {
  const { status } = spawnSync(process.execPath, ["apps/trainer/recipes/run.mjs", "tags"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) fail("the examples could not be trained; see above");
  const runs = join(root, "runs/brown");
  const size = (name) => count(JSON.parse(readFileSync(join(runs, name, "run.json"), "utf8")).parameters);
  return [
    {
      from: join(runs, "pretrain/model"),
      title: "Missing words",
      about: `A masked language model${size("pretrain")}, trained for minutes on a million words of 1961: it guesses, it knows little`,
    },
    {
      from: join(runs, "tags/model"),
      title: "Parts of speech",
      about: `The same model${size("tags")}, taught to name the part of speech of each word`,
    },
  ];
}

function count(parameters) {
  return typeof parameters === "number" ? ` of ${(parameters / 1e6).toFixed(1)} M parameters` : "";
}

function fail(message) {
  process.stderr.write(`examples: ${message}\n`);
  process.exit(1);
}
