/**
 * Runs a recipe from its data to its numbers; what an earlier call finished is not done again, and what it began goes on. From the root of the
 * repository, once it is built: node apps/trainer/recipes/run.mjs tags | spam | spam-512 | definitions
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const here = "apps/trainer/recipes";
const main = "apps/trainer/dist/main.js";

const script = (path, makes) => ({ makes, command: [`${here}/${path}`] });
const train = (name) => ({
  makes: `runs/${name}/model`,
  command: [main, "run", `${here}/${name}.yaml`, "--resume", "auto"],
});
const brown = [script("brown/data.mjs", "runs/brown/data/tags-validation.jsonl"), train("brown/pretrain")];
const mixed = [
  script("mixed/data.mjs", "runs/mixed/texts"),
  {
    makes: "runs/mixed/data",
    command: [main, "prepare", "runs/mixed/texts", "--output", "runs/mixed/data", "--tokenizer", "train"].concat([
      "--vocab-size",
      "4096",
      "--validation",
      "0.01",
    ]),
  },
  train("mixed/pretrain"),
];
const recipes = {
  tags: [...brown, train("brown/tags")],
  spam: [...mixed, train("mixed/spam"), script("mixed/tf-idf.mjs")],
  "spam-512": [...mixed, train("mixed/spam-512"), script("mixed/tf-idf.mjs")],
  definitions: [
    ...mixed,
    train("mixed/definitions"),
    { command: [main, "retrieval", "runs/mixed/definitions/model", "runs/mixed/records/retrieval"] },
  ],
};

const steps = recipes[process.argv[2]];
if (!steps) {
  process.stderr.write(`expected a recipe of ${Object.keys(recipes).join(", ")}, got ${process.argv[2] ?? "none"}\n`);
  process.exit(2);
}
for (const { makes, command } of steps) {
  if (makes && existsSync(makes)) {
    process.stderr.write(`${makes} is there\n`);
    continue;
  }
  process.stderr.write(`node ${command.join(" ")}\n`);
  const { status } = spawnSync(process.execPath, command, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
